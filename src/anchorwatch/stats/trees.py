"""A forest of extremely randomised trees that tells two samples apart, grown all trees at once.

Made for thousands of rows whose columns are whole numbers (bins, levels): a level of all trees is a few array
operations. Source: Geurts, Ernst and Wehenkel 2006; thresholds are values of rows drawn from the node.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Codes = NDArray[np.integer]

TREES = 48
DEPTH = 8
TRIES = 6
"""Splits that are tried for each node; the one that parts the samples best is kept."""


@dataclass(frozen=True, slots=True, eq=False)
class Forest:
    """Trees as arrays, shape (trees, nodes of a level) for each level, and the leaves' shares, (trees, leaves)."""

    columns: tuple[NDArray[np.intp], ...]
    thresholds: tuple[NDArray[np.int64], ...]
    leaves: NDArray[np.float64]

    @classmethod
    def grow(cls, rows: Codes, second: NDArray[np.bool_], seed: int = 0) -> Forest:
        """Learn to tell rows of the second sample from those of the first: codes (n, d) and which sample, (n,).

        Both samples weigh the same, whatever their sizes.
        """
        random = np.random.default_rng(seed)
        grown = _Growing(
            rows.astype(np.int64), np.where(second, 1 / max(second.sum(), 1), 0.0), second, random
        )
        for _ in range(DEPTH):
            grown.split()
        return cls(tuple(grown.columns), tuple(grown.thresholds), grown.leaves())

    def score(self, rows: Codes) -> NDArray[np.float64]:
        """How much each row looks like the second sample, 0 to 1, shape (n,)."""
        values = rows.astype(np.int64)
        trees = np.arange(len(self.leaves))[:, None]
        node = np.zeros((len(self.leaves), len(values)), np.intp)
        at = np.arange(len(values))[None, :]
        for column, threshold in zip(self.columns, self.thresholds, strict=True):
            node = 2 * node + (values[at, column[trees, node]] > threshold[trees, node])
        found: NDArray[np.float64] = self.leaves[trees, node].mean(axis=0)
        return found


class _Growing:
    """Where each row of each tree has come to."""

    def __init__(
        self,
        rows: NDArray[np.int64],
        weight: NDArray[np.float64],
        second: NDArray[np.bool_],
        random: np.random.Generator,
    ) -> None:
        self._rows = rows
        self._second = weight
        self._first = np.where(second, 0.0, 1 / max((~second).sum(), 1))
        self._random = random
        self._node = np.zeros((TREES, len(rows)), np.intp)
        self._trees = np.arange(TREES)[:, None]
        self._at = np.arange(len(rows))[None, :]
        self._depth = 0
        self.columns: list[NDArray[np.intp]] = []
        self.thresholds: list[NDArray[np.int64]] = []

    def split(self) -> None:
        """Split every node of this level by the best of a few random thresholds."""
        width = 1 << self._depth
        best = np.full((TREES, width), -1.0)
        column, threshold = np.zeros((TREES, width), np.intp), np.zeros((TREES, width), np.int64)
        for _ in range(TRIES):
            tried = self._random.integers(0, self._rows.shape[1], (TREES, width))
            order = self._random.permutation(len(self._rows))
            drawn = np.zeros((TREES, width), np.intp)
            drawn[self._trees, self._node[:, order]] = order  # the last one written stays: a random row
            cut = self._rows[drawn, tried]
            gain = self._gain(tried, cut, width)
            better = gain > best
            best = np.where(better, gain, best)
            column, threshold = np.where(better, tried, column), np.where(better, cut, threshold)
        self.columns.append(column)
        self.thresholds.append(threshold)
        self._node = 2 * self._node + self._right(column, threshold)
        self._depth += 1

    def _right(self, column: NDArray[np.intp], threshold: NDArray[np.int64]) -> NDArray[np.bool_]:
        values = self._rows[self._at, column[self._trees, self._node]]
        right: NDArray[np.bool_] = values > threshold[self._trees, self._node]
        return right

    def _gain(
        self, column: NDArray[np.intp], threshold: NDArray[np.int64], width: int
    ) -> NDArray[np.float64]:
        """How far a split takes the samples apart: the gain in `Σ (a - b)² / (a + b)` over children."""
        child = 2 * self._node + self._right(column, threshold)
        first, second = self._weights(child, 2 * width)
        both = first + second
        apart = np.divide((first - second) ** 2, both, out=np.zeros_like(both), where=both > 0)
        return np.asarray(apart.reshape(TREES, width, 2).sum(axis=2), dtype=np.float64)

    def _weights(self, node: NDArray[np.intp], width: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        place = (self._trees * width + node).ravel()
        return self._summed(self._first, place, width), self._summed(self._second, place, width)

    def _summed(
        self, weight: NDArray[np.float64], place: NDArray[np.intp], width: int
    ) -> NDArray[np.float64]:
        given = np.broadcast_to(weight, (TREES, weight.size)).ravel()
        return np.asarray(np.bincount(place, given, TREES * width).reshape(TREES, width), dtype=np.float64)

    def leaves(self) -> NDArray[np.float64]:
        """Share of the second sample in each leaf, drawn towards a half by one row of each."""
        first, second = self._weights(self._node, 1 << self._depth)
        one = (self._first.max() + self._second.max()) / 2
        return np.asarray((second + one) / (first + second + 2 * one), dtype=np.float64)
