"""Moments as whole microseconds since 1970, UTC, which is how they are stored and compared."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICRO = timedelta(microseconds=1)


def micros(at: datetime) -> int:
    """Microseconds since 1970.

    >>> micros(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC))
    1000000
    """
    return (at - _EPOCH) // _MICRO


def span_micros(span: timedelta) -> int:
    """A length of time in microseconds."""
    return span // _MICRO


def from_micros(count: int) -> datetime:
    """The moment so many microseconds after 1970 began."""
    return _EPOCH + count * _MICRO


def iso(count: int) -> str:
    """ISO 8601 in UTC, to the second where that is exact.

    >>> iso(1_500_000)
    '1970-01-01T00:00:01.500000Z'
    """
    at = from_micros(count)
    return at.isoformat(timespec="microseconds" if at.microsecond else "seconds").replace("+00:00", "Z")
