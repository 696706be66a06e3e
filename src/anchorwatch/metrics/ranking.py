"""How well scores rank what came above what did not: ROC AUC and average precision, from histograms.

A histogram keeps equal scores in one cell, so ties count half, as they should. With more distinct scores than
cells (4,096) those of one cell count as ties too. For the area that is an error of mean about 0 whose standard
deviation is at most `√(Σ a b (a + b + 1)/12) / (positives × negatives)` over cells with `a` positives and `b`
negatives, the variance of their unknown order: about 4·10⁻⁶ of ten thousand different scores, 7·10⁻⁷ of a
million, a thousandth of the sampling error. The limits contain it. Average precision, which takes a tie for one
threshold, is too low by less than 1e-3.

Each class has its own histogram, so what joins the scores of one row is not known: neither one-against-one areas
nor the covariance between classes. The variance of a mean over classes is therefore taken as twice that of independent
ones: right for two classes, which mirror each other, and a little too wide for more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from anchorwatch.core.results import Missing, Results, Value
from anchorwatch.core.schema import Task
from anchorwatch.core.types import Stage
from anchorwatch.metrics.scored import both, unpack, usable
from anchorwatch.metrics.whole import NO_OUTCOMES, whole
from anchorwatch.profile.measure import Family, measure
from anchorwatch.stats import intervals

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchorwatch.metrics.scored import Scored
    from anchorwatch.profile.histogram import Histogram
    from anchorwatch.profile.profile import Profile

    Ranked = tuple[float, float]
    Rank = Callable[[Histogram], Ranked]

_BOTH = frozenset({Task.BINARY, Task.MULTICLASS})
_MANY = frozenset({Task.MULTICLASS})
_NEEDS = frozenset({"scores"})


@measure(
    "ROC AUC",
    Family.PERFORMANCE,
    tasks=_BOTH,
    needs=_NEEDS,
    stage=Stage.OUTCOMES,
    high=1.0,
    better="higher",
    source="sklearn.metrics.roc_auc_score; interval: DeLong, DeLong and Clarke-Pearson 1988; Hanley and McNeil 1982",
)
def roc_auc(_reference: Profile | None, current: Profile) -> Results:
    """Probability that a row that came out positive was scored above one that did not, ties counting half.

    `Σ (below + ½ tied) / (positives × negatives)`. No unit, 0 to 1, best 1, guessing gives 0.5. 95 %
    interval from DeLong's variance on the logit scale, with a single positive or negative from Hanley and
    McNeil's; none where the scores separate the classes wholly. Of many classes, each against the rest, the
    mean over those that came and did not come.

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
    source="sklearn.metrics.average_precision_score; interval: its influence function",
)
def average_precision(_reference: Profile | None, current: Profile) -> Results:
    """Precision at each threshold, averaged by the recall it adds: the area under the precision–recall steps.

    `Σ (Rᵢ - Rᵢ₋₁) Pᵢ` over falling thresholds. No unit, 0 to 1, best 1, guessing gives the base rate. 95 %
    interval on the logit scale from the variance of its influence function (what each row adds to it); none
    where the scores separate the classes wholly. Of many classes, each against the rest, the mean over those
    that came and did not come.

    Missing before outcomes with scores come and when all are of one class.
    Source: `sklearn.metrics.average_precision_score`.

    >>> from anchorwatch.profile.example import scores
    >>> average_precision(None, scores([0.1, 0.4, 0.35, 0.8], "0011"))[""]
    Value(value=0.83, n=4, low=0.28, high=0.98, p=None)
    """
    return whole("average_precision", _mean(current, steps))


@measure(
    "ROC AUC, weighted",
    Family.PERFORMANCE,
    tasks=_MANY,
    needs=_NEEDS,
    stage=Stage.OUTCOMES,
    high=1.0,
    better="higher",
    source="sklearn.metrics.roc_auc_score(average='weighted')",
)
def roc_auc_weighted(_reference: Profile | None, current: Profile) -> Results:
    """ROC AUC of each class against the rest, averaged by how often the classes came.

    `Σ n_c AUC_c / Σ n_c` over the classes that came and did not come. No unit, 0 to 1, best 1; 95 % interval
    as for `roc_auc`. Missing before outcomes with scores come and when all are of one
    class. Source: `sklearn.metrics.roc_auc_score(multi_class="ovr", average="weighted")`.

    >>> from anchorwatch.profile.example import scores
    >>> chance = [[0.5, 0.3, 0.2], [0.6, 0.3, 0.1], [0.2, 0.5, 0.3], [0.1, 0.2, 0.7]]
    >>> roc_auc_weighted(None, scores(chance, "abbc"))[""].value
    0.85
    """
    return whole("roc_auc_weighted", _mean(current, area, weighted=True))


@measure(
    "ROC AUC of each class",
    Family.PERFORMANCE,
    tasks=_MANY,
    per_class=True,
    needs=_NEEDS,
    stage=Stage.OUTCOMES,
    high=1.0,
    better="higher",
    source="sklearn.metrics.roc_auc_score; interval: DeLong, DeLong and Clarke-Pearson 1988",
)
def class_roc_auc(_reference: Profile | None, current: Profile) -> Results:
    """ROC AUC of each class against the rest; one subject per label.

    `Σ (below + ½ tied) / (came × came not)`. No unit, 0 to 1, best 1; 95 % interval as for `roc_auc`. Missing
    for a class that never or always came. Source: `sklearn.metrics.roc_auc_score` of one class.

    >>> from anchorwatch.profile.example import scores
    >>> chance = [[0.5, 0.3, 0.2], [0.6, 0.3, 0.1], [0.2, 0.5, 0.3], [0.1, 0.2, 0.7]]
    >>> class_roc_auc(None, scores(chance, "abbc"))["a"].value
    0.67
    """
    return _each("class_roc_auc", current, area)


@measure(
    "Average precision of each class",
    Family.PERFORMANCE,
    tasks=_MANY,
    per_class=True,
    needs=_NEEDS,
    stage=Stage.OUTCOMES,
    high=1.0,
    better="higher",
    source="sklearn.metrics.average_precision_score; interval: its influence function",
)
def class_average_precision(_reference: Profile | None, current: Profile) -> Results:
    """Average precision of each class against the rest; one subject per label.

    `Σ (Rᵢ - Rᵢ₋₁) Pᵢ` over falling thresholds. No unit, 0 to 1, best 1; 95 % interval as for
    `average_precision`. Missing for a class that never or always came.
    Source: `sklearn.metrics.average_precision_score` of one class.

    >>> from anchorwatch.profile.example import scores
    >>> chance = [[0.5, 0.3, 0.2], [0.6, 0.3, 0.1], [0.2, 0.5, 0.3], [0.1, 0.2, 0.7]]
    >>> class_average_precision(None, scores(chance, "abbc"))["a"].value
    0.50
    """
    return _each("class_average_precision", current, steps)


def area(histogram: Histogram) -> Ranked:
    """AUC with its standard error, of a histogram with rows (did not come, came), both occupied."""
    scored = unpack(histogram)
    m, n = scored.m, scored.n - scored.m
    above = (scored.hits - scored.positives / 2) / m
    below = 1 - (scored.called - scored.hits - scored.negatives / 2) / n
    value = min(float(scored.positives @ below / m), 1.0)
    if n < 2 or m < 2:
        variance = _hanley_mcneil(value, m, n)
    else:
        spread = scored.positives @ (below - value) ** 2 / (m - 1) / m
        variance = float(spread + scored.negatives @ (above - value) ** 2 / (n - 1) / n)
    if variance > 0:
        variance += _unknown_order(scored)
    return value, float(np.sqrt(max(variance, 0.0)))


def _hanley_mcneil(value: float, m: float, n: float) -> float:
    """Variance of an area under exponential scores."""
    one, other = value / (2 - value), 2 * value**2 / (1 + value)
    spread = (m - 1) * (one - value**2) + (n - 1) * (other - value**2)
    return (value * (1 - value) + spread) / (m * n)


def _unknown_order(scored: Scored) -> float:
    """Variance of the area that comes of not knowing the order of scores within a cell."""
    if not scored.joined:
        return 0.0
    pairs = scored.positives * scored.negatives
    spread = pairs @ (scored.positives + scored.negatives + 1) / 12
    return float(spread / (scored.m * (scored.n - scored.m)) ** 2)


def steps(histogram: Histogram) -> Ranked:
    """Average precision with its standard error, of a histogram with rows (did not come, came), both occupied."""
    scored = unpack(histogram)
    n, m = scored.n, scored.m
    precision = scored.hits / scored.called
    value = min(float(scored.positives @ precision / m), 1.0)
    # A row at a score adds to the precision at every threshold under it.
    weight = scored.positives / scored.called
    gain, loss = (np.cumsum(item[::-1])[::-1] for item in (weight, weight * precision))
    came = precision - value + gain - loss
    total = scored.positives @ came**2 + scored.negatives @ loss**2
    centre = (scored.positives @ came - scored.negatives @ loss) / n
    variance = max(float(total - n * centre**2), 0.0) / m**2
    return value, float(np.sqrt(variance))


def _mean(current: Profile, rank: Rank, *, weighted: bool = False) -> Value | Missing:
    """Rank each class of which there are some and some others, and average."""
    found = usable(current, both)
    if isinstance(found, Missing):
        return found
    weights = np.array([unpack(item).m if weighted else 1.0 for item in found])
    weights /= weights.sum()
    value, error = np.array([rank(item) for item in found]).T
    # Two classes mirror each other, so their errors add up; of more, no pair is tied as closely.
    ties = 2.0 if len(found) > 1 else 1.0
    mean, spread = float(weights @ value), float(np.sqrt(ties * (weights**2 @ error**2)))
    low, high = intervals.of_logit(mean, spread)
    return Value(mean, current.scores.n if current.scores else 0, float(low), float(high))


def _each(name: str, current: Profile, rank: Rank) -> Results:
    labels, scores = current.grid.labels, current.scores
    if scores is None or not scores.n:
        return Results.missing(name, labels, NO_OUTCOMES)
    lost = (np.nan, np.nan)
    found = np.array([rank(item) if both(item) else lost for item in scores.histograms])
    reasons = [
        None if both(item) else f"no outcome is {label!r}, or all are"
        for label, item in zip(labels, scores.histograms, strict=True)
    ]
    value, error = found.T
    low, high = intervals.of_logit(value, error)
    return Results.of(name, labels, value, n=scores.n, reasons=reasons, low=low, high=high)
