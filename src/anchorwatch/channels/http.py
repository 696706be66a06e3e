"""One HTTP request as every channel makes it: bounded, verified, never redirected, and silent about secrets."""

from __future__ import annotations

import base64
import email.utils
import ipaddress
import re
import ssl
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus, unquote, urlsplit

from anchorwatch.channels.bounded import hushed, within
from anchorwatch.core.clock import SystemClock
from anchorwatch.core.errors import ChannelError, ConfigError
from anchorwatch.core.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import httpx

    from anchorwatch.core.clock import Clock

AGENT = "Anchorwatch"
_LONGEST = 2**18
"""Bytes of an answer that are read; more is none that we ask for."""
_PASSING = frozenset({408, 425, 429})
"""Client errors that pass by themselves; all others are permanent."""
_HEADERS = {"User-Agent": AGENT, "Accept-Encoding": "identity"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How a server is reached: how long is waited, whose certificates are believed, which secrets are kept out."""

    timeout: float = 10.0
    ca: str = ""
    secrets: tuple[Secret, ...] = ()
    clock: Clock = field(default_factory=SystemClock)

    def redact(self, text: str) -> str:
        """`text` in one line, bounded, without the secrets."""
        return redacted(text, self.secrets)


def login_of(user: str, password: Secret) -> Secret:
    """What basic authentication sends, before it is coded."""
    return Secret(f"{user}:{password.reveal()}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request; `service` is how errors call the receiver."""

    service: str
    url: str = field(repr=False)
    body: bytes = field(default=b"", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    login: tuple[str, str] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; the body is bounded."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")


def post(request: Request, reach: Reach) -> Answer:
    """Send, and return a 2xx answer; raises `ChannelError` for everything else."""
    answer = exchange(request, reach)
    if 200 <= answer.status < 300:
        return answer
    raise refusal(request.service, answer, reach)


def exchange(request: Request, reach: Reach) -> Answer:
    """Send, and return the answer whatever it is; raises `ChannelError` when there is none in time."""
    client = _client(reach)
    found = within(reach.timeout, lambda: _exchange(client, request), request.service, client.close)
    if isinstance(found, str):
        raise ChannelError(reach.redact(found))
    return found


def refusal(service: str, answer: Answer, reach: Reach) -> ChannelError:
    """What a refusing answer means: when to try again, or that this will not help."""
    said = f": {reach.redact(answer.text)}" if answer.text.strip() else ""
    if 300 <= answer.status < 400:
        said = ": redirects are not followed; configure the address that it points to"
    permanent = 300 <= answer.status < 500 and answer.status not in _PASSING
    wait = retry_after(answer.headers, reach.clock.now())
    return ChannelError(f"{service} answered {answer.status}{said}", retry_after=wait, permanent=permanent)


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds that `Retry-After` asks to wait, given as seconds or as a date; None without.

    >>> retry_after({"retry-after": "30"}, datetime(2026, 1, 1, tzinfo=UTC))
    30.0
    """
    said = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,9}(\.\d+)?", said):
        return float(said)
    try:
        when = email.utils.parsedate_to_datetime(said)
    except ValueError:
        return None
    when = when.replace(tzinfo=UTC) if when.tzinfo is None else when
    return max((when - now).total_seconds(), 0.0)


def redacted(text: str, secrets: Sequence[Secret]) -> str:
    """`text` in one line of at most 300 characters, with `***` for each secret, however it is quoted."""
    for secret in sorted((one.reveal() for one in secrets), key=len, reverse=True):
        coded = base64.b64encode(secret.encode()).decode()
        for form in {secret, quote(secret), quote(secret, safe=""), quote_plus(secret), coded} - {""}:
            text = text.replace(form, "***")
    line = re.sub(r"[\s\x00-\x1f\x7f-\x9f]+", " ", text).strip()
    return line if len(line) <= 300 else f"{line[:299]}…"


def parts_of(url: Secret) -> tuple[Secret, ...]:
    """A secret URL with all its parts of five characters or more: whatever of it is repeated gives nothing away."""
    text = url.reveal()
    rest = text.partition("://")[2]
    words = [text, rest, *re.split(r"[/@:?&=#]", rest), *re.split(r"[/@?&#]", rest)]
    return tuple(Secret(form) for form in sorted({*words, *map(unquote, words)}) if len(form) >= 5)


def checked(url: str, key: str, *, plain: bool = False) -> str:
    """`url` without a slash at its end, when it can be used.

    Raises `ConfigError` for http beyond this machine, unless `plain`: what is sent holds secrets.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if parts.scheme not in {"http", "https"} or not host or parts.fragment:
        raise ConfigError(f"{key}: an address such as https://host is needed")
    if parts.username is not None or parts.password is not None:
        raise ConfigError(f"{key}: it holds a name or a password; give them as settings of their own")
    if parts.scheme == "http" and not plain and not near(host):
        raise ConfigError(f"{key}: http:// would show secrets to whoever listens on the way; use https://")
    return url.rstrip("/")


def near(host: str) -> bool:
    """Whether `host` is this machine.

    >>> near("127.0.0.1"), near("localhost"), near("example.com")
    (True, True, False)
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def origin(url: str) -> str:
    """Scheme and host of an address whose path may be secret.

    >>> origin("https://hooks.slack.com/services/T0/B0/secret")
    'https://hooks.slack.com'
    """
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port else "")


def trust(ca: str) -> ssl.SSLContext:
    """Certificates that are believed: the system's, or those in the file `ca`."""
    try:
        return ssl.create_default_context(cafile=ca or None)
    except (OSError, ssl.SSLError) as problem:
        raise ConfigError(
            f"ca: {ca!r} cannot be read ({problem.__class__.__name__}); name a PEM file"
        ) from None


@cache
def _usual() -> ssl.SSLContext:
    """The public authorities; read once, since that takes longer than most requests."""
    import httpx  # noqa: PLC0415 - costs a tenth of a second that a start without messages need not pay

    return httpx.create_ssl_context()


def _client(reach: Reach) -> httpx.Client:
    import httpx  # noqa: PLC0415

    try:
        verify = trust(reach.ca) if reach.ca else _usual()
    except ConfigError as problem:
        raise ChannelError(str(problem), permanent=True) from None
    return httpx.Client(verify=verify, timeout=reach.timeout, follow_redirects=False, headers=_HEADERS)


def _exchange(client: httpx.Client, request: Request) -> Answer | str:
    """The answer, or what went wrong: an exception would carry the request, and its secrets, along."""
    import httpx  # noqa: PLC0415

    options: dict[str, Any] = {"content": request.body, "headers": dict(request.headers)}
    if request.login is not None:
        options["auth"] = request.login
    try:
        with hushed("httpx"), client, client.stream("POST", request.url, **options) as answer:
            return Answer(answer.status_code, _lower(answer.headers), _bounded(answer))
    except (httpx.HTTPError, httpx.InvalidURL, OSError, RuntimeError) as problem:
        return f"{request.service} cannot be reached ({problem.__class__.__name__}: {problem})"


def _lower(headers: httpx.Headers) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _bounded(answer: httpx.Response) -> bytes:
    parts, size = [], 0
    for part in answer.iter_raw():
        parts.append(part)
        size += len(part)
        if size > _LONGEST:
            break
    return b"".join(parts)[:_LONGEST]
