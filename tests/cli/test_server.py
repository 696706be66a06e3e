"""The command line on a server: the same verbs, over HTTP."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.cli.conftest import run_in

from anchorwatch.app.watch import Watch
from anchorwatch.server.serve import Address, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from typer.testing import Result


@pytest.fixture(scope="module")
def far(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Result]]:
    """The command line, told where a server on a copy of the store is."""
    folder = tmp_path_factory.mktemp("far")
    shutil.copytree(made, folder / "copy")
    run = run_in(folder / "copy")
    with Watch.open(folder / "copy" / "store") as watch, serving(watch, Address(port=0)) as url:
        yield lambda *arguments, **env: run(*arguments, env={"ANCHORWATCH_URL": url, **env})


def data(far: Callable[..., Result], *arguments: str, **env: str) -> Any:
    """What a command prints with `--json`."""
    result = far(*arguments, "--json", **env)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_the_same_is_shown_as_near(far: Callable[..., Result]) -> None:
    """Health, incidents and one incident in full."""
    assert data(far, "status")["models"][0]["health"] == "page"
    (number,) = [item["id"] for item in data(far, "incidents", "list") if item["cause"] == "performance"]
    assert data(far, "incidents", "show", str(number))["cause"] == "performance"
    assert far("incidents", "list", "--fail-on", "page").exit_code == 1


def test_models_are_applied_and_files_logged(far: Callable[..., Result]) -> None:
    """With their reference; the same file is known again."""
    assert data(far, "apply", "{}/watch.yaml")[0]["reference_rows"] == 600
    (sent,) = data(far, "log", "{}/predictions.csv", "--model", "toy")
    assert sent["duplicate"] is True
    assert far("log", "{}/predictions.csv", "--model", "tyo").exit_code == 2


def test_incidents_are_acted_on(far: Callable[..., Result]) -> None:
    """Acknowledged, silenced, resolved; and refused where it makes no sense."""
    (number,) = [str(item["id"]) for item in data(far, "incidents", "list") if item["cause"] == "drift"]
    assert data(far, "incidents", "ack", number)["acknowledged_by"]
    assert data(far, "incidents", "silence", number, "--for", "1d")["silenced_until"]
    assert data(far, "incidents", "resolve", number)["state"] == "resolved"
    assert far("incidents", "resolve", number).exit_code == 4
    assert far("incidents", "show", "999").exit_code == 2


def test_tokens_are_made_and_then_needed(far: Callable[..., Result]) -> None:
    """The first token ends open access; without one, or with too little scope, the exit code is 3."""
    admin = data(far, "token", "create", "me", "--scope", "admin")["token"]
    reader = data(far, "token", "create", "r", "--scope", "read", ANCHORWATCH_TOKEN=admin)
    assert far("status").exit_code == 3
    assert far("status", ANCHORWATCH_TOKEN=reader["token"]).exit_code == 0
    assert far("token", "list", ANCHORWATCH_TOKEN=reader["token"]).exit_code == 3
    assert len(data(far, "token", "list", ANCHORWATCH_TOKEN=admin)) == 2
    assert far("token", "revoke", reader["id"], ANCHORWATCH_TOKEN=admin).exit_code == 0


def test_a_server_is_started_told_of_and_stopped(tmp_path: Path) -> None:
    """It says where it is and who may talk to it, and stops cleanly; a second one on its store is refused."""
    command = [
        str(Path(sys.executable).parent / "anchorwatch"),
        "serve",
        str(tmp_path / "store"),
        "--port",
        "0",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        said = server.stdout.readline()
        assert said.startswith(f"Anchorwatch serves {tmp_path / 'store'} at http://127.0.0.1:")
        assert "until the first token is made" in server.stdout.readline()
        second = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (second.returncode, second.stderr.count("\n")) == (3, 1)
        near = subprocess.run(
            [command[0], "status", "--store", str(tmp_path / "store")],
            capture_output=True,
            text=True,
            check=False,
        )
        assert near.returncode == 3
        server.send_signal(signal.SIGINT)
        out, errors = server.communicate(timeout=30)
        assert (server.returncode, out, errors) == (0, "stopped; all that was acknowledged is on disk\n", "")
