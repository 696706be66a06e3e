"""Detectors in the watch: each loss taken once, whatever happens, and alarms that reach rules."""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest

from anchorwatch.app.watch import Watch
from anchorwatch.core.errors import ConfigError
from anchorwatch.core.schema import ModelSpec, Task
from anchorwatch.core.types import EventKind, Rule
from anchorwatch.drift.sequential import Ddm, PageHinkley, Risk
from anchorwatch.drift.sequential.risk import Reference
from anchorwatch.flow import detect
from anchorwatch.flow.take import Batch
from anchorwatch.testing import memory_watch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from anchorwatch.flow.detect import Detection

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
PER_DAY = 200
RULE = Rule(name="alarmed", measure="detector_alarms", above=0.0, cause="worse")
SPEC = ModelSpec(
    name="m",
    task=Task.BINARY,
    labels=("0", "1"),
    detectors=("ddm", "risk"),
    outcome_horizon=timedelta(days=400),
)


@contextmanager
def opened() -> Iterator[Watch]:
    """A watch of its own, in memory where it can be."""
    with memory_watch(BEGIN) as (embedded, _):
        yield embedded.watch


def errors(days: int, change: int, rates: tuple[float, float] = (0.1, 0.5)) -> np.ndarray:
    """0 and 1, PER_DAY a day, that come more often from day `change` on."""
    n = days * PER_DAY
    draws = np.random.default_rng(0).random(n)
    return (draws < np.where(np.arange(n) < change * PER_DAY, *rates)).astype(int)


def batches(wrong: np.ndarray, first: int = 0, name: str = "m", version: str = "") -> tuple[Batch, Batch]:
    """Predictions of 0, and outcomes that say when that was wrong."""
    numbers = np.arange(first, first + len(wrong))
    at = [BEGIN + timedelta(days=int(number) / PER_DAY) for number in numbers]
    frame = pl.DataFrame(
        {
            "_id": [f"e{number}" for number in numbers],
            "_at": at,
            "_version": version,
            "_prediction": "0",
            "_score": None,
            "_latency": None,
            "_error": None,
        },
        schema_overrides={
            "_at": pl.Datetime("us", "UTC"),
            "_score": pl.Float64,
            "_latency": pl.Float64,
            "_error": pl.String,
        },
    )
    came = pl.DataFrame(
        {
            "_id": frame["_id"],
            "_at": frame["_at"] + timedelta(hours=1),
            "_outcome": [str(item) for item in wrong],
        }
    )
    key = f"{version}{first}+{len(wrong)}"
    return (
        Batch(id=f"p{key}", model=name, kind=EventKind.PREDICTIONS, frame=frame),
        Batch(id=f"o{key}", model=name, kind=EventKind.OUTCOMES, frame=came),
    )


def reference(rate: float = 0.1, rows: int = 2000) -> pl.DataFrame:
    """Rows of a time when the model did well, ten to each error at rate 0.1."""
    wrong = np.arange(rows) % round(1 / rate) == 0
    return pl.DataFrame({"prediction": ["0"] * rows, "outcome": np.where(wrong, "1", "0")})


def detections(watch: Watch, name: str = "m") -> list[Detection]:
    """All that was raised."""
    with watch.ledger.read() as books:
        return list(books.detections.list(books.models.get(name).id, 0, 2**62))


def states(watch: Watch, name: str = "m") -> dict[str, Any]:
    """Where the model's detectors stand."""
    with watch.ledger.read() as books:
        kept = books.detections.states(books.models.get(name).id)
    return {detector: json.loads(body) for detector, body in kept.items()}


def half_a_join(watch: Watch) -> None:
    """The detectors move on, and then something breaks."""
    with watch.ledger.write() as books:
        records = np.zeros(3, [("prediction", "f8"), ("start", "i8"), ("slices", "i4", (1,))])
        detect.advance(books, books.models.get("m"), records, np.ones(3))
        raise ZeroDivisionError


def day_of(item: Detection) -> int:
    """Day of the window since the beginning."""
    return (item.start - int(BEGIN.timestamp() * 1e6)) // 86_400_000_000


def test_alarms_are_those_of_the_bare_detector() -> None:
    """Fed in one batch or in many, the watch raises what `run` does, on the day of the prediction, and says when."""
    wrong = errors(20, 12)
    expected = Ddm().run(Ddm().start(), wrong)[1].tolist()
    baseline = Risk(reference=Reference(200.0, 2000))
    worse = baseline.run(baseline.start(), wrong)[1].tolist()
    assert expected
    assert worse
    for step in (len(wrong), 333):
        with opened() as watch:
            watch.register(SPEC, reference(), rules=(RULE,))
            for first in range(0, len(wrong), step):
                for batch in batches(wrong[first : first + step], first):
                    watch.take(batch)
                watch.settle()
            found = detections(watch)
            assert [day_of(item) for item in found if item.detector == "ddm"] == [
                at // PER_DAY for at in expected
            ]
            assert [day_of(item) for item in found if item.detector == "risk"] == [
                at // PER_DAY for at in worse
            ]
            first = next(item for item in found if item.detector == "ddm")
            assert first.since == expected[0] + 1
            assert first.value == pytest.approx(wrong[: expected[0] + 1].mean())


def test_an_alarm_opens_an_incident_and_is_a_series() -> None:
    """`detector_alarms above 0` fires on the day of the first alarm; the series counts alarms by day."""
    wrong = errors(20, 12)
    with opened() as watch:
        watch.register(SPEC.evolve(detectors=("risk",)), reference(), rules=(RULE,))
        for batch in batches(wrong):
            watch.take(batch)
        watch.settle()
        series = watch.queries.series("m", "detector_alarms")
        found = detections(watch)
        counts = [sum(day_of(item) == day for item in found) for day in range(20)]
        assert series["value"] == counts[: len(series["value"])]
        assert sum(counts[:12]) == 0
        assert sum(counts) > 0
        assert watch.queries.series("m", "detector_alarms", grain="1w")["value"][-1] > 0
        (incident,) = watch.queries.incidents("m")
        assert incident["cause"] == "worse"
        assert incident["fired_at"] is not None


def test_a_restart_goes_on_where_it_was(tmp_path: Path) -> None:
    """Closed and opened after every batch: the same alarms and the same states."""
    wrong = errors(20, 12)
    with opened() as watch:
        watch.register(SPEC, reference(), rules=())
        for first in range(0, len(wrong), 500):
            for batch in batches(wrong[first : first + 500], first):
                watch.take(batch)
            watch.settle()
        expected, stand = (
            [(item.detector, item.start, item.since) for item in detections(watch)],
            states(watch),
        )
    for first in range(0, len(wrong), 500):
        with Watch.open(tmp_path / "store", start=False) as watch:
            if not first:
                watch.register(SPEC, reference(), rules=())
            for batch in batches(wrong[first : first + 500], first):
                watch.take(batch)
            watch.settle()
    with Watch.open(tmp_path / "store", start=False) as watch:
        assert [(item.detector, item.start, item.since) for item in detections(watch)] == expected
        assert states(watch) == stand


def test_what_fails_halfway_is_taken_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A transaction that is undone after the detectors moved leaves them where they were."""
    wrong = errors(4, 4)
    with opened() as watch:
        watch.register(SPEC, rules=())
        sent = batches(wrong)
        watch.take(sent[0])
        watch.settle()
        with pytest.raises(ZeroDivisionError):
            half_a_join(watch)
        assert states(watch) == {}
        watch.take(sent[1])
        watch.settle()
        assert states(watch)["ddm"]["state"]["n"] == len(wrong)


def test_a_corrected_outcome_is_not_taken_again_and_loses_no_alarm() -> None:
    """The window is folded anew; the states stay, and so does the count of alarms."""
    wrong = errors(20, 12)
    with opened() as watch:
        watch.register(SPEC, reference(), rules=())
        for batch in batches(wrong):
            watch.take(batch)
        watch.settle()
        before, stand = watch.queries.series("m", "detector_alarms")["value"], states(watch)
        day = next(day for day, count in enumerate(before) if count)
        fixed = 1 - wrong[day * PER_DAY : day * PER_DAY + 5]
        watch.take(batches(fixed, day * PER_DAY)[1])
        watch.settle()
        assert watch.queries.series("m", "detector_alarms")["value"] == before
        assert states(watch) == stand
        right = sum(fixed == 0) + sum(wrong[day * PER_DAY + 5 : (day + 1) * PER_DAY] == 0)
        assert watch.queries.series("m", "accuracy")["value"][day] == pytest.approx(right / PER_DAY)


def test_a_new_reference_starts_risk_anew() -> None:
    """Against a reference that is as bad as it gets nothing is worse; other detectors go on."""
    wrong = errors(6, 0)
    with opened() as watch:
        watch.register(SPEC, reference(), rules=())
        for batch in batches(wrong[:600]):
            watch.take(batch)
        watch.settle()
        n = states(watch)["ddm"]["state"]["n"]
        assert any(item.detector == "risk" for item in detections(watch))
        known = len(detections(watch))
        watch.set_reference("m", reference(0.5), version="2")
        for batch in batches(wrong[600:], 600, version="2"):
            watch.take(batch)
        watch.settle()
        assert [item.detector for item in detections(watch)[known:]].count("risk") == 0
        assert states(watch)["risk"]["state"]["n"] == 600
        assert states(watch)["ddm"]["state"]["n"] == n + 600


def test_errors_of_a_regression_are_scaled_by_the_reference() -> None:
    """Errors thrice the reference's raise; units do not matter; without a reference there is no risk to watch."""
    draw = np.random.default_rng(1)
    noise = draw.normal(0, 1, 4000) * np.repeat([1.0, 3.0], 2000)
    spec = ModelSpec(name="m", task=Task.REGRESSION, detectors=("page_hinkley", "risk"))
    raised = []
    for unit in (1.0, 1000.0):
        held = pl.DataFrame({"prediction": np.zeros(2000), "outcome": draw.normal(0, unit, 2000)})
        with opened() as watch:
            watch.register(spec, held, rules=())
            sent = batches(np.zeros(4000))
            frames = (
                sent[0].frame.with_columns(pl.lit(0.0).alias("_prediction")).drop("_score"),
                sent[1].frame.with_columns(pl.Series("_outcome", noise * unit)),
            )
            for batch, frame in zip(sent, frames, strict=True):
                watch.take(Batch(id=batch.id, model="m", kind=batch.kind, frame=frame))
            watch.settle()
            found = detections(watch)
            assert {item.detector for item in found} == {"page_hinkley", "risk"}
            assert min(day_of(item) for item in found) >= 10
            raised.append(min(day_of(item) for item in found if item.detector == "risk"))
    assert max(raised) <= 12
    with opened() as watch:
        watch.register(spec, rules=())
        for batch, frame in zip(sent, frames, strict=True):
            watch.take(Batch(id=batch.id, model="m", kind=batch.kind, frame=frame))
        watch.settle()
        assert set(states(watch)) == {"page_hinkley"}
        assert PageHinkley(falls=False).start().n == 0


def test_what_the_reference_s_own_windows_do_is_no_worsening() -> None:
    """A reference whose days swing between 5 and 35 % of errors: a week of 30 % is let be, 70 % is not."""
    rates = np.tile([0.05, 0.35], 10)
    draws = np.random.default_rng(2).random((20, PER_DAY))
    held = pl.DataFrame(
        {
            "at": [BEGIN - timedelta(days=40) + timedelta(days=i / PER_DAY) for i in range(20 * PER_DAY)],
            "prediction": "0",
            "outcome": np.where((draws < rates[:, None]).ravel(), "1", "0"),
        }
    )
    for rate, expected in ((0.3, False), (0.7, True)):
        with opened() as watch:
            watch.register(SPEC.evolve(detectors=("risk",)), held, rules=())
            for batch in batches(errors(7, 0, (0.0, rate))):
                watch.take(batch)
            watch.settle()
            assert bool(detections(watch)) == expected


def test_detectors_are_checked_when_a_model_is_declared() -> None:
    """An unknown name gets a near one; a detector of errors is refused for a regression; `[]` turns all off."""
    with opened() as watch:
        with pytest.raises(ConfigError, match="did you mean 'adwin'"):
            watch.apply(SPEC.evolve(detectors=("adwinn",)))
        with pytest.raises(ConfigError, match="takes errors of 0 and 1"):
            watch.apply(ModelSpec(name="r", task=Task.REGRESSION, detectors=("ddm",)))
        watch.apply(SPEC.evolve(detectors=()), rules=())
        for batch in batches(errors(3, 0)):
            watch.take(batch)
        watch.settle()
        assert states(watch) == {}
    assert ModelSpec.from_dict(SPEC.to_dict()).detectors == ("ddm", "risk")
    assert ModelSpec.from_dict({"name": "m", "task": "binary"}).detectors == ("risk",)
