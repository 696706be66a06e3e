"""Incidents that changed into deliveries; in the transaction that changed them."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from anchorwatch.core.messages import MessageKind
from anchorwatch.core.times import micros, span_micros
from anchorwatch.flow.notices import Decided, Delivery, DeliveryState
from anchorwatch.incidents.machine import Change
from anchorwatch.incidents.mute import hushed, silenced
from anchorwatch.incidents.notice import Held, Thread, ThreadState, Told, heard
from anchorwatch.incidents.routing import Subject, notified, route, spread

if TYPE_CHECKING:
    from datetime import datetime

    from anchorwatch.core.types import Incident
    from anchorwatch.flow.notices import Telling
    from anchorwatch.incidents.digest import Digest
    from anchorwatch.incidents.machine import Transition
    from anchorwatch.incidents.mute import Quiet
    from anchorwatch.incidents.notice import Decision
    from anchorwatch.incidents.routing import Hit, Route

log = logging.getLogger("anchorwatch")

BEGINS = frozenset({Change.FIRED, Change.REFIRED, Change.ESCALATED})
"""Changes that people may not have been told of, whom routes name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Who is told of what, as the configuration says.

    Args:
        routes: asked in order.
        members: channels by the names that routes use; a name may stand for several.
        quiets: quiet hours by name.
        digest: when the daily digest goes out; `None`: never.
        base_url: the server's public address, for links; empty: none.
        store: tells this store from others in keys that receivers see.
    """

    routes: tuple[Route, ...] = ()
    members: dict[str, tuple[str, ...]] = field(default_factory=dict)
    quiets: dict[str, Quiet] = field(default_factory=dict)
    digest: Digest | None = None
    base_url: str = ""
    store: str = ""

    @property
    def channels(self) -> frozenset[str]:
        """Every channel there is."""
        return frozenset(channel for several in self.members.values() for channel in several)


def tell(
    books: Telling, plan: Plan, incident: Incident, transitions: tuple[Transition, ...], at: datetime
) -> bool:
    """Decide who is told of what changed of an incident; whether anybody is."""
    told = False
    for transition in transitions:
        told |= _tell(books, plan, incident, transition.change, at)
    return told


def _tell(books: Telling, plan: Plan, incident: Incident, change: Change, at: datetime) -> bool:
    told = False
    live = [thread for thread in books.threads.live(incident.model) if incident.id in thread.incidents]
    for thread in live:
        turn = heard(thread, change, incident, at)
        if turn is None:
            continue
        kept = books.threads.save(turn.thread)
        delivery = 0
        if isinstance(turn.decision, Told):
            delivery = put(books, kept, turn.decision, at).id
            told = True
        elif kept.state is ThreadState.CLOSED:
            drop(books, kept, turn.decision.reason)
        note(books, kept, turn.decision, at, delivery)
    if change in BEGINS:
        told |= _begin(books, plan, incident, {thread.channel for thread in live}, at)
    return told


def _begin(books: Telling, plan: Plan, incident: Incident, known: set[str], at: datetime) -> bool:
    """Start, or join, a thread in every channel that has none for this incident."""
    subject = Subject.of(incident)
    rules = books.models.get(incident.model).rules
    routed = spread(route(plan.routes, subject, notified(incident, rules)), plan.members)
    told = False
    for channel, hit in routed.targets().items():
        if channel in known:
            continue
        if channel not in plan.channels:
            reason = f"no channel is named {channel!r} in the configuration; {hit.reason}"
            log.warning("incident %d of %s is told nobody: %s", incident.id, incident.model, reason)
            books.decisions.note(_decided(incident, channel, Held(reason), at))
            continue
        _gather(books, plan, incident, (channel, hit), at)
        told = True
    return told


def _gather(books: Telling, plan: Plan, incident: Incident, target: tuple[str, Hit], at: datetime) -> None:
    channel, hit = target
    held = silenced(incident, Subject.of(incident), books.silences.list(micros(at)), at) or hushed(
        incident.severity, hit.route.quiet, plan.quiets, at
    )
    due = micros(held.until) if held and held.until else micros(at + hit.route.wait)
    decision: Decision = held or Told(MessageKind.FIRING, hit.reason)
    thread, first = _open(books, incident, channel, hit, due)
    if thread is None or first is None:
        thread = books.threads.save(_thread(incident, channel, hit, at))
        thread = books.threads.save(replace(thread, key=f"anchorwatch-{plan.store}-{thread.id}"))
        first = put(books, thread, Told(MessageKind.FIRING, decision.reason), at, due)
    else:
        thread = books.threads.save(thread.joined(incident))
    note(books, thread, decision, at, first.id, incident)


def _open(
    books: Telling, incident: Incident, channel: str, hit: Hit, due: int
) -> tuple[Thread | None, Delivery | None]:
    """The thread that is gathering, with its first message, which goes out as soon as this incident's would."""
    for thread in books.threads.live(incident.model):
        alike = (thread.channel, thread.route, thread.state) == (
            channel,
            hit.route.name,
            ThreadState.GATHERING,
        )
        if alike:
            for first in books.deliveries.held(thread=thread.id):
                if due - span_micros(hit.route.wait) <= first.due_at <= due:
                    return thread, first
    return None, None


def _thread(incident: Incident, channel: str, hit: Hit, at: datetime) -> Thread:
    way = hit.route
    return Thread(
        key="",
        channel=channel,
        model=incident.model,
        route=way.name,
        reason=hit.reason,
        opened_at=at,
        said_at=at,
        incidents=(incident.id,),
        firing=(incident.id,),
        severity=incident.severity,
        repeat=way.repeat.total_seconds() if way.repeat else 0.0,
        quiet=way.quiet,
        escalate=tuple((rung.after.total_seconds(), rung.to) for rung in way.escalate),
    )


def put(books: Telling, thread: Thread, told: Told, at: datetime, due: int | None = None) -> Delivery:
    """A delivery to be composed when it is due."""
    now = micros(at)
    return books.deliveries.save(
        Delivery(
            channel=thread.channel,
            kind=told.kind,
            state=DeliveryState.HELD,
            at=now,
            due_at=now if due is None else due,
            thread=thread.id,
            model=thread.model,
            incident=thread.lead,
            reason=told.reason,
        )
    )


def drop(books: Telling, thread: Thread, reason: str) -> None:
    """What was held of a thread is told no more."""
    for delivery in books.deliveries.held(thread=thread.id):
        books.deliveries.save(replace(delivery, state=DeliveryState.DROPPED, reason=reason))


def note(
    books: Telling,
    thread: Thread,
    decision: Decision,
    at: datetime,
    delivery: int = 0,
    incident: Incident | None = None,
) -> None:
    """Keep why."""
    told = isinstance(decision, Told)
    books.decisions.note(
        Decided(
            at=micros(at),
            model=thread.model,
            incident=incident.id if incident else thread.lead,
            channel=thread.channel,
            told=told,
            kind=decision.kind.value if isinstance(decision, Told) else "",
            reason=decision.reason,
            delivery=delivery,
        )
    )
    log.info(
        "%s %s of incident %d: %s",
        thread.channel,
        "is told" if told else "is not told",
        incident.id if incident else thread.lead,
        decision.reason,
    )


def _decided(incident: Incident, channel: str, held: Held, at: datetime) -> Decided:
    return Decided(
        at=micros(at),
        model=incident.model,
        incident=incident.id,
        channel=channel,
        told=False,
        kind="",
        reason=held.reason,
    )
