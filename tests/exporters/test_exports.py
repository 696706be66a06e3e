"""What `anchorwatch export` writes for Prometheus and Alertmanager, checked by their own tools."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
import yaml
from tests.exporters.material import tool
from typer.testing import CliRunner

from anchorwatch.app.exports import Receivers, Site, Watched, alertmanager_files, prometheus_files
from anchorwatch.cli.main import app
from anchorwatch.core.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

MODELS = (
    Watched("fares", 3600.0, "mae"),
    Watched("Late.v2_x-1", 86_400.0, "roc_auc"),
    Watched("monthly", 30 * 86_400.0, "accuracy"),
)


def run(folder: Path, program: str, *arguments: str) -> str:
    """What a tool says in a folder; it must be content."""
    done = subprocess.run(
        [tool(program), *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def write(folder: Path, files: dict[str, str]) -> Path:
    """Files in a folder."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize("models", [MODELS, ()], ids=["models", "none"])
def test_promtool_passes_configuration_rules_and_tests(tmp_path: Path, models: tuple[Watched, ...]) -> None:
    """`promtool check config`, `check rules` and `test rules` are content, with models and without."""
    token = tmp_path / "token"
    token.write_text("secret")
    write(tmp_path, prometheus_files(models, Site(token_file=str(token))))
    assert "valid prometheus config" in run(tmp_path, "promtool", "check", "config", "prometheus.yml")
    rules = run(tmp_path, "promtool", "check", "rules", "anchorwatch.rules.yml")
    assert f"{11 + 3 * len(models)} rules found" in rules
    assert "SUCCESS" in run(tmp_path, "promtool", "test", "rules", "anchorwatch.rules.test.yml")


def test_the_generated_tests_can_fail(tmp_path: Path) -> None:
    """A rule that says something else is found by the tests that are written beside it."""
    files = prometheus_files(MODELS, Site())
    files["anchorwatch.rules.yml"] = files["anchorwatch.rules.yml"].replace("< 0.5", "< 0.1")
    write(tmp_path, files)
    done = subprocess.run(
        [tool("promtool"), "test", "rules", "anchorwatch.rules.test.yml"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert done.returncode != 0


def test_every_alert_is_tested_both_ways() -> None:
    """Each alert has a case in which it fires and one in which it does not."""
    files = prometheus_files(MODELS, Site())
    groups = yaml.safe_load(files["anchorwatch.rules.yml"])["groups"]
    alerts = {rule["alert"] for group in groups for rule in group["rules"] if "alert" in rule}
    tested: dict[str, set[bool]] = {name: set() for name in alerts}
    for case in yaml.safe_load(files["anchorwatch.rules.test.yml"])["tests"]:
        for asked in case["promql_expr_test"]:
            for name in alerts:
                if f'"{name}"' in asked["expr"]:
                    tested[name].add(bool(asked["exp_samples"]))
    assert tested == {key: {True, False} for key in alerts}


@pytest.mark.parametrize("mail", ["", "ada@example.org"])
def test_amtool_passes_the_configuration(tmp_path: Path, mail: str) -> None:
    """`amtool check-config` is content, with mail and without."""
    write(tmp_path, alertmanager_files(Receivers(mail_to=mail)))
    said = run(tmp_path, "amtool", "check-config", "alertmanager.yml")
    assert "2 receivers" in said
    for severity, receiver in (("page", "on-call"), ("warn", "everybody")):
        routed = run(
            tmp_path,
            "amtool",
            "config",
            "routes",
            "test",
            "--config.file=alertmanager.yml",
            f"severity={severity}",
        )
        assert routed.splitlines()[0] == receiver


def test_no_token_is_written() -> None:
    """Only where it is read from; and a server that cannot be one is refused."""
    text = "".join(prometheus_files(MODELS, Site(token_file="/run/secrets/token")).values())
    assert "credentials_file: /run/secrets/token" in text
    with pytest.raises(ConfigError, match="http://host:8321"):
        prometheus_files(MODELS, Site(server="localhost:8321"))


def test_the_command_writes_for_the_models_of_the_store(store: Path, tmp_path: Path) -> None:
    """`anchorwatch export` names each file it wrote; alerts are there for each model of the ledger."""
    for verb, more in (
        ("prometheus", ["--store", str(store), "--server", "https://watch.example.org/aw"]),
        ("alertmanager", []),
        ("grafana", []),
    ):
        done = CliRunner().invoke(app, ["export", verb, "--to", str(tmp_path / verb), *more])
        assert done.exit_code == 0, done.output
        written = [line for line in done.output.split() if line]
        assert written
        assert all(
            (tmp_path / verb) in map(type(tmp_path), [line, *type(tmp_path)(line).parents])
            for line in written
        )
    config = yaml.safe_load((tmp_path / "prometheus" / "prometheus.yml").read_text())
    (job,) = config["scrape_configs"]
    assert (job["scheme"], job["metrics_path"]) == ("https", "/aw/metrics")
    rules = (tmp_path / "prometheus" / "anchorwatch.rules.yml").read_text()
    assert 'model="fares"' in rules
    assert 'model="late"' in rules
    assert "https://watch.example.org/aw/models/late" in rules
