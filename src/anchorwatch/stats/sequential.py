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

_ODDS = np.array([1.1, 1.3, 1.75, 3.0, 10.0])


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
    """Bets that are best when the odds of loss are 1.1 to 10 times those of `mean`, float64[5].

    `b = (m - mean) / (mean (1 - mean))` for `m` with those odds (Kelly's bet on a loss of 0 or 1).

    >>> bets(0.2).round(2).tolist()
    [0.1, 0.28, 0.65, 1.43, 3.21]
    """
    return (_ODDS - 1) / (1 - mean + _ODDS * mean)


def evidence(
    xs: ArrayLike,
    mean: float,
    begun: Evidence = NONE,
    promise: Promise = Promise.EVER,
    *,
    clock: int = 1,
) -> tuple[NDArray[np.float64], Evidence]:
    """Evidence that some stretch up to now has a mean over `mean`, looked at every `clock` items.

    `s = (s + laid) Π (1 + b (x - mean))` from look to look for each bet, and the evidence is the mean of the stakes. A
    new stake is laid before every `clock` items, so that a change found late is not weighed against all that went
    well before. Under `EVER` they sum to 1 over all time, `1/ln(e+t-1) - 1/ln(e+t)` for look `t`, and what was not
    laid yet counts as evidence too; under `RUN_LENGTH` each is 1, and the run length counts looks.

    Args:
        xs: losses in 0..1, float64[n], in order.
        mean: what is put to the test, over 0 and under 1.
        begun: what earlier items led to.
        promise: what is promised of false alarms.
        clock: items between two looks, counted from the very first item.

    Returns:
        Evidence at each look, float64[looks], 0 or more; and the stakes, with which later items go on.

    >>> path, after = evidence([1, 0, 1, 1, 1, 1, 1, 1], 0.2)
    >>> path.round(2).tolist()
    [1.22, 1.04, 1.45, 2.62, 6.22, 17.89, 57.26, 193.29]
    >>> again, _ = evidence([1, 1, 1, 1], 0.2, evidence([1, 0, 1, 1], 0.2)[1])
    >>> bool(abs(again[-1] - path[-1]) < 1e-9)
    True
    """
    items = np.asarray(xs, dtype=np.float64).reshape(-1)
    if not items.size:
        return np.empty(0), begun
    n, stakes = begun.n, list(begun.stakes)
    # Pieces begin at the first item and after each look.
    begins = np.unique(np.r_[0, np.arange(-n % clock, items.size, clock)])
    growth = _growth(items, mean, begins).tolist()
    open_piece = n % clock > 0
    laid, left = _laid(-(-n // clock), len(growth), promise)
    new = [0.0, *laid.tolist()] if open_piece else laid.tolist()
    path = []
    for lay, factors in zip(new, growth, strict=False):
        stakes = [(stake + lay) * factor for stake, factor in zip(stakes, factors, strict=True)]
        path.append(sum(stakes) / len(stakes))
    after = n + items.size
    rest = left[: len(path)] if not open_piece else np.r_[_left(n // clock + 1, promise), left][: len(path)]
    looks = after // clock - n // clock
    return (np.array(path) + rest)[:looks], Evidence(after, tuple(stakes))


def _growth(items: NDArray[np.float64], mean: float, begins: NDArray[np.int64]) -> NDArray[np.float64]:
    """What each piece multiplies each stake by, float64[pieces, bets]; pieces of 0 and 1 are counted."""
    if ((items == 0) | (items == 1)).all():
        return np.exp(
            _logarithm(np.add.reduceat(items, begins), np.diff(begins, append=items.size) * 1.0, mean)
        )
    growth: NDArray[np.float64] = np.multiply.reduceat(
        1 + bets(mean)[:, None] * (items - mean), begins, axis=1
    )
    return growth.T


def _logarithm(totals: NDArray[np.float64], counts: NDArray[np.float64], mean: float) -> NDArray[np.float64]:
    """`s ln(1 + b (1-mean)) + (c-s) ln(1 - b mean)`, float64[sums, bets]."""
    won, lost = np.log1p(bets(mean) * (1 - mean)), np.log1p(-bets(mean) * mean)
    found: NDArray[np.float64] = totals[:, None] * won + (counts - totals)[:, None] * lost
    return found


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
    [0.8, 0.8, 24911753.2]
    """
    total, count = (np.asarray(each, dtype=np.float64).reshape(-1) for each in (totals, counts))
    # More than e^600 is evidence enough, and would leave the range of a double.
    growth = np.exp(np.minimum(_logarithm(total, count, mean), 600.0))
    laid, left = _laid(begun.n, total.size, promise)
    stakes, path = np.array(begun.stakes), np.empty(total.size)
    for window in range(total.size):
        stakes = np.minimum((stakes + laid[window]) * growth[window], 1e300 / stakes.size)
        path[window] = stakes.mean() + left[window]
    return path, Evidence(begun.n + total.size, tuple(stakes.tolist()))


def _laid(looks: int, count: int, promise: Promise) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """New stakes of the next `count` looks after `looks`, and what is not laid after each."""
    if promise is Promise.RUN_LENGTH:
        return np.ones(count), np.zeros(count)
    left = _left(np.arange(looks, looks + count + 1), promise)
    return left[:-1] - left[1:], left[1:]


def _left(looks: ArrayLike, promise: Promise) -> NDArray[np.float64]:
    """What is not laid yet after so many looks."""
    counted = np.asarray(looks, dtype=np.float64)
    return 1 / np.log(np.e + counted) if promise is Promise.EVER else np.zeros_like(counted)


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
