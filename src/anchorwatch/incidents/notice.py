"""Whether a change is told, to whom, now or later: pure decisions, each with its reason.

A thread is what one channel is told about incidents of a model that began together:

```
           fires                    wait is over             all are over
  (none) ────────▶ gathering ───────────────────▶ open ───────────────────▶ closed
                       │  held by quiet hours       │  updates, reminders,
                       │  or a silence: later       │  escalations, acknowledgements
                       └── over, or looked after, before anybody was told ──▶ closed
```
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from anchorwatch.core.messages import MessageKind
from anchorwatch.core.types import IncidentState, Severity
from anchorwatch.incidents.machine import Change

if TYPE_CHECKING:
    from collections.abc import Iterable

    from anchorwatch.core.types import Incident


@dataclass(frozen=True, slots=True)
class Told:
    """It is told, as this kind of message."""

    kind: MessageKind
    reason: str


@dataclass(frozen=True, slots=True)
class Held:
    """It is not told; with `until`, not before then."""

    reason: str
    until: datetime | None = None


Decision = Told | Held


class ThreadState(StrEnum):
    """The life of a thread."""

    GATHERING = "gathering"
    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """What one channel is told about incidents that began together.

    Args:
        id: 0 before it is stored.
        key: what receivers know it by.
        channel: who is told.
        model: whose incidents.
        route: the route that led there.
        reason: why that one.
        state: gathering, open or closed.
        opened_at: when the first of them was to be told.
        said_at: when the last message was decided.
        incidents: numbers, in the order they joined.
        firing: those that are not over.
        acknowledged: those that somebody looks after.
        severity: the worst that was said.
        rungs: steps of the escalation that were taken.
        handle: what the channel returned for the first message.
        repeat: seconds after which a reminder follows; 0: never.
        quiet: names of quiet hours.
        escalate: (seconds, channels) of each step.
    """

    id: int = 0
    key: str
    channel: str
    model: str
    route: str
    reason: str
    state: ThreadState = ThreadState.GATHERING
    opened_at: datetime
    said_at: datetime
    incidents: tuple[int, ...] = ()
    firing: tuple[int, ...] = ()
    acknowledged: tuple[int, ...] = ()
    severity: Severity = Severity.INFO
    rungs: int = 0
    handle: str = ""
    repeat: float = 0.0
    quiet: tuple[str, ...] = ()
    escalate: tuple[tuple[float, tuple[str, ...]], ...] = ()

    @property
    def lead(self) -> int:
        """The first incident."""
        return self.incidents[0] if self.incidents else 0

    @property
    def attended(self) -> bool:
        """Whether somebody looks after all that is still firing."""
        return bool(self.firing) and set(self.firing) <= set(self.acknowledged)

    def joined(self, incident: Incident) -> Thread:
        """With one more incident, or one that fires again."""
        return replace(
            self,
            incidents=tuple(dict.fromkeys((*self.incidents, incident.id))),
            firing=tuple(dict.fromkeys((*self.firing, incident.id))),
            acknowledged=tuple(number for number in self.acknowledged if number != incident.id),
        )

    def without(self, number: int) -> Thread:
        """With an incident that is over."""
        return replace(self, firing=tuple(other for other in self.firing if other != number))


@dataclass(frozen=True, slots=True)
class Turn:
    """What a change makes of a thread, and whether it is told."""

    thread: Thread
    decision: Decision


def heard(thread: Thread, change: Change, incident: Incident, at: datetime) -> Turn | None:
    """What a change of one of a thread's incidents makes of it; None where it is of no concern."""
    if change in {Change.FIRED, Change.REFIRED}:
        return Turn(thread.joined(incident), Held("has been told; the thread is open"))
    if change is Change.ESCALATED:
        return _worse(thread, incident, at)
    if change is Change.ACKNOWLEDGED:
        return _looked_after(thread, incident, at)
    if change is Change.RESOLVED:
        return _over(thread, incident, at)
    return None


def _worse(thread: Thread, incident: Incident, at: datetime) -> Turn:
    joined = thread.joined(incident)
    if thread.state is ThreadState.GATHERING:
        return Turn(joined, Held("goes with the message that is about to be sent"))
    said = replace(joined, said_at=at, opened_at=at, rungs=0, severity=incident.severity)
    return Turn(said, Told(MessageKind.UPDATE, f"it got worse: {incident.severity}"))


def _looked_after(thread: Thread, incident: Incident, at: datetime) -> Turn:
    known = replace(thread, acknowledged=tuple(dict.fromkeys((*thread.acknowledged, incident.id))))
    if thread.state is ThreadState.GATHERING:
        return Turn(known, Held("nobody has been told of it yet"))
    if not known.attended:
        left = len(set(known.firing) - set(known.acknowledged))
        return Turn(known, Held(f"nobody looks after {left} more of the same message"))
    told = Told(MessageKind.ACKNOWLEDGED, f"acknowledged by {incident.acknowledged_by}")
    return Turn(replace(known, said_at=at), told)


def _over(thread: Thread, incident: Incident, at: datetime) -> Turn:
    left = thread.without(incident.id)
    if left.firing:
        return Turn(left, Held(f"{len(left.firing)} more of the same message still firing"))
    closed = replace(left, state=ThreadState.CLOSED)
    if thread.state is ThreadState.GATHERING:
        return Turn(closed, Held("it was over before anybody was told"))
    return Turn(replace(closed, said_at=at), Told(MessageKind.RESOLVED, "all of it is over"))


def ripe(thread: Thread, incidents: Iterable[Incident]) -> Decision:
    """Whether a first message whose time has come is still worth telling."""
    firing = [one for one in incidents if one.state is IncidentState.FIRING]
    if not firing:
        return Held("it was over before anybody was told")
    if all(one.acknowledged_by for one in firing):
        return Held(f"acknowledged by {firing[0].acknowledged_by} before anybody was told")
    return Told(MessageKind.FIRING, thread.reason)


def reminded(thread: Thread, at: datetime) -> Decision:
    """Whether it is time to say again that it goes on."""
    if thread.state is not ThreadState.OPEN or not thread.repeat:
        return Held("no reminder is asked for")
    if thread.attended:
        return Held("somebody looks after it")
    due = thread.said_at + timedelta(seconds=thread.repeat)
    if at < due:
        return Held("it was said not long ago", due)
    return Told(
        MessageKind.REMINDER, f"still firing {_span(at - thread.opened_at)} on, and nobody looks after it"
    )


def escalated(thread: Thread, at: datetime) -> Decision:
    """Whether the next step of the escalation is due."""
    if thread.state is not ThreadState.OPEN or thread.rungs >= len(thread.escalate):
        return Held("no further step")
    if thread.attended:
        return Held("somebody looks after it")
    after = timedelta(seconds=thread.escalate[thread.rungs][0])
    due = thread.opened_at + after
    if at < due:
        return Held("people have time until then", due)
    return Told(MessageKind.ESCALATION, f"nobody acknowledged it within {_span(after)}")


def stepped_back(thread: Thread, at: datetime) -> Thread:
    """With no time in the future, which the clock left there when it was set back."""
    if thread.said_at <= at and thread.opened_at <= at:
        return thread
    return replace(thread, said_at=min(thread.said_at, at), opened_at=min(thread.opened_at, at))


def _span(span: timedelta) -> str:
    minutes = round(span.total_seconds() / 60)
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 2880 else f"{minutes // 1440} d"
