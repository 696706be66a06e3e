"""One process per store."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from anchorwatch.core.errors import BusyError, StoreError
from anchorwatch.stores.lock import StoreLock

if TYPE_CHECKING:
    from pathlib import Path


def test_a_store_is_held_once(tmp_path: Path) -> None:
    """The second is refused with the holder's name, until the first lets go."""
    first, second = StoreLock(tmp_path), StoreLock(tmp_path)
    first.take()
    with pytest.raises(BusyError, match=f"is held by process {os.getpid()}; stop it"):
        second.take()
    first.release()
    second.take()
    second.release()


def test_letting_go_twice_is_nothing(tmp_path: Path) -> None:
    """Nor is letting go of what was never held."""
    lock = StoreLock(tmp_path)
    lock.release()
    lock.take()
    lock.release()
    lock.release()


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    """Told with its path and the reason."""
    with pytest.raises(StoreError, match="cannot be written"):
        StoreLock(tmp_path / "none").take()
