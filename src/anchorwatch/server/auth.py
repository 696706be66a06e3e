"""Who asks, and whether they may.

A request is somebody's by its bearer token or by the cookie of a sign-in. While a store has no token at all, its
own machine may do everything: a request from loopback, addressed to loopback, that no proxy passed on.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from anchorwatch.core.errors import DeniedError
from anchorwatch.server.problems import NoTokenError
from anchorwatch.server.session import COOKIE, OPEN, Session, Signer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.requests import HTTPConnection, Request
    from starlette.responses import Response

    from anchorwatch.core.clock import Clock
    from anchorwatch.server.options import ServerOptions
    from anchorwatch.server.pages.ports import Principal

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_KEPT = 4096


class Token(Protocol):
    """A token as lists show it."""

    @property
    def id(self) -> str:
        """Its public part."""
        ...

    @property
    def name(self) -> str:
        """Whose it is."""
        ...

    @property
    def scopes(self) -> tuple[str, ...]:
        """What it may do."""
        ...

    @property
    def revoked_at(self) -> int | None:
        """When it ended."""
        ...


class Tokens(Protocol):
    """What is asked of the ledger's tokens."""

    def check(self, text: str) -> Principal | None:
        """Whose token `text` is."""
        ...

    def list(self) -> Sequence[Token]:
        """Every token."""
        ...

    def any(self) -> bool:
        """Whether one was ever made."""
        ...


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody without a token in hand; `admin` may do everything."""

    name: str
    scopes: frozenset[str]

    def may(self, scope: str) -> bool:
        """Whether `scope` is granted."""
        return scope in self.scopes or "admin" in self.scopes


_HERE = Person("this machine", frozenset({"admin"}))


class Gate:
    """Knows who asks. Looks a token up once in a while, not for every request."""

    def __init__(self, tokens: Tokens, signer: Signer, clock: Clock, options: ServerOptions) -> None:
        self._tokens = tokens
        self._signer = signer
        self._clock = clock
        self._options = options
        self._known: dict[bytes, tuple[float, Principal]] = {}
        self._closed = False
        self._open_until = 0.0

    def principal(self, request: HTTPConnection) -> Principal | None:
        """Who asks; None when nobody is known."""
        text = bearer(request)
        if text is not None:
            return self._remembered(text, lambda: self._tokens.check(text))
        session = self._session(request)
        if session is not None:
            return self._remembered(f"session {session.token}", lambda: self._holder(session.token))
        return _HERE if self._here(request) and not self._has_tokens() else None

    def recalled(self, request: HTTPConnection) -> Principal | None:
        """Who asks, when that is known without asking the ledger."""
        text = bearer(request)
        if text is not None:
            return self._recall(_digest(text))
        lately = self._clock.monotonic() < self._open_until
        return _HERE if lately and COOKIE not in request.cookies and self._here(request) else None

    def admit(self, request: Request, scope: str) -> Principal:
        """Who asks, when they may; raises `NoTokenError` or `DeniedError` when not."""
        return self.allow(request, self.principal(request), scope)

    def allow(self, request: Request, who: Principal | None, scope: str) -> Principal:
        """`who`, when they may and the request is not another site's doing."""
        if who is None:
            raise NoTokenError("send `Authorization: Bearer <token>`; `anchorwatch token create` makes one")
        if not who.may(scope):
            raise DeniedError(f"this needs a token with the scope {scope!r}; that of {who.name!r} lacks it")
        if request.method not in SAFE and bearer(request) is None and not self._ours(request):
            raise DeniedError("the request comes from another site, or lacks the header X-CSRF-Token")
        return who

    def csrf_token(self, request: HTTPConnection) -> str:
        """What a form must bring back."""
        session = self._session(request)
        return self._signer.csrf(OPEN if session is None else session.nonce)

    def check_csrf(self, request: HTTPConnection, given: str) -> bool:
        """Whether a form brought it back; a bearer token, which no browser adds by itself, needs none."""
        if bearer(request) is not None:
            return True
        return _equal(given, self.csrf_token(request)) and not cross_site(request, self._options.public_host)

    def sign_in(self, request: HTTPConnection, response: Response, token: str) -> Principal | None:
        """Set the session's cookie on `response` when `token` is somebody's."""
        who = self._tokens.check(token)
        if who is None:
            return None
        length = int(self._options.session.total_seconds())
        cookie = self._signer.write(token.split("_")[1], int(self._clock.now().timestamp()) + length)
        response.set_cookie(
            COOKIE,
            cookie,
            max_age=length,
            path="/",
            httponly=True,
            samesite="lax",
            secure=self._secure(request),
        )
        return who

    def sign_out(self, request: HTTPConnection, response: Response) -> None:
        """Forget the session."""
        response.delete_cookie(COOKIE, path="/", httponly=True, samesite="lax", secure=self._secure(request))

    def _secure(self, request: HTTPConnection) -> bool:
        """Whether a cookie must never travel without TLS."""
        return self._options.secure or request.url.scheme == "https"

    def _here(self, request: HTTPConnection) -> bool:
        """Whether the store's own machine asks; never where a proxy stands before the server."""
        return not self._options.public_url and local(request)

    def _ours(self, request: HTTPConnection) -> bool:
        """Whether a request without a bearer token was sent by a page of ours, or by no page at all."""
        if cross_site(request, self._options.public_host):
            return False
        session = self._session(request)
        if session is None:
            return True
        return _equal(request.headers.get("x-csrf-token", ""), self._signer.csrf(session.nonce))

    def _session(self, request: HTTPConnection) -> Session | None:
        cookie = request.cookies.get(COOKIE)
        return self._signer.read(cookie, self._clock.now().timestamp()) if cookie else None

    def _holder(self, token: str) -> Principal | None:
        for item in self._tokens.list():
            if item.id == token and item.revoked_at is None:
                return Person(item.name, frozenset(item.scopes))
        return None

    def _has_tokens(self) -> bool:
        self._closed = self._closed or self._tokens.any()
        self._open_until = 0.0 if self._closed else self._clock.monotonic() + self._options.remember
        return self._closed

    def _remembered(self, text: str, find: Callable[[], Principal | None]) -> Principal | None:
        key = _digest(text)
        who = self._recall(key) or find()
        if who is not None and key not in self._known:
            if len(self._known) >= _KEPT:
                self._known.clear()
            self._known[key] = (self._clock.monotonic() + self._options.remember, who)
        return who

    def _recall(self, key: bytes) -> Principal | None:
        until, who = self._known.get(key, (0.0, None))
        if who is not None and self._clock.monotonic() < until:
            return who
        self._known.pop(key, None)
        return None


def bearer(request: HTTPConnection) -> str | None:
    """The token of `Authorization: Bearer`; None without that header."""
    kind, _, text = request.headers.get("authorization", "").partition(" ")
    return text.strip() if kind.lower() == "bearer" else None


def local(request: HTTPConnection) -> bool:
    """Whether a request was made on this machine, to this machine, by no proxy.

    The address asked for must be loopback as well, or a page elsewhere could have its own name point here.
    """
    if any(name in request.headers for name in ("forwarded", "x-forwarded-for", "x-real-ip", "via")):
        return False
    host = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    return _loopback(host) and (request.client is None or _loopback(request.client.host))


def cross_site(request: HTTPConnection, public: str = "") -> bool:
    """Whether a browser says that a page of another site sent the request; `public` is a host of ours as well."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site not in {"same-origin", "none"}
    origin = request.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc not in {request.headers.get("host"), public or None}


@lru_cache(maxsize=256)
def _loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _equal(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
