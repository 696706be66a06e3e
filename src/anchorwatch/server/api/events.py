"""Events in: predictions and outcomes.

These two routes carry the load, so they are plain Starlette: no model is built of what `flow.take` looks over
anyway. What they take and answer is documented by hand in `EVENT_PATHS`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.routing import Route

from anchorwatch.core.errors import AnchorwatchError, InputError
from anchorwatch.core.registry import unknown
from anchorwatch.core.types import EventKind, OnError
from anchorwatch.server.api.door import PREFIX, PROBLEMS, answer, door
from anchorwatch.server.bodies import read_body
from anchorwatch.server.intake import READERS, Parcel
from anchorwatch.server.problems import problem_of

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from anchorwatch.core.types import Receipt
    from anchorwatch.server.api.door import Door

SMALL = 65_536
"""Bytes up to which a JSON body is read at once, to see whether it is a single event."""
KEY = 200


async def predictions(request: Request) -> Response:
    """Take predictions."""
    return await _events(request, EventKind.PREDICTIONS)


async def outcomes(request: Request) -> Response:
    """Take outcomes."""
    return await _events(request, EventKind.OUTCOMES)


async def _events(request: Request, kind: EventKind) -> Response:
    at = door(request)
    try:
        gate = at.gate
        who = gate.recalled(request) or await run_in_threadpool(gate.principal, request)
        gate.allow(request, who, "ingest")
        with at.pending.hold() as grow:
            body = await read_body(request, at.options.limits.bytes, grow)
            receipt = await _take(at, _parcel(request, kind, body))
    except AnchorwatchError as problem:
        return problem_of(problem, retry_after=at.options.retry_after)
    return answer(_shown(receipt))


async def _take(at: Door, parcel: Parcel) -> Receipt:
    alone = parcel.media == "application/json" and not parcel.encoding and not parcel.key
    if alone and len(parcel.body) <= SMALL:
        event = _json(parcel.body)
        if isinstance(event, dict) and "events" not in event:
            return await at.intake.take_one(parcel, event)
    return await at.intake.take(parcel)


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as problem:
        raise InputError(f"the body is no JSON: {problem}") from problem


def _parcel(request: Request, kind: EventKind, body: bytes) -> Parcel:
    headers = request.headers
    key = headers.get("idempotency-key", "")
    if len(key) > KEY:
        raise InputError(f"Idempotency-Key: {len(key)} characters; at most {KEY}", column="Idempotency-Key")
    return Parcel(
        model=request.path_params["model"],
        kind=kind,
        media=headers.get("content-type", "").partition(";")[0].strip().lower(),
        body=body,
        encoding=headers.get("content-encoding", ""),
        key=key,
        on_error=_on_error(request.query_params.get("on_error", OnError.KEEP.value)),
    )


def _on_error(text: str) -> OnError:
    try:
        return OnError(text)
    except ValueError:
        raise InputError(f"on_error: {unknown('choice', text, list(OnError))}", column="on_error") from None


def _shown(receipt: Receipt) -> dict[str, Any]:
    return {
        "batch": receipt.batch,
        "accepted": receipt.accepted,
        "rejected": [
            {"row": item.row, "column": item.column, "reason": item.reason} for item in receipt.rejected
        ],
        "rejected_count": receipt.rejected_count,
        "duplicate": receipt.duplicate,
    }


ROUTES = [
    Route(f"{PREFIX}/models/{{model}}/predictions", predictions, methods=["POST"]),
    Route(f"{PREFIX}/models/{{model}}/outcomes", outcomes, methods=["POST"]),
]
"""Where events come in."""


def _documented(kind: EventKind, one: str) -> dict[str, Any]:
    ref = {"$ref": f"#/components/schemas/{one}"}
    events = {"$ref": f"#/components/schemas/{one}s"}
    binary = {"schema": {"type": "string", "format": "binary"}}
    content: dict[str, Any] = dict.fromkeys(READERS, binary)
    content["application/json"] = {
        "schema": {"anyOf": [ref, {"type": "array", "items": ref, "minItems": 1}, events]}
    }
    receipt = {"schema": {"$ref": "#/components/schemas/ReceiptBody"}}
    return {
        "tags": ["events"],
        "summary": f"Take {kind.value}",
        "description": (
            f"Take {kind.value}: one event, several, lines of JSON, or an Arrow stream of a flat table. "
            "They are on disk when the answer comes."
        ),
        "operationId": f"take_{kind.value}",
        "security": [{"token": []}],
        "parameters": _PARAMETERS,
        "requestBody": {"required": True, "content": content},
        "responses": {
            "200": {"description": "What became of the batch.", "content": {"application/json": receipt}},
            **{str(code): PROBLEMS[code] for code in (401, 403, 404, 413, 415, 422, 503, 507)},
        },
    }


def _parameter(name: str, place: str, about: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": place, "required": place == "path", "description": about, "schema": schema}


_PARAMETERS = [
    _parameter("model", "path", "The model's name.", {"type": "string"}),
    _parameter(
        "on_error",
        "query",
        "Keep the good rows of a bad batch, or refuse the whole.",
        {"type": "string", "enum": [choice.value for choice in OnError], "default": OnError.KEEP.value},
    ),
    _parameter(
        "Idempotency-Key",
        "header",
        "The batch's id: sent again, it is not taken again, and answered as before.",
        {"type": "string", "maxLength": KEY},
    ),
    _parameter(
        "Content-Encoding",
        "header",
        "How the body is compressed.",
        {"type": "string", "enum": ["identity", "gzip", "deflate", "zstd"]},
    ),
]

EVENT_PATHS: dict[str, Any] = {
    f"{PREFIX}/models/{{model}}/predictions": {"post": _documented(EventKind.PREDICTIONS, "PredictionEvent")},
    f"{PREFIX}/models/{{model}}/outcomes": {"post": _documented(EventKind.OUTCOMES, "OutcomeEvent")},
}
"""What OpenAPI says of them."""
