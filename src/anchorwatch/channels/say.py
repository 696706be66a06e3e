"""Messages as text: cleaned, cut to what a service takes, and laid out the same everywhere."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from anchorwatch.core.messages import MessageKind
from anchorwatch.core.types import Severity

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchorwatch.core.messages import Message

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")

SEVERITIES = {Severity.PAGE: "page", Severity.WARN: "warning", Severity.INFO: "info"}
"""What severities are called in messages."""


def cleaned(text: str) -> str:
    """Without control characters, which terminals obey and services refuse, and without what cannot be encoded."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    return _CONTROL.sub("", text).encode("utf-8", "replace").decode("utf-8")


def one_line(text: str) -> str:
    r"""In one line.

    >>> one_line(" a\n b ")
    'a b'
    """
    return " ".join(cleaned(text).split())


def fit(text: str, most: int, size: Callable[[str], int] = len) -> str:
    """`text`, cut with an ellipsis to at most `most` by `size`, which grows with the text.

    >>> fit("abcdef", 4)
    'abc…'
    """
    if size(text) <= most:
        return text
    low, high = 0, min(len(text), most)
    while low < high:
        middle = (low + high + 1) // 2
        if size(text[:middle] + "…") <= most:
            low = middle
        else:
            high = middle - 1
    return text[:low].rstrip() + "…" if size("…") <= most else ""


def utf16(text: str) -> int:
    """Length as JavaScript and Java count it; services that count otherwise count less.

    >>> utf16("a🙂")
    3
    """
    return len(text.encode("utf-16-le")) // 2


_CALM = frozenset({MessageKind.RESOLVED, MessageKind.DIGEST, MessageKind.TEST})


def label(message: Message) -> str:
    """The severity; what is resolved has none any more, a digest and a test never had one."""
    return message.kind.value if message.kind in _CALM else SEVERITIES[message.severity]


def headline(message: Message) -> str:
    """The title in one line, behind its severity: `[page] Firing: flights: …`."""
    title = one_line(message.title) or f"Anchorwatch: {message.kind.value}"
    return title if message.kind in _CALM else f"[{label(message)}] {title}"


def plain(message: Message) -> str:
    """Text, facts and links below each other, without the title."""
    facts = "\n".join(f"{one_line(name)}: {one_line(value)}" for name, value in message.facts)
    links = "\n".join(f"{one_line(name)}: {one_line(url)}" for name, url in message.links)
    return "\n\n".join(part for part in (cleaned(message.text).strip(), facts, links) if part)
