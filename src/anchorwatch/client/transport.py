"""How batches, questions and declarations reach a watch: the port, and HTTP behind it."""

from __future__ import annotations

import json
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote, urlencode, urlsplit

from anchorwatch.core.errors import (
    AnchorwatchError,
    ConfigError,
    ConflictError,
    DeniedError,
    InputError,
    TooLargeError,
    UnknownError,
)
from anchorwatch.core.secret import Secret
from anchorwatch.core.types import EventKind, OnError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from http.client import HTTPConnection, HTTPResponse
    from ssl import SSLContext
    from types import ModuleType

NDJSON = "application/x-ndjson"
ARROW = "application/vnd.apache.arrow.stream"
LONGEST_WAIT = 600.0
"""Seconds of a server's `Retry-After` that are believed."""

_TRY_AGAIN = frozenset({401, 403, 407, 408, 425, 429})
_PER_MODEL = frozenset(
    {
        "series",
        "heatmap",
        "distribution",
        "results",
        "span",
        "confusion",
        "calibration",
        "alarms",
        "predictions",
    }
)


class TransportDown(AnchorwatchError):  # noqa: N818 - a state, named as the log line says it
    """The watch cannot take this now; try again, `retry_after` seconds later at the earliest."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Refused(AnchorwatchError):  # noqa: N818 - as above
    """The watch will never take this batch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A batch as it travels. `key` stays the same over every retry, so that the watch takes it once."""

    model: str
    kind: EventKind
    key: str
    body: bytes
    rows: int
    content_type: str = NDJSON
    encoding: str = "identity"
    on_error: OnError = OnError.KEEP


class Transport(Protocol):
    """Carries batches to a watch and answers back, over HTTP or within the process.

    `send` may be called by several threads at once. Everything but `reset` may raise `TransportDown`.
    """

    @property
    def address(self) -> str:
        """Which watch this is; a spool serves one address."""
        ...

    def send(self, batch: Outgoing) -> Mapping[str, Any]:
        """Deliver a batch: `{"accepted", "rejected", "rejected_count", "duplicate"}`; or `Refused`."""
        ...

    def query(self, name: str, /, **params: Any) -> Any:
        """Ask one of the watch's queries by its name."""
        ...

    def put(self, name: str, body: Mapping[str, Any] | bytes, /, *, model: str, **params: Any) -> Any:
        """Store a `model` (a spec, with `rules`) or a `reference` (an Arrow stream, with `version`)."""
        ...

    def reset(self) -> None:
        """Forget every connection without closing it in the parent's name; called in a forked child."""
        ...

    def close(self) -> None:
        """Let go of every connection."""
        ...


class HttpTransport:
    """Anchorwatch's HTTP API through the standard library, on kept-alive connections.

    Raises `ConfigError` for a URL or token that can never work; the server need not be up.
    """

    def __init__(self, url: str, token: str | Secret | None = None, *, timeout: float = 10.0) -> None:
        self.address = _checked(url)
        parts = urlsplit(self.address)
        self._host, self._port, self._base = parts.hostname or "", parts.port, parts.path
        self._secure = parts.scheme == "https"
        self._token = _token(token)
        self._timeout = timeout
        self._idle: deque[HTTPConnection] = deque()
        self._http, self._tls = _network(secure=self._secure)

    def __repr__(self) -> str:
        return f"HttpTransport({self.address!r})"

    def send(self, batch: Outgoing) -> Mapping[str, Any]:
        """Deliver a batch; raises `Refused` or `TransportDown`."""
        path = f"/models/{quote(batch.model, safe='')}/{batch.kind.value}?on_error={batch.on_error.value}"
        headers = {"Content-Type": batch.content_type, "Idempotency-Key": batch.key}
        if batch.encoding != "identity":
            headers["Content-Encoding"] = batch.encoding
        answer = self._ask("POST", path, batch.body, headers)
        if not answer.good:
            raise answer.sending_problem()
        receipt = answer.json()
        if not isinstance(receipt, dict) or "accepted" not in receipt:
            raise TransportDown(f"{self.address} answered, but not as Anchorwatch does; check the URL")
        return receipt

    def query(self, name: str, /, **params: Any) -> Any:
        """Ask `name`; raises `UnknownError`, `DeniedError`, `InputError` or `TransportDown`."""
        given = {key: _text(value) for key, value in params.items() if value is not None}
        path = f"/{name}"
        if name in _PER_MODEL or name == "model":
            path = f"/models/{quote(given.pop('model' if name in _PER_MODEL else 'name'), safe='')}"
            path += f"/{name}" if name in _PER_MODEL else ""
        elif name == "incident":
            path = f"/incidents/{quote(given.pop('id'), safe='')}"
        answer = self._ask("GET", path + (f"?{urlencode(given)}" if given else ""), None, {})
        return answer.result()

    def put(self, name: str, body: Mapping[str, Any] | bytes, /, *, model: str, **params: Any) -> Any:
        """Store a `model` or its `reference`; raises as `query` does, and `ConflictError`."""
        path = f"/models/{quote(model, safe='')}" + ("" if name == "model" else f"/{name}")
        given = {key: _text(value) for key, value in params.items() if value is not None}
        path += f"?{urlencode(given)}" if given else ""
        if isinstance(body, bytes):
            return self._ask("PUT", path, body, {"Content-Type": ARROW}).result()
        data = json.dumps(body, allow_nan=False).encode()
        return self._ask("PUT", path, data, {"Content-Type": "application/json"}).result()

    def reset(self) -> None:
        """Forget the parent's connections."""
        self.close()

    def close(self) -> None:
        """Close what is idle."""
        while self._idle:
            self._idle.pop().close()

    def _ask(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> _Answer:
        """One exchange. A kept connection that the server closed meanwhile is replaced by a new one."""
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token.reveal()}"
        headers |= {"Accept": "application/json", "User-Agent": "anchorwatch-client"}
        while True:
            kept = self._kept()
            connection = kept or self._connect()
            try:
                connection.request(method, f"{self._base}/api/v1{path}", body, headers)
                response = connection.getresponse()
                data = response.read()
            except (OSError, self._http.HTTPException) as problem:
                connection.close()
                if kept is not None and not isinstance(problem, TimeoutError):
                    continue
                raise TransportDown(f"{self.address}: {problem!r}") from problem
            if response.will_close:
                connection.close()
            else:
                self._idle.append(connection)
            return _Answer(self.address, response, data)

    def _kept(self) -> HTTPConnection | None:
        try:
            return self._idle.pop()
        except IndexError:
            return None

    def _connect(self) -> HTTPConnection:
        found: HTTPConnection
        if self._secure:
            found = self._http.HTTPSConnection(
                self._host, self._port, timeout=self._timeout, context=self._tls
            )
        else:
            found = self._http.HTTPConnection(self._host, self._port, timeout=self._timeout)
        return found


def _network(*, secure: bool) -> tuple[ModuleType, SSLContext | None]:
    """What only a client that is made needs: 25 ms that importing this module does without.

    Imported here and not in the background: a fork during an import leaves the child a lock that nobody frees.
    """
    import encodings.idna  # noqa: F401, PLC0415 - the socket module would do so at its first look-up
    import http.client  # noqa: PLC0415 - 20 ms

    if not secure:
        return http.client, None
    import ssl  # noqa: PLC0415 - 5 ms

    return http.client, ssl.create_default_context()


class _Answer:
    """What the server said, and which error it is."""

    def __init__(self, address: str, response: HTTPResponse, data: bytes) -> None:
        self.address = address
        self.status = response.status
        self.good = 200 <= response.status < 300
        self._retry_after = response.getheader("Retry-After")
        self._data = data

    def json(self) -> Any:
        try:
            return json.loads(self._data) if self._data else None
        except ValueError:
            return None

    def result(self) -> Any:
        """The body, or the error that a caller is told."""
        if self.good:
            return self.json()
        message, row, column = self._problem()
        if self.status in {401, 403}:
            raise DeniedError(message)
        if self.status == 404:
            raise UnknownError(message)
        if self.status == 409:
            raise ConflictError(message)
        if self.status == 413:
            raise TooLargeError(message, row=row, column=column)
        if 400 <= self.status < 500 and self.status not in _TRY_AGAIN:
            raise InputError(message, row=row, column=column)
        raise TransportDown(message, retry_after=self._wait())

    def sending_problem(self) -> AnchorwatchError:
        """Whether to try again: with a wrong token too, since people mend that while batches wait."""
        message, _, _ = self._problem()
        if 400 <= self.status < 500 and self.status not in _TRY_AGAIN:
            return Refused(message)
        return TransportDown(message, retry_after=self._wait())

    def _problem(self) -> tuple[str, int | None, str | None]:
        body = self.json()
        if not isinstance(body, dict):
            return f"{self.address} answered {self.status}", None, None
        text = str(body.get("detail") or body.get("title") or f"{self.address} answered {self.status}")
        errors = body.get("errors")
        first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
        row, column = first.get("row"), first.get("column")
        if first.get("reason"):
            text = f"{text} (row {row}, column {column}: {first['reason']})"
        return text, row, column

    def _wait(self) -> float | None:
        """`Retry-After` in seconds; the form with a date is read too."""
        text = self._retry_after
        if text is None:
            return None
        try:
            seconds = float(text)
        except ValueError:
            seconds = _until(text)
        return min(max(0.0, seconds), LONGEST_WAIT) if seconds == seconds else None  # noqa: PLR0124 - "nan"


def _until(text: str) -> float:
    from email.utils import parsedate_to_datetime  # noqa: PLC0415 - loaded by http.client

    try:
        return parsedate_to_datetime(text).timestamp() - time.time()
    except ValueError:
        return 0.0


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict | tuple):
        return json.dumps(value)
    return str(value.isoformat()) if hasattr(value, "isoformat") else str(value)


def _checked(url: Any) -> str:
    """The URL without its trailing slash; raises `ConfigError` for one that cannot be a server's."""
    remedy = f"url: {url!r} cannot be used; write http://host:8321 or https://host"
    if not isinstance(url, str) or not url.isprintable() or " " in url:
        raise ConfigError(remedy)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as problem:
        raise ConfigError(f"{remedy} ({problem})") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0:
        raise ConfigError(remedy)
    if parts.username is not None or parts.password is not None:
        raise ConfigError("url: must not carry a user or password; give token=… instead")
    if parts.query or parts.fragment:
        raise ConfigError(f"{remedy}, without '?' and '#'")
    return url.rstrip("/")


def _token(token: str | Secret | None) -> Secret | None:
    if token is None or token == "":
        return None
    secret = token if isinstance(token, Secret) else Secret(token)
    text: Any = secret.reveal()
    if not isinstance(text, str) or not text.isascii() or not text.isprintable() or " " in text:
        raise ConfigError("token: must be printable ASCII without blanks, such as aw_<id>_<secret>")
    return secret
