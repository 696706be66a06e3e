"""Who was told what, and why, as plain JSON types: the API, the UI and the CLI all ask here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anchorwatch.app.channels import kind_of
from anchorwatch.core.errors import InputError
from anchorwatch.core.registry import unknown
from anchorwatch.core.times import iso, micros
from anchorwatch.core.types import Incident, IncidentState, Severity
from anchorwatch.flow.notices import DeliveryState
from anchorwatch.incidents.mute import hushed, silenced
from anchorwatch.incidents.notice_form import match_to_dict
from anchorwatch.incidents.routing import Match, Subject, route, spread

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from anchorwatch.app.watch import Watch
    from anchorwatch.flow.notices import Decided, Delivery
    from anchorwatch.flow.tell import Plan
    from anchorwatch.incidents.mute import Silence

Json = dict[str, Any]
WORDS = {"model": "models", "severity": "severities", "cause": "causes", "segment": "segments"}
"""What a silence matches by, and what `Match` calls it."""


def deliveries(
    watch: Watch,
    *,
    state: str = "",
    channel: str = "",
    incident: int = 0,
    before: int | None = None,
    limit: int = 100,
) -> list[Json]:
    """Deliveries, newest first."""
    if state and state not in list(DeliveryState):
        raise InputError(unknown("state", state, list(DeliveryState)))
    states = [DeliveryState(state)] if state else []
    with watch.ledger.read() as books:
        found = books.deliveries.list(
            states=states, channel=channel, incident=incident, before=before, limit=limit
        )
    return [delivery_body(item) for item in found]


def decisions(watch: Watch, *, incident: int = 0, limit: int = 100) -> list[Json]:
    """Why somebody was told, or not; newest first."""
    with watch.ledger.read() as books:
        return [_decision(item) for item in books.decisions.list(incident=incident, limit=limit)]


def channels(watch: Watch) -> list[Json]:
    """Every channel with what waits, what is dead and what it last tripped over."""
    with watch.ledger.read() as books:
        counts = books.deliveries.counts()
    setup, couriers = watch.notifier.setup, watch.notifier.couriers
    gone = {name for name, state in counts if state in {DeliveryState.WAITING, DeliveryState.DEAD}}
    found = []
    for name in [*setup.channels, *sorted(gone - set(setup.channels))]:
        known = setup.channels.get(name)
        state = couriers[name].state() if name in couriers else {"error": GONE, "trying_since": None}
        numbers = {item.value: counts.get((name, item), 0) for item in DeliveryState}
        found.append({"name": name, "kind": kind_of(known) if known else None, **numbers, **state})
    return found


GONE = "the configuration has no channel of this name any more; what waits for it waits until it is back"


def silences(watch: Watch, *, over: bool = False) -> list[Json]:
    """Silences by their end; those that are over only with `over`."""
    now = watch.now()
    with watch.ledger.read() as books:
        return [silence_body(item, now) for item in books.silences.list(None if over else now)]


def heard_by(plan: Plan, subject: Subject, at: datetime, silenced_by: Sequence[Silence] = ()) -> Json:
    """Who would hear of an incident like `subject` at `at`, who would not, and why."""
    routed = spread(route(plan.routes, subject), plan.members)
    told = []
    for channel, hit in routed.targets().items():
        held = silenced(_like(subject, at), subject, silenced_by, at) or hushed(
            subject.severity, hit.route.quiet, plan.quiets, at
        )
        told.append(
            {
                "channel": channel,
                "route": hit.route.name,
                "reason": hit.reason,
                "held": held.reason if held else None,
                "until": iso(micros(held.until)) if held and held.until else None,
                "escalate": [
                    {"after_s": rung.after.total_seconds(), "to": list(rung.to)}
                    for rung in hit.route.escalate
                ],
            }
        )
    return {"told": told, "not": [{"route": name, "reason": reason} for name, reason in routed.misses]}


def subject_of(model: str, severity: str = "warn", cause: str = "", segment: str = "") -> Subject:
    """A made-up incident; raises `InputError` for a severity that there is not."""
    if severity not in list(Severity):
        raise InputError(f"severity: {unknown('severity', severity, list(Severity))}")
    return Subject(model=model, severity=Severity(severity), cause=cause, segments=(segment,))


def match_of(given: Json) -> Match:
    """A silence's match from lists of patterns by `model`, `severity`, `cause`, `segment`; at least one is needed."""
    found: dict[str, tuple[Any, ...]] = {}
    for word, name in WORDS.items():
        values = tuple(given.get(word) or ())
        if word == "severity" and not set(values) <= set(Severity):
            raise InputError(f"severity: take some of {', '.join(Severity)}", column="severity")
        found[name] = tuple(Severity(value) for value in values) if word == "severity" else values
    if not any(found.values()):
        raise InputError(
            "a silence of everything is none; say at least a model, a severity, a cause or a segment"
        )
    return Match(**found)


def delivery_body(item: Delivery) -> Json:
    """A line of the list; `title` and `text` are null until the message is composed."""
    return {
        "id": item.id,
        "channel": item.channel,
        "kind": item.kind.value,
        "state": item.state.value,
        "model": item.model,
        "incident": item.incident or None,
        "at": iso(item.at),
        "due_at": iso(item.due_at) if item.state in {DeliveryState.HELD, DeliveryState.WAITING} else None,
        "delivered_at": None if item.delivered_at is None else iso(item.delivered_at),
        "tries": item.tries,
        "reason": item.reason,
        "title": item.said.title if item.said else None,
        "text": item.said.text if item.said else None,
        "chart": bool(item.said and item.said.chart),
    }


def silence_body(item: Silence, now: int) -> Json:
    """A silence, and whether it holds."""
    return {
        "id": item.id,
        "match": {word: match_to_dict(item.match).get(name, []) for word, name in WORDS.items()},
        "text": item.match.text,
        "author": item.author,
        "reason": item.reason,
        "start": iso(micros(item.start)),
        "until": iso(micros(item.until)),
        "active": micros(item.start) <= now < micros(item.until),
    }


def _decision(item: Decided) -> Json:
    return {
        "at": iso(item.at),
        "model": item.model,
        "incident": item.incident,
        "channel": item.channel,
        "told": item.told,
        "kind": item.kind or None,
        "reason": item.reason,
        "delivery": item.delivery or None,
    }


def _like(subject: Subject, at: datetime) -> Incident:
    return Incident(
        model=subject.model, cause=subject.cause, state=IncidentState.FIRING, opened_at=at, updated_at=at
    )
