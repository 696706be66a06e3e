"""How a store stands: what was set aside, and what it takes of its disk."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from anchorwatch.core.times import iso

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from anchorwatch.core.clock import Clock
    from anchorwatch.flow.ports import SetAside

PARTS = {"ledger": "ledger.db*", "inbox": "inbox.db*", "index": "index", "lake": "lake"}
"""What a store's folder holds: the files of each part, or its folder."""
REMEMBERED = 60.0
"""Seconds for which the sizes of parts are not looked up again: a lake may have many thousand files."""


def set_aside_body(item: SetAside) -> dict[str, Any]:
    """A batch that a consumer could not do, as lists show it."""
    return {
        "seq": item.seq,
        "model": item.model,
        "kind": item.kind.value,
        "consumer": item.consumer,
        "rows": item.rows,
        "reason": item.reason,
        "at": iso(item.at),
        "since": iso(item.since),
        "tries": item.tries,
    }


class Disk:
    """What a store takes of its disk; `folder` is None for one in memory."""

    def __init__(self, folder: Path | None, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._sizes: dict[str, int] = {}
        self._until = float("-inf")

    def read(self) -> dict[str, int | None]:
        """Bytes of each part, and those free and in all on its volume; parts are added up once in a minute."""
        if self._folder is None:
            return dict.fromkeys((*PARTS, "free", "total"))
        now = self._clock.monotonic()
        if now >= self._until:
            self._sizes = {name: _bytes(self._folder.glob(pattern)) for name, pattern in PARTS.items()}
            self._until = now + REMEMBERED
        volume = shutil.disk_usage(self._folder)
        return {**self._sizes, "free": volume.free, "total": volume.total}


def _bytes(places: Iterable[Path]) -> int:
    total = 0
    for place in places:
        files = (path for path in place.rglob("*") if path.is_file()) if place.is_dir() else [place]
        for path in files:
            try:
                total += path.stat().st_size
            except FileNotFoundError:  # merged, compacted or trimmed meanwhile
                continue
    return total
