"""What the stores do when the machine lets them down: nothing acknowledged is lost, and the message says what to do."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from anchorwatch.app.watch import Watch
from anchorwatch.core.errors import BusyError, FullError, StoreError
from anchorwatch.core.schema import Column, Kind, ModelSpec, Task
from anchorwatch.core.types import EventKind
from anchorwatch.flow.take import Batch
from anchorwatch.testing import FrozenClock

if TYPE_CHECKING:
    from pathlib import Path

NOON = datetime(2013, 7, 1, 12, tzinfo=UTC)
SPEC = ModelSpec(name="load", task=Task.REGRESSION, columns=(Column("x", Kind.NUMBER),))


def predictions(number: int, rows: int = 100, at: datetime = NOON) -> Batch:
    """A batch of new events."""
    frame = pl.DataFrame(
        {
            "_id": [f"{number}-{row}" for row in range(rows)],
            "_at": [at] * rows,
            "_version": [""] * rows,
            "_prediction": [1.0] * rows,
            "_latency": [None] * rows,
            "_error": [None] * rows,
            "x": [float(row) for row in range(rows)],
        },
        schema_overrides={"_at": pl.Datetime("us", "UTC"), "_latency": pl.Float64, "_error": pl.String},
    )
    return Batch(id=str(number), model="load", kind=EventKind.PREDICTIONS, frame=frame)


def events(watch: Watch) -> int:
    """Events counted in all windows."""
    return sum(value for value in watch.queries.series("load", "throughput")["value"] if value)


def opened(folder: Path, **settings: Any) -> Watch:
    """A store with one model, standing still."""
    watch = Watch.open(folder, start=False, **settings)
    watch.apply(SPEC)
    return watch


def test_a_second_process_is_refused_and_told_who_holds_the_store(tmp_path: Path) -> None:
    """The message names the folder, the process and the way out."""
    script = f"from anchorwatch.app.watch import Watch\nWatch.open({str(tmp_path)!r})"
    with opened(tmp_path):
        other = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert other.returncode != 0
    assert "is held by process" in other.stderr
    assert "URL" in other.stderr


def test_the_store_is_free_again_after_close(tmp_path: Path) -> None:
    """Opening twice in a row works."""
    opened(tmp_path).close()
    opened(tmp_path).close()


def test_a_full_disk_acknowledges_nothing_and_recovers(tmp_path: Path) -> None:
    """Batches that do not fit are refused; those acknowledged before are counted, and room makes it go on."""
    with opened(tmp_path) as watch:
        assert watch.take(predictions(1)).accepted == 100
        engine = watch.inbox._database.engine
        with engine.connect() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        engine.dispose()
        limit(engine, pages + 2)
        with pytest.raises(FullError, match="nothing was acknowledged"):
            watch.take(predictions(2, rows=20_000))
        limit(engine, 2**30)
        assert watch.take(predictions(2, rows=20_000)).accepted == 20_000
        watch.settle()
        assert events(watch) == 20_100


def limit(engine: Any, pages: int) -> None:
    """Bound the database file as a full disk would."""
    from sqlalchemy import event

    @event.listens_for(engine, "connect")
    def _bound(connection: Any, _record: Any) -> None:
        connection.execute(f"PRAGMA max_page_count={pages}")

    engine.dispose()


def test_a_locked_ledger_delays_and_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While somebody holds the ledger, batches are still taken; they are counted once it is free."""
    monkeypatch.setattr("anchorwatch.stores.ledger.engine.WAIT_MS", 50)
    with opened(tmp_path) as watch:
        watch.ledger.database.engine.dispose()
        thief = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
        thief.execute("BEGIN IMMEDIATE")
        assert watch.take(predictions(1)).accepted == 100
        with pytest.raises(StoreError, match="locked"):
            watch.settle()
        assert watch.queries.status()["errors"]
        thief.execute("ROLLBACK")
        thief.close()
        watch.settle()
        assert events(watch) == 100
        assert not watch.queries.status()["errors"]


def test_a_lake_that_cannot_be_written_delays_only_the_lake(tmp_path: Path) -> None:
    """Windows are measured all the same; the batches wait in the inbox until the lake can be written again."""
    with opened(tmp_path) as watch:
        lake = tmp_path / "lake"
        if lake.exists():
            lake.rmdir()
        lake.write_text("in the way")
        watch.take(predictions(1))
        with pytest.raises(StoreError, match="archiver"):
            watch.settle()
        assert events(watch) == 100
        assert watch.inbox.depth().rows == 100
        lake.unlink()
        watch.settle()
        assert watch.inbox.depth().rows == 0
        assert watch.queries.predictions("load", limit=1000)["next"] is None
        assert len(watch.queries.predictions("load", limit=1000)["rows"]) == 100


def test_a_clock_that_steps_back_changes_no_window(tmp_path: Path) -> None:
    """Windows follow event time; the wall clock only stamps arrivals."""
    clock = FrozenClock(NOON)
    with opened(tmp_path, clock=clock) as watch:
        watch.take(predictions(1))
        clock.advance(hours=-30)
        watch.take(predictions(2))
        watch.settle()
        clock.advance(hours=1)
        watch.take(predictions(3, at=NOON + timedelta(days=1)))
        watch.settle()
        assert watch.queries.series("load", "throughput")["value"] == [200, 100]


def test_the_same_batch_sent_by_many_at_once_counts_once(tmp_path: Path) -> None:
    """Eight threads retry one batch; one is the first and seven are told that they are duplicates."""
    with opened(tmp_path) as watch, ThreadPoolExecutor(8) as pool:
        receipts = list(pool.map(lambda _: watch.take(predictions(1)), range(8)))
        watch.settle()
        assert sorted(receipt.duplicate for receipt in receipts) == [False, *[True] * 7]
        assert events(watch) == 100


def test_events_sent_again_under_another_batch_id_count_once(tmp_path: Path) -> None:
    """Event ids deduplicate within the horizon, also across restarts, in windows and lake alike."""
    with opened(tmp_path) as watch:
        watch.take(predictions(1))
        watch.settle()
    with Watch.open(tmp_path, start=False) as watch:
        again = predictions(1)
        watch.take(Batch(id="other", model="load", kind=again.kind, frame=again.frame))
        watch.settle()
        assert events(watch) == 100
        assert len(watch.queries.predictions("load", limit=1000)["rows"]) == 100


def test_an_inbox_over_its_bound_refuses(tmp_path: Path) -> None:
    """When nothing consumes, the disk is not filled without end."""
    with opened(tmp_path) as watch:
        watch.inbox.bound = 1000
        watch.take(predictions(1))
        with pytest.raises(BusyError, match="over its bound"):
            watch.take(predictions(2))
        watch.settle()
        assert watch.take(predictions(2)).accepted == 100
