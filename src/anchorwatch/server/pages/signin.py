"""`/login` and `/logout`: a token in, a session cookie out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from anchorwatch.core.errors import DeniedError
from anchorwatch.server.pages.site import STALE, View

if TYPE_CHECKING:
    from starlette.requests import Request

    from anchorwatch.server.pages.site import Site


def login(site: Site, request: Request) -> Response:
    """The form; who is signed in already goes where they wanted to go."""
    to = safe(request.query_params.get("next", "/"))
    return site.render(request, View("login.html", {"next": to, "problem": ""}))


async def sign_in(site: Site, request: Request) -> Response:
    """Take a token; on success go on, else say so."""
    async with request.form(max_files=0, max_fields=5) as form:
        given = {name: str(value) for name, value in form.multi_items()}
    return await run_in_threadpool(_sign_in, site, request, given)


async def sign_out(site: Site, request: Request) -> Response:
    """Forget the session."""
    async with request.form(max_files=0, max_fields=5) as form:
        given = str(form.get("csrf", ""))
    if not site.session.check_csrf(request, given):
        return site.problem(request, DeniedError(STALE))
    response = RedirectResponse("/login", status_code=303)
    site.session.sign_out(request, response)
    return response


def safe(to: str) -> str:
    r"""An address of ours to go to; anything that could lead elsewhere becomes `/`.

    >>> safe("/models/fares?range=7d"), safe("//evil.example"), safe("https://evil.example"), safe("/\\evil")
    ('/models/fares?range=7d', '/', '/', '/')
    """
    plain = to.startswith("/") and not to.startswith("//") and "\\" not in to and to.isprintable()
    return to if plain else "/"


def _sign_in(site: Site, request: Request, given: dict[str, str]) -> Response:
    to = safe(given.get("next", "/"))
    response: Response = RedirectResponse(to, status_code=303)
    if site.session.sign_in(request, response, given.get("token", "").strip()) is not None:
        return response
    problem = "This token is nobody's: it was mistyped or revoked."
    return site.render(request, View("login.html", {"next": to, "problem": problem}, status=401))
