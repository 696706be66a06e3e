"""Refused rows are counted: by column, in the window of the rows beside them, or when they came."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from anchorwatch.app.watch import Watch
from anchorwatch.core.calendar import Grain
from anchorwatch.core.clock import SystemClock
from anchorwatch.core.schema import Column, Kind, ModelSpec, Task
from anchorwatch.core.types import EventKind
from anchorwatch.flow.take import Terms, take_events
from anchorwatch.profile.refused import REFUSED_KEPT, Refused

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SPEC = ModelSpec(
    name="m", task=Task.REGRESSION, columns=(Column("x", Kind.NUMBER),), window=Grain.parse("1h")
)
NOW = datetime(2024, 5, 1, 12, 30, tzinfo=UTC)


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Watch]:
    """A store with one model."""
    with Watch.open(tmp_path, start=False) as opened:
        opened.apply(SPEC)
        yield opened


def event(number: int, at: datetime, **features: Any) -> dict[str, Any]:
    """An event as JSON has it."""
    return {"id": f"e{number}", "at": at.isoformat(), "prediction": 1.0, "features": {"x": 1.0, **features}}


def send(watch: Watch, batch: str, events: list[dict[str, Any]]) -> int:
    """Take a batch and roll it; how many rows were refused."""
    taken = take_events(SPEC, EventKind.PREDICTIONS, events, Terms(id=batch, now=NOW + timedelta(days=9000)))
    receipt = watch.take(taken)
    watch.settle()
    return receipt.rejected_count


def told(watch: Watch, measure: str, subject: str = "") -> dict[str, float | None]:
    """A measure by window."""
    found = watch.queries.series("m", measure, subject=subject)
    return dict(zip(found["start"], found["value"], strict=True))


def test_refused_rows_count_beside_the_others(watch: Watch) -> None:
    """Half of a batch that has a text for a number is half of its window; a new column is told by name."""
    at = [NOW + timedelta(minutes=minute) for minute in (0, 1, 2, 3)]
    events = [event(0, at[0]), event(1, at[1]), event(2, at[2], x="high"), event(3, at[3], y=1)]
    assert send(watch, "a", events) == 2
    assert told(watch, "rejected_share") == {"2024-05-01T12:00:00Z": 0.5}
    assert told(watch, "schema_breaks", "x") == {"2024-05-01T12:00:00Z": 0.25}
    assert told(watch, "schema_breaks", "y") == {"2024-05-01T12:00:00Z": 0.25}
    send(watch, "a", events)  # sent again: known by its id
    send(watch, "b", [event(number, NOW) for number in range(4, 8)])
    assert told(watch, "rejected_share") == {"2024-05-01T12:00:00Z": 0.25}


def test_a_batch_of_which_nothing_was_taken_counts_where_the_model_is(watch: Watch) -> None:
    """At the newest time that a model fed its past has reached; before any row was taken, when it came."""
    send(watch, "a", [event(0, NOW), event(1, NOW)])
    assert send(watch, "b", [event(2, NOW, x="high")]) == 1
    assert told(watch, "rejected_share") == {"2024-05-01T12:00:00Z": pytest.approx(1 / 3)}
    assert watch.inbox.depth().rows == 0
    assert watch.queries.status()["inbox"]["batches"] == 0


def test_a_first_batch_of_which_nothing_was_taken_is_seen(watch: Watch) -> None:
    """The window of its arrival, which has nothing else."""
    send(watch, "a", [event(0, NOW, x="high")])
    (share,) = told(watch, "rejected_share").values()
    assert share == 1.0


def test_an_inbox_of_before_is_opened(tmp_path: Path) -> None:
    """Its file gets the column that it lacks, and keeps what waits in it."""
    with Watch.open(tmp_path, start=False) as watch:
        watch.apply(SPEC)
        watch.take(
            take_events(SPEC, EventKind.PREDICTIONS, [event(0, NOW)], Terms(id="a", now=SystemClock().now()))
        )
    with sqlite3.connect(tmp_path / "inbox.db") as connection:
        connection.execute("ALTER TABLE inbox DROP COLUMN refused")
    connection.close()
    with Watch.open(tmp_path, start=False) as watch:
        watch.settle()
        assert told(watch, "rejected_share") == {"2024-05-01T12:00:00Z": 0.0}


def test_columns_are_bounded_and_any_split_is_the_same() -> None:
    """Of very many made-up columns the same few are told, however they came."""
    every = {f"made up {number}": number + 1 for number in range(300)}
    whole = Refused.of(every)
    halves = [Refused.of({name: count}) for name, count in every.items()]
    parts = Refused.sum(halves[:140]) + Refused.sum(halves[140:])
    assert len(whole.columns) == REFUSED_KEPT
    assert (parts.rows, parts.columns) == (whole.rows, whole.columns) == (300 * 301 // 2, whole.columns)
