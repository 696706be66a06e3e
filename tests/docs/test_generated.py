"""Generated pages are what the code says today."""

from __future__ import annotations

import pytest
from scripts.tools import page_http, page_settings, pages
from scripts.tools.house import Source, picture


@pytest.mark.parametrize("name", pages.PAGES)
def test_a_generated_page_is_current(name: str) -> None:
    """What stands in docs/ is what `scripts/docs` would write."""
    file = pages.DOCS / name
    assert file.exists(), f"docs/{name} is not there; run scripts/docs"
    assert file.read_text(encoding="utf-8") == pages.page(name), f"docs/{name} is stale; run scripts/docs"


@pytest.mark.parametrize("cls", [cls for _, _, cls in page_settings.SECTIONS], ids=lambda cls: cls.__name__)
def test_every_setting_is_explained(cls: type) -> None:
    """Each setting has its sentence in the docstring of its class, and none is explained that does not exist."""
    names = set(cls.__dataclass_fields__)  # type: ignore[attr-defined]
    told = set(page_settings.explained(cls))
    assert told <= names
    assert told == names or cls.__name__ == "Fields", names - told


def test_the_picture_shows_what_is_there() -> None:
    """A layer without modules is not drawn, siblings stand side by side, the highest comes first."""
    drawn = picture([Source.of(path, "") for path in ("core/a.py", "drift/a.py", "metrics/a.py", "cli/a.py")])
    assert drawn.index("cli") < drawn.index("metrics  drift") < drawn.index("core")
    assert "stores" not in drawn


def test_a_route_is_drawn_with_its_parameters_and_answers() -> None:
    """The HTTP page tells of each operation what it takes and what it answers."""
    operation = {
        "summary": "A window.",
        "parameters": [{"name": "start", "in": "query", "required": True, "description": "When."}],
        "requestBody": {"content": {"application/json": {}}},
        "responses": {"200": {"description": "Fine"}, "404": {"description": "Unknown"}},
    }
    drawn = page_http.render({"info": {"title": "x"}, "paths": {"/windows": {"get": operation}}})
    for part in (
        "## GET /windows",
        "`start` (needed) | query | When.",
        "`application/json`",
        "**404** Unknown",
    ):
        assert part in drawn
