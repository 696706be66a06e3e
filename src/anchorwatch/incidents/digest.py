"""The daily digest: what fired, what is over, what goes on, and what nobody was told of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from anchorwatch.core.messages import Message, MessageKind
from anchorwatch.core.types import IncidentState, Severity
from anchorwatch.incidents.message import severity
from anchorwatch.incidents.mute import moment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anchorwatch.core.types import Incident

LINES = 12
"""Incidents that are told one by one; of the rest, how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """When the digest is sent and to whom: `at` in the zone's local time, every day."""

    to: tuple[str, ...]
    at: time = time(8)
    zone: str = "UTC"

    def last(self, now: datetime) -> datetime:
        """The latest moment at or before `now` at which a digest was due, in UTC.

        >>> Digest(to=("mail",), at=time(8)).last(datetime(2026, 1, 5, 7, tzinfo=UTC))
        datetime.datetime(2026, 1, 4, 8, 0, tzinfo=datetime.timezone.utc)
        """
        zone = ZoneInfo(self.zone)
        today = now.astimezone(zone).date()
        due = datetime.combine(today, self.at, zone).astimezone(UTC)
        if due <= now:
            return due
        return datetime.combine(today - timedelta(days=1), self.at, zone).astimezone(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What happened between two digests; `held` counts messages that were held back, by reason."""

    start: datetime
    end: datetime
    incidents: tuple[Incident, ...]
    held: tuple[tuple[str, int], ...] = ()
    dead: int = 0


def compose_digest(day: Day, key: str, base_url: str = "") -> Message:
    """The message of a day; `key` is its delivery's."""
    firing = [one for one in day.incidents if one.state is IncidentState.FIRING]
    over = [one for one in day.incidents if one.state is IncidentState.RESOLVED]
    models = sorted({one.model for one in day.incidents})
    text = [f"From {moment(day.start)} to {moment(day.end)}."]
    text += _listed("Still firing", firing) + _listed("Over", over)
    text += [f"Held back, {count} times: {reason}" for reason, count in day.held[:LINES]]
    if day.dead:
        text.append(f"Could not be delivered: {day.dead} messages; see the page Notifications")
    if not day.incidents:
        text.append("No incident: all models that are watched kept within their rules.")
    title = f"Daily digest: {len(firing)} firing, {len(over)} over"
    return Message(
        id=key,
        kind=MessageKind.DIGEST,
        thread=key,
        model=models[0] if len(models) == 1 else "",
        incident=0,
        severity=severity(firing) if firing else Severity.INFO,
        state=None,
        title=title + (f" ({', '.join(models[:3])}{' …' if len(models) > 3 else ''})" if models else ""),
        text="\n".join(text),
        facts=(("Firing", str(len(firing))), ("Over", str(len(over))), ("Models", str(len(models)))),
        links=(("Incidents", f"{base_url.rstrip('/')}/incidents"),) if base_url else (),
        at=day.end,
    )


def _listed(what: str, incidents: Sequence[Incident]) -> list[str]:
    ranked = sorted(incidents, key=lambda one: (-one.severity.rank, one.id))
    lines = [
        f"{what}: {one.model}: {one.summary or one.cause} ({one.severity}, since "
        f"{moment(one.fired_at or one.opened_at)}, #{one.id})"
        for one in ranked[:LINES]
    ]
    more = len(ranked) - LINES
    return [*lines, f"{what}: {more} more"] if more > 0 else lines
