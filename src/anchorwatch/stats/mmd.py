"""Maximum mean discrepancy: do two samples of vectors come from one distribution?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtr, stdtr

from anchorwatch.stats.combine import cauchy

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

MEDIAN_OF = 256
"""Rows of each sample that the bandwidth is taken from."""


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """An unbiased estimate of the squared discrepancy (it may be negative), and the p-value of its being above 0."""

    squared: float
    p: float


def bandwidth(one: Floats, other: Floats) -> float:
    """Median distance between different rows of both samples; 1 where all are alike. Source: Gretton et al. 2012.

    >>> bandwidth(np.array([[0.0], [1.0]]), np.array([[2.0], [3.0]]))
    1.581...
    """
    rows = np.concatenate([one[:MEDIAN_OF], other[:MEDIAN_OF]])
    squared = _squared(rows, rows)[np.triu_indices(len(rows), 1)]
    middle = float(np.sqrt(np.median(squared))) if squared.size else 0.0
    return middle or 1.0


def linear(one: Floats, other: Floats, width: float | None = None) -> Discrepancy:
    """The linear-time estimate, over pairs of rows taken in turn, shape (n, d) and (m, d); the shorter one counts.

    `h = k(x, x') + k(y, y') - k(x, y') - k(x', y)`, averaged over disjoint pairs, with `k` Gaussian. The p-value is
    that of a t test of the terms. 1 without four rows on each side. Source: Gretton et al. 2012, section 6.

    >>> random = np.random.default_rng(0)
    >>> found = linear(random.normal(size=(400, 2)), random.normal(1, 1, size=(400, 2)))
    >>> found.squared > 0.1, found.p < 1e-6
    (True, True)
    """
    pairs = min(len(one), len(other)) // 2
    if pairs < 2:
        return Discrepancy(0.0, 1.0)
    x, y = one[: 2 * pairs].reshape(pairs, 2, -1), other[: 2 * pairs].reshape(pairs, 2, -1)
    scale = -0.5 / (width or bandwidth(one, other)) ** 2
    terms = (
        _kernel(x[:, 0], x[:, 1], scale)
        + _kernel(y[:, 0], y[:, 1], scale)
        - _kernel(x[:, 0], y[:, 1], scale)
        - _kernel(x[:, 1], y[:, 0], scale)
    )
    return _tested(terms)


def blocks(one: Floats, other: Floats, width: float | None = None, size: int | None = None) -> Discrepancy:
    """The block estimate: the unbiased quadratic one within blocks of `size` rows (default √n), averaged.

    Sharper than the linear one at a cost of n·size kernels; the p-value is that of a t test of the blocks. 1 with
    fewer than two blocks of two rows. Source: Zaremba, Gretton and Blaschko 2013.

    >>> random = np.random.default_rng(0)
    >>> found = blocks(random.normal(size=(900, 2)), random.normal(0.5, 1, size=(900, 2)))
    >>> found.p < 1e-3
    True
    """
    rows = min(len(one), len(other))
    side = max(size or int(np.sqrt(rows)), 2)
    count = rows // side
    if count < 2:
        return Discrepancy(0.0, 1.0)
    x, y = (values[: count * side].reshape(count, side, -1) for values in (one, other))
    scale = -0.5 / (width or bandwidth(one, other)) ** 2
    apart = 1 - np.eye(side)
    within = sum(np.einsum("bij,ij->b", _kernels(part, part, scale), apart) for part in (x, y))
    across = np.einsum("bij,ij->b", _kernels(x, y, scale), apart)
    return _tested((within - 2 * across) / (side * (side - 1)))


def crossed(one: Floats, other: Floats, width: float | None = None) -> Discrepancy:
    """The cross estimate: what one half of each sample says of the other halves, and the other way round.

    The witness `f = E k(x, ·) - E k(y, ·)` of one half is averaged over the other half's rows, `E f(x) - E f(y)`; as
    those rows are new to it, its studentised value is normal without drift, and no permutations are needed. The two
    ways are averaged, and their p-values combined by Cauchy's rule. All pairs of rows count, so this sees far more
    than blocks do. Rows must be in random order. 1 without four rows on each side.
    Source: Shekhar, Kim and Ramdas 2022.

    >>> random = np.random.default_rng(0)
    >>> found = crossed(random.normal(size=(400, 2)), random.normal(0.5, 1, size=(400, 2)))
    >>> found.p < 1e-9
    True
    """
    if min(len(one), len(other)) < 4:
        return Discrepancy(0.0, 1.0)
    scale = -0.5 / (width or bandwidth(one, other)) ** 2
    halves = ((one[::2], one[1::2]), (other[::2], other[1::2]))
    ways = [
        _cross(halves[0][way], halves[1][way], halves[0][1 - way], halves[1][1 - way], scale)
        for way in (0, 1)
    ]
    return Discrepancy(sum(way.squared for way in ways) / 2, float(cauchy([way.p for way in ways])))


def _cross(x: Floats, y: Floats, new_x: Floats, new_y: Floats, scale: float) -> Discrepancy:
    seen = [
        _kernels(rows, x, scale).mean(axis=1) - _kernels(rows, y, scale).mean(axis=1)
        for rows in (new_x, new_y)
    ]
    gap = float(seen[0].mean() - seen[1].mean())
    error = float(np.sqrt(sum(values.var(ddof=1) / values.size for values in seen)))
    if error <= 0:
        return Discrepancy(gap, 0.0 if gap > 0 else 1.0)
    return Discrepancy(gap, float(ndtr(-gap / error)))


def _tested(terms: Floats) -> Discrepancy:
    mean, error = float(terms.mean()), float(terms.std(ddof=1)) / np.sqrt(terms.size)
    if error <= 0:
        return Discrepancy(mean, 0.0 if mean > 0 else 1.0)
    return Discrepancy(mean, float(stdtr(terms.size - 1, -mean / error)))


def _kernel(one: Floats, other: Floats, scale: float) -> Floats:
    return np.asarray(np.exp(scale * ((one - other) ** 2).sum(axis=-1)), dtype=np.float64)


def _kernels(one: Floats, other: Floats, scale: float) -> Floats:
    return np.asarray(np.exp(scale * _squared(one, other)), dtype=np.float64)


def _squared(one: Floats, other: Floats) -> Floats:
    """Squared distances of all pairs, for each block."""
    lengths = (one**2).sum(axis=-1)[..., :, None] + (other**2).sum(axis=-1)[..., None, :]
    return np.asarray(np.maximum(lengths - 2 * one @ np.swapaxes(other, -1, -2), 0), dtype=np.float64)
