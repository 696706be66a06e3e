"""How well scores rank what came above what did not: ROC AUC and average precision, from histograms.

A histogram keeps equal scores in one cell, so ties count half, as they should. With more distinct scores than
cells (4,096) those of one cell count as ties too: that moves the area by less than 1e-6, and average precision,
which takes a tie for one threshold, by less than 1e-3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from anchorwatch.core.results import Missing, Value
from anchorwatch.core.schema import Task
from anchorwatch.core.types import Stage
from anchorwatch.metrics.whole import NO_OUTCOMES, whole
from anchorwatch.profile.measure import Family, measure
from anchorwatch.stats import intervals

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchorwatch.core.results import Results
    from anchorwatch.profile.histogram import Histogram
    from anchorwatch.profile.profile import Profile

    Ranked = tuple[float, float, float]

_BOTH = frozenset({Task.BINARY, Task.MULTICLASS})
_NEEDS = frozenset({"scores"})


@measure(
    "ROC AUC",
    Family.PERFORMANCE,
    tasks=_BOTH,
    needs=_NEEDS,
    stage=Stage.OUTCOMES,
    high=1.0,
    better="higher",
    source="sklearn.metrics.roc_auc_score; interval: DeLong, DeLong and Clarke-Pearson 1988",
)
def roc_auc(_reference: Profile | None, current: Profile) -> Results:
    """Probability that a row that came out positive was scored above one that did not, ties counting half.

    `Σ (below + ½ tied) / (positives × negatives)`. No unit, 0 to 1, best 1, guessing gives 0.5. 95 %
    interval from DeLong's variance on the logit scale; none where the scores separate the classes wholly.
    Of many classes, each against the rest, the mean over those that came and did not come; its limits are
    the means of theirs, never too narrow.

    Missing before outcomes with scores come and when all are of one class.
    Source: `sklearn.metrics.roc_auc_score(multi_class="ovr")`; DeLong, DeLong and Clarke-Pearson 1988.

    >>> from anchorwatch.profile.example import scores
    >>> roc_auc(None, scores([0.1, 0.4, 0.35, 0.8], "0011"))[""]
    Value(value=0.75, n=4, low=0.07, high=0.99, p=None)
    """
    return whole("roc_auc", _mean(current, area))


@measure(
    "Average precision",
    Family.PERFORMANCE,
    tasks=_BOTH,
    needs=_NEEDS,
    stage=Stage.OUTCOMES,
    high=1.0,
    better="higher",
    source="sklearn.metrics.average_precision_score; interval: Boyd, Eng and Page 2013",
)
def average_precision(_reference: Profile | None, current: Profile) -> Results:
    """Precision at each threshold, averaged by the recall it adds: the area under the precision–recall steps.

    `Σ (Rᵢ - Rᵢ₋₁) Pᵢ` over falling thresholds. No unit, 0 to 1, best 1, guessing gives the base rate. 95 %
    interval: binomial with as many trials as there are positives, by Wilson. Of many classes, each against
    the rest, the mean over those that came, limits likewise.

    Missing before outcomes with scores come and when all are of one class.
    Source: `sklearn.metrics.average_precision_score`; Boyd, Eng and Page 2013.

    >>> from anchorwatch.profile.example import scores
    >>> average_precision(None, scores([0.1, 0.4, 0.35, 0.8], "0011"))[""]
    Value(value=0.83, n=4, low=0.24, high=0.99, p=None)
    """
    return whole("average_precision", _mean(current, steps))


def area(histogram: Histogram) -> Ranked:
    """AUC with its limits, of a histogram with rows (did not come, came), both occupied."""
    negatives, positives = histogram.counts.astype(np.float64)
    n, m = negatives.sum(), positives.sum()
    below = (np.cumsum(negatives) - negatives / 2) / n
    above = 1 - (np.cumsum(positives) - positives / 2) / m
    value = float(positives @ below / m)
    if n < 2 or m < 2:
        return value, np.nan, np.nan
    variance = positives @ (below - value) ** 2 / (m - 1) / m + negatives @ (above - value) ** 2 / (n - 1) / n
    low, high = intervals.of_logit(value, np.sqrt(variance))
    return value, float(low), float(high)


def steps(histogram: Histogram) -> Ranked:
    """Average precision with its limits, of a histogram with rows (did not come, came), both occupied."""
    negatives, positives = histogram.counts[:, ::-1].astype(np.float64)
    m = positives.sum()
    hits = np.cumsum(positives)
    called = hits + np.cumsum(negatives)
    value = min(float(positives @ (hits / np.maximum(called, 1)) / m), 1.0)
    low, high = intervals.wilson(value * m, m)
    return value, float(low), float(high)


def _mean(current: Profile, rank: Callable[[Histogram], Ranked]) -> Value | Missing:
    """Rank each class of which there are some and some others, and average."""
    scores = current.scores
    if scores is None or not scores.n:
        return Missing(NO_OUTCOMES)
    usable = [item for item in scores.histograms if item.counts.size and item.counts.sum(axis=1).all()]
    if not usable:
        return Missing("all outcomes with scores are of one class", scores.n)
    value, low, high = np.mean([rank(item) for item in usable], axis=0).tolist()
    return Value(value, scores.n, low, high)
