"""What lies beyond the outer edges of a grid: how much, and how far on average.

A bin without an end has no middle. But the exact sum and sum of squares of all values are known, and what the inner
bins do not explain of them lies out there; and so is the farthest value on each side.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import digamma

from anchorwatch.profile.tally import FARTHEST

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from anchorwatch.drift.bins import Bins, Found
    from anchorwatch.profile.parts import Numbers

    Floats = NDArray[np.float64]

_SIGN = np.array([[-1.0], [1.0]])


@dataclass(frozen=True, slots=True, eq=False)
class Beyond:
    """Values below the first and above the last edge, in the grid's standardised values.

    Attributes:
        share: of all values, shape (2, columns).
        excess: mean distance from the edge, shape (2, columns); 0 where there are none.
        reach: distance of the farthest, shape (2, columns).
    """

    share: Floats
    excess: Floats
    reach: Floats

    def distance(self, other: Beyond) -> Floats:
        """How far these must move to become the other side's, each standing at its mean, shape (columns,)."""
        near = np.minimum(self.excess, other.excess)
        farther = np.where(self.excess > other.excess, self.share, other.share)
        moved = np.abs(self.share - other.share) * near + farther * np.abs(self.excess - other.excess)
        return np.asarray(moved.sum(axis=0), dtype=np.float64)

    def energy(self, other: Beyond) -> Floats:
        """Integral of the squared difference of the distribution functions out here, shape (columns,).

        Values are taken to lie evenly around their mean up to the farthest, or to thin out from the edge where the
        farthest is more than twice as far as the mean.
        """
        one, two = self._overlap(), other._overlap()
        both = np.divide(2 * one * two, one + two, out=np.zeros_like(one), where=one + two > 0)
        squares = self.share**2 * one + other.share**2 * two - 2 * self.share * other.share * both
        return np.asarray(np.maximum(squares, 0).sum(axis=0), dtype=np.float64)

    def _overlap(self) -> Floats:
        """Integral of the squared share of these values that lie farther out."""
        near = np.maximum(2 * self.excess - self.reach, 0)
        far = np.divide(self.excess, self.reach, out=np.zeros_like(self.excess), where=self.reach > 0)
        thin = self.excess * (0.5 + np.minimum(far, 0.5) / 3)
        return np.where(near > 0, near + (self.reach - near) / 3, thin)


def standardised(values: Floats, bins: Bins) -> Floats:
    """Values of the columns as their moments were summed, held to what those were held to."""
    shape = (-1, *[1] * (values.ndim - 1))
    with np.errstate(over="ignore", invalid="ignore"):
        standard = values / bins.scale.reshape(shape) - (bins.centre / bins.scale).reshape(shape)
    return np.clip(standard, -FARTHEST, FARTHEST)


def beyond(part: Numbers, edges: Floats, bins: Bins) -> Beyond:
    """What lies beyond standardised `edges` on one side of a comparison.

    Each tail is the farthest value and others, first guessed to be exponential. The sum of squares scales both
    guesses, the sum then shifts weight from one to the other; it settles a single tail exactly.
    """
    n = np.maximum(part.counts.sum(axis=1), 1)
    count = np.stack([part.counts[:, 0], part.counts[np.arange(n.size), bins.last + 1]])
    edge = np.stack([edges[:, 0], edges[:, -1]])
    extreme = standardised(np.stack([part.low, part.high], axis=1), bins).T
    reach = np.where(count > 0, np.maximum(_SIGN * (extreme - edge), 0), 0)
    others = np.maximum(count - 1, 0)
    harmonic = np.asarray(digamma(np.maximum(count, 1) + 1.0), dtype=np.float64) + np.euler_gamma
    guess = np.where(others > 0, count * reach / harmonic - reach, 0)
    total, square = _unexplained(part, edges, count, bins)
    guess *= _scale(
        guess, others, edge, square - np.sum(np.where(count > 0, (edge + _SIGN * reach) ** 2, 0), axis=0)
    )
    amiss = total - np.sum(_SIGN * (reach + guess), axis=0)
    both = guess.sum(axis=0)
    split = np.divide(guess, both, out=np.zeros_like(guess), where=both > 0)
    rest = np.clip(guess + _SIGN * amiss * split, 0, others * reach)
    return Beyond(count / n, (reach + rest) / np.maximum(count, 1), reach)


@dataclass(frozen=True, slots=True, eq=False)
class Stretches:
    """The axis under the bins of two profiles, in the grid's standardised values.

    Attributes:
        widths: of the inner bins, shape (columns, edges - 1).
        strides: half the widths of the two bins at each edge, shape (columns, edges); open bins have no width.
        reference, current: what lies beyond the outer edges.
        spread: standard deviation of the reference, of the current window where that is constant, shape (columns,).
        apart: exact mean of the current window less the reference's.
        still: columns with one and the same value on both sides, for which a bin's width would pass for a move.
    """

    widths: Floats
    strides: Floats
    reference: Beyond
    current: Beyond
    spread: Floats
    apart: Floats
    still: NDArray[np.bool_]


@lru_cache(maxsize=4)
def stretches(bins: Bins) -> Stretches:
    """Lay out the axis, and keep it for the next distance between the same profiles."""
    edges = standardised(bins.edges, bins)
    strides = np.zeros_like(edges)
    widths = np.diff(edges, axis=1)
    strides[:, 1:] += widths / 2
    strides[:, :-1] += widths / 2
    one, other = bins.reference, bins.current
    mean, spread = moments(one, bins.m)
    new, wide = moments(other, bins.n)
    with np.errstate(invalid="ignore"):
        return Stretches(
            widths=widths,
            strides=strides,
            reference=beyond(one, edges, bins),
            current=beyond(other, edges, bins),
            spread=np.where(spread > 0, spread, wide),
            apart=new - mean,
            still=(one.low == one.high) & (other.low == other.high) & (one.low == other.low),
        )


def in_deviations(distance: Floats, bins: Bins) -> Found:
    """A distance in standardised values, in standard deviations of the reference."""
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.where(distance > 0, distance / stretches(bins).spread, distance)
    return found, None, ["both are constant" if lost else None for lost in np.isinf(found).tolist()]


def moments(part: Numbers, n: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Mean and standard deviation in standardised values; NaN without values."""
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = part.total / n
        spread = np.sqrt(np.maximum(part.square / n - mean**2, 0))
    # Rounding of the sums leaves a constant column about 1e-8 of spread.
    return mean, np.where(part.low == part.high, 0.0, spread)


def _unexplained(part: Numbers, edges: Floats, count: NDArray[np.int64], bins: Bins) -> tuple[Floats, Floats]:
    """What the values beyond add to the sum, over their edges, and to the sum of squares.

    Inner values are taken to lie evenly in their bins.
    """
    inner = part.counts.copy()
    inner[np.arange(len(inner)), bins.last + 1] = 0
    inner = inner[:, 1:-1]
    middles, widths = (edges[:, :-1] + edges[:, 1:]) / 2, np.diff(edges, axis=1)
    total = part.total - np.sum(inner * middles, axis=1) - edges[:, 0] * count[0] - edges[:, -1] * count[1]
    return total, part.square - np.sum(inner * (middles**2 + widths**2 / 12), axis=1)


def _scale(guess: Floats, others: NDArray[np.int64], edge: Floats, square: Floats) -> Floats:
    """The factor under which the guesses give the sum of squares, exponentials having twice their mean's square."""
    a = 2 * np.sum(guess**2 / np.maximum(others, 1), axis=0)
    b = 2 * np.sum(_SIGN * edge * guess, axis=0)
    c = np.sum(others * edge**2, axis=0) - square
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        factor = (np.sqrt(np.maximum(b * b - 4 * a * c, 0)) - b) / (2 * a)
    return np.where(np.isfinite(factor), np.maximum(factor, 0), 1.0)
