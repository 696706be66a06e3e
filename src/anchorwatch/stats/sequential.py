"""Evidence that may be looked at after every item: bets against "the mean is no more than …".

A bet of `b` on a loss `x` in 0..1 multiplies its stake by `1 + b (x - mean)`. While the mean of the next loss,
given all before, is at most `mean`, no bet gains on average, so that a stake of 1 ever grows to `1/alpha` with
probability `alpha` at most (Ville 1939), whenever and however often one looks. Sources: Waudby-Smith and Ramdas
2024, "Estimating means of bounded random variables by betting"; Podkopaev and Ramdas 2022, "Tracking the risk of
a deployed model and detecting harmful distribution shifts"; Shin, Ramdas and Rinaldo 2023, "E-detectors".
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import betaincinv, xlogy

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

BLOCK = 256
"""Items whose products are formed at once: ten to this power is still a double."""
_ODDS = np.array([1.1, 1.25, 1.5, 2.0, 3.0, 10.0])


class Promise(StrEnum):
    """What is promised of false alarms when evidence of `1/alpha` is an alarm.

    `EVER`: over all time, one comes with probability `alpha` at most. `RUN_LENGTH`: on average, at least `1/alpha`
    items pass before one comes; in exchange late changes are found sooner.
    """

    EVER = "ever"
    RUN_LENGTH = "run_length"


@dataclass(frozen=True, slots=True)
class Evidence:
    """Stakes after `n` items, one per bet; a plain value."""

    n: int
    stakes: tuple[float, ...]


NONE = Evidence(0, (0.0,) * _ODDS.size)
"""Before the first item."""


def bets(mean: float) -> NDArray[np.float64]:
    """Bets that are best when the odds of loss are 1.1 to 10 times those of `mean`, float64[6].

    `b = (m - mean) / (mean (1 - mean))` for `m` with those odds (Kelly's bet on a loss of 0 or 1).

    >>> bets(0.2).round(2).tolist()
    [0.1, 0.24, 0.45, 0.83, 1.43, 3.21]
    """
    return (_ODDS - 1) / (1 - mean + _ODDS * mean)


def evidence(
    xs: ArrayLike, mean: float, begun: Evidence = NONE, promise: Promise = Promise.EVER
) -> tuple[NDArray[np.float64], Evidence]:
    """Evidence that some stretch up to now has a mean over `mean`, after each item.

    A new stake is laid on every item, so that a change found late is not weighed against all that went well
    before. Under `EVER` they sum to 1 over all time, `1/ln(e+t-1) - 1/ln(e+t)` for item `t`, and what was not laid
    yet counts as evidence too; under `RUN_LENGTH` each is 1.

    Args:
        xs: losses in 0..1, float64[n], in order.
        mean: what is put to the test, over 0 and under 1.
        begun: what earlier items led to.
        promise: what is promised of false alarms.

    Returns:
        Evidence after each item, float64[n], 0 or more; and the stakes, with which later items go on.

    >>> path, after = evidence([1, 0, 1, 1, 1, 1, 1, 1], 0.2)
    >>> path.round(2).tolist()
    [1.2, 1.04, 1.42, 2.47, 5.58, 15.49, 48.62, 162.52]
    >>> again, _ = evidence([1, 1, 1, 1], 0.2, evidence([1, 0, 1, 1], 0.2)[1])
    >>> bool(abs(again[-1] - path[-1]) < 1e-9)
    True
    """
    items = np.asarray(xs, dtype=np.float64).reshape(-1)
    path = np.empty(items.size)
    odds = bets(mean)[:, None]
    stakes = np.array(begun.stakes)
    for first in range(0, items.size, BLOCK):
        some = items[first : first + BLOCK]
        laid, left = _laid(begun.n + first, some.size, promise)
        growth = np.multiply.accumulate(1 + odds * (some - mean), axis=1)
        before = np.ones_like(growth)
        before[:, 1:] = growth[:, :-1]
        grown = growth * (stakes[:, None] + np.add.accumulate(laid / before, axis=1))
        path[first : first + BLOCK] = grown.mean(axis=0) + left
        stakes = grown[:, -1]
    return path, Evidence(begun.n + items.size, tuple(stakes.tolist()))


def evidence_of_sums(
    totals: ArrayLike, counts: ArrayLike, mean: float, begun: Evidence = NONE, promise: Promise = Promise.EVER
) -> tuple[NDArray[np.float64], Evidence]:
    """As `evidence`, of which only sums of losses are known, such as those of windows; one value per window.

    A window of `c` losses in 0..1 that sum to `s` multiplies a stake by `(1 + b (1-mean))^s (1 - b mean)^(c-s)`:
    exact for losses of 0 and 1, and never too much for others, since the logarithm is concave. New stakes are
    laid once a window, so that under `RUN_LENGTH` the run length counts windows.

    Args:
        totals: sums of losses, float64[windows].
        counts: how many losses each sum has; 0 for a window without any.
        mean: what is put to the test, over 0 and under 1.
        begun: what earlier windows led to.
        promise: what is promised of false alarms.

    >>> path, _ = evidence_of_sums([20, 22, 50], [100, 100, 100], 0.2)
    >>> path.round(1).tolist()
    [0.8, 0.8, 20916467.3]
    """
    total, count = (np.asarray(each, dtype=np.float64).reshape(-1) for each in (totals, counts))
    odds = bets(mean)
    won, lost = np.log1p(odds * (1 - mean)), np.log1p(-odds * mean)
    laid, left = _laid(begun.n, total.size, promise)
    stakes, path = np.array(begun.stakes), np.empty(total.size)
    for window in range(total.size):
        growth = total[window] * won + (count[window] - total[window]) * lost
        stakes = (stakes + laid[window]) * np.exp(np.minimum(growth, 600.0))
        stakes = np.minimum(stakes, 1e300)
        path[window] = stakes.mean() + left[window]
    return path, Evidence(begun.n + total.size, tuple(stakes.tolist()))


def _laid(n: int, count: int, promise: Promise) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """New stakes of the next `count` items after `n`, and what is not laid after each."""
    if promise is Promise.RUN_LENGTH:
        return np.ones(count), np.zeros(count)
    left = 1 / np.log(np.e + np.arange(n, n + count + 1))
    return left[:-1] - left[1:], left[1:]


def share_at_most(count: float, n: int, alpha: float) -> float:
    """Clopper's and Pearson's one-sided upper bound of a share, `count` of `n`: under it with probability 1 - alpha.

    The share at which `count` or fewer come with probability `alpha`; 1 when `n` is 0. Source: Clopper and Pearson
    1934. Oracle: `scipy.stats.binomtest(…).proportion_ci`.

    >>> round(share_at_most(8, 100, 0.025), 4)
    0.1516
    """
    return 1.0 if count >= n else float(betaincinv(count + 1, n - count, 1 - alpha))


def mean_at_most(total: float, n: int, alpha: float) -> float:
    """One-sided upper bound of the mean of `n` independent losses in 0..1 that sum to `total`.

    The largest `m` with `n KL(total/n, m) ≤ ln(1/alpha)`, KL of two coins: valid whatever the losses are like
    (Hoeffding 1963, theorem 1); 1 when `n` is 0.

    >>> round(mean_at_most(20.0, 100, 0.025), 4)
    0.3216
    """
    if total >= n:
        return 1.0
    share, most = total / n, -np.log(alpha) / n
    low, high = share, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        apart = xlogy(share, share / middle) + xlogy(1 - share, (1 - share) / max(1 - middle, 1e-300))
        low, high = (middle, high) if apart <= most else (low, middle)
    return high
