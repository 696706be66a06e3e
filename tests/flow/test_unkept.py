"""Measures that windows do not keep are worked out when somebody asks, and are what they would have been."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from anchorwatch.app.watch import Watch
from anchorwatch.core.calendar import Grain
from anchorwatch.core.schema import Column, Kind, ModelSpec, Task
from anchorwatch.core.types import EventKind, Rule
from anchorwatch.flow.measure import of_segments, of_wholes
from anchorwatch.flow.replay import replay
from anchorwatch.flow.take import Batch
from anchorwatch.flow.unkept import unkept

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SPEC = ModelSpec(
    name="m",
    task=Task.REGRESSION,
    columns=(Column("x", Kind.NUMBER), Column("c", Kind.CATEGORY)),
    window=Grain.parse("1h"),
    segments=("c",),
)
BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
HOURS, EACH = 6, 80
ENERGY = Rule(name="far", measure="energy", above=0.5)


def frame(begin: datetime, seed: int) -> pl.DataFrame:
    """Six hours of events, the last three of them moved."""
    rng = np.random.default_rng(seed)
    number = np.arange(HOURS * EACH)
    return pl.DataFrame(
        {
            "_id": [f"{seed}-{item}" for item in number],
            "_at": [begin + timedelta(seconds=3600 / EACH * item) for item in number.tolist()],
            "_version": ["1"] * number.size,
            "_prediction": rng.normal(size=number.size),
            "_latency": rng.random(number.size),
            "_error": pl.Series([None] * number.size, dtype=pl.String),
            "x": rng.normal(size=number.size) + 3 * (number >= number.size // 2) * (seed > 1),
            "c": rng.choice(["a", "b"], number.size),
        }
    )


def filled(folder: Path, rules: tuple[Rule, ...]) -> Watch:
    """A store of six hours, watched by those rules."""
    watch = Watch.open(folder, start=False)
    names = {"_prediction": "prediction", "_at": "at", "_latency": "latency"}
    reference = frame(BEGIN - timedelta(days=9), 1).rename(names).drop("_id", "_version", "_error")
    watch.register(SPEC, reference, version="1")
    watch.apply(SPEC, rules)
    watch.take(Batch(id="b", model="m", kind=EventKind.PREDICTIONS, frame=frame(BEGIN, 2)))
    watch.settle()
    return watch


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Watch]:
    """A store whose only rule is about errors."""
    with filled(tmp_path / "one", (Rule(name="errors", measure="error_rate", above=0.5),)) as opened:
        yield opened


@pytest.fixture
def asked(tmp_path: Path) -> Iterator[Watch]:
    """The same store with a rule about a measure that windows do not keep."""
    with filled(tmp_path / "two", (ENERGY,)) as opened:
        yield opened


def test_worked_out_is_what_would_have_been_kept(watch: Watch, asked: Watch) -> None:
    """Series and heat map say the same whether a rule had windows keep the measure or not."""
    with asked.ledger.read() as books:
        assert not unkept(books.models.get("m"), "", ["energy"])
    with watch.ledger.read() as books:
        assert [item.name for item in unkept(books.models.get("m"), "", ["energy"])] == ["energy"]
    for question in ("series", "heatmap"):
        told = {"subject": "x"} if question == "series" else {}
        found, kept = (getattr(item.queries, question)("m", "energy", **told) for item in (watch, asked))
        assert found["start"] == kept["start"]
        np.testing.assert_allclose(found["value"], kept["value"], rtol=1e-6)
    assert len(watch.queries.series("m", "energy", subject="x")["value"]) == HOURS


def test_drift_of_a_segment_is_worked_out(watch: Watch) -> None:
    """Segments keep no drift, and show it when somebody looks."""
    with watch.ledger.read() as books:
        assert "drift" not in {item.name for item in of_segments(books.models.get("m"))}
    found = watch.queries.series("m", "drift", subject="x", segment="c=a")["value"]
    assert found[-1] > 0.5 > found[0]
    assert watch.queries.heatmap("m", "psi", segment="c=a")["columns"][0] == "x"


def test_rules_that_are_tried_out_see_what_windows_do_not_keep(watch: Watch) -> None:
    """A replay of a rule that is not in force judges the windows there are."""
    with watch.ledger.read() as books:
        model = books.models.get("m")
        assert "energy" not in {item.name for item in of_wholes(model)}
        assert replay(books, model, (ENERGY,), 0, 2**62).breaches == {"far": HOURS // 2}
