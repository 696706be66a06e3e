"""Windows of time: tumbling, in a model's own time zone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from anchorwatch.core.errors import ConfigError

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_DAY = 86_400


def duration(text: str | float | timedelta) -> timedelta:
    """Read a duration: `"90s"`, `"15m"`, `"6h"`, `"2d"`, `"1w"`, sums such as `"1d 12h"`, or seconds.

    >>> duration("1d 12h")
    datetime.timedelta(days=1, seconds=43200)
    """
    if isinstance(text, timedelta):
        return text
    if isinstance(text, int | float):
        try:
            return timedelta(seconds=text)
        except (OverflowError, ValueError):
            raise ConfigError(f"{text!r} seconds are beyond any calendar; write for example '2d'") from None
    parts = re.findall(r"(\d+(?:\.\d+)?)\s*([smhdw])", text)
    if not parts or re.sub(r"(\d+(?:\.\d+)?)\s*([smhdw])|\s", "", text):
        raise ConfigError(f"{text!r} is no duration; write for example '15m', '6h', '2d' or '1d 12h'")
    return duration(sum(float(number) * _UNITS[unit] for number, unit in parts))


def brief(span: timedelta) -> str:
    """Write a duration as `duration` reads it.

    >>> brief(timedelta(hours=36))
    '1d 12h'
    """
    seconds = round(span.total_seconds())
    parts = []
    for unit in ("d", "h", "m", "s"):
        number, seconds = divmod(seconds, _UNITS[unit])
        if number:
            parts.append(f"{number}{unit}")
    return " ".join(parts) or "0s"


@dataclass(frozen=True, slots=True)
class Window:
    """A span of event time, `start` included and `end` excluded, both aware and in UTC."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Grain:
    """How long windows are: minutes or hours that divide a day, `1d`, `1w` (from Monday) or `1mo`.

    >>> Grain.parse("1d").window(datetime(2013, 7, 1, 3, tzinfo=UTC), "America/New_York").start
    datetime.datetime(2013, 6, 30, 4, 0, tzinfo=datetime.timezone.utc)
    """

    text: str

    @classmethod
    def parse(cls, text: str) -> Grain:
        """Check and normalise: `"60m"` is `"1h"`, `"24h"` is `"1d"`."""
        if text in {"1d", "1w", "1mo"}:
            return cls(text)
        if not re.fullmatch(r"\d+[smhdw]", text):
            raise ConfigError(f"{text!r} is no window; write '15m', '1h', '6h', '1d', '1w' or '1mo'")
        seconds = int(duration(text).total_seconds())
        if seconds == 7 * _DAY:
            return cls("1w")
        if seconds < 60 or seconds % 60 or _DAY % seconds:
            raise ConfigError(
                f"a window of {text!r} does not divide a day; take '15m', '1h', '6h', '1d', '1w'"
            )
        return cls(brief(timedelta(seconds=seconds)))

    @property
    def length(self) -> timedelta:
        """Nominal length; a day of clock change and a month differ."""
        return timedelta(days=30) if self.text == "1mo" else duration(self.text)

    def window(self, at: datetime, zone: str) -> Window:
        """The window that holds `at`, in time zone `zone`."""
        tz = ZoneInfo(zone)
        local = at.astimezone(tz)
        if self.length < timedelta(days=1):
            return self._within_day(at, local, tz)
        first = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
        if self.text == "1w":
            first -= timedelta(days=first.weekday())
        if self.text == "1mo":
            first = first.replace(day=1)
            after = (first + timedelta(days=32)).replace(day=1)
        else:
            after = first + self.length
        return Window(first.astimezone(UTC), after.astimezone(UTC))

    def _within_day(self, at: datetime, local: datetime, tz: ZoneInfo) -> Window:
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
        tomorrow = (midnight + timedelta(days=1)).replace(tzinfo=tz).astimezone(UTC)
        begin = midnight.astimezone(UTC)
        steps = (at.astimezone(UTC) - begin) // self.length
        start = begin + steps * self.length
        return Window(start, min(start + self.length, tomorrow))

    def finer(self, other: Grain) -> bool:
        """Whether windows of this grain add up to windows of `other`."""
        return self.length <= other.length and not (self.text == "1w" and other.text == "1mo")
