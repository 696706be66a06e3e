"""Text for telephones: short, and in the alphabet that makes it cheap.

A text of letters from GSM 03.38 takes 160 to a message (153 when it is split), any other 70 (67). Typographic signs
that have a plain look are written plainly, so that one dash does not halve the room.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from anchorwatch.channels.say import fit, headline, one_line, utf16

if TYPE_CHECKING:
    from anchorwatch.core.messages import Message

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("^{}\\[~]|€")
_PLAIN = str.maketrans(
    {
        "\u2013": "-",
        "\u2014": "-",
        "\u2212": "-",
        "\u00b7": "-",
        "\u2026": "...",
        "\u00d7": "x",
        "\u00b1": "+-",
    }
    | {
        "\u2018": "'",
        "\u2019": "'",
        "\u201c": '"',
        "\u201d": '"',
        "\u2265": ">=",
        "\u2264": "<=",
        "\u2192": "->",
    }
    | {"\u00a0": " ", "\u202f": " ", "\u200b": ""}
)
"""Dashes, ellipsis, times, plus or minus; quotation marks, comparisons, arrow; spaces."""


def sms(message: Message, segments: int) -> str:
    """Headline, and the first link where there is room, in at most `segments` segments."""
    text = headline(message).translate(_PLAIN)
    url = next((one_line(url) for _, url in message.links), "")
    if url and parts(f"{text} {url}") <= segments:
        return f"{text} {url}"
    room = fit(text, segments, lambda part: parts(part.replace("…", "..."))).replace("…", "...")
    return room if parts(room) <= segments else fit(text, segments, parts)


def parts(text: str) -> int:
    """How many segments a text takes.

    >>> parts("a" * 160), parts("a" * 161), parts("ж" * 70), parts("ж" * 71)
    (1, 2, 1, 2)
    """
    septets = sum(1 if sign in _BASIC else 2 if sign in _EXTENDED else 0 for sign in text)
    plain = all(sign in _BASIC or sign in _EXTENDED for sign in text)
    size, alone, joined = (septets, 160, 153) if plain else (utf16(text), 70, 67)
    return 1 if size <= alone else -(-size // joined)
