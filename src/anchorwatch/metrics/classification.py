"""Accuracy and its family, from the confusion matrix.

Binary models are judged by their positive class. Multiclass ones by the mean over classes (macro); a class
that never came has no recall and one that was never predicted no precision, so it is left out of that mean:
`class_recall` and `class_precision` name it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from anchorwatch.core.results import Missing, Value
from anchorwatch.core.schema import Task
from anchorwatch.core.types import Stage
from anchorwatch.metrics.tally import Tally, judged, macro, named, tally
from anchorwatch.metrics.whole import whole
from anchorwatch.profile.grid import PREDICTION
from anchorwatch.profile.measure import Family, measure
from anchorwatch.stats import intervals

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from anchorwatch.core.results import Results
    from anchorwatch.profile.profile import Profile

_BOTH = frozenset({Task.BINARY, Task.MULTICLASS})
_BINARY = frozenset({Task.BINARY})
_NEEDS = frozenset({"confusion"})


@measure(
    "Accuracy",
    Family.PERFORMANCE,
    tasks=_BOTH,
    needs=_NEEDS,
    stage=Stage.OUTCOMES,
    unit="share",
    high=1.0,
    better="higher",
    source="sklearn.metrics.accuracy_score; interval: Wilson 1927",
)
def accuracy(_reference: Profile | None, current: Profile) -> Results:
    """Share of predictions that were right.

    `right / n` over rows with outcome and predicted label; micro-averaged precision, recall and F1 are the
    same. A share, 0 to 1, best 1, with Wilson's 95 %
    interval. Missing before outcomes come. Source: `sklearn.metrics.accuracy_score`.

    >>> from anchorwatch.profile.example import labels
    >>> accuracy(*labels("", "", "1100", "1000"))[""]
    Value(value=0.75, n=4, low=0.30, high=0.95, p=None)
    """
    return whole("accuracy", _accuracy(tally(current)))


@measure(
    "Precision",
    Family.PERFORMANCE,
    tasks=_BOTH,
    needs=_NEEDS,
    stage=Stage.OUTCOMES,
    unit="share",
    high=1.0,
    better="higher",
    source="sklearn.metrics.precision_score; interval: Wilson 1927, Zou and Donner 2008",
)
def precision(_reference: Profile | None, current: Profile) -> Results:
    """Share of positive predictions that came true; of many classes the mean.

    `tp / (tp + fp)`. A share, 0 to 1, best 1; the 95 % interval is Wilson's, for a mean of classes put
    together by MOVER. `n` counts the predictions it is of. Missing before outcomes come and when nothing
    was predicted positive. Source: `sklearn.metrics.precision_score`.

    >>> from anchorwatch.profile.example import labels
    >>> precision(*labels("", "", "1100", "1000"))[""]
    Value(value=0.50, n=2, low=0.09, high=0.91, p=None)
    """
    return whole("precision", _precision(judged(current)))


@measure(
    "Recall",
    Family.PERFORMANCE,
    tasks=_BOTH,
    needs=_NEEDS,
    stage=Stage.OUTCOMES,
    unit="share",
    high=1.0,
    better="higher",
    source="sklearn.metrics.recall_score; interval: Wilson 1927, Zou and Donner 2008",
)
def recall(_reference: Profile | None, current: Profile) -> Results:
    """Share of positive outcomes that were predicted; of many classes the mean.

    `tp / (tp + fn)`. A share, 0 to 1, best 1; the 95 % interval is Wilson's, for a mean of classes put
    together by MOVER. `n` counts the outcomes it is of. Missing before outcomes come and when no outcome
    was positive. Source: `sklearn.metrics.recall_score`.

    >>> from anchorwatch.profile.example import labels
    >>> recall(*labels("", "", "1100", "1000"))[""]
    Value(value=1.0, n=1, low=0.21, high=1.0, p=None)
    """
    return whole("recall", _recall(judged(current)))


@measure(
    "Specificity",
    Family.PERFORMANCE,
    tasks=_BOTH,
    needs=_NEEDS,
    stage=Stage.OUTCOMES,
    unit="share",
    high=1.0,
    better="higher",
    source="Yerushalmy 1947; interval: Wilson 1927, Zou and Donner 2008",
)
def specificity(_reference: Profile | None, current: Profile) -> Results:
    """Share of negative outcomes that were predicted so; of many classes, each against the rest, the mean.

    `tn / (tn + fp)`. A share, 0 to 1, best 1; the 95 % interval is Wilson's, for a mean of classes put
    together by MOVER. Missing before outcomes come and when no outcome was negative. Source: Yerushalmy
    1947; `sklearn.metrics.recall_score` of the other class.

    >>> from anchorwatch.profile.example import labels
    >>> specificity(*labels("", "", "1100", "1000"))[""]
    Value(value=0.67, n=3, low=0.21, high=0.94, p=None)
    """
    return whole("specificity", _specificity(judged(current)))


@measure(
    "Balanced accuracy",
    Family.PERFORMANCE,
    tasks=_BOTH,
    needs=_NEEDS,
    stage=Stage.OUTCOMES,
    unit="share",
    high=1.0,
    better="higher",
    source="sklearn.metrics.balanced_accuracy_score; interval: Zou and Donner 2008",
)
def balanced_accuracy(_reference: Profile | None, current: Profile) -> Results:
    """Mean recall of the classes that came: accuracy as if all were equally frequent.

    `Σ recall / classes`. A share, 0 to 1, best 1, guessing gives 1/classes; 95 % interval by MOVER from
    Wilson's. Missing before outcomes come and when all outcomes are of one class. Source:
    `sklearn.metrics.balanced_accuracy_score`.

    >>> from anchorwatch.profile.example import labels
    >>> balanced_accuracy(*labels("", "", "1100", "1000"))[""]
    Value(value=0.83, n=4, low=0.38, high=0.97, p=None)
    """
    return whole("balanced_accuracy", _balanced(current))


@measure(
    "F1 score",
    Family.PERFORMANCE,
    tasks=_BOTH,
    needs=_NEEDS,
    stage=Stage.OUTCOMES,
    unit="share",
    high=1.0,
    better="higher",
    source="sklearn.metrics.f1_score; interval: Wilson 1927 (binary), Takahashi and others 2022 (macro)",
)
def f1(_reference: Profile | None, current: Profile) -> Results:
    """Harmonic mean of precision and recall; of many classes the mean over those that came or were predicted.

    `2 tp / (2 tp + fp + fn)`. A share, 0 to 1, best 1. The score rises with `J = tp/(tp + fp + fn)`, a
    plain share, as `2J/(1 + J)`: binary limits are Wilson's for J, mapped so. Those of a mean over classes
    come by the delta method, and there are none where every row is right. Missing before outcomes come and
    when nothing is or was predicted positive. Source: `sklearn.metrics.f1_score`; Takahashi and others
    2022.

    >>> from anchorwatch.profile.example import labels
    >>> f1(*labels("", "", "1100", "1000"))[""]
    Value(value=0.67, n=4, low=0.17, high=0.95, p=None)
    """
    return whole("f1", _f1(judged(current)))


@measure(
    "Base rate",
    Family.PERFORMANCE,
    tasks=_BINARY,
    needs=_NEEDS,
    stage=Stage.OUTCOMES,
    unit="share",
    high=1.0,
    source="Wilson 1927",
)
def base_rate(_reference: Profile | None, current: Profile) -> Results:
    """Share of outcomes that are positive.

    `(tp + fn) / n` over rows with outcome and predicted label. A share, 0 to 1, none is best, with Wilson's
    95 % interval. Missing before outcomes come. Source: Wilson 1927.

    >>> from anchorwatch.profile.example import labels
    >>> base_rate(*labels("", "", "1100", "1000"))[""]
    Value(value=0.25, n=4, low=0.05, high=0.70, p=None)
    """
    counts = judged(current)
    if isinstance(counts, Missing):
        return whole("base_rate", counts)
    return whole("base_rate", share(int(counts.actual[0]), counts.n))


@measure(
    "Predicted rate",
    Family.PERFORMANCE,
    tasks=_BINARY,
    needs=frozenset({"categories"}),
    unit="share",
    high=1.0,
    source="Wilson 1927",
)
def predicted_rate(_reference: Profile | None, current: Profile) -> Results:
    """Share of predictions that are positive; known at once, without outcomes.

    `positive / predictions`, those without a label (errors) left out. A share, 0 to 1, none is best, with
    Wilson's 95 % interval. Missing when the window has no predictions. Source: Wilson 1927.

    >>> from anchorwatch.profile.example import labels
    >>> predicted_rate(*labels("", "", "1100", "1000"))[""]
    Value(value=0.50, n=4, low=0.15, high=0.85, p=None)
    """
    return whole("predicted_rate", _predicted(current))


def share(count: int, n: int) -> Value:
    """`count` of `n` > 0 with Wilson's interval."""
    low, high = intervals.wilson(count, n)
    return Value(count / n, n, float(low), float(high))


def _accuracy(counts: Tally | Missing) -> Value | Missing:
    return counts if isinstance(counts, Missing) else share(counts.right, counts.n)


def _precision(counts: Tally | Missing) -> Value | Missing:
    if isinstance(counts, Missing):
        return counts
    return macro(counts.hits, counts.predicted, named(counts.labels, "prediction"))


def _recall(counts: Tally | Missing) -> Value | Missing:
    if isinstance(counts, Missing):
        return counts
    return macro(counts.hits, counts.actual, named(counts.labels, "outcome"))


def _specificity(counts: Tally | Missing) -> Value | Missing:
    if isinstance(counts, Missing):
        return counts
    negative = counts.n - counts.actual
    right = negative - (counts.predicted - counts.hits)
    return macro(right, negative, f"every outcome is {counts.labels[int(np.argmax(counts.actual))]!r}")


def _balanced(current: Profile) -> Value | Missing:
    counts = judged(current)
    if isinstance(counts, Missing):
        return counts
    hits, actual = counts.hits, counts.actual
    if len(counts.labels) == 1:
        # A binary model: its other class is whatever is not positive.
        wrong = counts.predicted + actual - 2 * hits
        hits, actual = np.append(hits, counts.n - hits - wrong), np.append(actual, counts.n - actual)
    if np.count_nonzero(actual) < 2:
        return Missing("all outcomes are of one class", counts.n)
    return macro(hits, actual, "")


def _f1(counts: Tally | Missing) -> Value | Missing:
    if isinstance(counts, Missing):
        return counts
    union = counts.actual + counts.predicted
    there = union > 0
    if not there.any():
        return Missing(f"{named(counts.labels, 'outcome or prediction')}", counts.n)
    value = float((2 * counts.hits[there] / union[there]).mean())
    if len(counts.labels) == 1:
        low, high = (2 * limit / (1 + limit) for limit in intervals.wilson(counts.hits, union - counts.hits))
        return Value(value, counts.n, float(low[0]), float(high[0]))
    half = intervals.Z * _f1_error(counts, there)
    if not half:
        return Value(value, counts.n)
    return Value(value, counts.n, max(value - half, 0.0), min(value + half, 1.0))


def _f1_error(counts: Tally, there: NDArray[np.bool_]) -> float:
    """Standard error of macro F1: the gradient of each cell's share in the multinomial variance."""
    hits, union = counts.hits[there], (counts.actual + counts.predicted)[there]
    pull = np.zeros(len(counts.matrix))
    pull[:-1][there] = -2 * hits / union**2
    gradient = pull[:, None] + pull[None, :]
    classes = np.flatnonzero(there)
    gradient[classes, classes] += 2 / union
    return intervals.error_of_shares(counts.matrix, gradient * counts.n / there.sum())


def _predicted(current: Profile) -> Value | Missing:
    grid, categories = current.grid, current.categories
    if categories is None or PREDICTION not in grid.categories:
        return Missing("no predictions in this window")
    column = grid.categories.index(PREDICTION)
    counts = dict(zip(grid.levels[column], categories.counts[column].tolist(), strict=True))
    n = sum(counts.values()) + int(categories.unseen[column])
    if not n:
        return Missing("no predictions in this window")
    positive = grid.labels[grid.positive]
    return share(int(counts.get(positive, categories.names[column].get(positive, 0))), n)
