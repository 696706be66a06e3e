"""Rows in groups: which row belongs to which window, version and segment, and sums over each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from anchorwatch.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

S = TypeVar("S", bound=np.generic)


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """The rows that belong to a group, in the order of their groups.

    Attributes:
        count: groups there are, empty ones included.
        order: where each row is among those given; a slice when they came in order.
        group: group of each row, ascending, int64, shape (n,).
        begins: where each group that has rows begins, shape (g,).
        present: those groups, ascending, shape (g,).
    """

    count: int
    order: NDArray[np.intp] | slice
    group: NDArray[np.int64]
    begins: NDArray[np.intp]
    present: NDArray[np.int64]

    @classmethod
    def of(cls, groups: NDArray[np.int64], count: int) -> Rows:
        """Sort rows by group unless they are; those of group -1 are left out.

        Raises:
            InputError: a group is below -1, or `count` or more.
        """
        groups = np.asarray(groups, dtype=np.int64)
        if groups.size and (groups.min() < -1 or groups.max() >= count):
            raise InputError(
                f"groups must lie between -1 and {count - 1}; {groups.min()} to {groups.max()} were given"
            )
        order: NDArray[np.intp] | slice = slice(None)
        if groups.size and (groups[0] < 0 or (groups[1:] < groups[:-1]).any()):
            narrow = groups.astype(np.int16) if count < 2**15 else groups  # NumPy sorts 16 bits by radix
            order = np.argsort(narrow, kind="stable")[np.count_nonzero(groups < 0) :]
            groups = groups[order]
        change = groups[1:] != groups[:-1]
        begins = np.concatenate([np.zeros(min(groups.size, 1), np.intp), np.flatnonzero(change) + 1])
        return cls(count, order, groups, begins, groups[begins])

    @property
    def size(self) -> int:
        """Rows that belong to a group."""
        return self.group.size

    def pick(self, values: NDArray[S]) -> NDArray[S]:
        """The rows of `values`, shape (…, rows given), in the order of groups."""
        return values[..., self.order] if isinstance(self.order, slice) else values.take(self.order, axis=-1)

    def in_order(self) -> Rows:
        """The same groups, for values that have been picked already."""
        return replace(self, order=slice(None))

    def where(self, chosen: NDArray[np.bool_]) -> Rows:
        """Some of the rows, for values that have been picked already."""
        return self.in_order() if chosen.all() else Rows.of(np.where(chosen, self.group, -1), self.count)

    def slices(self) -> Iterator[tuple[int, slice]]:
        """Each group that has rows, with where they are."""
        ends = np.append(self.begins[1:], self.size)[: self.begins.size].tolist()
        for group, begin, end in zip(self.present.tolist(), self.begins.tolist(), ends, strict=True):
            yield group, slice(begin, end)

    def blocks(self, length: int) -> Iterator[Rows]:
        """The same rows, so many at a time; a group may go on from one block to the next."""
        if self.size <= length:
            yield self
            return
        for begin in range(0, self.size, length):
            end = min(begin + length, self.size)
            first = int(np.searchsorted(self.begins, begin, side="right")) - 1
            last = int(np.searchsorted(self.begins, end))
            order = slice(begin, end) if isinstance(self.order, slice) else self.order[begin:end]
            begins = np.maximum(self.begins[first:last] - begin, 0)
            yield Rows(self.count, order, self.group[begin:end], begins, self.present[first:last])

    def tally(self, codes: NDArray[np.integer], width: int) -> NDArray[np.int64]:
        """How often each code below `width` comes in each group: codes (…, n) of picked rows, to (…, count, width)."""
        shape = codes.shape[:-1]
        lanes = int(np.prod(shape))
        keys = self.group * width + codes
        if lanes > 1:
            keys += (np.arange(lanes) * (self.count * width)).reshape(*shape, 1)
        return np.bincount(keys.ravel(), minlength=lanes * self.count * width).reshape(
            *shape, self.count, width
        )

    def sum(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sums of picked values (…, n) over each group: (…, count); 0 for a group without rows."""
        return self._reduce(np.add, values, 0.0)

    def least(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Smallest of picked values in each group; +inf for a group without rows."""
        return self._reduce(np.minimum, values, np.inf)

    def most(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Largest of picked values in each group; -inf for a group without rows."""
        return self._reduce(np.maximum, values, -np.inf)

    def _reduce(self, operation: np.ufunc, values: NDArray[np.float64], empty: float) -> NDArray[np.float64]:
        out = np.full((*values.shape[:-1], self.count), empty)
        if self.size:
            out[..., self.present] = operation.reduceat(values, self.begins, axis=-1)
        return out
