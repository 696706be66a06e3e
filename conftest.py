"""What tests and examples register of their own is gone after each."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _own_measures_go() -> Iterator[None]:
    """Measures made by `aw.metric`, `aw.loss` and `aw.cost_measure` leave the registry that all tests share."""
    yield
    module = sys.modules.get("anchorwatch.profile.measure")
    if module is not None:
        known = module.MEASURES._things
        for name in [name for name, item in known.items() if hasattr(item.function, "__wrapped__")]:
            del known[name]
