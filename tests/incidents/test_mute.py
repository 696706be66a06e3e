"""Quiet hours and silences: whom they hold, and until when."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anchorwatch.core.errors import InputError
from anchorwatch.core.types import Incident, IncidentState, Severity
from anchorwatch.incidents.mute import DAYS, Quiet, Silence, hushed, silenced
from anchorwatch.incidents.routing import Match, Subject

MOMENTS = st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - made aware
TIMES = st.times().map(lambda one: one.replace(second=0, microsecond=0))
AT = datetime(2026, 1, 5, 12, tzinfo=UTC)


@given(MOMENTS, TIMES, TIMES, st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata"]))
def test_quiet_hours_hold_by_the_local_clock(at: datetime, start: time, end: time, zone: str) -> None:
    """It is quiet exactly when the local time of day lies in them, but near a change of clocks."""
    here = ZoneInfo(zone)
    days = {(at + timedelta(hours=hours)).astimezone(here).utcoffset() for hours in (-30, 0, 30)}
    if len(days) > 1:
        return
    local = at.astimezone(here).time()
    inside = start <= local < end if start < end else local >= start or local < end
    until = Quiet(name="q", start=start, end=end, zone=zone).until(at)
    assert (until is not None) == inside
    if until is not None:
        assert at < until <= at + timedelta(days=1)
        assert until.astimezone(here).time() == end


@pytest.mark.parametrize(("day", "quiet"), [(2, True), (3, True), (4, False), (5, False)])
def test_quiet_hours_begin_on_their_days(day: int, quiet: bool) -> None:
    """A night that begins on Friday ends on Saturday (2 January 2026 is a Friday)."""
    nights = Quiet(name="q", start=time(22), end=time(7), days=("fri",))
    at = datetime(2026, 1, day, 23 if day == 2 else 3, tzinfo=UTC)
    assert (nights.until(at) is not None) == quiet
    assert DAYS[datetime(2026, 1, 2, tzinfo=UTC).weekday()] == "fri"


def test_quiet_hours_are_as_long_as_the_night_when_clocks_change() -> None:
    """On 29 March 2026 Berlin goes from 2 to 3 o'clock."""
    night = Quiet(name="q", start=time(22), end=time(7), zone="Europe/Berlin")
    assert night.until(datetime(2026, 3, 29, 0, tzinfo=UTC)) == datetime(2026, 3, 29, 5, tzinfo=UTC)


def test_a_page_does_not_wait_for_the_morning() -> None:
    """Unless it is named; the longest of several holds."""
    quiets = {
        "a": Quiet(name="a", start=time(10), end=time(13)),
        "b": Quiet(name="b", start=time(10), end=time(15)),
    }
    assert hushed(Severity.PAGE, quiets, quiets, AT) is None
    held = hushed(Severity.WARN, ("a", "b", "gone"), quiets, AT)
    assert held is not None
    assert held.until == AT.replace(hour=15)


def test_the_silence_that_ends_last_holds() -> None:
    """Of those that match and have begun; the incident's own among them."""
    incident = Incident(model="m", cause="drift", state=IncidentState.FIRING, opened_at=AT, updated_at=AT)
    subject = Subject.of(incident)

    def one(hours: float, **match: tuple[str, ...]) -> Silence:
        until = AT + timedelta(hours=hours)
        return Silence(
            match=Match(**match), author="ann", reason="", start=AT - timedelta(hours=9), until=until
        )  # type: ignore[arg-type]

    found = silenced(incident, subject, [one(1), one(2, models=("m",)), one(9, models=("n",)), one(-1)], AT)
    assert found is not None
    assert found.until == AT + timedelta(hours=2)
    own = incident.evolve(silenced_until=AT + timedelta(hours=3))
    assert silenced(own, subject, [one(1)], AT) is not None
    assert silenced(incident, subject, [one(0)], AT) is None
    with pytest.raises(InputError, match="before the silence's start"):
        one(-10)
