"""Prometheus' Alertmanager, as an alternative to channels of our own: it groups, routes and silences.

Source: https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from anchorwatch.channels.http import Reach, Request, checked, login_of, origin, post, trust
from anchorwatch.channels.kinds import NO_SETTING, channel
from anchorwatch.channels.say import SEVERITIES, cleaned, fit, one_line
from anchorwatch.core.clock import SystemClock
from anchorwatch.core.errors import ChannelError, ConfigError
from anchorwatch.core.messages import MessageKind

if TYPE_CHECKING:
    from anchorwatch.channels.address import Address
    from anchorwatch.core.clock import Clock
    from anchorwatch.core.messages import Message
    from anchorwatch.core.secret import Secret

ALERT = "AnchorwatchIncident"
"""The `alertname` of what we push."""
HOLD = 4.0
"""An alert ends by itself after so many `resend`s without a sign of life, as Prometheus' own do."""

_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_OWN = frozenset({"alertname", "model", "severity", "thread"})


def _from_url(address: Address) -> dict[str, Any]:
    """`alertmanager://a:9093,b:9093`; `alertmanagers` speaks TLS."""
    scheme = "https" if address.scheme == "alertmanagers" else "http"
    port = f":{address.port}" if address.port else ""
    path = "/".join(("", *address.path))
    places = [f"{scheme}://{host}{path}" for host in f"{address.host}{port}".split(",") if host]
    login = {"user": address.user, "password": address.password} if address.password else {}
    return {"addresses": places, **login, **address.options}


@channel("alertmanager", "Alertmanager", schemes=("alertmanager", "alertmanagers"), from_url=_from_url)
@dataclass(frozen=True, slots=True, kw_only=True)
class Alertmanager:
    """Pushes each incident as an alert, kept alive by being delivered again every `resend` seconds.

    Labels: `alertname` (`AnchorwatchIncident`), `model`, `severity` (`info`, `warning`, `page`), `thread`, and
    `labels` of your own. Annotations: `summary`, `description`, and the facts.

    Args:
        addresses: of all members of a cluster; each is told, and one that takes it is enough.
        labels: further labels, such as `{team: ml}`.
        resend: seconds between signs of life.
        user: for HTTP's basic authentication, with `password`.
        password: of the user.
        token: for bearer authentication instead.
        timeout: seconds for each address.
        ca: a PEM file of certificates to believe instead of the usual ones.
    """

    name: str
    addresses: tuple[str, ...]
    labels: dict[str, str] = field(default_factory=dict)
    resend: float = 60.0
    user: str = ""
    password: Secret | None = None
    token: Secret | None = None
    timeout: float = 5.0
    ca: str = ""
    clock: Clock = field(default_factory=SystemClock, repr=False, metadata=NO_SETTING)

    def __post_init__(self) -> None:
        plain = self.password is None and self.token is None
        places = tuple(checked(one, "addresses", plain=plain) for one in self.addresses)
        object.__setattr__(self, "addresses", places)
        for label in self.labels:
            if not _LABEL.fullmatch(label) or label in _OWN:
                raise ConfigError(
                    f"labels: {label!r} is no label's name, or one of ours; letters, digits and _"
                )
        if self.ca:
            trust(self.ca)

    @property
    def resend_after(self) -> float:
        """Seconds after which a message that still holds is to be delivered again."""
        return self.resend

    def deliver(self, message: Message) -> str:
        """Tell all addresses, and return since when the alert holds; raises when none took it.

        A digest is no alert and is not sent; a test ends by itself.
        """
        if message.kind is MessageKind.DIGEST:
            return ""
        since = message.handle or message.at.isoformat()
        body = json.dumps([self._alert(message, since)]).encode()
        problems = [problem for one in self.addresses if (problem := self._tell(one, body)) is not None]
        if len(problems) == len(self.addresses):
            raise _together(problems)
        return since

    def _tell(self, address: str, body: bytes) -> ChannelError | None:
        headers = {"Content-Type": "application/json"}
        login = None
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token.reveal()}"
        elif self.password is not None:
            login = (self.user, self.password.reveal())
        known = (self.token, self.password, login_of(self.user, self.password) if self.password else None)
        secrets = tuple(one for one in known if one is not None)
        request = Request(
            service=f"Alertmanager at {origin(address)}",
            url=f"{address}/api/v2/alerts",
            body=body,
            headers=headers,
            login=login,
        )
        try:
            post(request, Reach(timeout=self.timeout, ca=self.ca, secrets=secrets, clock=self.clock))
        except ChannelError as problem:
            return problem
        return None

    def _alert(self, message: Message, since: str) -> dict[str, Any]:
        """While it fires, the end is ahead and moves with each sign of life; resolved, it was when that was decided."""
        now = self.clock.now()
        resolved = message.kind is MessageKind.RESOLVED
        end = min(message.at, now) if resolved else now + timedelta(seconds=HOLD * self.resend)
        start = min(since, end.isoformat()) if resolved else since
        link = next((url for _, url in message.links), "")
        told = {
            "alertname": ALERT,
            "model": one_line(message.model),
            "severity": SEVERITIES[message.severity],
            "thread": one_line(message.thread),
        }
        alert = {
            "labels": {**self.labels, **{name: value for name, value in told.items() if value}},
            "annotations": _annotations(message),
            "startsAt": start,
            "endsAt": end.isoformat(),
        }
        return {**alert, "generatorURL": link} if link.startswith(("http://", "https://")) else alert


def _annotations(message: Message) -> dict[str, str]:
    """Facts under names that templates can ask for, such as `likely_cause`."""
    facts = {
        re.sub(r"\W+", "_", one_line(name).lower(), flags=re.ASCII).strip("_"): value
        for name, value in message.facts
    }
    named = {
        f"fact_{name}" if name[:1].isdigit() else name: one_line(value)
        for name, value in facts.items()
        if name
    }
    told = {
        "summary": one_line(message.title) or "Anchorwatch",
        "description": fit(cleaned(message.text).strip(), 10_000),
    }
    return {name: value for name, value in {**named, **told}.items() if value}


def _together(problems: list[ChannelError]) -> ChannelError:
    """One error of several; it is permanent when each is, and the shortest wait counts."""
    waits = [problem.retry_after for problem in problems if problem.retry_after is not None]
    return ChannelError(
        "; ".join(str(problem) for problem in problems),
        retry_after=min(waits, default=None),
        permanent=all(problem.permanent for problem in problems),
    )
