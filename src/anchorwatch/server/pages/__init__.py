"""The web pages: server-rendered, each with a JSON twin at the same address.

`mount_pages` adds them to an application; everything else here is theirs alone.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from anchorwatch.core.clock import SystemClock
from anchorwatch.server.pages import (
    assets,
    incidents,
    model,
    notices,
    overview,
    predictions,
    settings,
    signin,
)
from anchorwatch.server.pages.site import Ask, Site, View
from anchorwatch.server.problems import STATUSES

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import FastAPI
    from starlette.requests import Request
    from starlette.responses import Response

    from anchorwatch.app.watch import Watch
    from anchorwatch.core.clock import Clock
    from anchorwatch.server.pages.ports import Session
    from anchorwatch.server.problems import Kind

PAGES: tuple[tuple[str, Callable[[Ask], View]], ...] = (
    ("/", overview.overview),
    ("/incidents", incidents.incidents),
    ("/incidents/{number}", incidents.incident),
    ("/incidents/{number}/chart", incidents.incident_chart),
    ("/notifications", notices.notifications),
    ("/predictions", predictions.predictions),
    ("/predictions/{model}/row", predictions.row),
    ("/settings", settings.settings),
    ("/settings/models/{model}/rules", settings.held),
    ("/settings/models/{model}", settings.spec),
    ("/models/{model}/drift", model.drift),
    ("/models/{model}/quality", model.quality),
    ("/models/{model}/service", model.service),
    ("/models/{model}/segments", model.segments),
    ("/models/{model}/versions", model.versions),
    ("/models/{model}/series", model.series),
    ("/models/{model}/chart", model.drawn),
    ("/models/{model}/confusion", model.confusion),
    ("/models/{model}/calibration", model.calibration),
    ("/models/{model}/heat", model.heat_of),
    ("/models/{model}/distribution", model.distribution),
    ("/models/{model}", model.performance),
)
FORMS = (
    ("/incidents/{number}/acknowledge", incidents.acknowledge, "operate"),
    ("/incidents/{number}/silence", incidents.silence, "operate"),
    ("/incidents/{number}/resolve", incidents.resolve, "operate"),
    ("/settings/models/{model}/try", settings.attempt, "read"),
    ("/notifications/retry", notices.retry, "operate"),
    ("/notifications/test", notices.trial, "operate"),
    ("/notifications/silence", notices.silence, "operate"),
    ("/notifications/unsilence", notices.unsilence, "operate"),
    ("/settings/tokens", settings.issue, "admin"),
    ("/settings/tokens/revoke", settings.revoke, "admin"),
)


def mount_pages(app: FastAPI, watch: Watch, session: Session, clock: Clock | None = None) -> Site:
    """Add every page, form and static file to `app`, and errors in the same look."""
    site = Site(watch, session, clock=clock or SystemClock())
    for path, page in PAGES:
        site.get(app, path, page)
    for path, form, scope in FORMS:
        site.post(app, path, form, scope)
    plain: dict[str, Any] = {"include_in_schema": False}
    app.router.add_route("/login", partial(signin.login, site), methods=["GET"], **plain)
    app.router.add_route("/login", partial(signin.sign_in, site), methods=["POST"], **plain)
    app.router.add_route("/logout", partial(signin.sign_out, site), methods=["POST"], **plain)
    app.router.add_route("/static/{name:path}", assets.serve, methods=["GET"], **plain)
    app.router.add_route("/favicon.ico", assets.favicon, methods=["GET"], **plain)
    dress_errors(app, site)
    return site


def dress_errors(app: FastAPI, site: Site) -> None:
    """Answer what nobody answers in the look of the house; addresses of the API keep the answers they have."""
    for status in (404, 405, 500):
        before = app.exception_handlers.get(status) or app.exception_handlers.get(HTTPException)
        app.add_exception_handler(status, partial(_failed, site, STATUSES[status], before))


async def _failed(site: Site, kind: Kind, before: Any, request: Request, problem: Exception) -> Response:
    if request.url.path.startswith("/api/") and before is not None:
        answer: Response = await before(request, problem)
        return answer
    details = {
        404: f"There is no page at {request.url.path}.",
        405: f"{request.url.path} does not take {request.method}.",
        500: "The server's log says what happened. Nothing that was acknowledged is lost.",
    }
    return await run_in_threadpool(site.failed, request, kind, details[kind.status])
