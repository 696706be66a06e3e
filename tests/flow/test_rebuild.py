"""A window folded anew from the lake is the one that was joined, whatever the times of its outcomes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from anchorwatch.core.schema import Column, Kind, ModelSpec, Task
from anchorwatch.core.types import EventKind
from anchorwatch.flow.ports import Touched
from anchorwatch.flow.take import Batch
from anchorwatch.flow.times import window_at
from anchorwatch.stores.ledger import tables
from anchorwatch.testing import memory_watch

if TYPE_CHECKING:
    from anchorwatch.app.watch import Watch

BEGIN = datetime(2013, 7, 1, tzinfo=UTC)
SPEC = ModelSpec(
    name="load",
    task=Task.REGRESSION,
    columns=(Column("x", Kind.NUMBER),),
    outcome_horizon=timedelta(days=2),
    dedup_horizon=timedelta(days=2000),
)
UTC_TIME = pl.Datetime("us", "UTC")
HOURS = 24 * 30


def predictions(name: str, numbers: list[int]) -> Batch:
    """Event `n` was predicted in hour `n` of a month."""
    frame = pl.DataFrame(
        {
            "_id": [f"e{number}" for number in numbers],
            "_at": [BEGIN + timedelta(hours=number) for number in numbers],
            "_version": [""] * len(numbers),
            "_prediction": [0.0] * len(numbers),
            "_latency": [None] * len(numbers),
            "_error": [None] * len(numbers),
            "x": [1.0] * len(numbers),
        },
        schema_overrides={"_at": UTC_TIME, "_latency": pl.Float64, "_error": pl.String},
    )
    return Batch(id=name, model="load", kind=EventKind.PREDICTIONS, frame=frame)


def outcomes(name: str, came: list[tuple[int, int, int]]) -> Batch:
    """What came of events, as (number, hours after its prediction, outcome)."""
    frame = pl.DataFrame(
        {
            "_id": [f"e{number}" for number, _, _ in came],
            "_at": [BEGIN + timedelta(hours=number + after) for number, after, _ in came],
            "_outcome": [float(value) for _, _, value in came],
        },
        schema_overrides={"_at": UTC_TIME},
    )
    return Batch(id=name, model="load", kind=EventKind.OUTCOMES, frame=frame)


def figures(watch: Watch) -> dict[str, tuple[Any, Any]]:
    """Mean error and count of each window."""
    found = watch.queries.series("load", "mae")
    return dict(zip(found["start"], zip(found["value"], found["n"], strict=True), strict=True))


def expected(predicted: set[int], came: dict[int, int]) -> dict[str, tuple[Any, Any]]:
    """The same, by hand."""
    days: dict[int, list[int]] = {}
    for number in predicted:
        days.setdefault(number // 24, [])
        if number in came:
            days[number // 24].append(abs(came[number]))
    return {
        f"{BEGIN + timedelta(days=day):%Y-%m-%dT%H:%M:%SZ}": (
            sum(errors) / len(errors) if errors else None,
            len(errors),
        )
        for day, errors in days.items()
    }


def rebuild_all(watch: Watch) -> None:
    """Fold every window anew."""
    with watch.ledger.write() as books:
        rows = books.connection.execute(tables.profiles.select()).all()
        spans = [window_at(row.start, "1d", "UTC") for row in rows]
        books.work.mark(1, [Touched(start, end, rebuild=True) for start, end in spans])
    watch.settle()


NUMBER = st.integers(0, HOURS - 1)
AFTER = st.one_of(st.integers(-100, 100), st.integers(-8000, 8000))
ACT = st.one_of(
    st.tuples(st.just("p"), st.lists(NUMBER, min_size=1, max_size=8, unique=True)),
    st.tuples(
        st.just("o"),
        st.lists(
            st.tuples(NUMBER, AFTER, st.integers(-4, 4).map(lambda value: 4 * value)),
            min_size=1,
            max_size=8,
            unique_by=lambda item: item[0],
        ),
    ),
)


def again(act: tuple[str, Any]) -> tuple[str, Any]:
    """The same act on few events, so that they are met more than once."""
    kind, body = act
    if kind == "p":
        return kind, list(dict.fromkeys(number % 5 for number in body))
    return kind, list({number % 5: (number % 5, after, value) for number, after, value in body}.values())


@given(acts=st.lists(ACT, max_size=8), few=st.booleans())
@settings(max_examples=60, deadline=None)
def test_a_rebuild_finds_every_outcome_that_was_joined(acts: list[Any], few: bool) -> None:
    """Years before its prediction or after it, before it arrived or later, corrected or not."""
    predicted: set[int] = set()
    came: dict[int, int] = {}
    with memory_watch(BEGIN) as (embedded, _):
        watch = embedded.watch
        watch.apply(SPEC)
        for place, (kind, body) in enumerate([again(act) for act in acts] if few else acts):
            if kind == "p":
                watch.take(predictions(str(place), body))
                predicted.update(body)
            else:
                watch.take(outcomes(str(place), body))
                came.update({number: value for number, _, value in body})
            if place % 2:
                watch.settle()
        watch.settle()
        if not predicted:
            return
        assert figures(watch) == expected(predicted, came)
        rebuild_all(watch)
        assert figures(watch) == expected(predicted, came)


def test_a_window_whose_rows_are_gone_keeps_its_figures() -> None:
    """A correction that comes after retention took the rows does not empty the window."""
    with memory_watch(BEGIN) as (embedded, _):
        watch = embedded.watch
        watch.apply(SPEC.evolve(retention=timedelta(days=3)))
        watch.take(predictions("p", [1, 2]))
        watch.take(outcomes("o", [(1, 1, 4), (2, 1, 8)]))
        watch.take(predictions("later", [24 * 10]))
        watch.settle()
        watch.pump.upkeep()
        watch.take(outcomes("c", [(1, 30, 12)]))
        watch.settle()
        assert figures(watch)["2013-07-01T00:00:00Z"] == (6.0, 2)
