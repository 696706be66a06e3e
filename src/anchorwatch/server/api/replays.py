"""What rules would have fired over the past."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.responses import Response  # noqa: TC002 - FastAPI reads annotations as it runs

from anchorwatch.app.replays import replayed
from anchorwatch.app.view import FOREVER
from anchorwatch.rules.form import from_dict
from anchorwatch.server.api.door import At, Reader, answer, instant, told
from anchorwatch.server.schemas import Said

router = APIRouter(tags=["models"], dependencies=[Reader])

RULES = 200
"""Rules that may be tried at once."""


class Replay(Said):
    """Rules to try on the past; each part may be left out."""

    rules: list[dict[str, Any]] | None = Field(
        None, max_length=RULES, description="As in `watch.yaml`; without them those in force."
    )
    start: str = Field("", description="ISO 8601; without it from the first window on.")
    end: str = Field("", description="ISO 8601; without it up to the last window.")


class ReplayBody(BaseModel):
    """What would have fired."""

    model: str
    start: str
    end: str
    windows: int
    incidents: list[dict[str, Any]]
    expected_false_alarms: float = Field(description="What the budgets of the rules allow in this time.")
    rules: list[dict[str, Any]]


@router.post("/models/{model}/replay", **told(ReplayBody, "What would have fired.", 400, 404, 413, 422))
def replay(at: At, model: str, given: Replay) -> Response:
    """Judge the past by rules that are not in force; nothing is changed and nobody is told."""
    rules = None if given.rules is None else [from_dict(rule) for rule in given.rules]
    start = instant(given.start, "start") if given.start else FOREVER[0]
    end = instant(given.end, "end") if given.end else FOREVER[1]
    return answer(replayed(at.watch.ledger, model, rules, start=start, end=end))
