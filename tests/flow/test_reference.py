"""References and the bands of their own windows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from anchorwatch.core.errors import InputError
from anchorwatch.core.schema import Column, Kind, ModelSpec, Task
from anchorwatch.core.times import micros
from anchorwatch.flow.bands import grounds_of
from anchorwatch.flow.ports import Reference
from anchorwatch.flow.reference import profile_reference

BEGIN = datetime(2013, 1, 1, tzinfo=UTC)
SPEC = ModelSpec(name="rides", task=Task.REGRESSION, columns=(Column("x", Kind.NUMBER),))
DAYS = 6
TABLE = pl.DataFrame(
    {
        "at": [BEGIN + timedelta(hours=6 * index) for index in range(4 * DAYS)],
        "x": [float(index) for index in range(4 * DAYS)],
        "prediction": [0.0] * 4 * DAYS,
        "outcome": [float(index // 4) for index in range(4 * DAYS)],
    }
)


def test_a_reference_is_profiled_whole_and_by_window() -> None:
    """Its windows are those of its times, and add up to the whole."""
    found = profile_reference(SPEC, TABLE)
    assert list(found.windows) == [micros(BEGIN + timedelta(days=day)) for day in range(DAYS)]
    numbers = [item.numbers for item in (found.whole, *found.windows.values())]
    counts = [part.counts for part in numbers if part is not None]
    assert (counts[0] == sum(counts[1:])).all()
    assert found.grid.fitted


def test_without_times_there_are_no_windows() -> None:
    """The whole is all there is."""
    found = profile_reference(SPEC, TABLE.drop("at"))
    assert found.windows == {}
    assert found.whole.numbers is not None


@pytest.mark.parametrize(
    ("table", "told"),
    [(TABLE.head(0), "the reference has no rows"), (TABLE.drop("x"), "the reference lacks the input 'x'")],
)
def test_a_reference_that_will_not_do(table: pl.DataFrame, told: str) -> None:
    """Empty, or without an input, it is refused with the remedy."""
    with pytest.raises(InputError, match=told):
        profile_reference(SPEC, table)


def test_grounds_are_mean_and_spread_of_the_windows() -> None:
    """Of one measure, worked out once and kept with the reference; nothing for a measure of another task."""
    found = profile_reference(SPEC, TABLE)
    reference = Reference(1, found.whole, tuple(found.windows.items()))
    band = grounds_of(SPEC, reference, "mae")[""].band
    assert band is not None
    assert (band.mean, band.n) == (pytest.approx(2.5), DAYS)
    assert band.sd == pytest.approx(3.5**0.5)
    assert grounds_of(SPEC, reference, "mae") is grounds_of(SPEC, reference, "mae")
    assert grounds_of(SPEC, reference, "accuracy") == {}
    assert grounds_of(SPEC, reference, "nonsense") == {}
    assert [key.partition(" ")[0] for key in reference.grounds] == ["mae", "accuracy", "nonsense"]
