"""Messages in Slack's Block Kit, within its bounds.

Source: https://docs.slack.dev/reference/block-kit/blocks
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from anchorwatch.channels.say import cleaned, fit, headline, label, one_line, utf16
from anchorwatch.core.messages import MessageKind
from anchorwatch.core.types import Severity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anchorwatch.core.messages import Message

HEADER, SECTION, FIELD, FIELDS, BUTTON, URL, BUTTONS, TEXT = 150, 3000, 2000, 10, 75, 3000, 5, 3900
"""The service's bounds in characters and pieces; of buttons and the fallback text, fewer than it would take."""

_MARKS = {
    Severity.PAGE: ":red_circle:",
    Severity.WARN: ":large_orange_circle:",
    Severity.INFO: ":large_blue_circle:",
}
_FORMATTING = re.compile(r"(?<!\w)([*_~`])|([*_~`])(?!\w)")


def blocks(message: Message) -> list[dict[str, Any]]:
    """A header, the text, facts side by side, and links as buttons."""
    title = fit(one_line(message.title) or "Anchorwatch", HEADER, utf16)
    made: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": title}},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": f"{_mark(message)} {label(message)}"}]},
    ]
    text = cleaned(message.text).strip()
    if text:
        made.append({"type": "section", "text": _mrkdwn(text, SECTION)})
    if message.facts:
        made.append({"type": "section", "fields": _fields(message.facts)})
    buttons = [
        _button(name, url) for name, url in message.links if len(url) <= URL and url.startswith("http")
    ]
    if buttons:
        made.append({"type": "actions", "elements": buttons[:BUTTONS]})
    return made


def fallback(message: Message) -> str:
    """What notifications and screen readers say."""
    return escaped(headline(message), TEXT)


def escaped(text: str, most: int) -> str:
    """`text` as Slack's markup that says just that, cut to `most` characters.

    >>> escaped("<!channel> & *all*", 100)
    '&lt;!channel&gt; &amp; \u200b*\u200ball\u200b*\u200b'
    """
    return _escape(fit(text, most, lambda part: utf16(_escape(part))))


def _escape(text: str) -> str:
    """No mention, link or formatting is left; a mark at a word's edge is kept from its word by a space of no width."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _FORMATTING.sub(lambda match: f"\u200b{match[0]}\u200b", text)


def _mark(message: Message) -> str:
    if message.kind is MessageKind.RESOLVED:
        return ":large_green_circle:"
    return ":eyes:" if message.kind is MessageKind.ACKNOWLEDGED else _MARKS[message.severity]


def _fields(facts: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    shown = facts[:FIELDS] if len(facts) <= FIELDS else facts[: FIELDS - 1]
    made = [_fact(name, value) for name, value in shown]
    if len(shown) < len(facts):
        made.append(_mrkdwn(f"… and {len(facts) - len(shown)} more", FIELD))
    return made


def _fact(name: str, value: str) -> dict[str, Any]:
    text = f"*{escaped(one_line(name), 200)}*\n{escaped(one_line(value), FIELD - 210)}"
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _mrkdwn(text: str, most: int) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": escaped(text, most), "verbatim": True}


def _button(name: str, url: str) -> dict[str, Any]:
    text = fit(one_line(name) or "Open", BUTTON, utf16)
    return {"type": "button", "text": {"type": "plain_text", "text": text}, "url": url}
