"""Any receiver of one's own: JSON, signed so that it can tell that it is ours, whole and fresh.

Each request carries `Anchorwatch-Signature: t=<seconds since 1970>,v1=<hex>`, where `v1` is the HMAC-SHA256, under
the shared secret, of `<t>.<body>`; and `Anchorwatch-Id`, the `id` within the body, which stays the same when a
message is sent again. A receiver checks it by `verify` and drops an id that it has had.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from anchorwatch.channels.http import Reach, Request, checked, origin, parts_of, post, trust
from anchorwatch.channels.kinds import NO_SETTING, channel
from anchorwatch.channels.say import cleaned
from anchorwatch.core.clock import SystemClock
from anchorwatch.core.errors import ConfigError, DeniedError
from anchorwatch.core.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from anchorwatch.channels.address import Address
    from anchorwatch.core.clock import Clock
    from anchorwatch.core.messages import Message

SIGNATURE = "Anchorwatch-Signature"
ID = "Anchorwatch-Id"
TOLERANCE = 300.0
"""Seconds that a receiver's clock may differ, and a request be on its way."""

_PARTS = re.compile(r"\s*([a-z0-9]+)\s*=\s*([0-9a-zA-Z]+)\s*")


def _from_url(address: Address) -> dict[str, Any]:
    port = f":{address.port}" if address.port else ""
    scheme = "http" if address.scheme == "webhook+http" else "https"
    path = "/".join(("", *address.path))
    return {"url": f"{scheme}://{address.host}{port}{path}", "secret": address.user, **address.options}


@channel("webhook", "Signed webhook", schemes=("webhook", "webhook+http"), from_url=_from_url)
@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """Posts each message as JSON, signed.

    Args:
        url: where to; http:// is let through, since the secret itself is not sent.
        secret: shared with the receiver; 16 characters or more.
        previous: the secret before it, which signs as well while receivers change over.
        timeout: seconds in all.
        ca: a PEM file of certificates to believe instead of the usual ones.
    """

    name: str
    url: Secret
    secret: Secret
    previous: Secret | None = field(default=None)
    timeout: float = 10.0
    ca: str = ""
    clock: Clock = field(default_factory=SystemClock, repr=False, metadata=NO_SETTING)

    def __post_init__(self) -> None:
        object.__setattr__(self, "url", Secret(checked(self.url.reveal(), "url", plain=True)))
        if len(self.secret.reveal()) < 16:
            raise ConfigError("secret: it is too short to sign with; take 16 random characters or more")
        if self.ca:
            trust(self.ca)

    def deliver(self, message: Message) -> str:
        """Post it; every 2xx answer means that it was taken."""
        body = json.dumps(payload(message)).encode()
        at = int(self.clock.now().timestamp())
        secrets = [self.secret] + ([self.previous] if self.previous is not None else [])
        marks = ",".join(f"v1={signature(secret, at, body)}" for secret in secrets)
        request = Request(
            service=f"the webhook at {origin(self.url.reveal())}",
            url=self.url.reveal(),
            body=body,
            headers={
                "Content-Type": "application/json",
                SIGNATURE: f"t={at},{marks}",
                ID: message.id.encode("ascii", "backslashreplace").decode(),
            },
        )
        reach = Reach(
            timeout=self.timeout, ca=self.ca, secrets=(*secrets, *parts_of(self.url)), clock=self.clock
        )
        post(request, reach)
        return ""


def payload(message: Message) -> dict[str, Any]:
    """The body of a request; `chart` is a PNG in base64, or null."""
    return {
        "version": 1,
        "id": cleaned(message.id),
        "kind": message.kind.value,
        "thread": cleaned(message.thread),
        "model": cleaned(message.model),
        "incident": message.incident,
        "severity": message.severity.value,
        "state": message.state.value if message.state else None,
        "title": cleaned(message.title),
        "text": cleaned(message.text),
        "facts": [{"label": cleaned(label), "value": cleaned(value)} for label, value in message.facts],
        "links": [{"label": cleaned(label), "url": url} for label, url in message.links],
        "chart": base64.b64encode(message.chart).decode() if message.chart else None,
        "at": message.at.isoformat(),
    }


def signature(secret: Secret, at: int, body: bytes) -> str:
    """HMAC-SHA256 of time stamp and body, in hex.

    >>> signature(Secret("0123456789abcdef"), 1767225600, b"{}")
    '99902517b3069f78750aa0520b0493482454c2d30a579c7acc839f3363ca1b88'
    """
    return hmac.new(secret.reveal().encode(), b"%d." % at + body, hashlib.sha256).hexdigest()


def verify(
    secret: str | Secret,
    headers: Mapping[str, str],
    body: bytes,
    at: datetime,
    *,
    tolerance: float = TOLERANCE,
) -> str:
    """The id of a request that is ours, whole and fresh; for receivers, who remember ids for `tolerance` seconds.

    Args:
        secret: shared with the sender.
        headers: of the request, in any capitals.
        body: its bytes, as they came.
        at: the time now.
        tolerance: seconds that clocks may differ.

    Raises:
        DeniedError: it is not signed, by another secret, changed on its way, or old.

    >>> from datetime import UTC, datetime
    >>> secret, body, now = "0123456789abcdef", b'{"id": "a1"}', datetime(2026, 1, 1, tzinfo=UTC)
    >>> mark = signature(Secret(secret), int(now.timestamp()), body)
    >>> verify(secret, {"anchorwatch-signature": f"t={int(now.timestamp())},v1={mark}"}, body, now)
    'a1'
    """
    known = secret if isinstance(secret, Secret) else Secret(secret)
    given = next((value for name, value in headers.items() if name.lower() == SIGNATURE.lower()), "")
    stamp, marks = _signed(given)
    expected = signature(known, stamp, body)
    if not any([hmac.compare_digest(expected, mark) for mark in marks]):  # noqa: C419 - all are compared, always
        raise DeniedError(f"{SIGNATURE}: signed by another secret, or changed on its way")
    if abs(at.timestamp() - stamp) > tolerance:
        raise DeniedError(f"{SIGNATURE}: {at.timestamp() - stamp:.0f} s old; {tolerance:g} s are allowed")
    return _id(body)


def _signed(header: str) -> tuple[int, list[str]]:
    parts = [match.groups() for match in map(_PARTS.fullmatch, header.split(",")) if match]
    stamps = [int(value) for name, value in parts if name == "t" and re.fullmatch(r"[0-9]{1,12}", value)]
    marks = [value for name, value in parts if name == "v1"]
    if len(stamps) != 1 or not marks:
        raise DeniedError(f"{SIGNATURE}: t=…,v1=… is needed")
    return stamps[0], marks


def _id(body: bytes) -> str:
    try:
        found = json.loads(body)["id"]
    except (ValueError, KeyError, TypeError):
        raise DeniedError("the body is signed, but has no id") from None
    return str(found)
