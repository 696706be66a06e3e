"""Text messages by Twilio, or whoever speaks its API.

Source: https://www.twilio.com/docs/messaging/api/message-resource
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from anchorwatch.channels.http import Reach, Request, checked, login_of, post
from anchorwatch.channels.kinds import NO_SETTING, called, channel
from anchorwatch.channels.sms import sms
from anchorwatch.core.clock import SystemClock
from anchorwatch.core.errors import ConfigError
from anchorwatch.core.secret import Secret

if TYPE_CHECKING:
    from anchorwatch.channels.address import Address
    from anchorwatch.core.clock import Clock
    from anchorwatch.core.messages import Message


def _from_url(address: Address) -> dict[str, Any]:
    """`twilio://SID:TOKEN@FROM/TO`."""
    if len(address.path) != 1:
        raise ConfigError(
            "url: one number to send to is needed: twilio://SID:TOKEN@FROM/TO; list one URL per number"
        )
    settings = {
        "account": address.user,
        "token": address.password,
        "from": address.host,
        "to": address.path[0],
    }
    return {**settings, **address.options}


@channel("twilio", "SMS by Twilio", schemes=("twilio",), from_url=_from_url)
@dataclass(frozen=True, slots=True, kw_only=True)
class Twilio:
    """Sends a short text to one telephone; give one channel per number, so that each is told once.

    Args:
        account: the account's SID.
        token: its token.
        sender: the number to send from, or a messaging service's SID (`MG…`); `from` in configurations.
        to: the number to send to, with its country: `+4712345678`.
        segments: how many messages of 160 characters one may take.
        address: of another server that speaks the same.
        timeout: seconds in all.
    """

    name: str
    account: str
    token: Secret
    sender: str = field(metadata=called("from"))
    to: str
    segments: int = 2
    address: str = "https://api.twilio.com"
    timeout: float = 10.0
    clock: Clock = field(default_factory=SystemClock, repr=False, metadata=NO_SETTING)

    def __post_init__(self) -> None:
        object.__setattr__(self, "address", checked(self.address, "address"))

    def deliver(self, message: Message) -> str:
        """Send it, and return the service's id of the thread's first text."""
        key = "MessagingServiceSid" if self.sender.startswith("MG") else "From"
        form = {"To": self.to, key: self.sender, "Body": sms(message, self.segments)}
        request = Request(
            service="Twilio",
            url=f"{self.address}/2010-04-01/Accounts/{quote(self.account, safe='')}/Messages.json",
            body=urlencode(form).encode(),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            login=(self.account, self.token.reveal()),
        )
        secrets = (self.token, login_of(self.account, self.token), Secret(self.to))
        answer = post(request, Reach(timeout=self.timeout, secrets=secrets, clock=self.clock))
        try:
            return message.handle or str(json.loads(answer.body)["sid"])
        except (ValueError, KeyError, TypeError):
            return ""
