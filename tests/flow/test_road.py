"""The road from the inbox to windows and lake, against a brute-force account of what was sent."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anchorwatch.app.watch import Watch
from anchorwatch.core.errors import StoreError
from anchorwatch.core.schema import Column, Kind, ModelSpec, Task
from anchorwatch.core.times import from_micros
from anchorwatch.core.types import EventKind, Rule
from anchorwatch.flow.take import Batch
from anchorwatch.testing import memory_watch

if TYPE_CHECKING:
    from pathlib import Path

BEGIN = datetime(2013, 7, 1, tzinfo=UTC)
SPEC = ModelSpec(
    name="load",
    task=Task.REGRESSION,
    columns=(Column("x", Kind.NUMBER), Column("c", Kind.CATEGORY)),
    segments=("c",),
    dedup_horizon=timedelta(days=3),
)
FOREVER = (from_micros(0), from_micros(2**51))


def at_of(number: int) -> datetime:
    """When event `number` was predicted: events spread over four days."""
    return BEGIN + timedelta(hours=(number * 7) % 96)


def predictions(name: str, numbers: list[int]) -> Batch:
    """Events whose content follows from their number."""
    frame = pl.DataFrame(
        {
            "_id": [f"e{number}" for number in numbers],
            "_at": [at_of(number) for number in numbers],
            "_version": [str(number % 2) for number in numbers],
            "_prediction": [float(number) for number in numbers],
            "_latency": [None] * len(numbers),
            "_error": [None] * len(numbers),
            "x": [number / 3 for number in numbers],
            "c": ["abc"[number % 3] for number in numbers],
        },
        schema_overrides={"_at": pl.Datetime("us", "UTC"), "_latency": pl.Float64, "_error": pl.String},
    )
    return Batch(
        id=name, model="load", kind=EventKind.PREDICTIONS, frame=frame.unique("_id", maintain_order=True)
    )


def outcomes(name: str, pairs: list[tuple[int, int]]) -> Batch:
    """What came of events, as (number, outcome)."""
    frame = pl.DataFrame(
        {
            "_id": [f"e{number}" for number, _ in pairs],
            "_at": [at_of(number) + timedelta(hours=1) for number, _ in pairs],
            "_outcome": [float(outcome) for _, outcome in pairs],
        },
        schema_overrides={"_at": pl.Datetime("us", "UTC"), "_outcome": pl.Float64},
    )
    return Batch(
        id=name,
        model="load",
        kind=EventKind.OUTCOMES,
        frame=frame.unique("_id", keep="last", maintain_order=True),
    )


@dataclass
class Account:
    """What was sent, counted by hand."""

    predicted: set[int] = field(default_factory=set)
    came: dict[int, int] = field(default_factory=dict)

    def note(self, act: Any) -> None:
        """Remember one act."""
        kind, body = act
        if kind == "predict":
            self.predicted.update(body)
        elif kind == "outcome":
            self.came.update(body)

    def events(self, version: str, segment: str) -> Counter[datetime]:
        """Events by day."""
        return Counter(day(number) for number in self.predicted if belongs(number, version, segment))

    def errors(self, version: str, segment: str) -> dict[datetime, list[int]]:
        """Absolute errors by day."""
        found: dict[datetime, list[int]] = {}
        for number, outcome in self.came.items():
            if number in self.predicted and belongs(number, version, segment):
                found.setdefault(day(number), []).append(abs(number - outcome))
        return found


def day(number: int) -> datetime:
    """The window of an event."""
    return at_of(number).replace(hour=0)


def belongs(number: int, version: str, segment: str) -> bool:
    """Whether an event is of a version and segment."""
    return version in {"", str(number % 2)} and segment in {"", f"c={'abc'[number % 3]}"}


def send(watch: Watch, place: int, act: Any) -> None:
    """Do one act."""
    kind, body = act
    if kind == "predict":
        watch.take(predictions(f"p{place}", body))
    elif kind == "outcome":
        watch.take(outcomes(f"o{place}", body))
    else:
        watch.settle()


def check(watch: Watch, account: Account) -> None:
    """Windows of every slice, and the lake, agree with the account."""
    watch.settle()
    for version, segment in [("", ""), ("0", ""), ("1", ""), ("", "c=a"), ("1", "c=b")]:
        wanted = account.events(version, segment)
        if not wanted:
            continue
        found = watch.queries.series("load", "throughput", version=version, segment=segment)
        assert (
            Counter(dict(zip(map(datetime.fromisoformat, found["start"]), found["value"], strict=True)))
            == wanted
        )
        errors = account.errors(version, segment)
        found = watch.queries.series("load", "mae", version=version, segment=segment)
        for start, value, n in zip(found["start"], found["value"], found["n"], strict=True):
            mine = errors.get(datetime.fromisoformat(start), [])
            assert n == len(mine)
            assert value == (pytest.approx(sum(mine) / len(mine)) if mine else None)
    lake = watch.lake.joined("load", *FOREVER) if account.predicted else None
    if lake is not None:
        assert sorted(lake["_id"]) == sorted(f"e{number}" for number in account.predicted)
        came = dict(lake.filter(pl.col("_outcome").is_not_null()).select("_id", "_outcome").iter_rows())
        assert came == {f"e{n}": float(o) for n, o in account.came.items() if n in account.predicted}
    assert watch.inbox.depth().batches == 0


NUMBERS = st.integers(0, 60)
ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("predict"), st.lists(NUMBERS, min_size=1, max_size=12)),
        st.tuples(
            st.just("outcome"), st.lists(st.tuples(NUMBERS, st.integers(-3, 3)), min_size=1, max_size=12)
        ),
        st.tuples(st.just("settle"), st.none()),
    ),
    max_size=14,
)


@given(acts=ACTS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_order_of_events_gives_the_same_windows(acts: list[Any]) -> None:
    """Late, early, repeated and corrected outcomes and repeated predictions: each event counts once, the last holds."""
    account = Account()
    with memory_watch(BEGIN) as (embedded, _):
        watch = embedded.watch
        watch.apply(SPEC)
        for place, act in enumerate(acts):
            send(watch, place, act)
            account.note(act)
        check(watch, account)


class Crash(BaseException):
    """The process dies here."""


STEPS = [
    "anchorwatch.stores.index.RunStore.write",
    "anchorwatch.flow.pump.roll",
    "anchorwatch.flow.pump.join",
    "anchorwatch.flow.pump.archive",
    "anchorwatch.stores.lake.DeltaLake.append",
    "anchorwatch.stores.index.RunStore.merge",
    "anchorwatch.flow.pump.measure_windows",
    "anchorwatch.flow.pump.judge",
    "anchorwatch.flow.pump.rebuild",
]
ROWS = [
    ("predict", list(range(30))),
    ("outcome", [(number, 1) for number in range(20)]),
    ("settle", None),
    ("predict", list(range(15, 45))),
    ("outcome", [(number, 2) for number in range(10, 50)]),
    ("settle", None),
    ("outcome", [(number, 3) for number in range(5)]),
]


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("step", STEPS)
def test_a_crash_before_or_after_any_step_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, before: bool
) -> None:
    """Dying just before or just after the work of a step, again and again, and going on in a new process."""
    from pkgutil import resolve_name

    real = resolve_name(step)
    crashed: list[int] = []

    def dying(*args: Any, **kwargs: Any) -> Any:
        if len(crashed) < 3 and before:
            crashed.append(1)
            raise Crash
        result = real(*args, **kwargs)
        if len(crashed) < 3:
            crashed.append(1)
            raise Crash
        return result

    account = Account()
    with Watch.open(tmp_path, start=False) as watch:
        watch.apply(SPEC)
    monkeypatch.setattr(step, dying)
    for place, act in enumerate(ROWS):
        account.note(act)
        with Watch.open(tmp_path, start=False) as watch:
            try:
                send(watch, place, act)
            except Crash:
                continue
    for _ in range(4):
        with Watch.open(tmp_path, start=False) as watch:
            try:
                watch.settle()
            except Crash:
                continue
    assert crashed
    with Watch.open(tmp_path, start=False) as watch:
        check(watch, account)


def test_a_lake_that_fails_in_between_delays_a_rebuild_until_it_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A corrected outcome waits for the lake; the window is then rebuilt exactly."""
    account = Account()
    with Watch.open(tmp_path, start=False) as watch:
        watch.apply(SPEC)
        for place, act in enumerate(ROWS[:3]):
            send(watch, place, act)
            account.note(act)
        correction = ("outcome", [(number, 9) for number in range(8)])

        def full(*_: Any, **__: Any) -> Any:
            raise StoreError("no room")

        with monkeypatch.context() as patch:
            patch.setattr(watch.lake, "append", full)
            send(watch, 9, correction)
            account.note(correction)
            with pytest.raises(StoreError, match="no room"):
                watch.settle()
        check(watch, account)


def test_predictions_without_outcome_expire_when_the_horizon_is_past() -> None:
    """Nothing touches their windows any more, and yet they are pending no longer."""
    spec = SPEC.evolve(outcome_horizon=timedelta(days=5))
    with memory_watch(BEGIN) as (embedded, _):
        watch = embedded.watch
        watch.apply(spec)
        first = predictions("first", list(range(14)))
        watch.take(first)
        watch.take(outcomes("some", [(0, 1)]))
        watch.settle()
        assert watch.queries.models()[0]["pending_outcomes"] == 13
        late = first.frame.with_columns(_id=pl.col("_id") + "late", _at=pl.col("_at") + timedelta(days=9))
        watch.take(Batch(id="late", model="load", kind=EventKind.PREDICTIONS, frame=late))
        watch.settle()
        shares = watch.queries.series("load", "expired_share")["value"]
        known = watch.queries.series("load", "maturity")["value"]
        assert watch.queries.models()[0]["pending_outcomes"] < 28
        assert all(gone + came == 1.0 for gone, came in list(zip(shares, known, strict=True))[:4])


def test_a_rule_on_segments_may_ask_for_drift() -> None:
    """Drift of segments is measured when a rule wants it, and the rule fires."""
    table = pl.DataFrame({"x": [number / 10 for number in range(400)], "c": ["a", "b"] * 200})
    rule = Rule(name="moved", measure="psi", columns=("x",), above=1.0, segments="c")
    with memory_watch(BEGIN) as (embedded, _):
        watch = embedded.watch
        watch.register(SPEC, table, rules=(rule,))
        watch.take(predictions("first", list(range(0, 4000, 3))))
        later = predictions("later", [1]).frame.with_columns(_at=pl.lit(BEGIN + timedelta(days=9)))
        watch.take(
            Batch(
                id="later",
                model="load",
                kind=EventKind.PREDICTIONS,
                frame=later.cast({"_at": pl.Datetime("us", "UTC")}),
            )
        )
        watch.settle()
        found = watch.queries.incident(watch.queries.incidents("load")[0]["id"])["findings"]
        assert {item["segment"] for item in found} == {"c=a"}


def test_a_crash_between_measuring_and_judging_forgets_no_late_outcome(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Outcomes loaded after their windows were judged open their incident, although the process died on the way."""
    rule = Rule(name="error", measure="mae", above=0.5, cause="late")
    with Watch.open(tmp_path, start=False) as watch:
        watch.apply(SPEC, (rule,))
        watch.take(predictions("p", list(range(40))))
        watch.settle()
        watch.take(outcomes("o", [(number, number + 5) for number in range(40)]))

        def dying(*_: Any, **__: Any) -> Any:
            raise Crash

        with monkeypatch.context() as patch:
            patch.setattr("anchorwatch.flow.pump.judge", dying)
            with pytest.raises(Crash):
                watch.settle()
    with Watch.open(tmp_path, start=False) as watch:
        watch.settle()
        assert [one["cause"] for one in watch.queries.incidents("load")] == ["late"]
        assert watch.queries.model("load")["judged"]["outcomes"] is not None
