"""Notifications: who was told what and why, dead letters, silences, and trials."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field
from starlette.responses import Response  # noqa: TC002 - FastAPI reads annotations as it runs

from anchorwatch.app import notices
from anchorwatch.core.times import from_micros
from anchorwatch.server.api.door import At, Operator, Reader, answer, instant, told
from anchorwatch.server.schemas import Said

router = APIRouter(tags=["notifications"])

Number = Annotated[int, Path(ge=1, le=2**62, description="The silence's id.")]
Limit = Annotated[int, Query(ge=1, le=1000)]
OfIncident = Annotated[int, Query(ge=0, le=2**62, description="About this incident only.")]
Text = Annotated[str, Field(max_length=500)]
State = Literal["", "held", "waiting", "delivered", "dead", "dropped"]


class DeliveryBody(BaseModel):
    """A message to one channel."""

    id: int
    channel: str
    kind: str
    state: str
    model: str
    incident: int | None
    at: str
    due_at: str | None
    delivered_at: str | None
    tries: int
    reason: str = Field(description="Why it is told, held or dropped, or what the last attempt tripped over.")
    title: str | None
    text: str | None
    chart: bool


class DecisionBody(BaseModel):
    """Why somebody was told, or not."""

    at: str
    model: str
    incident: int
    channel: str
    told: bool
    kind: str | None
    reason: str
    delivery: int | None


class ChannelBody(BaseModel):
    """A channel, and how it does."""

    name: str
    kind: str | None
    held: int
    waiting: int
    delivered: int
    dead: int
    dropped: int
    error: str | None
    trying_since: str | None


class SilenceBody(BaseModel):
    """Nobody is told of incidents that match."""

    id: int
    match: dict[str, list[str]]
    text: str
    author: str
    reason: str
    start: str
    until: str
    active: bool


class Again(Said):
    """Which dead letters to send again."""

    ids: list[Annotated[int, Field(ge=1, le=2**62)]] | None = Field(
        None, max_length=1000, description="All of them without."
    )


class Trial(Said):
    """A channel to try."""

    channel: Text


class MadeUp(Said):
    """An incident that is made up."""

    model: Text
    severity: Literal["info", "warn", "page"] = "warn"
    cause: Text = ""
    segment: Text = ""


class Heard(BaseModel):
    """Who would hear of it, and who would not."""

    told: list[dict[str, Any]]


class NewSilence(Said):
    """What to be silent about; patterns as a shell has them, at least one."""

    model: list[Text] = Field([], max_length=100)
    severity: list[Literal["info", "warn", "page"]] = Field([], max_length=3)
    cause: list[Text] = Field([], max_length=100)
    segment: list[Text] = Field([], max_length=100)
    until: str = Field(description="ISO 8601; UTC where no zone is given.")
    reason: Text = ""


@router.get(
    "/notifications", dependencies=[Reader], **told(list[DeliveryBody], "Deliveries, newest first.", 422)
)
def deliveries(
    at: At,
    state: Annotated[State, Query()] = "",
    channel: Annotated[str, Query(max_length=200)] = "",
    incident: OfIncident = 0,
    before: Annotated[int | None, Query(ge=1, le=2**62, description="With a smaller id than this.")] = None,
    limit: Limit = 100,
) -> Response:
    """What was said to whom, or is to be."""
    found = notices.deliveries(
        at.watch, state=state, channel=channel, incident=incident, before=before, limit=limit
    )
    return answer(found)


@router.get("/notifications/channels", dependencies=[Reader], **told(list[ChannelBody], "Every channel."))
def channels(at: At) -> Response:
    """Channels with what waits, what is dead, and what each last tripped over."""
    return answer(notices.channels(at.watch))


@router.get(
    "/notifications/decisions",
    dependencies=[Reader],
    **told(list[DecisionBody], "Decisions, newest first.", 422),
)
def decisions(at: At, incident: OfIncident = 0, limit: Limit = 100) -> Response:
    """Why somebody was told of an incident, or not."""
    return answer(notices.decisions(at.watch, incident=incident, limit=limit))


@router.post(
    "/notifications/retry", **told(list[DeliveryBody], "They wait again.", 400, 404, 409, 413, 422, 503)
)
def retry(at: At, given: Again, who: Operator) -> Response:
    """Send dead letters again."""
    found = at.watch.notifier.retry(given.ids, who=who.name)
    return answer([notices.delivery_body(item) for item in found])


@router.post(
    "/notifications/test",
    **told(list[DeliveryBody], "What became of it, per address of the channel.", 400, 404, 413, 422, 503),
)
def trial(at: At, given: Trial, who: Operator) -> Response:
    """Send a test message to a channel, now and once."""
    found = at.watch.notifier.test(given.channel, who=who.name)
    return answer([notices.delivery_body(item) for item in found])


@router.post(
    "/routes/test",
    dependencies=[Reader],
    **told(Heard, "Who would hear, who would not, and why.", 400, 413, 422),
)
def routes(at: At, given: MadeUp) -> Response:
    """Say who would hear of an incident now; nobody is told."""
    with at.watch.ledger.read() as books:
        silences = books.silences.list(at.watch.now())
    subject = notices.subject_of(given.model, given.severity, given.cause, given.segment)
    plan = at.watch.notifier.setup.plan
    return answer(notices.heard_by(plan, subject, from_micros(at.watch.now()), silences))


@router.get("/silences", dependencies=[Reader], **told(list[SilenceBody], "By their end.", 422))
def silences(
    at: At, over: Annotated[bool, Query(description="Those that are over as well.")] = False
) -> Response:
    """Silences by what they match."""
    return answer(notices.silences(at.watch, over=over))


@router.post("/silences", **told(SilenceBody, "The silence.", 400, 413, 422, 503, status=201))
def silence(at: At, given: NewSilence, who: Operator) -> Response:
    """Tell nobody of incidents that match, for a while."""
    match = notices.match_of(given.model_dump())
    until = instant(given.until, "until")
    made = at.watch.notifier.silence(match, until, who=who.name, reason=given.reason)
    return answer(notices.silence_body(made, at.watch.now()), 201)


@router.delete("/silences/{number}", **told(SilenceBody, "As it is now.", 404, 409, 422, 503))
def unsilence(at: At, number: Number, who: Operator) -> Response:
    """End a silence now; what it held back is looked at again."""
    ended = at.watch.notifier.unsilence(number, who=who.name)
    return answer(notices.silence_body(ended, at.watch.now()))
