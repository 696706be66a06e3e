"""Incidents: list, show, act."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from starlette.responses import Response  # noqa: TC002 - FastAPI reads annotations as it runs

from anchorwatch.server.api.door import At, Operator, Reader, answer, instant, told
from anchorwatch.server.schemas import IncidentBody, IncidentLine, Silence

router = APIRouter(tags=["incidents"])

Number = Annotated[int, Path(ge=1, le=2**62, description="The incident's id.")]
_ACT = (404, 409, 422, 503)


@router.get(
    "/incidents", dependencies=[Reader], **told(list[IncidentLine], "Incidents, newest first.", 404, 422)
)
def incidents(
    at: At,
    model: Annotated[str, Query(description="Of this model only.")] = "",
    state: Annotated[Literal["", "open", "pending", "firing", "resolved"], Query()] = "",
    severity: Annotated[Literal["", "info", "warn", "page"], Query()] = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    before: Annotated[int | None, Query(ge=1, le=2**62, description="With a smaller id than this.")] = None,
) -> Response:
    """Incidents, newest first."""
    return answer(at.watch.queries.incidents(model, state, limit, before, severity))


@router.get("/incidents/{number}", dependencies=[Reader], **told(IncidentBody, "The incident.", 404, 422))
def incident(at: At, number: Number) -> Response:
    """One incident with its findings and its timeline."""
    return answer(at.watch.queries.incident(number))


@router.post("/incidents/{number}/acknowledge", **told(IncidentBody, "As it is now.", *_ACT))
def acknowledge(at: At, number: Number, who: Operator) -> Response:
    """Say that you look after it."""
    at.watch.acknowledge(number, who.name)
    return answer(at.watch.queries.incident(number))


@router.post("/incidents/{number}/silence", **told(IncidentBody, "As it is now.", 400, 413, *_ACT))
def silence(at: At, number: Number, given: Silence, who: Operator) -> Response:
    """Nobody is told of it before a time."""
    at.watch.silence(number, instant(given.until, "until"), who.name)
    return answer(at.watch.queries.incident(number))


@router.post("/incidents/{number}/resolve", **told(IncidentBody, "As it is now.", *_ACT))
def resolve(at: At, number: Number, who: Operator) -> Response:
    """Say that it is over."""
    at.watch.resolve(number, who.name)
    return answer(at.watch.queries.incident(number))
