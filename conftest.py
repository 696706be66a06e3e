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
        known = module.MEASURES._things  # noqa: SLF001 - a registry forgets nothing by itself
        for name in [name for name, item in known.items() if hasattr(item.function, "__wrapped__")]:
            del known[name]


@pytest.fixture(autouse=True)
def _own_channels_go() -> Iterator[None]:
    """Kinds of channel that are not of the package leave the registry that all tests share."""
    yield
    module = sys.modules.get("anchorwatch.channels.kinds")
    if module is not None:
        known = module.CHANNELS._things  # noqa: SLF001
        foreign = [name for name, kind in known.items() if not _ours(kind.make)]
        for name in foreign:
            del known[name]


def _ours(made: type) -> bool:
    """Whether a class is the package's own: found under its name where it says it is from."""
    module = sys.modules.get(made.__module__)
    own = made.__module__.startswith("anchorwatch.channels.")
    return own and getattr(module, made.__name__, None) is made
