"""Rows that were refused when they came: how many, and because of which column."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from heapq import nsmallest
from typing import TYPE_CHECKING, Any

from xxhash import xxh3_64_intdigest

from anchorwatch.core.errors import CorruptError
from anchorwatch.profile.unseen import LONGEST

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

REFUSED_KEPT = 50
"""Columns that are told by name: those with the smallest hash; senders may make up any number."""


@dataclass(frozen=True, slots=True, eq=False)
class Refused:
    """Rows of a window, or of the batches that came during it, that could not be taken.

    Attributes:
        rows: how many.
        columns: of them, by the first column that was at fault, in the order of the names' hashes.
    """

    rows: int = 0
    columns: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, columns: Mapping[str, int]) -> Refused:
        """Count rows by column; a fault of the row as a whole has the column `""`.

        >>> Refused.of({"x": 2, "": 1})
        Refused(rows=3, columns={'x': 2})
        """
        named: dict[str, int] = {}
        for name, count in columns.items():
            if name:
                named[name[:LONGEST]] = named.get(name[:LONGEST], 0) + count
        return cls(sum(columns.values()), _few(named))

    @classmethod
    def sum(cls, parts: Sequence[Refused]) -> Refused:
        """All of them together, at least one."""
        columns: Counter[str] = Counter()
        for part in parts:
            columns.update(part.columns)
        return cls(sum(part.rows for part in parts), _few(columns))

    def __add__(self, other: Refused) -> Refused:
        return Refused.sum((self, other))

    @classmethod
    def read(cls, rows: int, columns: Any) -> Refused:
        """From plain types as they were written; raises `CorruptError` at anything else."""
        sound = (
            isinstance(columns, dict)
            and len(columns) <= REFUSED_KEPT
            and all(isinstance(count, int) and count > 0 for count in columns.values())
            and sum(columns.values()) <= rows
        )
        if not sound:
            raise CorruptError("refused rows contradict themselves")
        return cls(rows, columns)


def _few(columns: Mapping[str, int]) -> dict[str, int]:
    """A name among the smallest of the whole is among the smallest of every part, so what is kept is exact."""
    kept = nsmallest(REFUSED_KEPT, columns, key=lambda name: (xxh3_64_intdigest(name.encode()), name))
    return {name: columns[name] for name in kept}
