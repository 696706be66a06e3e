"""Rows of the lake."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Query
from starlette.responses import Response  # noqa: TC002 - FastAPI reads annotations as it runs

from anchorwatch.core.errors import InputError
from anchorwatch.core.ports import FILTERS
from anchorwatch.core.registry import unknown
from anchorwatch.server.api.door import At, Reader, answer, instant, told
from anchorwatch.server.readings_schemas import Rows

router = APIRouter(tags=["predictions"], dependencies=[Reader])

Filters = Annotated[
    str,
    Query(
        description='A JSON list of conditions that all hold, such as `[{"column": "x", "op": ">", "value": 3}]`.'
    ),
]


@dataclass(frozen=True, slots=True)
class Page:
    """Query parameters that choose rows."""

    start: Annotated[str, Query(description="From this time on: ISO 8601, UTC where no zone is given.")] = ""
    end: Annotated[str, Query(description="Before this time.")] = ""
    version: Annotated[str, Query(description="Of one version only.")] = ""
    id: Annotated[str, Query(description="Of one event only.")] = ""
    limit: Annotated[int, Query(ge=1, le=10_000, description="Rows of a page.")] = 100
    after: Annotated[str, Query(description="`next` of the page before.")] = ""

    def __post_init__(self) -> None:
        instant(self.start, "start")
        instant(self.end, "end")


@router.get("/models/{model}/predictions", **told(Rows, "A page of rows.", 404, 422))
def predictions(at: At, model: str, page: Annotated[Page, Depends()], filters: Filters = "") -> Response:
    """Logged predictions, newest first, each with its latest outcome."""
    return answer(at.watch.queries.predictions(model, filters=conditions(filters), **asdict(page)))


def conditions(text: str) -> list[dict[str, Any]]:
    """The conditions that a query parameter holds.

    >>> conditions('[{"column": "x", "op": ">", "value": 3}]')
    [{'column': 'x', 'op': '>', 'value': 3}]
    """
    try:
        given = orjson.loads(text or b"[]")
    except orjson.JSONDecodeError as problem:
        raise InputError(f"filters: no JSON: {problem}", column="filters") from problem
    if not isinstance(given, list):
        raise InputError("filters: a list of conditions is needed", column="filters")
    for item in given:
        if not isinstance(item, dict) or set(item) != {"column", "op", "value"}:
            raise InputError(
                "filters: each has 'column', 'op' and 'value', and nothing else", column="filters"
            )
        if item["op"] not in FILTERS:
            raise InputError(f"filters: {unknown('op', str(item['op']), FILTERS)}", column="filters")
        if not isinstance(item["column"], str) or isinstance(item["value"], dict | list):
            raise InputError(
                "filters: 'column' is a name, 'value' a text, a number or null", column="filters"
            )
    return given
