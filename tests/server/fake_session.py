"""A session without cookies' cryptography, and the pages over made-up answers."""

# ruff: noqa: D102 - its methods are those of `Session`, and are described there
from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import uvicorn
from fastapi import FastAPI
from tests.server.fake_queries import NOW, FakeWatch, watch_of

from anchorwatch.server.pages import mount_pages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request
    from starlette.responses import Response

TOKENS = {
    "aw_admin": ("mira", {"admin"}),
    "aw_read": ("reader", {"read"}),
    "aw_operate": ("olaf", {"read", "operate"}),
}


@dataclass(frozen=True)
class FakePrincipal:
    """Who asks."""

    name: str
    scopes: frozenset[str]

    def may(self, scope: str) -> bool:
        return scope in self.scopes or "admin" in self.scopes


@dataclass
class FakeSession:
    """Cookies that hold the token itself; `open_to` is who is there without one."""

    open_to: str | None = "aw_admin"

    def principal(self, request: Request) -> FakePrincipal | None:
        token = request.cookies.get("session") or self.open_to
        known = TOKENS.get(token or "")
        return FakePrincipal(known[0], frozenset(known[1])) if known else None

    def csrf_token(self, request: Request) -> str:
        return "csrf-of-the-session"

    def check_csrf(self, request: Request, given: str) -> bool:
        return given == self.csrf_token(request)

    def sign_in(self, request: Request, response: Response, token: str) -> FakePrincipal | None:
        if token not in TOKENS:
            return None
        response.set_cookie("session", token, httponly=True, samesite="lax")
        return FakePrincipal(TOKENS[token][0], frozenset(TOKENS[token][1]))

    def sign_out(self, request: Request, response: Response) -> None:
        response.delete_cookie("session")


class StillClock:
    """Always the last evening of the story."""

    def now(self) -> Any:
        return NOW

    def monotonic(self) -> float:
        return 0.0


def app_of(kind: str | FakeWatch = "two", open_to: str | None = "aw_admin") -> FastAPI:
    """An application with nothing but pages."""
    app = FastAPI(openapi_url=None)
    watch: Any = watch_of(kind) if isinstance(kind, str) else kind
    mount_pages(app, watch, FakeSession(open_to), StillClock())
    return app


@contextmanager
def serve(app: FastAPI) -> Iterator[str]:
    """Serve an application on a free loopback port, for as long as the block runs."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning", ws="none"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    waiting = threading.Event()
    while not server.started and thread.is_alive():
        waiting.wait(0.01)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)


class Client:
    """Asks an application without a socket; keeps cookies, follows no redirect."""

    def __init__(self, app: FastAPI, *, raising: bool = True) -> None:
        self._transport = httpx.ASGITransport(app, raise_app_exceptions=raising)
        self._cookies = httpx.Cookies()

    def get(self, path: str, **told: Any) -> httpx.Response:
        """Ask for a page."""
        return asyncio.run(self._ask("GET", path, **told))

    def post(self, path: str, **told: Any) -> httpx.Response:
        """Send a form."""
        return asyncio.run(self._ask("POST", path, **told))

    async def _ask(self, method: str, path: str, **told: Any) -> httpx.Response:
        base = "http://localhost"
        async with httpx.AsyncClient(
            transport=self._transport, base_url=base, cookies=self._cookies
        ) as asker:
            answer = await asker.request(method, path, **told)
            self._cookies = httpx.Cookies(asker.cookies)
        return answer
