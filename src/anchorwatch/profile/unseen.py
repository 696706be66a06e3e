"""Which unseen categories a profile remembers: those with the smallest hash, whatever the order or the split."""

from __future__ import annotations

from heapq import nsmallest
from typing import TYPE_CHECKING

from xxhash import xxh3_64_intdigest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

UNSEEN_KEPT = 256
"""Unseen categories remembered per column: those with the smallest hash, with their exact counts.

Of 64, the others are known too roughly to be told from drift where thousands of values are rare.
"""

LONGEST = 200
"""Characters of a name that are kept; longer ones are cut before they are counted."""


def merge_names(parts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Add counts by name and keep the `UNSEEN_KEPT` names with the smallest hash, in the order of their hashes.

    The counts that are kept are exact: a name among the smallest of the whole is among the smallest of every part
    that holds it, so no part has dropped it.

    >>> merge_names([{"teal": 2}, {"teal": 1, "plum": 4}]) == {"teal": 3, "plum": 4}
    True
    """
    total: dict[str, int] = {}
    for part in parts:
        for name, count in part.items():
            total[name] = total.get(name, 0) + count
    return {name: total[name] for name in nsmallest(UNSEEN_KEPT, total, key=_rank)}


def _rank(name: str) -> tuple[int, str]:
    return xxh3_64_intdigest(name.encode()), name
