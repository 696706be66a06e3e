"""Two samples of numbers compared exactly, value by value: the measures of `drift` without profiles.

All take a reference and a current sample, any order, as arrays or lists. What is not finite is left out; a sample
without a finite number raises `ValueError`. A million values on either side take about a third of a second.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from anchorwatch.stats import bridge, shares, tails
from anchorwatch.stats.verdict import Verdict

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

CLASSIC = 1e-4
"""What the classic stability index takes for the share of an empty bin."""


def ks(reference: ArrayLike, current: ArrayLike) -> Verdict:
    """Kolmogorov–Smirnov: `D = max |F(x) - G(x)|`, 0 to 1, with the p-value of Kolmogorov's limit.

    Ties and small samples make the p-value too large, never too small. Source: Smirnov 1939;
    `scipy.stats.ks_2samp(method="asymp")`.

    >>> ks([1, 2, 3, 4], [3, 4, 5, 6]).statistic
    0.5
    """
    pooled = _pooled(reference, current)
    distance = float(np.abs(pooled.gap).max(initial=0.0))
    return Verdict(distance, float(tails.kolmogorov_smirnov(distance, pooled.n, pooled.m)))


def cramer_von_mises(reference: ArrayLike, current: ArrayLike) -> Verdict:
    """Cramér–von Mises: `T = nm/N Σ h (Z₋² + Z₊²)/2`, 0 or more; see `stats.bridge`.

    Source: Anderson 1962; `scipy.stats.cramervonmises_2samp(method="asymptotic")`, which is this without ties.

    >>> round(cramer_von_mises(range(100), range(20, 120)).p, 4)
    0.0001
    """
    statistic, p = bridge.cramer_von_mises(*_pooled(reference, current).rows())
    return Verdict(float(statistic[0]), float(p[0]))


def anderson_darling(reference: ArrayLike, current: ArrayLike) -> Verdict:
    """Anderson–Darling: `A² = (N-1)/N nm/N Σ h Z²/(H (1-H) - h/4)`, 0 or more, 1 on average; see `stats.bridge`.

    Source: Scholz and Stephens 1987; `scipy.stats.anderson_ksamp(midrank=True)` is this less its mean, over its
    standard deviation.

    >>> round(anderson_darling(range(100), range(20, 120)).p, 4)
    0.0
    """
    statistic, p = bridge.anderson_darling(*_pooled(reference, current).rows())
    return Verdict(float(statistic[0]), float(p[0]))


def wasserstein(reference: ArrayLike, current: ArrayLike) -> float:
    """Wasserstein distance `∫ |F(x) - G(x)| dx`, in the unit of the values. Source: Vaserstein 1969.

    >>> wasserstein([0, 1, 3], [5, 6, 8])
    5.0
    """
    pooled = _pooled(reference, current)
    return float(np.abs(pooled.gap) @ np.diff(pooled.values))


def wasserstein_normed(reference: ArrayLike, current: ArrayLike) -> float:
    """`wasserstein` in standard deviations of the reference; of a constant one, 0 or infinite.

    >>> round(wasserstein_normed([0, 1, 3], [5, 6, 8]), 3)
    4.009
    """
    distance, spread = wasserstein(reference, current), float(_finite(reference, "reference").std())
    if distance == 0:
        return 0.0
    return distance / spread if spread > 0 else float("inf")


def energy(reference: ArrayLike, current: ArrayLike) -> float:
    """Energy distance `√(2 ∫ (F(x) - G(x))² dx)`, in roots of the unit. Source: Székely and Rizzo 2013.

    >>> round(energy([0, 8], [0, 8, 8]), 4)
    0.6667
    """
    pooled = _pooled(reference, current)
    return float(np.sqrt(2 * (pooled.gap**2 @ np.diff(pooled.values))))


def psi(reference: ArrayLike, current: ArrayLike) -> float:
    """Population stability index `Σ (q - p) ln(q/p)` over the reference's deciles, shares at least 1e-4; in nats.

    Deciles that coincide are one. Source: Siddiqi 2006.

    >>> round(psi(range(100), range(20, 120)), 3)
    1.6
    """
    return shares.psi(*_tenths(reference, current))


def psi_classic(reference: ArrayLike, current: ArrayLike) -> float:
    """Population stability index over ten bins of equal width, as scorecard textbooks print it; in nats.

    The bins span the reference's range and an empty one has a share of 1e-4. Values outside are in no bin but count
    as rows. Source: Siddiqi 2006.

    >>> round(psi_classic(range(100), range(20, 120)), 3)
    1.38
    """
    before, after = _finite(reference, "reference"), _finite(current, "current")
    width = before.max() - before.min()
    edges = np.arange(11) / 10 * width + before.min()
    edges[-1] = before.max()
    p, q = (np.histogram(side, edges)[0] / side.size for side in (before, after))
    return float(classic_terms(p, q).sum())


def classic_terms(expected: Floats, actual: Floats) -> Floats:
    """`(q - p) ln(q/p)` of each bin, 1e-4 in place of 0.

    >>> float(classic_terms(np.array([0.5, 0.5]), np.array([1.0, 0.0])).sum().round(3))
    4.604
    """
    p, q = (np.where(share > 0, share, CLASSIC) for share in (expected, actual))
    return np.asarray((q - p) * np.log(q / p), dtype=np.float64)


def jensen_shannon(reference: ArrayLike, current: ArrayLike) -> float:
    """Jensen–Shannon distance over the reference's deciles, base 2, 0 to 1. Source: Endres and Schindelin 2003.

    >>> round(jensen_shannon(range(100), range(20, 120)), 3)
    0.371
    """
    return shares.jensen_shannon(*_tenths(reference, current))


def hellinger(reference: ArrayLike, current: ArrayLike) -> float:
    """Hellinger distance over the reference's deciles, 0 to 1. Source: Hellinger 1909.

    >>> round(hellinger(range(100), range(20, 120)), 3)
    0.356
    """
    return shares.hellinger(*_tenths(reference, current))


def total_variation(reference: ArrayLike, current: ArrayLike) -> float:
    """Total variation distance over the reference's deciles, 0 to 1.

    >>> round(total_variation(range(100), range(20, 120)), 3)
    0.2
    """
    return shares.total_variation(*_tenths(reference, current))


@dataclass(frozen=True, slots=True, eq=False)
class _Pooled:
    """Distinct values of both samples, ascending, what share each has, and the functions' difference between them."""

    values: Floats
    share: Floats
    gap: Floats
    n: int
    m: int

    def rows(self) -> tuple[Floats, Floats, NDArray[np.int64], NDArray[np.int64]]:
        """As one row of many columns' arrays."""
        return self.gap[None], self.share[None], np.array([self.n]), np.array([self.m])


def _pooled(reference: ArrayLike, current: ArrayLike) -> _Pooled:
    one, other = _finite(reference, "reference"), _finite(current, "current")
    one, other = np.sort(one), np.sort(other)
    both = np.concatenate([one, other])
    both.sort(kind="stable")  # two runs, sorted already, are merged
    values = both[np.append(both[1:] != both[:-1], True)]
    before = np.searchsorted(one, values, side="right")
    after = np.searchsorted(other, values, side="right")
    share = np.diff(before + after, prepend=0) / both.size
    gap = after[:-1] / other.size - before[:-1] / one.size
    return _Pooled(values, share, gap, other.size, one.size)


def _finite(sample: ArrayLike, side: str) -> Floats:
    values = np.asarray(sample, dtype=np.float64).ravel()
    finite = np.isfinite(values)
    if not finite.all():
        values = values[finite]
    if not values.size:
        raise ValueError(f"the {side} sample holds no finite number; give at least one")
    return values


def _tenths(reference: ArrayLike, current: ArrayLike) -> tuple[Floats, Floats]:
    before, after = _finite(reference, "reference"), _finite(current, "current")
    cuts = np.unique(np.quantile(before, np.arange(1, 10) / 10))
    counts = [
        np.bincount(np.searchsorted(cuts, side), minlength=cuts.size + 1).astype(np.float64)
        for side in (before, after)
    ]
    return counts[0], counts[1]
