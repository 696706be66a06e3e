"""What holds for every request and every answer, whoever handles it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""What an answer says when its maker said nothing else."""

_RAW = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]

OWN_BOUNDS = ("/predictions", "/outcomes", "/reference")
"""Ends of the API's addresses that read their bodies under bounds of their own."""


class SecureHeaders:
    """Middleware that adds `HEADERS` where they are not set."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and headers back."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                said = {name for name, _ in message["headers"]}
                more = [pair for pair in _RAW if pair[0] not in said]
                message = {**message, "headers": [*message["headers"], *more]}
            await send(message)

        await self.app(scope, receive, send_with_headers)


class SmallBodies:
    """Middleware that ends a request whose body is larger than any form or declaration."""

    def __init__(self, app: ASGIApp, limit: int, prefix: str) -> None:
        self.app = app
        self.limit = limit
        self.prefix = prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on while its body is small."""
        path = scope.get("path", "")
        if scope["type"] != "http" or (path.startswith(self.prefix) and path.endswith(OWN_BOUNDS)):
            await self.app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "")
        left = self.limit

        async def receive_little() -> Message:
            nonlocal left
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0 or (announced.isdigit() and int(announced) > self.limit):
                raise HTTPException(413, f"the body is larger than {self.limit:,} bytes")
            return message

        await self.app(scope, receive_little, send)
