"""When people are left in peace: quiet hours and silences, each answering with a reason and an end."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from anchorwatch.core.errors import InputError
from anchorwatch.core.types import Severity
from anchorwatch.incidents.notice import Held

if TYPE_CHECKING:
    from collections.abc import Iterable

    from anchorwatch.core.types import Incident
    from anchorwatch.incidents.routing import Match, Subject

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiet:
    """Hours in which messages of some severities wait for the morning.

    Args:
        name: what routes call it.
        start: local time from which …
        end: … and before which it is quiet; at or before `start`: on the next day.
        zone: the time zone, by its IANA name.
        days: days on which it begins.
        severities: which messages wait; a page does not unless it is named.
    """

    name: str
    start: time
    end: time
    zone: str = "UTC"
    days: tuple[str, ...] = DAYS
    severities: tuple[Severity, ...] = (Severity.INFO, Severity.WARN)

    def until(self, at: datetime) -> datetime | None:
        """When the quiet hours that `at` lies in end, in UTC; None when it lies in none.

        >>> night = Quiet(name="night", start=time(22), end=time(7), zone="Europe/Berlin")
        >>> night.until(datetime(2026, 1, 5, 2, tzinfo=UTC))
        datetime.datetime(2026, 1, 5, 6, 0, tzinfo=datetime.timezone.utc)
        >>> night.until(datetime(2026, 1, 5, 12, tzinfo=UTC)) is None
        True
        """
        zone = ZoneInfo(self.zone)
        today = at.astimezone(zone).date()
        for begin in (today - timedelta(days=1), today):
            if DAYS[begin.weekday()] not in self.days:
                continue
            over = begin if self.end > self.start else begin + timedelta(days=1)
            start = datetime.combine(begin, self.start, zone).astimezone(UTC)
            end = datetime.combine(over, self.end, zone).astimezone(UTC)
            if start <= at < end:
                return end
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """Nobody is told of incidents that match, from `start` until `until`."""

    match: Match
    author: str
    reason: str
    start: datetime
    until: datetime
    id: int = 0

    def __post_init__(self) -> None:
        if self.until < self.start:
            raise InputError(
                f"until: {self.until:%Y-%m-%d %H:%M %Z} is before the silence's start; give a later one"
            )


@dataclass(frozen=True, slots=True)
class Mutes:
    """What may hold a message, all together."""

    silences: tuple[Silence, ...] = ()
    quiets: dict[str, Quiet] = field(default_factory=dict)


def silenced(incident: Incident, subject: Subject, silences: Iterable[Silence], at: datetime) -> Held | None:
    """The silence that ends last of those that hold an incident at `at`; None where none does."""
    held = []
    if incident.silenced_until is not None and at < incident.silenced_until:
        until = incident.silenced_until
        held.append(Held(f"the incident is silenced until {moment(until)}", until))
    for one in silences:
        if one.start <= at < one.until and one.match.misses(subject) is None:
            about = f": {one.reason}" if one.reason else ""
            text = f"silence {one.id} of {one.author} ({one.match.text}) until {moment(one.until)}{about}"
            held.append(Held(text, one.until))
    return max(held, key=_end, default=None)


def hushed(severity: Severity, names: Iterable[str], quiets: dict[str, Quiet], at: datetime) -> Held | None:
    """The quiet hours that end last of those that hold a message of `severity`; None where none do."""
    held = []
    for name in names:
        quiet = quiets.get(name)
        until = quiet.until(at) if quiet is not None and severity in quiet.severities else None
        if until is not None:
            held.append(Held(f"quiet hours {name!r} until {moment(until)}", until))
    return max(held, key=_end, default=None)


def moment(at: datetime) -> str:
    """A moment as reasons show it."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _end(held: Held) -> datetime:
    return held.until or datetime.max.replace(tzinfo=UTC)
