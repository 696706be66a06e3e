"""What handlers share: the watch, who asks, and how an answer is rendered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import orjson
from fastapi import Depends, Query, Request, Security
from fastapi.security import HTTPBearer
from starlette.responses import Response

from anchorwatch.app.moments import moment
from anchorwatch.core.errors import InputError
from anchorwatch.core.times import from_micros
from anchorwatch.server.pages.ports import Principal
from anchorwatch.server.schemas import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchorwatch.app.watch import Watch
    from anchorwatch.core.clock import Clock
    from anchorwatch.server.auth import Gate
    from anchorwatch.server.bodies import Pending
    from anchorwatch.server.intake import Intake
    from anchorwatch.server.options import ServerOptions

PREFIX = "/api/v1"


@dataclass(frozen=True, slots=True, eq=False)
class Door:
    """What one server's handlers have in hand."""

    watch: Watch
    clock: Clock
    gate: Gate
    intake: Intake
    pending: Pending
    options: ServerOptions


def door(request: Request) -> Door:
    """The door of the server that the request came to."""
    found: Door = request.app.state.door
    return found


_bearer = HTTPBearer(
    auto_error=False,
    scheme_name="token",
    description="`Authorization: Bearer aw_<id>_<secret>`. None is needed while the store has no token.",
)


def requires(scope: str) -> Callable[..., Principal]:
    """A dependency that answers who asks, when they may do what `scope` covers."""

    def admitted(request: Request, _: Annotated[Any, Security(_bearer)] = None) -> Principal:
        return door(request).gate.admit(request, scope)

    return admitted


At = Annotated[Door, Depends(door)]
Reader = Depends(requires("read"))
Operator = Annotated[Principal, Depends(requires("operate"))]
Admin = Depends(requires("admin"))

GrainName = Annotated[
    str, Query(description="Length of windows: the model's own, or a longer one that it adds up to.")
]


@dataclass(frozen=True, slots=True)
class Span:
    """Query parameters that choose windows."""

    start: Annotated[str, Query(description="From this time on: ISO 8601, UTC where no zone is given.")] = ""
    end: Annotated[str, Query(description="Before this time.")] = ""
    version: Annotated[str, Query(description="One version of the model; all by default.")] = ""
    segment: Annotated[str, Query(description="One segment, as `carrier=AA`; the whole by default.")] = ""

    def __post_init__(self) -> None:
        for name in ("start", "end"):
            instant(getattr(self, name), name)

    @property
    def times(self) -> dict[str, str]:
        """Start and end."""
        return {"start": self.start, "end": self.end}

    @property
    def part(self) -> dict[str, str]:
        """Version and segment."""
        return {"version": self.version, "segment": self.segment}


Chosen = Annotated[Span, Depends()]


def instant(text: str, name: str) -> int:
    """Microseconds of a time that a person gave; raises `InputError` for none, and for one beyond the calendar."""
    try:
        found = moment(text, name, 0)
        from_micros(found)
    except OverflowError:
        raise InputError(f"{name}: {text!r} is beyond the calendar", column=name) from None
    return found


def answer(body: Any, status: int = 200) -> Response:
    """A JSON answer."""
    return Response(orjson.dumps(body), status_code=status, media_type="application/json")


def told(model: Any, about: str, *problems: int, status: int = 200) -> dict[str, Any]:
    """What a route's documentation says of its answers."""
    answers: dict[int | str, Any] = {status: {"model": model, "description": about}}
    for code in (401, 403, *problems):
        answers[code] = PROBLEMS[code]
    return {"responses": answers, "response_model": None}


def _problem(about: str) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{Problem.__name__}"}
    return {"description": about, "content": {"application/problem+json": {"schema": schema}}}


PROBLEMS = {
    400: _problem("The request is no HTTP that makes sense."),
    401: _problem("A token is needed."),
    403: _problem("The token lacks the scope."),
    404: _problem("There is no such thing; the detail suggests near names."),
    409: _problem("It contradicts what is stored."),
    413: _problem("Too large, or compressed out of proportion."),
    415: _problem("A media type or encoding that is not spoken here."),
    422: _problem("Something given is wrong; `errors` names row and column where that is known."),
    503: _problem("Busy; `Retry-After` says when to try again. Nothing was taken."),
    507: _problem("No room is left. Nothing was taken."),
}
"""Documented answers by status."""
