"""Precision and F1 of many classes, averaged by how often the classes came.

The other averages need no measures of their own. Recall averaged so is `accuracy`; so are precision, recall and
F1 from hits summed over all classes (micro), as each row has one label. A class that was never predicted has no
precision and is left out, its weight too: scikit-learn's `zero_division=nan`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from anchorwatch.core.results import Missing, Value
from anchorwatch.core.schema import Task
from anchorwatch.core.types import Stage
from anchorwatch.metrics.tally import tally
from anchorwatch.metrics.whole import whole
from anchorwatch.profile.measure import Family, measure
from anchorwatch.stats import intervals

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from anchorwatch.core.results import Results
    from anchorwatch.metrics.tally import Tally
    from anchorwatch.profile.profile import Profile

    Array = NDArray[np.float64]

_MANY = frozenset({Task.MULTICLASS})
_NEEDS = frozenset({"confusion"})


@measure(
    "Precision, weighted",
    Family.PERFORMANCE,
    tasks=_MANY,
    needs=_NEEDS,
    stage=Stage.OUTCOMES,
    unit="share",
    high=1.0,
    better="higher",
    source="sklearn.metrics.precision_score(average='weighted'); interval: delta method",
)
def precision_weighted(_reference: Profile | None, current: Profile) -> Results:
    """Precision of each class, averaged by how often the classes came.

    `Σ aₖ Pₖ / Σ aₖ` over the classes that were predicted, `aₖ` the outcomes of class k and `Pₖ` its precision.
    A share, 0 to 1, best 1; 95 % interval by the delta method on the logit scale, none where every row is
    right. Missing before outcomes come and when no class that came was predicted.
    Source: `sklearn.metrics.precision_score(average="weighted", zero_division=nan)`.

    >>> from anchorwatch.profile.example import labels
    >>> precision_weighted(*labels("", "", "aabbc", "aabbb"))[""].value
    1.0
    """
    return whole("precision_weighted", _average(current, _precision))


@measure(
    "F1 score, weighted",
    Family.PERFORMANCE,
    tasks=_MANY,
    needs=_NEEDS,
    stage=Stage.OUTCOMES,
    unit="share",
    high=1.0,
    better="higher",
    source="sklearn.metrics.f1_score(average='weighted'); interval: delta method",
)
def f1_weighted(_reference: Profile | None, current: Profile) -> Results:
    """F1 score of each class, averaged by how often the classes came.

    `Σ aₖ Fₖ / Σ aₖ`, `aₖ` the outcomes of class k and `Fₖ` its F1 score. A share, 0 to 1, best 1; 95 % interval
    by the delta method on the logit scale, none where every row is right. Missing before outcomes come and
    when no outcome is of a known label. Source: `sklearn.metrics.f1_score(average="weighted")`.

    >>> from anchorwatch.profile.example import labels
    >>> f1_weighted(*labels("", "", "aabbc", "aabbb"))[""]
    Value(value=0.88, n=5, low=0.42, high=0.99, p=None)
    """
    return whole("f1_weighted", _average(current, _f1))


def _precision(counts: Tally) -> tuple[Array, ...]:
    """Score of each class (NaN: none), and its slope by the shares of hits, outcomes and predictions."""
    called = np.where(counts.predicted > 0, counts.predicted, np.nan) / counts.n
    value = counts.hits / counts.n / called
    return value, 1 / called, np.zeros_like(value), -value / called


def _f1(counts: Tally) -> tuple[Array, ...]:
    union = np.maximum(counts.actual + counts.predicted, 1) / counts.n
    value = 2 * counts.hits / counts.n / union
    return value, 2 / union, -value / union, -value / union


def _average(current: Profile, score: Callable[[Tally], tuple[Array, ...]]) -> Value | Missing:
    counts = tally(current)
    if isinstance(counts, Missing):
        return counts
    each, by_hit, by_actual, by_predicted = score(counts)
    weight = np.where(np.isnan(each), 0, counts.actual) / counts.n
    if not weight.sum():
        return Missing("no class that came was predicted", counts.n)
    each, by_hit, by_actual, by_predicted = (
        np.nan_to_num(item) for item in (each, by_hit, by_actual, by_predicted)
    )
    total = weight.sum()
    value = float(weight @ each / total)
    size = len(counts.matrix)
    rows, columns, diagonal = np.zeros(size), np.zeros(size), np.zeros(size)
    rows[:-1] = ((weight > 0) * (each - value) + weight * by_actual) / total
    columns[:-1] = weight * by_predicted / total
    diagonal[:-1] = weight * by_hit / total
    gradient = rows[:, None] + columns[None, :] + np.diag(diagonal)
    low, high = intervals.of_logit(value, intervals.error_of_shares(counts.matrix, gradient))
    return Value(min(value, 1.0), counts.n, float(low), float(high))
