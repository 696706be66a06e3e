"""Imports point down."""

from __future__ import annotations

import pytest
from scripts.tools.house import ALLOWED, APART, RANK, Source, foreign, sources, upward

SOURCES = sources()


def test_imports_point_down() -> None:
    """A layer imports lower layers only, adapters are named by app alone, and the client imports core alone."""
    wrong = [line for source in SOURCES for line in upward(source)]
    assert not wrong, "\n".join(wrong)


def test_third_parties_stay_where_they_belong() -> None:
    """Each unit imports the libraries listed for it and no others."""
    wrong = [line for source in SOURCES for line in foreign(source)]
    assert not wrong, "\n".join(wrong)


def test_every_unit_has_a_layer() -> None:
    """A new package is given its height before it is used."""
    packages = {source.unit for source in SOURCES if "/" in source.path}
    assert packages <= RANK.keys() | APART.keys()
    assert packages <= ALLOWED.keys()


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("core/a.py", "from anchorwatch.stats import intervals"),
        ("metrics/a.py", "import anchorwatch.drift.ks"),
        ("flow/a.py", "def f():\n    from anchorwatch.stores.ledger import Ledger"),
        ("server/a.py", "from anchorwatch.stores import ledger"),
        ("client/a.py", "from anchorwatch.profile.grid import Grid"),
        ("server/a.py", "from anchorwatch import client"),
        ("stats/b/c.py", "from ...app import watch"),
    ],
)
def test_an_upward_import_is_found(path: str, text: str) -> None:
    """The gate is closed: also to imports inside functions, of whole packages and relative ones."""
    assert len(upward(Source.of(path, text))) == 1


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("core/types.py", "import numpy as np"),
        ("client/a.py", "import numpy.typing"),
        ("flow/a.py", "from sqlalchemy.orm import Session"),
        ("app/a.py", "import typer"),
    ],
)
def test_a_library_out_of_place_is_found(path: str, text: str) -> None:
    """The gate is closed: by prefix, for each unit."""
    assert len(foreign(Source.of(path, text))) == 1


def test_a_downward_import_is_let_through() -> None:
    """The gate is fair: app may name stores, and a unit its own modules."""
    text = (
        "from anchorwatch.stores.ledger import Ledger\nfrom anchorwatch.app import config\nimport json, numpy"
    )
    source = Source.of("app/watch.py", text)
    assert upward(source) == []
    assert foreign(source) == []
