"""Where the demo's watch lives: in this process, with web pages or without."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from anchorwatch.app.embedded import open as open_watch

if TYPE_CHECKING:
    from anchorwatch.app.embedded import Embedded


@dataclass(frozen=True, slots=True)
class Host:
    """A watch and the address of its pages; empty when none are served."""

    watching: Embedded
    address: str = ""

    def settle(self) -> None:
        """Work off all that was sent."""
        self.watching.settle()


@contextmanager
def near(path: Path) -> Iterator[Host]:
    """A watch without pages."""
    with open_watch(path) as watching:
        yield Host(watching)
