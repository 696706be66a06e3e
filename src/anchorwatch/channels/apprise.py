"""Everything else: Teams, Discord, Telegram and some 170 more services, by the library Apprise.

It says a message, with the chart where the service takes files. It cannot update or resolve one, nor say why a
service refused in a way that programs read.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from anchorwatch.channels.bounded import hushed, within
from anchorwatch.channels.http import parts_of, redacted
from anchorwatch.channels.kinds import NO_SETTING, channel
from anchorwatch.channels.say import headline, plain
from anchorwatch.core.errors import ChannelError, ConfigError
from anchorwatch.core.messages import MessageKind
from anchorwatch.core.types import Severity

if TYPE_CHECKING:
    from anchorwatch.core.messages import Message
    from anchorwatch.core.secret import Secret

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
            said = redacted(why, parts_of(self.url))
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


def _service(url: Secret) -> Any:
    scheme = url.reveal().partition("://")[0]
    with hushed(*_LOGGERS), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of modules that its plug-ins look for
        try:
            from apprise import Apprise as Library  # noqa: PLC0415 - an extra, and slow to import
            from apprise import AppriseAsset  # noqa: PLC0415
        except ImportError:
            raise ConfigError(
                f"url: {scheme}:// is spoken by the package 'apprise' alone; install anchorwatch[apprise]"
            ) from None
        made = Library.instantiate(
            url.reveal(), asset=AppriseAsset(http_redirects=False), suppress_exceptions=True
        )
    if made is None:
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
