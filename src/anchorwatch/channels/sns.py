"""Amazon SNS: a text to a telephone, or a notification to a topic.

Source: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from anchorwatch.channels.http import Reach, Request, checked, exchange, refusal
from anchorwatch.channels.kinds import NO_SETTING, channel
from anchorwatch.channels.say import fit, headline, plain
from anchorwatch.channels.sigv4 import Credentials, signed
from anchorwatch.channels.sms import sms
from anchorwatch.core.clock import SystemClock
from anchorwatch.core.errors import ChannelError, ConfigError
from anchorwatch.core.secret import Secret

if TYPE_CHECKING:
    from anchorwatch.channels.address import Address
    from anchorwatch.core.clock import Clock
    from anchorwatch.core.messages import Message

_LONGEST = 200_000
"""Bytes of a notification; the service takes 256 kB, and counts what goes with it."""


def _from_url(address: Address) -> dict[str, Any]:
    """`sns://KEY:SECRET@region/+4712345678`, or a topic's name in full after the region."""
    to = "/".join(address.path)
    return {
        "key": address.user,
        "secret": address.password,
        "region": address.host,
        "to": to,
        **address.options,
    }


@channel("sns", "SMS by Amazon SNS", schemes=("sns",), from_url=_from_url)
@dataclass(frozen=True, slots=True, kw_only=True)
class Sns:
    """Publishes to one telephone or one topic.

    Args:
        key: the access key's id.
        secret: the access key.
        session: the session's token, where the key is a temporary one.
        region: such as `eu-north-1`.
        to: a number with its country, `+4712345678`, or a topic's ARN.
        segments: how many messages of 160 characters a text may take.
        address: of another server that speaks the same, instead of the region's.
        timeout: seconds in all.
    """

    name: str
    key: str
    secret: Secret
    region: str
    to: str
    session: Secret | None = None
    segments: int = 2
    address: str = ""
    timeout: float = 10.0
    clock: Clock = field(default_factory=SystemClock, repr=False, metadata=NO_SETTING)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9-]+", self.region):
            raise ConfigError("region: a region such as eu-north-1 is needed")
        ending = "com.cn" if self.region.startswith("cn-") else "com"
        given = self.address or f"https://sns.{self.region}.amazonaws.{ending}"
        object.__setattr__(self, "address", checked(given, "address"))

    def deliver(self, message: Message) -> str:
        """Publish it, and return the service's id of the thread's first text."""
        body = urlencode({"Action": "Publish", "Version": "2010-03-31", **self._form(message)}).encode()
        url = f"{self.address}/"
        who = Credentials(self.key, self.secret, self.session)
        headers = signed(who, url, body, self.clock.now(), region=self.region, service="sns")
        secrets = tuple(one for one in (self.secret, self.session, Secret(self.to)) if one is not None)
        reach = Reach(timeout=self.timeout, secrets=secrets, clock=self.clock)
        answer = exchange(Request(service="Amazon SNS", url=url, body=body, headers=headers), reach)
        if 200 <= answer.status < 300:
            return message.handle or _element(answer.text, "MessageId")
        problem = refusal("Amazon SNS", answer, reach)
        if _element(answer.text, "Code").startswith("Throttl"):  # told as 400
            raise ChannelError(str(problem), retry_after=problem.retry_after)
        raise problem

    def _form(self, message: Message) -> dict[str, str]:
        if not self.to.startswith("arn:"):
            kind = {
                "Name": "AWS.SNS.SMS.SMSType",
                "Value.DataType": "String",
                "Value.StringValue": "Transactional",
            }
            attributes = {f"MessageAttributes.entry.1.{name}": value for name, value in kind.items()}
            return {"PhoneNumber": self.to, "Message": sms(message, self.segments), **attributes}
        subject = fit(headline(message).encode("ascii", "replace").decode(), 97).replace("…", "...")
        text = fit(f"{headline(message)}\n\n{plain(message)}", _LONGEST, lambda part: len(part.encode()))
        form = {"TopicArn": self.to, "Subject": subject, "Message": text}
        if self.to.endswith(".fifo"):
            form |= {"MessageGroupId": _digest(message.thread), "MessageDeduplicationId": _digest(message.id)}
        return form


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def _element(xml: str, name: str) -> str:
    """The text of the first element of that name; no parser, since only plain ids are looked for."""
    found = re.search(rf"<{name}>([^<]{{1,200}})</{name}>", xml)
    return found[1].strip() if found else ""
