"""Help, exit codes, errors, and how little is imported for them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from tests.cli.conftest import run_in

from anchorwatch.cli.far import Far
from anchorwatch.cli.main import app
from anchorwatch.client.transport import TransportDown
from anchorwatch.core.errors import AnchorwatchError, ConflictError, DeniedError, InputError, UnknownError

ROOT = Path(__file__).parent.parent.parent
CONFIGS = ROOT / "tests" / "app" / "configs"
SCRIPTS = ROOT / "tests" / "scripts"
run = run_in(ROOT)

VERBS = [
    ["demo"], ["serve"], ["log"], ["apply"], ["check"], ["status"], ["compact"], ["retry-set-aside"],
    ["compare"], ["replay"],
    ["export"], ["export", "prometheus"], ["export", "alertmanager"], ["export", "grafana"],
    ["incidents"], ["incidents", "list"], ["incidents", "show"], ["incidents", "ack"], ["incidents", "silence"],
    ["incidents", "resolve"], ["rules"], ["rules", "test"], ["token"], ["token", "create"], ["token", "list"],
    ["token", "revoke"],
    ["notify"], ["notify", "test"], ["notify", "list"], ["notify", "retry"], ["routes"], ["routes", "test"],
    ["silence"], ["silence", "add"], ["silence", "list"], ["silence", "end"],
]  # fmt: skip


@pytest.mark.parametrize("verb", [[], *VERBS], ids=" ".join)
def test_every_verb_has_help_with_the_exit_codes(verb: list[str]) -> None:
    """What it does, and what it tells the shell."""
    result = run(*verb, "--help")
    assert result.exit_code == 0
    assert "Usage: " in result.stdout
    assert "Exit codes: 0 fine" in result.stdout


def test_every_verb_is_in_the_table_above() -> None:
    """A new verb is tested like the others."""
    from typer.main import get_command

    found = []
    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined]
        found.append([name])
        found += [[name, inner] for inner in getattr(command, "commands", {})]
    assert sorted(found) == sorted(VERBS)


def test_the_version_is_told() -> None:
    """Name and number, nothing else."""
    assert run("--version").stdout.split()[0] == "anchorwatch"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (
            ["status"],
            2,
            "which watch? give --store PATH or --url URL (or ANCHORWATCH_STORE, ANCHORWATCH_URL)",
        ),
        (
            ["status", "--store", "a", "--url", "http://b"],
            2,
            "--store and --url are two different watches; give one of them",
        ),
        (
            ["status", "--store", "nowhere"],
            3,
            "nowhere: there is no store; `anchorwatch apply` and `anchorwatch serve` make one",
        ),
        (
            ["status", "--url", "localhost:1"],
            2,
            "url: 'localhost:1' cannot be used; write http://host:8321 or https://host",
        ),
        (
            ["apply", "gone.yaml", "--store", "nowhere"],
            2,
            "gone.yaml: cannot be read: No such file or directory",
        ),
        (["check"], 2, "which file? give the path of a watch.yaml, or --schema"),
        (
            ["compact", "--url", "http://localhost:1"],
            2,
            "--url: this is done on the store itself; give --store PATH on its machine",
        ),
        (
            ["incidents", "silence", "1", "--store", "nowhere"],
            2,
            "for how long? give --for 2h or --until 2013-01-01T05:15:00Z",
        ),
        (
            ["incidents", "silence", "1", "--until", "tomorrow", "--store", "nowhere"],
            2,
            "--until: 'tomorrow' is no moment with a zone; write for example 2013-01-01T05:15:00Z",
        ),
        (
            ["log", "x.csv", "--model", "m", "--at", "2013-01-01", "--store", "nowhere"],
            2,
            "--at: '2013-01-01' has no zone; write for example 2013-01-01Z",
        ),
        (
            ["log", "x.csv", "--model", "m", "--timezone", "Mars", "--store", "nowhere"],
            2,
            "--timezone: 'Mars' is no IANA time zone, such as 'Europe/Paris'",
        ),
    ],
)
def test_an_error_is_one_line_and_an_exit_code(arguments: list[str], code: int, said: str) -> None:
    """On stderr, without a traceback."""
    result = run(*arguments)
    assert (result.exit_code, result.stderr, result.stdout) == (code, f"anchorwatch: {said}\n", "")


def test_a_server_that_is_away_exits_with_3() -> None:
    """For scripts that wait for it."""
    result = run("status", "--url", "http://127.0.0.1:1")
    assert result.exit_code == 3
    assert result.stderr.startswith("anchorwatch: http://127.0.0.1:1: ")


def test_the_environment_says_which_watch() -> None:
    """As options do, which win."""
    assert "nowhere: there is no store" in run("status", env={"ANCHORWATCH_STORE": "nowhere"}).stderr
    away = {"ANCHORWATCH_URL": "http://127.0.0.1:1"}
    assert run("status", env=away).exit_code == 3


def test_a_file_is_checked() -> None:
    """Fine with 0, wrong with 1 and the place; both as JSON too."""
    good, bad = str(CONFIGS / "good" / "everything.yaml"), str(CONFIGS / "bad" / "misspelt.yaml")
    result = run("check", good)
    assert (result.exit_code, result.stdout.splitlines()[0]) == (
        0,
        "flights: fine; binary, 3 columns, 17 rules",
    )
    assert json.loads(run("check", good, "--json").stdout)["ok"] is True
    wrong = run("check", bad)
    assert (wrong.exit_code, wrong.stderr) == (
        1,
        "anchorwatch: misspelt.yaml:5: models.flights.widnow: no setting is named 'widnow'; did you mean 'window'?\n",
    )
    told = json.loads(run("check", bad, "--json").stdout)
    assert (told["ok"], told["where"]) == (False, "misspelt.yaml:5")


def test_the_schema_agrees_with_what_is_read() -> None:
    """Good files are valid by it; misspelt keys are not."""
    jsonschema = pytest.importorskip("jsonschema_rs")
    from anchorwatch.app.yaml_source import read

    schema = json.loads(run("check", "--schema").stdout)
    validator = jsonschema.validator_for(schema)
    for path in (CONFIGS / "good").glob("*.yaml"):
        assert list(validator.iter_errors(read(path).value)) == [], path
    for name in (
        "misspelt",
        "unknown_task",
        "rule_key",
        "rule_two",
        "outcomes_key",
        "top_key",
        "rule_severity",
    ):
        assert not validator.is_valid(read(CONFIGS / "bad" / f"{name}.yaml").value), name


def test_rules_are_tried_and_what_differs_is_shown(tmp_path: Path) -> None:
    """Passing exits with 0; failing with 1 and a difference to read."""
    result = run("rules", "test", str(SCRIPTS / "thresholds.yaml"), str(SCRIPTS / "drift.yaml"))
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (0, "7 passed, 0 failed")
    file = tmp_path / "wrong.yaml"
    file.write_text(
        "model: {task: regression}\nrules: [{metric: mae, above: 60}]\ntests:\n"
        "  - name: one bad day\n    series: {mae: 20 61}\n    expect:\n"
        "      - {window: 2, findings: {mae above 60: ok}, incidents: {}}\n"
    )
    wrong = run("rules", "test", str(file))
    assert wrong.exit_code == 1
    assert wrong.stdout == (
        f"FAIL  {file}:4  one bad day\n"
        "      window 2\n"
        "        - mae above 60: ok\n"
        "        + mae above 60: breach    (Mean absolute error 61.0 is over its limit 60.0)\n"
        "        - incident performance: not firing\n"
        "        + incident performance: firing    (Mean absolute error 61.0 is over its limit 60.0)\n"
        "0 passed, 1 failed\n"
    )
    (told,) = json.loads(run("rules", "test", str(file), "--json").stdout)
    assert told["mismatches"][0]["expected"] == "ok"
    file.write_text("tests: 1")
    assert run("rules", "test", str(file)).exit_code == 2


def test_help_imports_nothing_heavy() -> None:
    """So that it answers at once: no frames, no numbers, no database, no web."""
    code = (
        "import sys; from anchorwatch.cli.main import app\n"
        "heavy = {'polars', 'numpy', 'scipy', 'sqlalchemy', 'fastapi', 'httpx', 'pydantic', 'yaml', 'deltalake'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_the_command_is_installed_and_its_errors_are_clean() -> None:
    """As from a shell: exit code, one line, no traceback."""
    command = str(Path(sys.executable).parent / "anchorwatch")
    ran = subprocess.run(
        [command, "status", "--store", "nowhere"], capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout, ran.stderr.count("\n")) == (3, "", 1)
    ran = subprocess.run([command, "nonsense"], capture_output=True, text=True, check=False)
    assert ran.returncode == 2


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, DeniedError),
        (403, DeniedError),
        (404, UnknownError),
        (409, ConflictError),
        (422, InputError),
        (503, TransportDown),
    ],
)
def test_what_a_server_refuses_is_the_same_error_as_near(status: int, kind: type[AnchorwatchError]) -> None:
    """With the server's own words."""
    answer = httpx.MockTransport(lambda _: httpx.Response(status, json={"detail": "because"}))
    with pytest.raises(kind, match="because"):
        Far("http://far", None, answer).act(3, "resolve", {"who": "ann"})


def test_acts_on_a_server_are_the_api_s() -> None:
    """Method, path, body and token."""
    asked: list[tuple[str, str, str, str]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        token = request.headers.get("authorization", "")
        asked.append((request.method, request.url.path, request.content.decode(), token))
        return httpx.Response(200, json=[])

    far = Far("http://far/", "aw_1_x", httpx.MockTransport(answer))
    far.act(3, "acknowledge", {"who": "ann"})
    assert far.tokens() == []
    far.make_token("x", ["read"])
    far.revoke_token("1")
    far.retry_set_aside()
    assert [item[:2] for item in asked] == [
        ("POST", "/api/v1/incidents/3/acknowledge"),
        ("GET", "/api/v1/tokens"),
        ("POST", "/api/v1/tokens"),
        ("DELETE", "/api/v1/tokens/1"),
        ("POST", "/api/v1/set-aside/retry"),
    ]
    assert asked[0][2:] == ('{"who":"ann"}', "Bearer aw_1_x")
