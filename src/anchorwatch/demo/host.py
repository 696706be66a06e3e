"""Where the demo's watch lives: in this process, with web pages or without."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from anchorwatch.app.embedded import open as open_watch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

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


@contextmanager
def serving(path: Path, port: int) -> Iterator[Host]:
    """A watch whose pages are served while it is open."""
    from anchorwatch.server import serve  # noqa: PLC0415 - the web stack, which `near` does without

    with open_watch(path) as watching, serve.serving(watching.watch, serve.Address(port=port)) as address:
        yield Host(watching, address)
