"""The pages hang together."""

from __future__ import annotations

import re

import pytest
from scripts.tools.house import ROOT
from tests.docs.blocks import anchors, blocks, links, pages

PAGES = pages()
NAMES = [page.relative_to(ROOT).as_posix() for page in PAGES]
GLOSSARY = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
TERMS = (
    "acknowledge", "batch", "breach", "cause", "drift", "finding", "grain", "grid", "inbox", "incident", "lake",
    "ledger", "maturity", "measure", "missing", "outcome", "prediction", "profile", "reference", "rule", "score",
    "segment", "severity", "silence", "spec", "unknown", "version", "window",
)  # fmt: skip


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_internal_links_resolve(page) -> None:  # noqa: ANN001 - a path
    """Every link to a file or heading of this repository leads somewhere."""
    text = page.read_text(encoding="utf-8")
    broken = []
    for link in links(text):
        if re.match(r"[a-z]+:", link):
            continue
        target, _, anchor = link.partition("#")
        file = (page.parent / target).resolve() if target else page
        if not file.exists() or (anchor and anchor not in anchors(file.read_text(encoding="utf-8"))):
            broken.append(link)
    assert not broken


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_blocks_say_what_they_are(page) -> None:  # noqa: ANN001 - a path
    """Every fenced block names its language, so that none escapes the tests."""
    text = page.read_text(encoding="utf-8")
    assert not [block.line for block in blocks(text) if not block.language]


@pytest.mark.parametrize("term", TERMS)
def test_the_glossary_has_the_term(term: str) -> None:
    """Each word with a meaning of its own here is explained."""
    assert re.search(rf"^\*\*{term}\*\*", GLOSSARY, re.MULTILINE | re.IGNORECASE)


def test_every_page_is_reachable() -> None:
    """Every page of docs/ can be reached by links from its index."""
    seen, waiting = set(), [ROOT / "docs" / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in seen:
            continue
        seen.add(page)
        targets = (
            (page.parent / link.partition("#")[0]).resolve()
            for link in links(page.read_text(encoding="utf-8"))
        )
        waiting += [target for target in targets if target.suffix == ".md" and target.exists()]
    assert not {page.relative_to(ROOT).as_posix() for page in PAGES[1:]} - {
        page.relative_to(ROOT).as_posix() for page in seen
    }


def test_a_broken_page_is_noticed() -> None:
    """The reader of pages sees links, anchors and blocks, and nothing in code."""
    page = "# A *Title*, here\n[x](y.md#z) `[no](no.md)`\n```python run\n[no](no.md)\n```\n```\nbare\n```\n"
    assert list(links(page)) == ["y.md#z"]
    assert anchors(page) == {"a-title-here"}
    assert [(block.language, block.words) for block in blocks(page)] == [("python", ("run",)), ("", ())]
