"""Alerts from elsewhere: where Alertmanager's webhook is pointed at."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Query
from starlette.responses import Response  # noqa: TC002 - FastAPI reads annotations as it runs

from anchorwatch.app.alerts import hear
from anchorwatch.flow.receive import read_alerts
from anchorwatch.server.api.door import At, Operator, answer, told
from anchorwatch.server.schemas import AlertsTaken

router = APIRouter(tags=["incidents"])


@router.post("/alertmanager", **told(AlertsTaken, "What became of the alerts.", 400, 413, 422, 503))
def alertmanager(
    at: At,
    given: Annotated[dict[str, Any], Body(description="What Alertmanager's webhook sends, version 4.")],
    who: Operator,
    label: Annotated[
        str, Query(min_length=1, max_length=200, description="Which label names the model.")
    ] = "model",
) -> Response:
    """Alerts that name a model open and resolve incidents of the cause `alert: <alertname>`."""
    return answer(hear(at.watch, read_alerts(given, label), who=who.name))
