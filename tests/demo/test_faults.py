"""Faults break what they say, from when they say."""

from __future__ import annotations

import polars as pl
import pytest

from anchorwatch.demo.faults import STUCK_AT, Fault, broken
from anchorwatch.demo.models import MIDDLE

COLUMN = {Fault.WIND_UNIT: "wind_speed", Fault.STUCK_SENSOR: "temp", Fault.TIMEZONE: "scheduled_hour"}


@pytest.mark.parametrize("fault", Fault)
def test_a_fault_touches_one_column_from_its_day_on(few: pl.DataFrame, fault: Fault) -> None:
    """Everything before, and every other column, stays as it is; what was missing stays missing."""
    seen = broken(few, fault, MIDDLE)
    column = COLUMN[fault]
    before = pl.col("at") < MIDDLE
    assert seen.drop(column).equals(few.drop(column))
    assert seen.filter(before).equals(few.filter(before))
    assert (seen[column].is_null() == few[column].is_null()).all()
    after = (seen.filter(~before)[column] != few.filter(~before)[column]).mean()
    assert after > 0.9


def test_no_fault_changes_nothing(few: pl.DataFrame) -> None:
    """Without a fault the models see what is."""
    assert broken(few, None, MIDDLE) is few


def test_each_fault_does_its_arithmetic(few: pl.DataFrame) -> None:
    """m/s for mph, one temperature for all, UTC's hour for New York's."""
    after = few.filter(pl.col("at") >= MIDDLE)

    def seen(fault: Fault) -> pl.Series:
        return broken(after, fault, MIDDLE)[COLUMN[fault]]

    assert seen(Fault.WIND_UNIT).to_list() == pytest.approx((after["wind_speed"] * 0.44704).to_list())
    assert seen(Fault.STUCK_SENSOR).drop_nulls().unique().to_list() == [STUCK_AT]
    assert (seen(Fault.TIMEZONE) == after["at"].dt.hour()).all()
