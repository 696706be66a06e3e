"""The OpenAPI document, from the routes and from nothing else."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from anchorwatch.app.queries import VERSION
from anchorwatch.server import schemas
from anchorwatch.server.api import (
    alerts,
    incidents,
    models,
    notices,
    predictions,
    readings,
    replays,
    status,
    tokens,
)
from anchorwatch.server.api.door import PREFIX
from anchorwatch.server.api.events import EVENT_PATHS

ROUTERS = (
    models.router,
    readings.router,
    predictions.router,
    incidents.router,
    alerts.router,
    notices.router,
    replays.router,
    status.router,
    tokens.router,
)
"""Every resource but the events."""

ABOUT = """Predictions and outcomes in; windows, results and incidents out.

Times are ISO 8601 in UTC. A number that is not known is `null`, with a `reason` beside it. Problems are RFC 9457.
"""

_BY_HAND = (
    schemas.Problem,
    schemas.ReceiptBody,
    schemas.PredictionEvents,
    schemas.OutcomeEvents,
    schemas.SpecBody,
)


def api() -> APIRouter:
    """All documented routes in one router."""
    router = APIRouter(prefix=PREFIX)
    for part in ROUTERS:
        router.include_router(part)
    return router


def openapi() -> dict[str, Any]:
    """The document; needs no watch."""
    document = get_openapi(
        title="Anchorwatch", version=VERSION, description=ABOUT, routes=api().routes, tags=None
    )
    for path, operations in EVENT_PATHS.items():
        document["paths"].setdefault(path, {}).update(operations)
    _, shapes = models_json_schema(
        [(shape, "validation") for shape in _BY_HAND], ref_template="#/components/schemas/{model}"
    )
    document["components"]["schemas"].update(shapes["$defs"])
    return document
