"""Which windows are judged, when, and when again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from anchorwatch.core.calendar import Grain
from anchorwatch.core.schema import Column, Kind, ModelSpec, Task
from anchorwatch.core.times import micros
from anchorwatch.core.types import Rule, Stage
from anchorwatch.flow.judge import IDLE, closes, judge
from anchorwatch.flow.ports import Model
from anchorwatch.rules.defaults import SILENCE
from anchorwatch.testing import memory_watch

BEGIN = datetime(2013, 7, 1, tzinfo=UTC)
DAY, HOUR, MINUTE = 86_400_000_000, 3_600_000_000, 60_000_000
SPEC = ModelSpec(name="load", task=Task.REGRESSION, columns=(Column("x", Kind.NUMBER),))
VOLUME = Rule(name="quiet", measure="throughput", below=5, cause="volume")
ERROR = Rule(name="error", measure="mae", above=0.5, cause="error")


def model(spec: ModelSpec = SPEC, **reached: Any) -> Model:
    """A model as the ledger knows it, which has come so far."""
    given: dict[str, Any] = {"watermark": 10 * DAY, "outcomes_until": None, "arrived_at": 10 * DAY}
    return Model(1, spec, (), **{**given, **reached})


@pytest.mark.parametrize(
    ("spec", "reached", "now", "inputs", "outcomes"),
    [
        ({}, {}, 10 * DAY, 10 * DAY, 10 * DAY),
        ({"grace": timedelta(hours=2)}, {}, 10 * DAY, 10 * DAY - 2 * HOUR, 10 * DAY - 2 * HOUR),
        ({"outcome_delay": timedelta(days=3)}, {}, 10 * DAY, 10 * DAY, 7 * DAY),
        # outcomes reach farther than predictions, and close windows for outcomes alone
        ({}, {"outcomes_until": 12 * DAY, "arrived_at": 12 * DAY}, 12 * DAY, 10 * DAY, 12 * DAY),
        # a live model that fell silent: the wall clock goes on
        ({}, {}, 10 * DAY + IDLE - 1, 10 * DAY, 10 * DAY),
        ({}, {}, 10 * DAY + IDLE, 10 * DAY + IDLE, 10 * DAY + IDLE),
        # history that is loaded today closes by its own time alone
        ({}, {"arrived_at": 900 * DAY}, 901 * DAY, 10 * DAY, 10 * DAY),
        # nothing has come
        ({}, {"watermark": None}, 99 * DAY, 0, 0),
        ({}, {"arrived_at": None}, 99 * DAY, 0, 0),
    ],
)
def test_when_windows_close(
    spec: dict[str, Any], reached: dict[str, Any], now: int, inputs: int, outcomes: int
) -> None:
    """By event time, with grace and delay; by the wall clock for a live model that fell silent."""
    one = model(SPEC.evolve(**spec), **reached)
    assert closes(one, Stage.INPUTS, now) == inputs
    assert closes(one, Stage.OUTCOMES, now) == outcomes


def judged(watch: Any) -> dict[str, str | None]:
    """Start of the newest window judged, by stage."""
    found: dict[str, str | None] = watch.query("model", name="load")["judged"]
    return found


def log(made: Any, day: float, count: int, error: float | None = None) -> None:
    """So many events of a day, with outcomes that are off by `error`."""
    for number in range(count):
        at = BEGIN + timedelta(days=day, minutes=number)
        event = made.log({"x": 1.0}, prediction=1.0, at=at)
        if error is not None:
            made.outcome(event, 1.0 + error, at=at + timedelta(minutes=1))


def test_a_window_is_judged_once_its_end_has_come() -> None:
    """Not while it runs, whatever it holds; once, when a later event has come."""
    with memory_watch(BEGIN) as (watch, _):
        made = watch.register(SPEC, rules=[VOLUME])
        log(made, 0, 3)
        watch.settle()
        assert judged(watch) == {"inputs": None, "outcomes": None}
        log(made, 1, 3)
        watch.settle()
        assert judged(watch)["inputs"] == "2013-07-01T00:00:00Z"
        assert [one["cause"] for one in watch.incidents()] == ["volume"]


def test_silence_counts_from_what_is_usual() -> None:
    """A model that is quiet from midnight to six is not missed at night, and is when morning brings nothing."""
    spec = SPEC.evolve(window=Grain("1h"), grace=timedelta(0))
    hours = [hour for hour in range(14 * 24) if hour % 24 >= 6]
    at = [BEGIN + timedelta(hours=hour, minutes=minute) for hour in hours for minute in (10, 40)]
    rows = {"x": [float(place % 7) for place in range(len(at))], "prediction": [0.0] * len(at)}
    after = [moment + timedelta(days=14) for moment in at if moment < BEGIN + timedelta(days=2)]
    fired: dict[bool, list[str]] = {}
    for timed in (True, False):
        with memory_watch(BEGIN + timedelta(days=40)) as (watch, _):
            reference = {**rows, "at": at} if timed else rows
            made = watch.register(spec, pl.DataFrame(reference), rules=[SILENCE])
            # the third day begins at noon instead of at six
            late = [*after, BEGIN + timedelta(days=16, hours=12), BEGIN + timedelta(days=16, hours=14)]
            made.log_table(
                pl.DataFrame(
                    {
                        "id": [str(place) for place in range(len(late))],
                        "at": late,
                        "x": [float(place % 7) for place in range(len(late))],
                        "prediction": [0.0] * len(late),
                    }
                )
            )
            watch.settle()
            fired[timed] = [one["fired_at"] for one in watch.incidents(model="load") if one["fired_at"]]
    assert [moment[:13] for moment in fired[True]] == ["2013-07-17T09"]
    assert min(moment[:13] for moment in fired[False]) == "2013-07-16T03"


def test_silent_windows_are_judged_too() -> None:
    """Days without an event are days of too little traffic or of nothing known; each is judged in turn."""
    with memory_watch(BEGIN) as (watch, clock):
        made = watch.register(SPEC, rules=[Rule(name="gone", measure="throughput", below=5, unknown_after=2)])
        log(made, 0, 9)
        watch.settle()
        clock.advance(days=4)
        watch.settle()
        assert judged(watch)["inputs"] == "2013-07-04T00:00:00Z"
        (incident,) = watch.incidents()
        assert incident["state"] == "firing"


def test_a_late_outcome_has_its_window_judged_again() -> None:
    """A window that was fine opens an incident when the outcomes that come late are bad."""
    with memory_watch(BEGIN + timedelta(days=20)) as (watch, _):
        made = watch.register(SPEC, rules=[ERROR])
        log(made, 0, 4, error=0.0)
        late = made.log({"x": 1.0}, prediction=1.0, at=BEGIN + timedelta(hours=3))
        log(made, 1, 1, error=0.0)
        watch.settle()
        assert watch.incidents() == []
        made.outcome(late, 100.0, at=BEGIN + timedelta(hours=30))
        watch.settle()
        assert [one["cause"] for one in watch.incidents()] == ["error"]


def test_no_more_windows_are_judged_at_once_than_asked() -> None:
    """Oldest first, until none is left."""
    with memory_watch(BEGIN + timedelta(days=20)) as (watch, clock):
        made = watch.register(SPEC, rules=[])
        for day in range(8):
            log(made, day, 1)
        watch.settle()
        books_of = watch.watch.ledger
        with books_of.write() as books:
            books.connection.exec_driver_sql("DELETE FROM judged")
            one = books.models.get("load")
            counts = []
            while True:
                done = judge(books, one, micros(clock.now()), (), 3)
                counts.append(done.windows)
                if not done.windows:
                    break
            assert books.judgements.last(one.id, Stage.INPUTS) == micros(BEGIN + timedelta(days=6))
        assert counts == [6, 6, 2, 0]  # of both stages together
