"""Numbers and times as people read them: few digits, a unit, one width."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Any
from zoneinfo import ZoneInfo

from anchorwatch.core.calendar import brief

ABSENT = "–"
SHARES = frozenset({"share", "rate", "fraction"})
COUNTS = frozenset({"events", "predictions", "rows"})
SECONDS = frozenset({"s", "second", "seconds"})
HEADINGS = {
    "_at": "time",
    "_id": "id",
    "_version": "version",
    "_prediction": "prediction",
    "_score": "score",
    "_outcome": "outcome",
    "_outliers": "outliers",
    "_latency": "latency",
    "_error": "error",
}
_PLAIN = frozenset({"", "1", "none"})
_SCALES = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"))


def number(value: float | None, unit: str = "1") -> str:
    """A value with its unit, in three or four digits.

    >>> number(0.03141, "share"), number(0.0042, "seconds"), number(23456.7), number(None)
    ('3.14 %', '4.2 ms', '23,457', '–')
    """
    if value is None or not isfinite(value):
        return ABSENT
    if unit in SHARES:
        return f"{_digits(100 * value)} %"
    if unit in SECONDS:
        return _seconds(value)
    whole = abs(value) >= 10 and value == round(value)
    return f"{value:,.0f}" if whole else _digits(value)


def unit_label(unit: str) -> str:
    """The unit as an axis or a heading names it; empty for a plain number.

    >>> unit_label("share"), unit_label("1"), unit_label("minutes")
    ('%', '', 'minutes')
    """
    if unit in SHARES:
        return "%"
    return "" if unit in _PLAIN else unit


def interval(low: float | None, high: float | None, unit: str = "1") -> str:
    """A confidence interval; empty when either end is unknown.

    >>> interval(0.81, 0.85)
    '0.810 … 0.850'
    """
    if low is None or high is None:
        return ""
    return f"{number(low, unit)} … {number(high, unit)}"


def change(value: float | None, reference: float | None, unit: str = "1") -> str:
    """How far a value is from its reference, with a sign, in the decimals of the value.

    >>> change(0.78, 0.83), change(28.0, 22.5), change(0.91, 0.91001), change(1.0, None)
    ('-0.050', '+5.50', '±0', '')
    """
    if value is None or reference is None:
        return ""
    scale = 100 if unit in SHARES else 1
    moved = scale * (value - reference)
    if unit in SECONDS:
        text = _seconds(abs(moved))
    else:
        decimals = len(_digits(scale * value).partition(".")[2]) if "e" not in _digits(scale * value) else 6
        text = f"{abs(moved):,.{decimals}f}"
    if not text.strip("0.,s "):
        return "±0"
    return f"{'-' if moved < 0 else '+'}{text}{' %' if unit in SHARES else ''}"


def count(value: float | None) -> str:
    """A whole number, grouped; large ones shortened.

    >>> count(98_765), count(1_234_567), count(None)
    ('98,765', '1.23 M', '–')
    """
    if value is None:
        return ABSENT
    for size, mark in ((1e9, "G"), (1e6, "M")):
        if abs(value) >= size:
            return f"{value / size:.3g} {mark}"
    return f"{value:,.0f}"


def size(number_of_bytes: float | None) -> str:
    """Bytes as people say them.

    >>> size(3_400_000)
    '3.4 MB'
    """
    if number_of_bytes is None:
        return ABSENT
    for scale, mark in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if number_of_bytes >= scale:
            return f"{number_of_bytes / scale:.3g} {mark}"
    return f"{number_of_bytes:.0f} B"


def span(seconds: float | None) -> str:
    """A length of time in its two largest units.

    >>> span(93_784), span(0.4), span(None)
    ('1d 2h', '0s', '–')
    """
    if seconds is None:
        return ABSENT
    return " ".join(brief(timedelta(seconds=round(seconds))).split()[:2])


def moment(text: str | None) -> datetime | None:
    """Read an ISO time; aware, in UTC when it names no zone."""
    if not text:
        return None
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def iso(at: datetime) -> str:
    """Write a time as the queries do.

    >>> iso(datetime(2013, 1, 1, 5, tzinfo=UTC))
    '2013-01-01T05:00:00Z'
    """
    text = at.astimezone(UTC).isoformat()
    return text.removesuffix("+00:00") + "Z"


def when(text: str | None, zone: str = "UTC") -> str:
    """A time on the model's own clock; midnights are days.

    >>> when("2013-07-01T04:00:00Z", "America/New_York"), when("2013-07-01T12:34:56Z")
    ('2013-07-01', '2013-07-01 12:34')
    """
    at = moment(text)
    if at is None:
        return ABSENT
    local = at.astimezone(ZoneInfo(zone))
    return f"{local:%Y-%m-%d}" if (local.hour, local.minute) == (0, 0) else f"{local:%Y-%m-%d %H:%M}"


def ago(text: str | None, now: datetime) -> str:
    """How long ago, for what is recent; empty for what is older than 60 days or yet to come.

    >>> ago("2013-07-01T12:00:00Z", datetime(2013, 7, 1, 14, 5, tzinfo=UTC))
    '2h ago'
    """
    at = moment(text)
    if at is None or not timedelta(0) <= now - at < timedelta(days=60):
        return ""
    return "just now" if now - at < timedelta(minutes=1) else f"{brief(now - at).split()[0]} ago"


def heading(column: str) -> str:
    """A column's name as the table shows it.

    >>> heading("_at"), heading("_score:late"), heading("dep_delay")
    ('time', 'score:late', 'dep_delay')
    """
    return HEADINGS.get(column, column.removeprefix("_"))


def cell(value: Any) -> str:
    """One value of a logged row.

    >>> cell(None), cell(0.1 + 0.2), cell(7.0), cell("UA")
    ('–', '0.3', '7', 'UA')
    """
    if value is None:
        return ABSENT
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value)


def _digits(value: float) -> str:
    size_of = abs(value)
    if value == 0:
        return "0"
    if size_of >= 1000:
        return f"{value:,.0f}"
    if size_of >= 100:
        return f"{value:.1f}"
    if size_of >= 1:
        return f"{value:.2f}"
    return f"{value:.3f}" if size_of >= 0.01 else f"{value:.2g}"


def _seconds(value: float) -> str:
    if 120 <= value < 1e9:
        return span(value)
    for scale, mark in _SCALES:
        if abs(value) >= scale:
            return f"{value / scale:.3g} {mark}"
    return "0 s" if value == 0 else f"{value * 1e6:.2g} µs"
