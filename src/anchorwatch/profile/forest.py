"""An isolation forest: which rows are few and different, over all numbers together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from anchorwatch.profile.grid import OUTCOME, PREDICTION, SCORE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from anchorwatch.profile.grid import Grid

TREES = 64
ROWS = 256
"""Rows that each tree is grown from; `log2` of it is how deep it grows."""

QUANTILE = 0.995
"""Part of the reference's rows whose score lies at or below the threshold."""

_DEPTH = 8
NODES = 2 ** (_DEPTH + 1) - 1
_BLOCK = 8192
_FARTHEST = 1e100


@dataclass(frozen=True, slots=True, eq=False)
class Forest:
    """Trees that part rows by random cuts (Liu, Ting & Zhou 2008): outlying rows are soon alone.

    Node `j` of a tree has the children `2j + 1` (at the cut or below) and `2j + 2`; a leaf goes to itself whatever
    the row, by a cut that nothing exceeds.

    Attributes:
        feature: number that is cut, int64, shape (trees, nodes).
        cut: where, in standardised values, shape as `feature`; +inf in leaves and below.
        path: expected length of the path that ends in this leaf, shape as `feature`.
        fill: standardised value that stands for a missing one, shape (numbers,).
        threshold: score above which a row is outlying.
    """

    feature: NDArray[np.int64]
    cut: NDArray[np.float64]
    path: NDArray[np.float64]
    fill: NDArray[np.float64]
    threshold: float = 1.0

    @classmethod
    def grow(cls, values: NDArray[np.float64], seed: int) -> Forest:
        """A forest of `TREES` trees from standardised values, shape (numbers, rows), and a threshold from them."""
        rng = np.random.default_rng(seed)
        known = np.where(np.isfinite(values), values, np.nan)
        fill = np.array([np.nanmedian(row) if np.isfinite(row).any() else 0.0 for row in known])
        forest = cls(*_empty(), fill)
        rows = forest.filled(values)
        size = min(ROWS, rows.shape[1])
        for tree in range(TREES):
            some = rows[:, rng.permutation(rows.shape[1])[:size]]
            _grow(forest, tree, some, rng)
        scores = forest.scores(values)
        return replace(forest, threshold=float(np.quantile(scores, QUANTILE)) if scores.size else 1.0)

    def filled(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values without holes; infinite ones are very large."""
        found = np.clip(values, -_FARTHEST, _FARTHEST)
        return np.where(np.isnan(found), self.fill[:, None], found)

    def scores(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Anomaly scores of rows, `2^(-mean path / expected path)`, in (0, 1]; values as for `grow`."""
        found = np.empty(values.shape[1])
        for begin in range(0, values.shape[1], _BLOCK):
            found[begin : begin + _BLOCK] = self._block(self.filled(values[:, begin : begin + _BLOCK]))
        return found

    def outlying(self, values: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which rows score above the threshold."""
        return np.asarray(self.scores(values) > self.threshold)

    def _block(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        flat, n = np.ascontiguousarray(values).ravel(), values.shape[1]
        row = np.arange(n)
        total = np.zeros(n)
        for feature, cut, path in zip(self.feature * n, self.cut, self.path, strict=True):
            node = np.zeros(n, np.int64)
            for _ in range(_DEPTH):
                node = 2 * node + 1 + (flat[feature[node] + row] > cut[node])
            total += path[node]
        return np.asarray(np.exp2(-total / (len(self.cut) * expected_path(ROWS))))


@dataclass(frozen=True, slots=True, eq=False)
class Isolated:
    """Rows that the forest looked at, and those it found outlying."""

    rows: int
    outlying: int

    @classmethod
    def sum(cls, parts: Sequence[Isolated]) -> Isolated:
        """All of them together, at least one."""
        return cls(sum(part.rows for part in parts), sum(part.outlying for part in parts))

    def __add__(self, other: Isolated) -> Isolated:
        return Isolated.sum((self, other))


def standard_inputs(frame: pl.DataFrame, grid: Grid) -> NDArray[np.float64]:
    """The numeric inputs of a frame as forests see them, standardised by the grid: shape (numbers, rows)."""
    found = np.full((len(inputs(grid)), frame.height), np.nan)
    with np.errstate(over="ignore", invalid="ignore"):
        for lane, place in enumerate(inputs(grid)):
            if (name := grid.numbers[place]) in frame.columns:
                values = frame.get_column(name).cast(pl.Float64, strict=False).to_numpy()
                found[lane] = (values - grid.centre[place]) / grid.scale[place]
    return found


def inputs(grid: Grid) -> list[int]:
    """Places of the numeric inputs among a grid's numbers."""
    return [place for place, name in enumerate(grid.numbers) if name not in {PREDICTION, SCORE, OUTCOME}]


def expected_path(n: int) -> float:
    """Mean length of an unsuccessful search in a binary tree of `n` rows, `2 H(n-1) - 2 (n-1)/n`.

    >>> round(expected_path(256), 3)
    10.244
    """
    if n <= 1:
        return 0.0
    return 1.0 if n == 2 else float(2 * (np.log(n - 1) + np.euler_gamma) - 2 * (n - 1) / n)


def _empty() -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    shape = (TREES, NODES)
    return np.zeros(shape, np.int64), np.full(shape, np.inf), np.zeros(shape)


def _grow(forest: Forest, tree: int, rows: NDArray[np.float64], rng: np.random.Generator) -> None:
    """Part the rows at each node by a random cut of a random number that differs among them."""
    waiting = [(0, 0, np.arange(rows.shape[1]))]
    while waiting:
        node, depth, here = waiting.pop()
        some = rows[:, here]
        low, high = some.min(axis=1, initial=np.inf), some.max(axis=1, initial=-np.inf)
        differ = np.flatnonzero(high > low)
        if depth == _DEPTH or not differ.size:
            _leaf(forest, tree, node, depth, here.size)
            continue
        chosen = int(rng.choice(differ))
        cut = min(
            low[chosen] + rng.random() * (high[chosen] - low[chosen]), np.nextafter(high[chosen], -np.inf)
        )
        forest.feature[tree, node], forest.cut[tree, node] = chosen, cut
        above = some[chosen] > cut
        waiting += [(2 * node + 1, depth + 1, here[~above]), (2 * node + 2, depth + 1, here[above])]


def _leaf(forest: Forest, tree: int, node: int, depth: int, size: int) -> None:
    """Nothing exceeds the cuts of a leaf and of what lies below it, so rows run down its left edge."""
    for _ in range(depth, _DEPTH):
        node = 2 * node + 1
    forest.path[tree, node] = depth + expected_path(size)
