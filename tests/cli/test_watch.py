"""The command line on a store, from declaring a model to closing its incident."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from anchorwatch.app.watch import Watch
from anchorwatch.core.types import EventKind
from anchorwatch.flow.ports import SetAside

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Run


def data(run: Run, *arguments: str) -> Any:
    """What a command prints with `--json`."""
    result = run(*arguments, "--json", "--store", "{}/store")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_status_shows_each_model_and_how_far_the_watch_is(look: Run) -> None:
    """As a table for people, whole as JSON."""
    result = look("status", "--store", "{}/store")
    assert result.exit_code == 0
    header, row, inbox = result.stdout.splitlines()
    assert header.split("\t")[:3] == ["MODEL", "HEALTH", "EVENTS"]
    assert row.split("\t")[:3] == ["toy", "■ page", "60"]
    assert inbox == "inbox: 0 rows in 0 batches wait"
    found = data(look, "status")
    assert found["models"][0]["name"] == "toy"
    assert found["status"]["models"] == 1


def test_incidents_are_listed_and_fail_a_script_that_asks(look: Run) -> None:
    """`--fail-on` exits with 1 for what is firing and as severe; without it listing is fine."""
    result = look("incidents", "list", "--store", "{}/store")
    assert result.exit_code == 0
    assert "■ firing" in result.stdout
    assert look("incidents", "list", "--fail-on", "page", "--store", "{}/store").exit_code == 1
    assert (
        look("incidents", "list", "--state", "resolved", "--fail-on", "page", "--store", "{}/store").exit_code
        == 1
    )
    found = data(look, "incidents", "list", "--model", "toy", "--state", "firing")
    assert {"performance"} <= {item["cause"] for item in found}
    assert data(look, "incidents", "list", "--state", "resolved") == []


def number_of(run: Run, cause: str) -> str:
    """The incident of a cause."""
    return next(str(item["id"]) for item in data(run, "incidents", "list") if item["cause"] == cause)


def test_an_incident_is_shown_with_its_reasons_and_its_life(look: Run) -> None:
    """Worst finding first, timeline below."""
    number = number_of(look, "performance")
    result = look("incidents", "show", number, "--store", "{}/store")
    assert "■ firing  toy  performance  (page)" in result.stdout
    assert "mae above 5" in result.stdout
    assert "opened        Mean absolute error" in result.stdout
    assert data(look, "incidents", "show", number)["state"] == "firing"


def test_an_incident_is_acknowledged_silenced_and_resolved(store: Run) -> None:
    """Each act is a line in the timeline with who did it."""
    number = number_of(store, "performance")
    said = store("incidents", "ack", number, "--as", "ann", "--store", "{}/store")
    assert said.stdout == f"incident {number}: acknowledged by ann\n"
    assert data(store, "incidents", "silence", number, "--for", "2h", "--as", "ann")["silenced_until"]
    until = data(store, "incidents", "silence", number, "--until", "2999-01-01T00:00:00Z")
    assert until["silenced_until"] == "2999-01-01T00:00:00Z"
    found = data(store, "incidents", "resolve", number, "--as", "bob")
    assert (found["state"], found["timeline"][-1]["who"]) == ("resolved", "bob")
    again = store("incidents", "resolve", number, "--store", "{}/store")
    assert again.exit_code == 4
    assert "is resolved already" in again.stderr


def test_a_file_sent_again_is_taken_once(store: Run) -> None:
    """A script that repeats itself after a crash counts nothing twice."""
    before = data(store, "status")["models"][0]["events"]
    result = store("log", "{}/predictions.csv", "--model", "toy", "--store", "{}/store")
    assert (result.exit_code, result.stdout.strip().endswith("was taken before")) == (0, True)
    assert data(store, "status")["models"][0]["events"] == before


def test_rows_that_are_refused_are_told_and_exit_with_4(store: Run, tmp_path: Path) -> None:
    """The good rows are kept, unless the whole slice is to be refused."""
    file = tmp_path / "bad.csv"
    file.write_text("id,at,prediction,x,c\n1,2024-01-20T00:00:00Z,1,1,a\n2,2024-01-20T00:00:00Z,1,wide,a\n")
    result = store("log", str(file), "--model", "toy", "--store", "{}/store")
    assert result.exit_code == 4
    assert "1 row taken, 1 refused" in result.stdout
    assert "row 1, x:" in result.stderr
    whole = store(
        "log", str(file), "--model", "toy", "--store", "{}/store", "--on-error", "refuse", "--at", "now"
    )
    assert whole.exit_code == 4


@pytest.mark.parametrize("name", ["events.ndjson", "events.arrow"])
def test_other_kinds_of_file_are_taken(store: Run, tmp_path: Path, name: str) -> None:
    """Nested NDJSON as the HTTP API has it, and Arrow; `--timezone` and `--at` say when."""
    import polars as pl

    file = tmp_path / name
    if name.endswith("ndjson"):
        event = {"id": "n1", "at": "2024-01-20 05:00:00", "prediction": 1.5, "features": {"x": 1.0, "c": "a"}}
        file.write_text(json.dumps(event) + "\n")
    else:
        pl.DataFrame({"id": ["n1"], "prediction": [1.5], "x": [1.0], "c": ["a"]}).write_ipc(file)
    when = ["--timezone", "Europe/Paris"] if name.endswith("ndjson") else ["--at", "2024-01-20T04:00:00Z"]
    (sent,) = data(store, "log", str(file), "--model", "toy", *when)
    assert (sent["accepted"], sent["rejected_count"]) == (1, 0)


def test_tokens_are_made_listed_and_revoked(store: Run) -> None:
    """The text is shown once; a list never has it."""
    made = data(store, "token", "create", "flights service", "--scope", "ingest", "--scope", "read")
    assert made["token"].startswith(f"aw_{made['id']}_")
    plain = store("token", "create", "other", "--store", "{}/store")
    assert plain.stdout.startswith("aw_")
    assert store("token", "revoke", made["id"], "--store", "{}/store").exit_code == 0
    listed = data(store, "token", "list")
    assert [item["name"] for item in listed] == ["flights service", "other"]
    assert (listed[0]["revoked_at"] is None, listed[1]["revoked_at"] is None) == (False, True)
    assert made["token"] not in store("token", "list", "--store", "{}/store").stdout
    assert store("token", "revoke", "nobody", "--store", "{}/store").exit_code == 2
    assert store("token", "create", "x", "--scope", "all", "--store", "{}/store").exit_code == 4


def test_the_lake_is_compacted(store: Run) -> None:
    """What was merged is told per model."""
    assert data(store, "compact")[0]["model"] == "toy"
    assert data(store, "compact", "--model", "toy")[0]["merged"] == 0
    assert store("compact", "--model", "tyo", "--store", "{}/store").exit_code == 2


def test_what_was_applied_is_applied_again_or_refused(store: Run, tmp_path: Path) -> None:
    """The same file is fine twice; one that contradicts kept windows is refused and changes nothing."""
    assert store("apply", "{}/watch.yaml", "--store", "{}/store").exit_code == 0
    other = tmp_path / "other.yaml"
    other.write_text("models: {toy: {task: binary}}")
    result = store("apply", str(other), "--store", "{}/store")
    assert result.exit_code == 4
    assert "task" in result.stderr


def test_batches_set_aside_are_shown_and_done_again(store: Run, tmp_path: Path) -> None:
    """`status` lists them with their reason; doing them again ends with 1 while they still fail, then with 0."""
    with Watch.open(tmp_path / "copy" / "store", start=False) as watch, watch.ledger.write() as books:
        item = SetAside(
            seq=7,
            consumer="archiver",
            model="toy",
            kind=EventKind.PREDICTIONS,
            rows=0,
            at=0,
            reason="ValueError: no",
            since=0,
            payload=b"damaged",
        )
        books.aside.put(item)
    shown = store("status", "--store", "{}/store")
    assert "retry-set-aside" in shown.stderr
    assert data(store, "status")["status"]["set_aside"][0]["reason"] == "ValueError: no"
    assert store("retry-set-aside", "--store", "{}/store").exit_code == 1
    assert data(store, "status")["status"]["set_aside"][0]["tries"] == 2
    with Watch.open(tmp_path / "copy" / "store", start=False) as watch, watch.ledger.write() as books:
        books.aside.drop(7, "archiver")
    assert data(store, "retry-set-aside") == []
    disk = data(store, "status")["status"]["disk"]
    assert disk["ledger"] > 0
    assert disk["free"] > 0
