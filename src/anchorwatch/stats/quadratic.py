"""The tail of a weighted sum of squared normals: the law of Cramér–von Mises and Anderson–Darling statistics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import erfc

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

TERMS = 4
"""Terms of the alternating series; the fifth is under e⁻⁶ of the first wherever it is left out."""

KEPT = 2 * TERMS + 6
"""Weights kept one by one, the largest; the rest is taken together."""

NODES = 16
_COSINES = np.cos((np.arange(NODES) + 0.5) * np.pi / NODES)
_SIGNS = np.where(np.arange(TERMS) % 2, -1.0, 1.0)

_REACH = 40.0
"""What a term adds is lost after falling by e⁻⁴⁰."""


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """Weights λ of `Q = Σ λ χ²`, independent squared normals, for many sums at once.

    Attributes:
        largest: falling, zeros at the end, shape (sums, KEPT).
        rest: weight of a χ² that stands for all others (same mean and variance), shape (sums,).
        freedom: its degrees of freedom, fractions too.
    """

    largest: Floats
    rest: Floats
    freedom: Floats

    @classmethod
    def of(cls, falling: Floats, first: Floats, second: Floats) -> Weights:
        """From the weights known, shape (sums, any), and the sums of all weights and of their squares."""
        largest = np.zeros((len(falling), KEPT))
        width = min(KEPT, falling.shape[1])
        # Beside a leading weight, what is under 1e-12 of it is rounding.
        kept = np.maximum(falling[:, :width], 0)
        largest[:, :width] = np.where(kept > 1e-12 * kept[:, :1], kept, 0)
        mean = np.maximum(first - largest.sum(axis=1), 0)
        square = np.maximum(second - (largest**2).sum(axis=1), 0)
        known = (mean > 1e-9 * first) & (square > 0)
        rest = np.divide(square, mean, out=np.zeros_like(mean), where=known)
        return cls(largest, rest, np.divide(mean, rest, out=np.zeros_like(mean), where=rest > 0))


def tail(statistic: Floats, weights: Weights) -> Floats:
    """`P(Q ≥ statistic)`, to six digits however small; NaN in, NaN out. No three weights may be equal.

    Smirnov's series: `1/π Σ (-1)ᵏ⁺¹ ∫ e^(-xu) / (u √|Π (1 - 2λu)|) du`, between the reciprocals of twice the first and
    second weight, the third and fourth, and so on. Where even the ninth is not small (at probabilities over 0.999)
    it is 1. Source: Smirnov 1937; Durbin and Knott 1972.

    >>> weights = Weights.of(np.array([[1.0, 1.0]]), np.array([2.0]), np.array([2.0]))
    >>> round(float(tail(np.array([5.991465]), weights)[0]), 6)
    0.05
    """
    largest = weights.largest
    with np.errstate(all="ignore"):
        series = np.clip(_series(np.maximum(statistic, 1e-300)[:, None, None], weights), 0, 1)
        single = np.asarray(erfc(np.sqrt(np.maximum(statistic, 0) / (2 * largest[:, 0]))))
        late = largest[:, 2 * TERMS] > 0
        early = late & (statistic < 12 * largest[:, 2 * TERMS])
    found = np.where(largest[:, 1] > 0, np.where(early, 1.0, series), single)
    found = np.where((statistic <= 0) | (largest[:, 0] <= 0), 1.0, found)
    return np.where(np.isnan(statistic), np.nan, found)


def _series(x: Floats, weights: Weights) -> Floats:
    """The terms summed; `x` has shape (sums, 1, 1), the nodes of all integrals (sums, terms, nodes)."""
    pairs = 2 * weights.largest[:, : 2 * TERMS]
    odd, even = pairs[:, ::2, None], pairs[:, 1::2, None]
    begin, end = 1 / odd, 1 / even
    length = np.minimum(end - begin, _REACH / x)
    beyond = np.where(even > 0, end - begin - length, 0)
    half = length * (1 + _COSINES) / 2
    u = begin + length * (1 - _COSINES) / 2
    # The roots at both ends, times the stretch of the nodes, which takes them out.
    root = half / (odd * np.where(even > 0, even * (beyond + half), 1.0))
    root = np.where(length > 0, root, 1 / (odd * even))
    factors = np.abs(1 - 2 * weights.largest.T[:, :, None, None] * u)
    for term in range(TERMS):
        factors[2 * term : 2 * term + 2, :, term] = 1
    product = np.multiply.reduce(factors, axis=0)
    product *= np.abs(1 - 2 * weights.rest[:, None, None] * u) ** weights.freedom[:, None, None]
    inside = np.sqrt(root / product) * np.exp(-x * u) / u
    inside = np.where(odd > 0, inside, 0)
    return np.asarray((inside.mean(axis=2) * _SIGNS).sum(axis=1), dtype=np.float64)
