"""What of a model is looked at: a span of time, a grain, a version, a segment; all of it in the address."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from anchorwatch.core.errors import InputError
from anchorwatch.server.pages.views.format import iso, moment

if TYPE_CHECKING:
    from collections.abc import Mapping

RANGES = {"7d": 7, "30d": 30, "90d": 90, "1y": 366, "all": 0}
DEFAULT_RANGE = "90d"


@dataclass(frozen=True, slots=True)
class Scope:
    """The address's say on what is shown.

    `start` and `end` stand as they were written (a day or an ISO time) and win over `range`, which counts back
    from the model's last event.
    """

    range: str = DEFAULT_RANGE
    start: str = ""
    end: str = ""
    grain: str = ""
    version: str = ""
    segment: str = ""
    metric: str = ""

    @classmethod
    def read(cls, params: Mapping[str, str]) -> Scope:
        """From query parameters; raises `InputError` for what cannot be a time or a range."""
        given = {item.name: params.get(item.name, "").strip() for item in fields(cls)}
        given["range"] = given["range"] or DEFAULT_RANGE
        if given["range"] not in {*RANGES, "custom"}:
            raise InputError(f"range {given['range']!r}: take one of {', '.join(RANGES)}")
        if given["start"] or given["end"]:
            given["range"] = "custom"
        for name in ("start", "end"):
            _check_time(name, given[name])
        return cls(**given)

    def bounds(self, first: str | None, last: str | None, zone: str) -> tuple[str | None, str | None]:
        """Start and end as the queries take them; None where the data itself is the bound."""
        if self.start or self.end:
            return _at(self.start, zone), _at(self.end, zone, whole_day=True)
        latest, days = moment(last), RANGES.get(self.range, 0)
        if latest is None or not days:
            return None, None
        since = _midnight(latest - timedelta(days=days), zone)
        earliest = moment(first)
        return (None if earliest and since <= earliest else iso(since)), None

    def slice(self) -> dict[str, str]:
        """Version and segment, as the queries take them."""
        return {"version": self.version, "segment": self.segment}

    def evolve(self, **changes: Any) -> Scope:
        """A copy; choosing a range forgets custom times."""
        if changes.get("range"):
            changes = {"start": "", "end": "", **changes}
        return replace(self, **changes)

    def link(self, path: str, **changes: Any) -> str:
        """The address of `path` under this scope with `changes`.

        >>> Scope(version="3").link("/models/fares", metric="mae")
        '/models/fares?version=3&metric=mae'
        """
        return path + query(self.evolve(**changes).parameters())

    def parameters(self) -> dict[str, str]:
        """What differs from the default, as query parameters."""
        plain = Scope()
        pairs = {item.name: getattr(self, item.name) for item in fields(self)}
        if self.range == "custom":
            del pairs["range"]
        return {name: value for name, value in pairs.items() if value != getattr(plain, name)}


def query(pairs: Mapping[str, Any]) -> str:
    """`?a=b` of what is not empty, or nothing.

    >>> query({"a": "x y", "b": ""}), query({})
    ('?a=x+y', '')
    """
    kept = {name: value for name, value in pairs.items() if value not in {"", None}}
    return f"?{urlencode(kept)}" if kept else ""


def _check_time(name: str, text: str) -> None:
    try:
        moment(text)
    except ValueError:
        raise InputError(
            f"{name} {text!r}: write a day such as 2013-07-01 or a time such as 2013-07-01T05:00:00Z"
        ) from None


def _at(text: str, zone: str, *, whole_day: bool = False) -> str | None:
    if not text:
        return None
    if len(text) > 10:
        at = datetime.fromisoformat(text)
        return iso(at if at.tzinfo else at.replace(tzinfo=ZoneInfo(zone)))
    day = date.fromisoformat(text) + timedelta(days=int(whole_day))
    return iso(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)))


def _midnight(at: datetime, zone: str) -> datetime:
    return at.astimezone(ZoneInfo(zone)).replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)
