"""Static files: whole, cached under names of their content, and as their makers published them."""

from __future__ import annotations

import hashlib
import re
from importlib.resources import files

import pytest
from tests.server.fake_session import Client, app_of

from anchorwatch.server.pages.assets import address, asset

STATIC = files("anchorwatch.server").joinpath("static")


def test_vendored_files_are_as_published() -> None:
    """Their sums are those that README.md states."""
    told = dict(
        reversed(line.split())
        for line in re.findall(
            r"^[0-9a-f]{64} .*$", STATIC.joinpath("vendor/README.md").read_text(), re.MULTILINE
        )
    )
    found = {
        item.name: hashlib.sha256(item.read_bytes()).hexdigest()
        for item in STATIC.joinpath("vendor").iterdir()
        if item.name.endswith(".js")
    }
    assert told == found


def test_an_address_is_cached_for_ever_and_changes_with_the_file() -> None:
    """With its content's name: immutable; without: asked again; asked again: not sent again."""
    asker = Client(app_of())
    named = asker.get(address("style.css"))
    assert "immutable" in named.headers["cache-control"]
    bare = asker.get("/static/style.css")
    assert bare.headers["cache-control"] == "no-cache"
    assert bare.content == STATIC.joinpath("style.css").read_bytes()
    again = asker.get("/static/style.css", headers={"If-None-Match": bare.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "name", ["../__init__.py", "..%2f__init__.py", ".hidden.js", "nowhere.js", "vendor", "", "/etc/passwd"]
)
def test_nothing_else_is_served(name: str) -> None:
    """No path leads out of the folder."""
    assert Client(app_of()).get(f"/static/{name}").status_code == 404
    assert asset(name) is None


def test_a_missing_file_is_found_while_writing_the_page() -> None:
    """Naming a file that is not there is an error of the template."""
    with pytest.raises(LookupError, match=r"nowhere\.css"):
        address("nowhere.css")


def test_our_own_scripts_stay_small() -> None:
    """Under 700 lines in all, none over 400; what needs more belongs on the server."""
    own = [item for item in STATIC.iterdir() if item.name.endswith(".js")]
    lines = [len(item.read_text(encoding="utf-8").splitlines()) for item in own]
    assert sum(lines) < 700
    assert max(lines) <= 400
