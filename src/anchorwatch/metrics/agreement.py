"""Agreement of predictions and outcomes beyond chance: one number for the whole confusion matrix.

A binary model's matrix is positive against all else. Where scikit-learn says 0 because its formula has no value,
so when all outcomes or all predictions are of one class, these are missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from anchorwatch.core.results import Missing, Value
from anchorwatch.core.schema import Task
from anchorwatch.core.types import Stage
from anchorwatch.metrics.tally import judged
from anchorwatch.metrics.whole import whole
from anchorwatch.profile.measure import Family, measure
from anchorwatch.stats import intervals

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from anchorwatch.core.results import Results
    from anchorwatch.metrics.tally import Tally
    from anchorwatch.profile.profile import Profile

    Array = NDArray[np.float64]

_BOTH = frozenset({Task.BINARY, Task.MULTICLASS})
_NEEDS = frozenset({"confusion"})


@measure(
    "Matthews correlation",
    Family.PERFORMANCE,
    tasks=_BOTH,
    needs=_NEEDS,
    stage=Stage.OUTCOMES,
    low=-1.0,
    high=1.0,
    better="higher",
    source="sklearn.metrics.matthews_corrcoef; Gorodkin 2004; interval: delta method, Fisher 1921",
)
def matthews_correlation(_reference: Profile | None, current: Profile) -> Results:
    """Correlation of outcomes and predicted labels: high only when every class is predicted well.

    `(c - Σ aₖpₖ) / √((1 - Σ pₖ²)(1 - Σ aₖ²))` with `c` the share that is right, `aₖ` and `pₖ` the shares of class
    k among outcomes and predictions. No unit, -1 to 1, best 1, guessing gives 0; 95 % interval by the delta
    method on Fisher's scale, none at ±1. Missing before outcomes come and when all outcomes, or all
    predictions, are of one class. Source: `sklearn.metrics.matthews_corrcoef`; Gorodkin 2004.

    >>> from anchorwatch.profile.example import labels
    >>> matthews_correlation(*labels("", "", "1100", "1000"))[""]
    Value(value=0.58, n=4, low=-0.19, high=0.91, p=None)
    """
    counts = judged(current)
    return whole("matthews_correlation", counts if isinstance(counts, Missing) else _matthews(counts))


@measure(
    "Cohen's kappa",
    Family.PERFORMANCE,
    tasks=_BOTH,
    needs=_NEEDS,
    stage=Stage.OUTCOMES,
    low=-1.0,
    high=1.0,
    better="higher",
    source="sklearn.metrics.cohen_kappa_score; interval: Fleiss, Cohen and Everitt 1969, Fisher 1921",
)
def cohen_kappa(_reference: Profile | None, current: Profile) -> Results:
    """Share of the agreement that chance does not explain.

    `(c - e) / (1 - e)` with `c` the share that is right and `e = Σ aₖpₖ` that of guessing with the same shares.
    No unit, -1 to 1, best 1, guessing gives 0; 95 % interval by the delta method on Fisher's scale, none at
    ±1. Missing before outcomes come and when all outcomes, or all predictions, are of one class.
    Source: `sklearn.metrics.cohen_kappa_score`; variance: Fleiss, Cohen and Everitt 1969.

    >>> from anchorwatch.profile.example import labels
    >>> cohen_kappa(*labels("", "", "1100", "1000"))[""]
    Value(value=0.50, n=4, low=-0.41, high=0.91, p=None)
    """
    counts = judged(current)
    return whole("cohen_kappa", counts if isinstance(counts, Missing) else _kappa(counts))


def _matthews(counts: Tally) -> Value | Missing:
    table, actual, predicted = _shares(counts)
    left, right = 1 - predicted @ predicted, 1 - actual @ actual
    if left <= 1e-15 or right <= 1e-15:
        return _one_class(counts, right <= 1e-15)
    scale = np.sqrt(left * right)
    value = float((np.trace(table) - actual @ predicted) / scale)
    gradient = (np.eye(len(table)) - predicted[:, None] - actual[None, :]) / scale
    gradient += value * (predicted[None, :] / left + actual[:, None] / right)
    return _with_limits(value, table, gradient, counts.n)


def _kappa(counts: Tally) -> Value | Missing:
    table, actual, predicted = _shares(counts)
    for shares, outcomes in ((actual, True), (predicted, False)):
        if shares.max() >= 1:
            return _one_class(counts, outcomes)
    right, chance = float(np.trace(table)), float(actual @ predicted)
    value = (right - chance) / (1 - chance)
    gradient = np.eye(len(table)) / (1 - chance)
    gradient -= (1 - right) / (1 - chance) ** 2 * (predicted[:, None] + actual[None, :])
    return _with_limits(value, table, gradient, counts.n)


def _shares(counts: Tally) -> tuple[Array, Array, Array]:
    """The matrix of shares with its sums over rows (outcomes) and columns (predictions)."""
    if len(counts.labels) == 1:
        hits, actual, predicted = int(counts.hits[0]), int(counts.actual[0]), int(counts.predicted[0])
        table = np.array(
            [[hits, actual - hits], [predicted - hits, counts.n - actual - predicted + hits]], np.float64
        )
    else:
        table = counts.matrix.astype(np.float64)
    table /= counts.n
    return table, table.sum(axis=1), table.sum(axis=0)


def _one_class(counts: Tally, outcomes: object) -> Missing:
    return Missing(f"all {'outcomes' if outcomes else 'predictions'} are of one class", counts.n)


def _with_limits(value: float, table: Array, gradient: Array, n: int) -> Value:
    held = min(max(value, -1.0), 1.0)
    low, high = intervals.of_atanh(held, intervals.error_of_shares(table * n, gradient))
    return Value(held, n, float(low), float(high))
