"""Ordinary ups and downs are no drift, when the reference's times tell of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

import anchorwatch as aw


def days(seed: int, count: int, first: int = 0, shift: float = 0.0) -> pl.DataFrame:
    """Days of 400 rows that share a mood: the mean of `x` differs from day to day by half a standard deviation."""
    random = np.random.default_rng(seed)
    day = np.repeat(np.arange(count), 400)
    mood = random.normal(scale=0.5, size=count)[day]
    at = [
        datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=int(first + one), seconds=60 * (row % 400))
        for row, one in enumerate(day)
    ]
    return pl.DataFrame({"at": at, "x": random.normal(size=day.size) + mood + shift})


@pytest.mark.parametrize("seed", range(5))
def test_a_usual_day_is_no_drift_when_times_are_known(seed: int) -> None:
    """And is one when they are not: then rows count as independent."""
    reference, today = days(seed, 40), days(100 + seed, 1, 40)
    assert aw.compare(reference, today, time="at").drifted == []


def test_without_times_moody_days_drift() -> None:
    """Which is what the times are for: some of ten days are called drift without them."""
    reference = days(1, 40).drop("at")
    called = [bool(aw.compare(reference, days(200 + seed, 1).drop("at")).drifted) for seed in range(10)]
    assert any(called)


def test_an_unusual_day_still_is() -> None:
    """Six times as far as days differ."""
    assert aw.compare(days(1, 40), days(2, 1, 40, shift=3.0), time="at").drifted == ["x"]


def test_too_short_a_reference_tells_nothing() -> None:
    """Four hours are no basis for what is usual; rows are taken for independent."""
    assert aw.compare(days(1, 1).head(240), days(1, 1, 40, shift=3.0), time="at").drifted == ["x"]


def test_cells_that_cannot_be_read_are_missing_there_too() -> None:
    """As without times: a text in a column of numbers takes nothing down."""
    reference, today = (
        table.with_columns(pl.col("x").cast(pl.String)) for table in (days(1, 40), days(2, 1, 40))
    )
    broken = reference.with_columns(
        x=pl.when(pl.int_range(pl.len()) % 50 == 0).then(pl.lit("bad")).otherwise("x")
    )
    report = aw.compare(broken, today, time="at", columns={"x": "number"})
    assert [finding.measure for finding in report.findings] == []
