"""The terminal, or the log of a container."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TextIO

from anchorwatch.channels.kinds import NO_SETTING, channel
from anchorwatch.channels.say import headline, plain
from anchorwatch.core.errors import ChannelError

if TYPE_CHECKING:
    from anchorwatch.core.messages import Message


@channel("console", "Console", schemes=("console",))
@dataclass(frozen=True, slots=True, kw_only=True)
class Console:
    """Writes messages to standard output.

    Args:
        stream: where else to write, in tests and notebooks.
    """

    name: str
    stream: TextIO | None = field(default=None, repr=False, metadata=NO_SETTING)

    def deliver(self, message: Message) -> str:
        """Write it; raises `ChannelError` when the stream is closed."""
        body = "\n".join(f"    {line}" if line else "" for line in plain(message).splitlines())
        text = f"{message.at:%Y-%m-%d %H:%M} {headline(message)}\n" + (f"{body}\n" if body else "")
        stream = self.stream or sys.stdout
        encoding = getattr(stream, "encoding", None) or "utf-8"
        try:
            stream.write(text.encode(encoding, "replace").decode(encoding))
            stream.flush()
        except (OSError, ValueError) as problem:
            raise ChannelError(f"the console cannot be written to ({problem})") from None
        return ""
