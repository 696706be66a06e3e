"""Code blocks and links of Markdown pages."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scripts.tools.house import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FENCE = re.compile(
    r"^(?P<fence>`{3,})(?P<info>[^\n`]*)\n(?P<text>.*?)^(?P=fence)[ ]*$", re.MULTILINE | re.DOTALL
)
_LINK = re.compile(r"(?<!\!)\[[^\]]*\]\((?P<link>[^)\s]+)[^)]*\)|!\[[^\]]*\]\((?P<image>[^)\s]+)[^)]*\)")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its language, what else its opening line says, its text and the line it begins on."""

    language: str
    words: tuple[str, ...]
    text: str
    line: int


def pages() -> list[Path]:
    """README.md and every page under docs/."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page: str) -> list[Block]:
    """The fenced blocks of a page, in order."""
    found = []
    for match in _FENCE.finditer(page):
        language, *words = match["info"].split() or [""]
        found.append(Block(language, tuple(words), match["text"], page.count("\n", 0, match.start()) + 1))
    return found


def prose(page: str) -> str:
    """A page without its code."""
    return re.sub(r"`[^`\n]*`", "", _FENCE.sub("", page))


def links(page: str) -> Iterator[str]:
    """Targets of links and pictures in the prose of a page."""
    for match in _LINK.finditer(prose(page)):
        yield match["link"] or match["image"]


def anchors(page: str) -> set[str]:
    """Anchors of a page's headings, as the usual renderers make them."""
    without = _FENCE.sub("", page)
    headings = re.findall(r"^#{1,6}\s+(.+?)\s*#*$", without, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
