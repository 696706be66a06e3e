"""Which windows a profile is the sum of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Extent:
    """The windows of a profile, each once however many parts came together in it.

    Attributes:
        begins: where they begin, ascending, microseconds since 1970 (UTC), int64, shape (k,).
        ends: where they end, shape (k,).
    """

    begins: NDArray[np.int64]
    ends: NDArray[np.int64]

    @classmethod
    def of(cls, spans: Mapping[int, int]) -> Extent:
        """Windows by their beginning.

        >>> Extent.of({0: 5, 5: 10}).length
        10
        """
        begins = sorted(spans)
        return cls(np.array(begins, np.int64), np.array([spans[begin] for begin in begins], np.int64))

    @classmethod
    def sum(cls, parts: Sequence[Extent]) -> Extent:
        """All of them together, at least one; of windows that begin alike the one that ends last."""
        if len(parts) == 2 and np.array_equal(parts[0].begins, parts[1].begins):
            return cls(parts[0].begins, np.maximum(parts[0].ends, parts[1].ends))
        begins = np.concatenate([part.begins for part in parts])
        ends = np.concatenate([part.ends for part in parts])
        order = np.lexsort((ends, begins))
        begins, ends = begins[order], ends[order]
        last = np.append(begins[1:] != begins[:-1], True)[: begins.size]
        return cls(begins[last], ends[last])

    def __add__(self, other: Extent) -> Extent:
        return Extent.sum((self, other))

    @property
    def length(self) -> int:
        """Microseconds, of all windows together."""
        return int((self.ends - self.begins).sum())
