"""Windows of time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anchorwatch.core.calendar import Grain, brief, duration
from anchorwatch.core.errors import ConfigError

ZONES = sorted(available_timezones())
GRAINS = ["1m", "15m", "20m", "1h", "6h", "8h", "1d", "1w", "1mo"]
MOMENTS = st.integers(0, 2**31 - 1).map(lambda second: datetime.fromtimestamp(second, UTC))


@given(at=MOMENTS, zone=st.sampled_from(ZONES), text=st.sampled_from(GRAINS))
def test_windows_tile_time(at: datetime, zone: str, text: str) -> None:
    """Every moment is in its window, and the windows before and after touch it, in every zone."""
    grain = Grain.parse(text)
    window = grain.window(at, zone)
    assert window.start <= at < window.end
    assert grain.window(window.start, zone) == window
    assert grain.window(window.end, zone).start == window.end
    assert grain.window(window.start - timedelta(microseconds=1), zone).end == window.start


@given(at=MOMENTS, zone=st.sampled_from(ZONES))
def test_days_begin_at_local_midnight(at: datetime, zone: str) -> None:
    """A day is named by one date of the zone's calendar, and that date is its first moment's."""
    window = Grain("1d").window(at, zone)
    first, last = (
        moment.astimezone(ZoneInfo(zone)) for moment in (window.start, window.end - timedelta(microseconds=1))
    )
    assert first.date() == at.astimezone(ZoneInfo(zone)).date() == last.date()


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("America/New_York", datetime(2013, 3, 10, 12, tzinfo=UTC), 23.0),
        ("America/New_York", datetime(2013, 11, 3, 12, tzinfo=UTC), 25.0),
        ("Australia/Lord_Howe", datetime(2024, 4, 7, 0, tzinfo=UTC), 24.5),
        ("Australia/Lord_Howe", datetime(2024, 10, 6, 0, tzinfo=UTC), 23.5),
        ("Europe/Paris", datetime(2013, 7, 1, 12, tzinfo=UTC), 24.0),
    ],
)
def test_days_of_clock_change_are_as_long_as_they_are(zone: str, day: datetime, hours: float) -> None:
    """A day has 23, 25 or, on Lord Howe Island, 23.5 or 24.5 hours, and its hourly windows fill it."""
    window = Grain("1d").window(day, zone)
    assert (window.end - window.start) / timedelta(hours=1) == hours
    at, seen = window.start, []
    while at < window.end:
        hour = Grain("1h").window(at, zone)
        seen.append((hour.end - hour.start) / timedelta(hours=1))
        at = hour.end
    assert at == window.end
    assert sum(seen) == hours
    assert set(seen[:-1]) == {1.0}


def test_weeks_begin_on_monday_and_months_on_the_first() -> None:
    """Whatever the day, in the model's zone."""
    at = datetime(2024, 2, 29, 23, tzinfo=UTC)
    week, month = (Grain(text).window(at, "Europe/Berlin") for text in ("1w", "1mo"))
    assert week.start == datetime(2024, 2, 25, 23, tzinfo=UTC)
    assert week.end - week.start == timedelta(days=7)
    assert month.start == datetime(2024, 2, 29, 23, tzinfo=UTC)
    assert month.end == datetime(2024, 3, 31, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    ("given_text", "kept"),
    [("60m", "1h"), ("24h", "1d"), ("7d", "1w"), ("3600s", "1h"), ("1mo", "1mo"), ("90m", "1h 30m")],
)
def test_windows_are_normalised(given_text: str, kept: str) -> None:
    """Two spellings of one length are one grain."""
    assert Grain.parse(given_text).text == kept


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("soon", "is no window"),
        ("7h", "does not divide a day"),
        ("30s", "does not divide a day"),
        ("2d", "does not divide a day"),
        ("90s", "does not divide a day"),
        ("", "is no window"),
        ("1d 12h", "is no window"),
    ],
)
def test_other_windows_are_refused(text: str, told: str) -> None:
    """What does not tile a day is no window, with what would do."""
    with pytest.raises(ConfigError, match=told):
        Grain.parse(text)


@given(seconds=st.integers(0, 10**9))
def test_durations_are_read_as_they_are_written(seconds: int) -> None:
    """`duration` undoes `brief`."""
    assert duration(brief(timedelta(seconds=seconds))) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "5", "5 years", "d", "1d and 2h", "-1d"])
def test_no_duration(text: str) -> None:
    """A text that is none is refused with examples."""
    with pytest.raises(ConfigError, match="write for example"):
        duration(text)


@pytest.mark.parametrize("given", [-8e15, float("inf"), float("nan"), "9999999999999999d"])
def test_no_duration_is_beyond_the_calendar(given: float | str) -> None:
    """What no span of time can hold is refused as such."""
    with pytest.raises(ConfigError, match="beyond any calendar"):
        duration(given)


def test_durations_of_other_types() -> None:
    """Seconds and timedeltas are taken as they are."""
    assert duration(1.5) == timedelta(seconds=1.5)
    assert duration(timedelta(days=2)) == timedelta(days=2)


def test_which_grains_add_up() -> None:
    """Days add up to weeks and months; weeks do not add up to months."""
    assert Grain("1d").finer(Grain("1w"))
    assert Grain("1d").finer(Grain("1mo"))
    assert not Grain("1w").finer(Grain("1mo"))
    assert not Grain("1w").finer(Grain("1d"))
