"""The application: API and pages over one watch."""

from __future__ import annotations

import secrets
from contextlib import asynccontextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from anchorwatch.app.queries import VERSION
from anchorwatch.core.clock import SystemClock
from anchorwatch.core.errors import AnchorwatchError
from anchorwatch.server.api.door import PREFIX, Door, answer
from anchorwatch.server.api.events import ROUTES
from anchorwatch.server.api.metrics import metrics
from anchorwatch.server.auth import Gate
from anchorwatch.server.bodies import Pending
from anchorwatch.server.document import api, openapi
from anchorwatch.server.guard import SecureHeaders, SmallBodies
from anchorwatch.server.intake import Intake
from anchorwatch.server.options import ServerOptions
from anchorwatch.server.pages import mount_pages
from anchorwatch.server.problems import KINDS, STATUSES, Kind, problem_of, respond
from anchorwatch.server.session import Signer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request
    from starlette.responses import Response

    from anchorwatch.app.watch import Watch
    from anchorwatch.core.clock import Clock


def create_app(watch: Watch, *, options: ServerOptions | None = None, clock: Clock | None = None) -> FastAPI:
    """The HTTP API and the web pages over `watch`, which stays its caller's to close."""
    chosen, told = options or ServerOptions(), clock or SystemClock()
    door = Door(
        watch=watch,
        clock=told,
        gate=Gate(watch.ledger.tokens, Signer(_key(watch)), told, chosen),
        intake=Intake(watch, told, chosen),
        pending=Pending(chosen.pending),
        options=chosen,
    )
    app = FastAPI(
        title="Anchorwatch",
        version=VERSION,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=_lifespan,
    )
    app.state.door = door
    app.add_middleware(SmallBodies, limit=chosen.document, prefix=PREFIX)
    app.add_middleware(SecureHeaders)
    app.router.routes.extend(ROUTES)
    app.include_router(api())
    app.router.add_route(f"{PREFIX}/openapi.json", _document, include_in_schema=False)
    app.router.add_route("/problems/{slug}", _explained, include_in_schema=False)
    app.router.routes.append(metrics(watch, told))
    _tell_problems(app, chosen)
    mount_pages(app, watch, door.gate, told)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    yield
    app.state.door.intake.close()


def _key(watch: Watch) -> bytes:
    """The key of the store's sessions; made once, so that they outlive a restart."""
    with watch.ledger.write() as books:
        return bytes.fromhex(books.meta("session_key", secrets.token_hex(32)))


def _tell_problems(app: FastAPI, options: ServerOptions) -> None:
    def ours(_request: Request, problem: Any) -> Response:
        return problem_of(problem, retry_after=options.retry_after)

    app.add_exception_handler(AnchorwatchError, ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(500, _broken)


async def _invalid(_request: Request, problem: Any) -> Response:
    errors = [
        {"row": None, "column": ".".join(map(str, item["loc"][1:])), "reason": item["msg"]}
        for item in problem.errors()
    ]
    kind = next(kind for _, kind in KINDS if kind.slug == "invalid")
    detail = "; ".join(f"{item['column']}: {item['reason']}" for item in errors[:5])
    return respond(kind, detail, errors)


async def _refused(request: Request, problem: Any) -> Response:
    kind = STATUSES.get(problem.status_code) or Kind(
        "request", problem.status_code, str(problem.detail), "See the detail."
    )
    return respond(kind, f"{request.method} {request.url.path}: {problem.detail}", headers=problem.headers)


async def _broken(_request: Request, _problem: Any) -> Response:
    return respond(
        STATUSES[500], "nothing that was acknowledged is lost; the server's log says what happened"
    )


@cache
def _openapi() -> dict[str, Any]:
    return openapi()


async def _document(_request: Request) -> Response:
    return answer(_openapi())


async def _explained(request: Request) -> Response:
    """What a problem's type means."""
    slug = request.path_params["slug"]
    known = {kind.slug: kind for kind in (*(kind for _, kind in KINDS), *STATUSES.values())}
    if slug not in known:
        raise HTTPException(404, "no such problem")
    kind = known[slug]
    return answer({"problem": kind.slug, "status": kind.status, "title": kind.title, "remedy": kind.remedy})
