"""What was held becomes messages when its time comes; reminders, escalations and digests come by themselves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from anchorwatch.core.messages import MessageKind
from anchorwatch.core.times import from_micros, micros
from anchorwatch.core.types import IncidentState
from anchorwatch.flow.notices import Delivery, DeliveryState
from anchorwatch.flow.tell import note, put
from anchorwatch.incidents.digest import Day, compose_digest
from anchorwatch.incidents.message import Envelope, compose, severity
from anchorwatch.incidents.mute import hushed, silenced
from anchorwatch.incidents.notice import (
    Held,
    Thread,
    ThreadState,
    Told,
    escalated,
    reminded,
    ripe,
    stepped_back,
)
from anchorwatch.incidents.routing import Subject

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from anchorwatch.core.messages import Message
    from anchorwatch.core.types import Incident
    from anchorwatch.flow.notices import Telling
    from anchorwatch.flow.tell import Plan
    from anchorwatch.incidents.message import Story
    from anchorwatch.incidents.notice import Decision

PASSING = frozenset(
    {MessageKind.UPDATE, MessageKind.REMINDER, MessageKind.ESCALATION, MessageKind.ACKNOWLEDGED}
)
"""Kinds that say nothing any more once all is over."""


class Teller(Protocol):
    """Finds out what there is to say of incidents."""

    def __call__(self, books: Telling, incidents: tuple[Incident, ...]) -> Story:
        """Incidents with their likely cause and a chart."""
        ...


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery whose time has come, with what it is about and what was decided of it."""

    delivery: Delivery
    thread: Thread
    decision: Decision
    message: Message | None = None


def look(books: Telling, plan: Plan, at: datetime, teller: Teller) -> list[Due]:
    """What is to be done with deliveries whose time has come; only reads, because composing takes a moment."""
    return [_due(books, plan, held, at, teller) for held in books.deliveries.held(until=micros(at))]


def speak(books: Telling, dues: Iterable[Due], at: datetime) -> int:
    """Make what `look` found so, but for what changed in between; how many messages wait to be delivered now."""
    spoken = 0
    for due in dues:
        kept = books.deliveries.get(due.delivery.id)
        if kept != due.delivery or books.threads.get(due.thread.id) != due.thread:
            continue
        if isinstance(due.decision, Told) and due.message is not None:
            _open(books, due, at)
            waiting = replace(kept, state=DeliveryState.WAITING, due_at=micros(at), said=due.message)
            books.deliveries.save(replace(waiting, reason=due.decision.reason, kind=due.message.kind))
            spoken += 1
        elif isinstance(due.decision, Held) and due.decision.until is not None:
            later = replace(kept, due_at=micros(due.decision.until), reason=due.decision.reason)
            books.deliveries.save(later)
            note(books, due.thread, due.decision, at, kept.id)
        else:
            books.deliveries.save(replace(kept, state=DeliveryState.DROPPED, reason=due.decision.reason))
            note(books, due.thread, due.decision, at, kept.id)
            if due.thread.state is ThreadState.GATHERING:
                books.threads.save(replace(due.thread, state=ThreadState.CLOSED))
    return spoken


def rouse(books: Telling, plan: Plan, at: datetime) -> bool:
    """Remind and escalate where it is time; whether anything was."""
    moved = False
    for kept in books.threads.live():
        thread = stepped_back(kept, at)
        steps = escalated(thread, at)
        again = reminded(thread, at)
        if not isinstance(steps, Told) and not isinstance(again, Told):
            if thread != kept:
                books.threads.save(thread)
            continue
        if _muted(books, plan, thread, at) is not None:
            continue
        moved = True
        if isinstance(steps, Told):
            thread = _climb(books, plan, thread, steps, at)
        if isinstance(again, Told):
            thread = replace(thread, said_at=at)
            note(books, thread, again, at, put(books, thread, again, at).id)
        books.threads.save(thread)
    return moved


def restless(threads: Iterable[Thread], at: datetime) -> bool:
    """Whether `rouse` may find something to do."""
    return any(
        stepped_back(thread, at) != thread
        or isinstance(escalated(thread, at), Told)
        or isinstance(reminded(thread, at), Told)
        for thread in threads
    )


def daily(books: Telling, plan: Plan, at: datetime, since: int, incidents: Sequence[Incident]) -> bool:
    """Write the digest where it is time; `since` is when digests began, `incidents` the newest ones."""
    if plan.digest is None:
        return False
    moved = False
    end = plan.digest.last(at)
    channels = [one for name in plan.digest.to for one in plan.members.get(name, (name,))]
    for channel in dict.fromkeys(channels):
        latest = books.deliveries.latest(channel, MessageKind.DIGEST)
        before = max(since, latest.at) if latest is not None else since
        if channel not in plan.channels or before >= micros(end):
            continue
        start = max(from_micros(before), end - timedelta(days=1))
        day = _day(books, start, end, incidents)
        key = f"anchorwatch-{plan.store}-digest-{end:%Y%m%dT%H%M}"
        _digest(books, channel, micros(end), compose_digest(day, key, plan.base_url))
        moved = True
    return moved


def _due(books: Telling, plan: Plan, held: Delivery, at: datetime, teller: Teller) -> Due:
    thread = books.threads.get(held.thread)
    incidents = tuple(books.incidents.get(number) for number in thread.incidents)
    decision = _decide(books, plan, held, (thread, incidents), at)
    if not isinstance(decision, Told):
        return Due(held, thread, decision)
    story = teller(books, incidents)
    envelope = Envelope(
        id=f"{thread.key}-{held.id}", kind=held.kind, thread=thread.key, reason=decision.reason, at=at
    )
    return Due(held, thread, decision, compose(story, envelope))


def _decide(
    books: Telling, plan: Plan, held: Delivery, about: tuple[Thread, tuple[Incident, ...]], at: datetime
) -> Decision:
    thread, incidents = about
    if thread.state is ThreadState.GATHERING:
        worth = ripe(thread, incidents)
        if isinstance(worth, Held):
            return worth
        muted = _silence(books, incidents, at)
        if muted is not None:
            return muted
    elif thread.state is ThreadState.CLOSED and held.kind in PASSING:
        return Held("all of it is over")
    return hushed(severity(incidents), thread.quiet, plan.quiets, at) or Told(held.kind, held.reason)


def _silence(books: Telling, incidents: Iterable[Incident], at: datetime) -> Held | None:
    """The silence that ends first, where every incident that fires is silenced."""
    silences = books.silences.list(micros(at))
    firing = [one for one in incidents if one.state is IncidentState.FIRING]
    held = [silenced(one, Subject.of(one), silences, at) for one in firing]
    found = [one for one in held if one is not None]
    if not found or len(found) < len(held):
        return None
    return min(found, key=lambda one: one.until or at)


def _muted(books: Telling, plan: Plan, thread: Thread, at: datetime) -> Held | None:
    incidents = [books.incidents.get(number) for number in thread.firing]
    if not incidents:
        return Held("all of it is over")
    return _silence(books, incidents, at) or hushed(severity(incidents), thread.quiet, plan.quiets, at)


def _open(books: Telling, due: Due, at: datetime) -> None:
    if due.thread.state is not ThreadState.GATHERING or due.message is None:
        return
    worst = due.message.severity
    opened = replace(due.thread, state=ThreadState.OPEN, opened_at=at, said_at=at, severity=worst)
    books.threads.save(opened)


def _climb(books: Telling, plan: Plan, thread: Thread, told: Told, at: datetime) -> Thread:
    """Tell the channels of the next step, in threads of their own where they have none."""
    names = thread.escalate[thread.rungs][1]
    live = {
        other.channel: other for other in books.threads.live(thread.model) if thread.lead in other.incidents
    }
    for channel in dict.fromkeys(one for name in names for one in plan.members.get(name, (name,))):
        other = live.get(channel)
        if channel not in plan.channels:
            held = Held(f"no channel is named {channel!r} in the configuration; {told.reason}")
            note(books, replace(thread, channel=channel), held, at)
            continue
        if other is None:
            made = replace(thread, id=0, key="", channel=channel, handle="", escalate=(), rungs=0)
            made = replace(made, state=ThreadState.GATHERING, opened_at=at, said_at=at, reason=told.reason)
            other = books.threads.save(made)
            other = books.threads.save(replace(other, key=f"anchorwatch-{plan.store}-{other.id}"))
        note(books, other, told, at, put(books, other, told, at).id)
    return replace(thread, rungs=thread.rungs + 1)


def _day(books: Telling, start: datetime, end: datetime, incidents: Sequence[Incident]) -> Day:
    begin, over = micros(start), micros(end)
    told = [
        one
        for one in incidents
        if one.fired_at is not None
        and (one.state is IncidentState.FIRING or any(start <= step.at < end for step in one.timeline))
    ]
    dead = sum(
        count for (_, state), count in books.deliveries.counts().items() if state is DeliveryState.DEAD
    )
    held = tuple(books.decisions.held(begin, over))
    return Day(start=start, end=end, incidents=tuple(told), held=held, dead=dead)


def _digest(books: Telling, channel: str, at: int, message: Message) -> None:
    waiting = Delivery(
        channel=channel,
        kind=MessageKind.DIGEST,
        state=DeliveryState.WAITING,
        at=at,
        due_at=at,
        reason="the daily digest",
        said=message,
    )
    kept = books.deliveries.save(waiting)
    books.deliveries.save(replace(kept, said=replace(message, id=f"{message.id}-{kept.id}")))
