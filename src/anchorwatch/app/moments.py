"""Times as people and programs give them."""

from __future__ import annotations

from datetime import UTC, date, datetime

from anchorwatch.core.errors import InputError
from anchorwatch.core.times import micros

Moment = str | int | float | datetime | None


def moment(given: Moment, name: str, default: int) -> int:
    """Microseconds of an ISO 8601 text (a date is its midnight; without a zone: UTC), of a datetime, or of seconds.

    >>> moment("2013-07-01", "start", 0)
    1372636800000000
    """
    if given is None or given == "":
        return default
    if isinstance(given, int | float):
        return round(given * 1e6)
    if isinstance(given, str):
        given = _read(given, name)
    return micros(given if given.tzinfo else given.replace(tzinfo=UTC))


def _read(text: str, name: str) -> datetime:
    try:
        return datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
    except ValueError:
        pass
    try:
        return datetime.combine(date.fromisoformat(text), datetime.min.time())
    except ValueError:
        raise InputError(f"{name}: {text!r} is no time; write 2013-07-01 or 2013-07-01T12:00:00Z") from None
