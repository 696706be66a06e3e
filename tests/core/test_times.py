"""Moments as microseconds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from anchorwatch.core.times import from_micros, iso, micros, span_micros

MOMENTS = st.datetimes(datetime(1900, 1, 1), datetime(9000, 1, 1), timezones=st.timezones())  # noqa: DTZ001 - bounds


@given(at=MOMENTS)
def test_no_microsecond_is_lost(at: datetime) -> None:
    """There and back is the same moment, in UTC."""
    back = from_micros(micros(at))
    assert back == at.astimezone(UTC)
    assert back.tzinfo is UTC


@given(count=st.integers(-(2**50), 2**55))
def test_texts_are_iso(count: int) -> None:
    """Written in UTC with a Z, and read back exactly."""
    text = iso(count)
    assert text.endswith("Z")
    assert micros(datetime.fromisoformat(text)) == count


def test_a_length_of_time() -> None:
    """In microseconds, exactly."""
    assert span_micros(timedelta(days=1, microseconds=1)) == 86_400_000_001
