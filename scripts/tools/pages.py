"""The generated pages of docs/: written by `scripts/docs`, compared by the tests."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from scripts.tools import page_cli, page_house, page_http, page_measures, page_metrics, page_settings
from scripts.tools.house import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DOCS = ROOT / "docs"
PAGES: dict[str, Callable[[], str]] = {
    "explanation/house.md": page_house.text,
    "reference/cli.md": page_cli.text,
    "reference/http.md": page_http.text,
    "reference/measures.md": page_measures.text,
    "reference/metrics.md": page_metrics.text,
    "reference/settings.md": page_settings.text,
}
NOTE = "<!-- Written by scripts/docs; change the code it is drawn from instead. -->\n\n"


def page(name: str) -> str:
    """A page as it should stand in docs/."""
    return NOTE + PAGES[name]().rstrip() + "\n"


def write(folder: Path = DOCS) -> list[str]:
    """Write the pages that are not as they should be, and name them."""
    changed = []
    for name in PAGES:
        file = folder / name
        wanted = page(name)
        if not file.exists() or file.read_text(encoding="utf-8") != wanted:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(wanted, encoding="utf-8")
            changed.append(name)
    return changed


if __name__ == "__main__":
    for written in write():
        print(f"docs/{written}", file=sys.stderr)
