"""Everything else: Teams, Discord, Telegram and some 170 more services, by the library Apprise.

It says a message, with the chart where the service takes files. It cannot update or resolve one, nor say why a
service refused in a way that programs read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from anchorwatch.channels.bounded import hushed, within
from anchorwatch.channels.http import redacted
from anchorwatch.channels.kinds import NO_SETTING, channel
from anchorwatch.channels.say import headline, plain
from anchorwatch.core.errors import ChannelError, ConfigError
from anchorwatch.core.messages import MessageKind
from anchorwatch.core.secret import Secret
from anchorwatch.core.types import Severity

if TYPE_CHECKING:
    from anchorwatch.core.messages import Message

_LOGGERS = ("apprise", "urllib3.connectionpool", "urllib3.util.retry")
_KINDS = {Severity.PAGE: "failure", Severity.WARN: "warning", Severity.INFO: "info"}


@channel("apprise", "Any service by Apprise")
@dataclass(frozen=True, slots=True, kw_only=True)
class Apprise:
    """Says each message by the service that an Apprise URL names.

    Args:
        url: as Apprise's documentation says for the service, such as `tgram://…`; all of it is kept secret.
        timeout: seconds in all.
    """

    name: str
    url: Secret
    timeout: float = 20.0
    service: Any = field(default=None, repr=False, compare=False, metadata=NO_SETTING)

    def __post_init__(self) -> None:
        if self.service is None:
            object.__setattr__(self, "service", _service(self.url))

    def deliver(self, message: Message) -> str:
        """Say it; there is never a handle."""
        why = within(self.timeout, lambda: self._notify(message), f"{self._called()} by Apprise")
        if why is not None:
            said = redacted(why, pieces(self.url))
            raise ChannelError(f"{self._called()} by Apprise did not take it" + (f": {said}" if said else ""))
        return ""

    def _called(self) -> str:
        return str(self.service.service_name or "the service")

    def _notify(self, message: Message) -> str | None:
        """Why it was not taken; None when it was."""
        with hushed(*_LOGGERS) as heard:
            try:
                taken = self.service.notify(
                    title=headline(message),
                    body=plain(message) or headline(message),
                    notify_type=_kind(message),
                    attach=_attached(message),
                )
            except (TypeError, ValueError, OSError) as problem:
                return f"{problem.__class__.__name__}: {problem}"
        return None if taken else "; ".join(heard[-2:])


def pieces(url: Secret) -> tuple[Secret, ...]:
    """A URL and all its parts that may be secret: whatever stands in it but scheme and short words."""
    text = url.reveal()
    rest = text.partition("://")[2]
    parts = urlsplit(f"any://{rest}") if "[" not in rest else urlsplit("")
    words = [*parts.netloc.replace("@", ":").split(":"), *parts.path.split("/")]
    words += [value for _, value in parse_qsl(parts.query)] + [text, rest]
    return tuple(Secret(form) for word in words for form in {word, unquote(word)} if len(form) >= 5)


def _service(url: Secret) -> Any:
    try:
        from apprise import Apprise as Library  # noqa: PLC0415 - an extra, and slow to import
    except ImportError:
        scheme = url.reveal().partition("://")[0]
        raise ConfigError(
            f"url: {scheme}:// is spoken by the package 'apprise' alone; install anchorwatch[apprise]"
        ) from None
    with hushed(*_LOGGERS):
        made = Library.instantiate(url.reveal(), suppress_exceptions=True)
    if made is None:
        scheme = url.reveal().partition("://")[0]
        raise ConfigError(
            f"url: Apprise cannot read it as a {scheme}:// address; see its page on the service"
        )
    return made


def _kind(message: Message) -> Any:
    from apprise import NotifyType  # noqa: PLC0415

    if message.kind is MessageKind.RESOLVED:
        return NotifyType.SUCCESS
    calm = message.kind in {MessageKind.DIGEST, MessageKind.TEST, MessageKind.ACKNOWLEDGED}
    return NotifyType.INFO if calm else NotifyType(_KINDS[message.severity])


def _attached(message: Message) -> Any:
    if not message.chart:
        return None
    from apprise import AppriseAttachment  # noqa: PLC0415
    from apprise.attachment.memory import AttachMemory  # noqa: PLC0415

    memory: Any = AttachMemory
    made = AppriseAttachment()
    made.add(memory(content=message.chart, name="chart.png", mimetype="image/png"))
    return made
