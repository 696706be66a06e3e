"""Models: list, show, declare, give a reference."""

from __future__ import annotations

import io
from typing import Annotated, Any

import orjson
import polars as pl
from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response  # noqa: TC002 - FastAPI reads annotations as it runs

from anchorwatch.app.declare import declared
from anchorwatch.core.errors import InputError
from anchorwatch.flow.take import Limits
from anchorwatch.flow.take_arrow import read_arrow
from anchorwatch.server.api.door import At, Door, Operator, Reader, answer, told
from anchorwatch.server.bodies import decompressed, read_body
from anchorwatch.server.problems import UnsupportedError
from anchorwatch.server.readings_schemas import Card, ModelBody
from anchorwatch.server.schemas import Applied, Referenced

router = APIRouter(tags=["models"])

_TABLES = ("application/vnd.apache.arrow.stream", "application/vnd.apache.parquet", "application/x-ndjson")


def _body(content: dict[str, Any]) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": content}}


@router.get("/models", dependencies=[Reader], **told(list[Card], "Every model, with its health."))
def models(at: At) -> Response:
    """Every model with its health, volume and main metric."""
    return answer(at.watch.queries.models())


@router.get("/models/{model}", dependencies=[Reader], **told(ModelBody, "The model.", 404))
def model(at: At, model: str) -> Response:
    """One model: declaration, rules, versions, segments, measures."""
    return answer(at.watch.queries.model(model))


@router.put(
    "/models/{model}",
    openapi_extra=_body({"application/json": {"schema": {"$ref": "#/components/schemas/SpecBody"}}}),
    **told(Applied, "The declaration as it is kept.", 409, 413, 422, 503),
)
async def declare(at: At, model: str, request: Request, who: Operator) -> Response:
    """Make or change a model. Without `rules` it keeps those it has, or gets the default ones."""
    with at.pending.hold() as grow:
        body = await read_body(request, at.options.document, grow)
    return await run_in_threadpool(_declare, at, model, body, who.name)


def _declare(at: Door, model: str, body: bytes, who: str) -> Response:
    try:
        given = orjson.loads(body)
    except orjson.JSONDecodeError as problem:
        raise InputError(f"the body is no JSON: {problem}") from problem
    if not isinstance(given, dict):
        raise InputError('a declaration is an object of settings, such as {"task": "regression"}')
    if given.setdefault("name", model) != model:
        raise InputError(f"name: {given['name']!r} is not the model of the address, {model!r}", column="name")
    spec, rules = declared(given)
    return answer({"spec": at.watch.apply(spec, rules, who=who).to_dict()})


@router.put(
    "/models/{model}/reference",
    openapi_extra=_body({kind: {"schema": {"type": "string", "format": "binary"}} for kind in _TABLES}),
    **told(Referenced, "The reference was profiled.", 404, 409, 413, 415, 422, 503),
)
async def reference(
    at: At,
    model: str,
    request: Request,
    who: Operator,
    version: Annotated[str, Query(description="The version it belongs to.", max_length=200)] = "",
) -> Response:
    """Profile a reference table once and keep it with a version."""
    with at.pending.hold() as grow:
        body = await read_body(request, at.options.reference, grow)
        return await run_in_threadpool(_reference, at, (model, version), (body, request), who.name)


def _reference(at: Door, place: tuple[str, str], sent: tuple[bytes, Request], who: str) -> Response:
    model, version = place
    body, request = sent
    at.watch.spec(model)
    plain = decompressed(body, request.headers.get("content-encoding", ""), at.options.reference, at.options)
    table = _table(plain, request.headers.get("content-type", ""), at.options.reference)
    at.watch.set_reference(model, table, version=version, who=who)
    return answer({"model": model, "version": version, "rows": table.height})


def _table(body: bytes, media: str, limit: int) -> pl.DataFrame:
    kind = media.partition(";")[0].strip().lower()
    if kind not in _TABLES:
        raise UnsupportedError(f"Content-Type {kind!r} is not spoken here; send one of {', '.join(_TABLES)}")
    if kind == _TABLES[0]:
        return read_arrow(body, Limits(bytes=limit, rows=limit))
    read = pl.read_parquet if kind == _TABLES[1] else pl.read_ndjson
    try:
        return read(io.BytesIO(body))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError) as problem:
        raise InputError(f"the body is no {kind}: {str(problem)[:200]}") from problem
