"""The road of every page: who asks, what is asked, what comes back as HTML or as its JSON twin."""

from __future__ import annotations

import gzip
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from anchorwatch.core.clock import SystemClock
from anchorwatch.core.errors import AnchorwatchError, DeniedError
from anchorwatch.server import problems
from anchorwatch.server.pages.templating import environment
from anchorwatch.server.problems import NoTokenError, kind_of, problem_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from jinja2 import Environment
    from starlette.applications import Starlette
    from starlette.requests import Request

    from anchorwatch.app.queries import Queries
    from anchorwatch.app.watch import Watch
    from anchorwatch.core.clock import Clock
    from anchorwatch.server.pages.ports import Principal, Session
    from anchorwatch.server.problems import Kind

SECURITY = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Vary": "Accept, Accept-Encoding, Cookie",
    "Cache-Control": "no-store",
}

_PLAIN = orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY
STALE = "this form is too old or came from elsewhere; load the page again and repeat"


@dataclass(frozen=True, slots=True)
class View:
    """What a handler answers: a template with its context, and the query result that is its JSON twin.

    Without a template there is only the twin.
    """

    template: str
    context: Mapping[str, Any]
    twin: Any = None
    status: int = 200


@dataclass(frozen=True, slots=True)
class Go:
    """What a form's handler answers: the page to see next."""

    to: str


@dataclass(frozen=True, slots=True)
class Ask:
    """One request, as handlers read it."""

    site: Site
    request: Request
    who: Principal | None
    form: Mapping[str, Any] = field(default_factory=dict)

    @property
    def watch(self) -> Watch:
        """The facade."""
        return self.site.watch

    @property
    def queries(self) -> Queries:
        """What can be asked of it."""
        return self.site.watch.queries

    def path(self, name: str) -> str:
        """A part of the path."""
        return str(self.request.path_params[name])

    def param(self, name: str, default: str = "") -> str:
        """A query parameter, without blanks around it."""
        return self.request.query_params.get(name, default).strip()


@dataclass(frozen=True, slots=True)
class Site:
    """Everything pages share."""

    watch: Watch
    session: Session
    templates: Environment = field(default_factory=environment)
    clock: Clock = field(default_factory=SystemClock)

    def get(self, app: Starlette, path: str, handler: Callable[[Ask], View], scope: str = "read") -> None:
        """Serve a page at `path`, and its twin at `path` + `.json`."""

        def endpoint(request: Request) -> Response:
            return self.answer(request, handler, scope)

        for address in (f"{path}.json", path) if path != "/" else ("/overview.json", path):
            app.router.add_route(address, endpoint, methods=["GET"], include_in_schema=False)

    def post(self, app: Starlette, path: str, handler: Callable[[Ask], View | Go], scope: str) -> None:
        """Take a form at `path`."""

        async def endpoint(request: Request) -> Response:
            async with request.form(max_files=0, max_fields=50) as form:
                given = {name: str(value) for name, value in form.multi_items()}
            return await run_in_threadpool(self.answer, request, handler, scope, given)

        app.router.add_route(path, endpoint, methods=["POST"], include_in_schema=False)

    def answer(
        self,
        request: Request,
        handler: Callable[[Ask], View | Go],
        scope: str,
        form: Mapping[str, Any] | None = None,
    ) -> Response:
        """Who asks, may they, then the handler; errors of ours become pages."""
        who = self.session.principal(request)
        if scope and who is None:
            return self._to_sign_in(request)
        try:
            if scope and who is not None and not who.may(scope):
                raise DeniedError(f"this needs the scope {scope!r}, which {who.name} does not have")
            if form is not None and not self.session.check_csrf(request, str(form.get("csrf", ""))):
                raise DeniedError(STALE)
            answer = handler(Ask(self, request, who, form or {}))
        except AnchorwatchError as problem:
            return self.problem(request, problem)
        if isinstance(answer, Go):
            return RedirectResponse(answer.to, status_code=303, headers={"Cache-Control": "no-store"})
        return self.render(request, answer, who)

    def render(self, request: Request, view: View, who: Principal | None = None) -> Response:
        """The view as HTML, or its twin as JSON, compressed for those who can."""
        if not view.template or wants_json(request):
            return respond(
                request,
                orjson.dumps(view.twin, option=_PLAIN),
                "application/json",
                view.status,
            )
        frame = {
            "request": request,
            "who": who,
            "now": self.clock.now(),
            "path": request.url.path,
            "csrf": self.session.csrf_token(request),
            "fragment": request.headers.get("hx-request-type") == "partial",
        }
        html = self.templates.get_template(view.template).render({**frame, **view.context})
        return respond(request, html, "text/html; charset=utf-8", view.status)

    def problem(self, request: Request, problem: AnchorwatchError) -> Response:
        """An error of ours in the look of the house; as RFC 9457 for programs."""
        if wants_json(request):
            return problem_of(problem)
        return self.failed(request, kind_of(problem), str(problem))

    def failed(self, request: Request, kind: Kind, detail: str) -> Response:
        """The page of an error."""
        if wants_json(request):
            return problems.respond(kind, detail)
        view = View(
            "error.html", {"title": kind.title, "status": kind.status, "detail": detail}, status=kind.status
        )
        return self.render(request, view, self.session.principal(request))

    def _to_sign_in(self, request: Request) -> Response:
        if wants_json(request):
            return problem_of(NoTokenError("send `Authorization: Bearer <token>`, or sign in at /login"))
        back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        to = f"/login?next={quote(back if request.method == 'GET' else '/')}"
        if request.headers.get("hx-request"):
            return Response(status_code=204, headers={"HX-Redirect": to})
        return RedirectResponse(to, status_code=303)


def wants_json(request: Request) -> bool:
    """Whether the twin is asked for: by `.json`, or by preferring JSON to HTML."""
    if request.url.path.endswith(".json"):
        return True
    accept = request.headers.get("accept", "")
    return "json" in accept and "text/html" not in accept


def respond(request: Request, body: str | bytes, media: str, status: int = 200) -> Response:
    """A response that says what the browser may do with it."""
    content = body.encode() if isinstance(body, str) else body
    headers = dict(SECURITY)
    if len(content) > 1400 and "gzip" in request.headers.get("accept-encoding", ""):
        content = gzip.compress(content, compresslevel=1, mtime=0)
        headers["Content-Encoding"] = "gzip"
    return Response(content, status_code=status, media_type=media, headers=headers)
