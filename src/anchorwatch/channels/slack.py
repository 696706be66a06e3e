"""Slack: a bot that keeps a thread per incident and shows the chart, or an incoming webhook that can only speak.

Sources: https://docs.slack.dev/reference/methods/chat.postMessage, chat.update, files.getUploadURLExternal and
files.completeUploadExternal; https://docs.slack.dev/messaging/formatting-message-text
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from anchorwatch.channels.http import Reach, Request, checked, exchange, near, parts_of, post, refusal
from anchorwatch.channels.kinds import NO_SETTING, channel
from anchorwatch.channels.slack_blocks import blocks, fallback
from anchorwatch.core.clock import SystemClock
from anchorwatch.core.errors import ChannelError, ConfigError
from anchorwatch.core.messages import MessageKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anchorwatch.channels.address import Address
    from anchorwatch.core.clock import Clock
    from anchorwatch.core.messages import Message
    from anchorwatch.core.secret import Secret

log = logging.getLogger(__name__)

_PASSING = frozenset(
    {"ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout"}
)
"""Errors of the Web API that pass by themselves."""
_GONE = frozenset({"message_not_found", "cant_update_message", "edit_window_closed", "thread_not_found"})
"""What happened to a first message that cannot be changed any more."""
_TOLD_TO_ALL = frozenset({MessageKind.FIRING, MessageKind.ESCALATION})
"""Kinds whose reply in a thread is shown in the channel, too; a thread alone wakes nobody."""


def _from_url(address: Address) -> dict[str, Any]:
    """`slack://TOKEN@channel`, or `slack://T…/B…/…`, the last three parts of an incoming webhook's address."""
    if not address.user and len(address.path) == 2:
        return {"url": "https://hooks.slack.com/services/" + "/".join((address.host, *address.path))}
    return {"token": address.user, "channel": address.host, **address.options}


@channel("slack", "Slack", schemes=("slack",), from_url=_from_url)
@dataclass(frozen=True, slots=True, kw_only=True)
class Slack:
    """Posts to a Slack channel; give `token` and `channel`, or the `url` of an incoming webhook.

    Args:
        token: a bot's token, `xoxb-…`, with the scopes `chat:write` and, for charts, `files:write`.
        channel: id or name of the channel; the bot must be in it.
        url: of an incoming webhook instead: no threads, no updates, no charts.
        address: of another server that speaks the same.
        timeout: seconds for each of up to five requests.
    """

    name: str
    token: Secret | None = None
    channel: str = ""
    url: Secret | None = None
    address: str = "https://slack.com/api"
    timeout: float = 10.0
    clock: Clock = field(default_factory=SystemClock, repr=False, metadata=NO_SETTING)

    def __post_init__(self) -> None:
        object.__setattr__(self, "address", checked(self.address, "address"))
        if self.url is not None and (self.token is not None or self.channel):
            raise ConfigError("url: give either it, or token and channel")
        if self.url is not None:
            checked(self.url.reveal(), "url")
        elif self.token is None or not self.channel:
            raise ConfigError("token: slack needs token and channel, or the url of an incoming webhook")

    def deliver(self, message: Message) -> str:
        """Post it, and return `channel:ts` of the thread's first message; a webhook has no handle.

        What can be done twice without harm is done first, so that a repeated delivery repeats little.
        """
        if self.url is not None:
            return self._speak(message)
        where, _, first = message.handle.partition(":")
        alive = bool(first) and self._update(message, where, first)
        file = self._upload(message)
        body = {"channel": where or self.channel, "text": fallback(message), "blocks": blocks(message)}
        thread = {"thread_ts": first, "reply_broadcast": message.kind in _TOLD_TO_ALL} if alive else {}
        said = self._call("chat.postMessage", {**body, **thread, "unfurl_links": False})
        place, stamp = str(said.get("channel") or where or self.channel), str(said.get("ts", ""))
        thread_stamp = first if alive else stamp
        if file:
            self._show(file, place, thread_stamp)
        return f"{place}:{thread_stamp}" if thread_stamp else ""

    def _speak(self, message: Message) -> str:
        url = self.url.reveal() if self.url else ""
        body = json.dumps({"text": fallback(message), "blocks": blocks(message)}).encode()
        headers = {"Content-Type": "application/json; charset=utf-8"}
        post(Request(service="Slack", url=url, body=body, headers=headers), self._reach())
        return ""

    def _update(self, message: Message, where: str, first: str) -> bool:
        """Let the first message say how things stand; False when it is gone."""
        body = {"channel": where, "ts": first, "text": fallback(message), "blocks": blocks(message)}
        try:
            self._call("chat.update", body)
        except _RefusedError as problem:
            if problem.error in _GONE:
                return False
            raise
        return True

    def _upload(self, message: Message) -> str:
        """The id of the chart, uploaded; a chart that cannot be shown is no reason to stay silent."""
        if not message.chart:
            return ""
        try:
            form = {
                "filename": "chart.png",
                "length": len(message.chart),
                "alt_txt": fallback(message)[:1000],
            }
            ticket = self._call("files.getUploadURLExternal", form, form=True)
            request = Request(
                service="Slack's upload",
                url=self._upload_url(str(ticket.get("upload_url", ""))),
                body=message.chart,
                headers={"Content-Type": "image/png"},
            )
            post(request, self._reach())
        except ChannelError as problem:
            log.warning("channel %s: the chart was left out: %s", self.name, problem)
            return ""
        return str(ticket.get("file_id", ""))

    def _upload_url(self, url: str) -> str:
        """Where Slack wants the file; https, or this machine."""
        parts = urlsplit(url)
        if parts.scheme == "https" or (parts.scheme == "http" and near(parts.hostname or "")):
            return url
        raise ChannelError("Slack's upload: an address that is not https was answered", permanent=True)

    def _show(self, file: str, place: str, thread: str) -> None:
        body = {"files": [{"id": file, "title": "chart"}], "channel_id": place, "thread_ts": thread}
        try:
            self._call("files.completeUploadExternal", body)
        except ChannelError as problem:
            log.warning("channel %s: the chart was left out: %s", self.name, problem)

    def _call(self, method: str, body: Mapping[str, Any], *, form: bool = False) -> dict[str, Any]:
        """One call of the Web API, which answers 200 to most mistakes and tells them in the body."""
        kind = "application/x-www-form-urlencoded" if form else "application/json; charset=utf-8"
        token = self.token.reveal() if self.token else ""
        request = Request(
            service="Slack",
            url=f"{self.address}/{method}",
            body=(urlencode(body) if form else json.dumps(body)).encode(),
            headers={"Content-Type": kind, "Authorization": f"Bearer {token}"},
        )
        reach = self._reach()
        answer = exchange(request, reach)
        if answer.status != 200:
            raise refusal("Slack", answer, reach)
        try:
            said = json.loads(answer.body)
            error = "" if said["ok"] else str(said.get("error", "unknown"))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise ChannelError(f"Slack answered {method} with what is no answer of its API") from None
        if error:
            raise _RefusedError(method, reach.redact(error))
        found: dict[str, Any] = said
        return found

    def _reach(self) -> Reach:
        secrets = tuple(one for one in (self.token, self.url) if one is not None)
        parts = () if self.url is None else parts_of(self.url)
        return Reach(timeout=self.timeout, secrets=secrets + parts, clock=self.clock)


class _RefusedError(ChannelError):
    """The Web API said no."""

    def __init__(self, method: str, error: str) -> None:
        super().__init__(f"Slack refused {method}: {error}", permanent=error not in _PASSING)
        self.error = error
