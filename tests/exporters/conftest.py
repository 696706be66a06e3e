"""A watch with two models whose figures are exported: one well, one degraded in its newest windows."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.exporters.material import HandClock, fill

from anchorwatch.app.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def clock() -> HandClock:
    """Stands at noon."""
    return HandClock()


@pytest.fixture(scope="session")
def _filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store, made once."""
    folder = tmp_path_factory.mktemp("exporters") / "store"
    with Watch.open(folder, clock=HandClock(), start=False) as watch:
        fill(watch)
    return folder


@pytest.fixture
def store(_filled: Path, tmp_path: Path) -> Path:
    """A copy of the store for one test."""
    return Path(shutil.copytree(_filled, tmp_path / "store"))


@pytest.fixture
def watch(store: Path, clock: HandClock) -> Iterator[Watch]:
    """Six good hours of two models, then six in which `fares` is degraded."""
    with Watch.open(store, clock=clock, start=False) as watch:
        yield watch
