"""What `anchorwatch.testing` gives to tests, ours and users'."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from anchorwatch.core.schema import Column, Kind, ModelSpec, Task
from anchorwatch.testing import FrozenClock, memory_watch

NOON = datetime(2013, 7, 1, 12, tzinfo=UTC)
SPEC = ModelSpec(name="load", task=Task.REGRESSION, columns=(Column("x", Kind.NUMBER),))


def test_a_frozen_clock_moves_when_it_is_told() -> None:
    """The wall clock may step back; seconds that passed never do."""
    clock = FrozenClock(datetime(2013, 7, 1, 14, tzinfo=UTC).astimezone())
    assert clock.now() == NOON + timedelta(hours=2)
    clock.advance(hours=1, minutes=30)
    assert (clock.now(), clock.monotonic()) == (NOON + timedelta(hours=3.5), 5400.0)
    clock.advance(days=-1)
    assert (clock.now(), clock.monotonic()) == (NOON - timedelta(hours=20.5), 5400.0)


def test_events_without_a_time_have_that_of_the_frozen_clock() -> None:
    """`log`, `predicting`, `watched` and `outcome` alike; a time that is given holds."""
    with memory_watch(NOON) as (watch, clock):
        model = watch.register(SPEC)
        first = model.log({"x": 1.0}, prediction=1.0)
        clock.advance(days=1)
        with model.predicting({"x": 2.0}) as made:
            made.prediction = 2.0
        model.watched()(lambda x: x)(3.0)
        model.log({"x": 4.0}, prediction=4.0, at=NOON + timedelta(days=2))
        model.outcome(first, 3.0)
        watch.settle()
        found = model.series("throughput")
        assert found["start"] == ["2013-07-01T00:00:00Z", "2013-07-02T00:00:00Z", "2013-07-03T00:00:00Z"]
        assert found["value"] == [1, 2, 1]
        assert model.series("mae")["value"] == [2.0, None, None]
        came = watch.watch.lake.scan_outcomes("load", None, None)["_at"].to_list()
        assert came == [NOON + timedelta(days=1)]


def test_a_memory_watch_leaves_nothing_behind() -> None:
    """Each is new, and takes nothing once it is closed."""
    with memory_watch(NOON) as (watch, _):
        watch.register(SPEC)
        assert [item["name"] for item in watch.models()] == ["load"]
        assert set(watch.query("status")["disk"].values()) == {None}
    with memory_watch(NOON) as (other, _):
        assert other.models() == []


def test_a_clock_in_another_zone_is_told_in_utc() -> None:
    """Whatever zone it was made in."""
    zone = pytest.importorskip("zoneinfo").ZoneInfo("America/New_York")
    assert FrozenClock(datetime(2013, 7, 1, 8, tzinfo=zone)).now().isoformat() == "2013-07-01T12:00:00+00:00"
