"""PagerDuty by its Events API v2.

Source: https://developer.pagerduty.com/docs/events-api-v2-overview
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from anchorwatch.channels.http import Reach, Request, checked, post
from anchorwatch.channels.kinds import NO_SETTING, channel
from anchorwatch.channels.say import cleaned, fit, headline, one_line
from anchorwatch.core.clock import SystemClock
from anchorwatch.core.errors import ConfigError
from anchorwatch.core.messages import MessageKind
from anchorwatch.core.types import Severity

if TYPE_CHECKING:
    from anchorwatch.channels.address import Address
    from anchorwatch.core.clock import Clock
    from anchorwatch.core.messages import Message
    from anchorwatch.core.secret import Secret

REGIONS = {"us": "https://events.pagerduty.com", "eu": "https://events.eu.pagerduty.com"}
SEVERITY = {Severity.PAGE: "critical", Severity.WARN: "warning", Severity.INFO: "info"}
"""Ours to PagerDuty's."""

_ACTIONS = {MessageKind.RESOLVED: "resolve", MessageKind.ACKNOWLEDGED: "acknowledge"}
_SUMMARY, _DETAIL, _DETAILS = 1024, 2000, 50
"""Characters of a summary (the service's bound); of a detail, and details (ours: an event may have 512 kB)."""


def _from_url(address: Address) -> dict[str, Any]:
    return {"key": address.user or address.host, **address.options}


@channel("pagerduty", "PagerDuty", schemes=("pagerduty",), from_url=_from_url)
@dataclass(frozen=True, slots=True, kw_only=True)
class PagerDuty:
    """Triggers, acknowledges and resolves alerts; one incident here is one alert there, by its `dedup_key`.

    Args:
        key: the integration's routing key.
        region: `us` or `eu`.
        address: of another server that speaks the same, instead of a region's.
        timeout: seconds in all.
    """

    name: str
    key: Secret
    region: str = "us"
    address: str = ""
    timeout: float = 10.0
    clock: Clock = field(default_factory=SystemClock, repr=False, metadata=NO_SETTING)

    def __post_init__(self) -> None:
        if self.region not in REGIONS:
            raise ConfigError(f"region: {self.region!r} is none; {' or '.join(REGIONS)}")
        object.__setattr__(self, "address", checked(self.address or REGIONS[self.region], "address"))

    def deliver(self, message: Message) -> str:
        """Send the event, and return its `dedup_key`.

        A digest wakes nobody and is not sent; a test is triggered as `info` and resolved at once.
        """
        if message.kind is MessageKind.DIGEST:
            return ""
        self._send(self._event(message, _ACTIONS.get(message.kind, "trigger")))
        if message.kind is MessageKind.TEST:
            self._send(self._event(message, "resolve"))
        return message.handle or dedup_key(message.thread)

    def _send(self, event: dict[str, Any]) -> None:
        request = Request(
            service="PagerDuty",
            url=f"{self.address}/v2/enqueue",
            body=json.dumps(event).encode(),
            headers={"Content-Type": "application/json"},
        )
        post(request, Reach(timeout=self.timeout, secrets=(self.key,), clock=self.clock))

    def _event(self, message: Message, action: str) -> dict[str, Any]:
        event = {
            "routing_key": self.key.reveal(),
            "event_action": action,
            "dedup_key": message.handle or dedup_key(message.thread),
        }
        if action != "trigger":
            return event
        links = [{"href": url, "text": one_line(text)} for text, url in message.links]
        told = {"client": "Anchorwatch", "links": links, "payload": _payload(message)}
        return {**event, **told, **({"client_url": links[0]["href"]} if links else {})}


def dedup_key(thread: str) -> str:
    """The key of a thread, within the service's 255 characters.

    >>> dedup_key("flights/drift/7")
    'flights/drift/7'
    """
    if 0 < len(thread) <= 255 and thread.isprintable():
        return thread
    return hashlib.sha256(thread.encode("utf-8", "replace")).hexdigest()


def _payload(message: Message) -> dict[str, Any]:
    test = message.kind is MessageKind.TEST
    details = {one_line(name): fit(one_line(value), _DETAIL) for name, value in message.facts[:_DETAILS]}
    return {
        "summary": fit(headline(message), _SUMMARY),
        "source": one_line(message.model) or "anchorwatch",
        "severity": "info" if test else SEVERITY[message.severity],
        "timestamp": message.at.isoformat(),
        "component": one_line(message.model) or "anchorwatch",
        "class": message.kind.value,
        "custom_details": {**details, "what": fit(cleaned(message.text), _DETAIL * 5)},
    }
