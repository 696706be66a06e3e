"""Recall, precision and their kin of each class, each against the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from anchorwatch.core.results import Missing, Results
from anchorwatch.core.schema import Task
from anchorwatch.core.types import Stage
from anchorwatch.metrics.tally import tally
from anchorwatch.profile.measure import Family, measure
from anchorwatch.stats import intervals

if TYPE_CHECKING:
    from anchorwatch.metrics.tally import Counts
    from anchorwatch.profile.profile import Profile

_BOTH = frozenset({Task.BINARY, Task.MULTICLASS})
_NEEDS = frozenset({"confusion"})


@measure(
    "Recall of each class",
    Family.PERFORMANCE,
    tasks=_BOTH,
    per_class=True,
    needs=_NEEDS,
    stage=Stage.OUTCOMES,
    unit="share",
    high=1.0,
    better="higher",
    source="sklearn.metrics.recall_score(average=None); interval: Wilson 1927",
)
def class_recall(_reference: Profile | None, current: Profile) -> Results:
    """Share of a class's outcomes that were predicted to be it; one subject per label.

    `M_cc / Σ_j M_cj` of the confusion matrix, actual × predicted. A share, 0 to 1, best 1, with Wilson's 95 %
    interval. Missing for a class that did not come.
    Source: `sklearn.metrics.recall_score(average=None)`.

    >>> from anchorwatch.profile.example import labels
    >>> found = class_recall(*labels("", "", "1100", "1000"))
    >>> found["0"].value, found["1"].value
    (0.67, 1.0)
    """
    counts = tally(current)
    if isinstance(counts, Missing):
        return Results.missing("class_recall", current.grid.labels, counts.reason)
    return _each("class_recall", counts.labels, counts.hits, counts.actual, "no outcome is")


@measure(
    "Precision of each class",
    Family.PERFORMANCE,
    tasks=_BOTH,
    per_class=True,
    needs=_NEEDS,
    stage=Stage.OUTCOMES,
    unit="share",
    high=1.0,
    better="higher",
    source="sklearn.metrics.precision_score(average=None); interval: Wilson 1927",
)
def class_precision(_reference: Profile | None, current: Profile) -> Results:
    """Share of the predictions of a class that came true; one subject per label.

    `M_cc / Σ_i M_ic` of the confusion matrix, actual × predicted. A share, 0 to 1, best 1, with Wilson's 95 %
    interval. Missing for a class that was never predicted.
    Source: `sklearn.metrics.precision_score(average=None)`.

    >>> from anchorwatch.profile.example import labels
    >>> found = class_precision(*labels("", "", "1100", "1000"))
    >>> found["0"].value, found["1"].value
    (1.0, 0.5)
    """
    counts = tally(current)
    if isinstance(counts, Missing):
        return Results.missing("class_precision", current.grid.labels, counts.reason)
    return _each("class_precision", counts.labels, counts.hits, counts.predicted, "no prediction is")


@measure(
    "F1 score of each class",
    Family.PERFORMANCE,
    tasks=_BOTH,
    per_class=True,
    needs=_NEEDS,
    stage=Stage.OUTCOMES,
    unit="share",
    high=1.0,
    better="higher",
    source="sklearn.metrics.f1_score(average=None); interval: Wilson 1927",
)
def class_f1(_reference: Profile | None, current: Profile) -> Results:
    """Harmonic mean of a class's precision and recall; one subject per label.

    `2J / (1 + J)` with `J = M_cc / (Σ_j M_cj + Σ_i M_ic - M_cc)`, a plain share. 0 to 1, best 1; the 95 %
    interval is Wilson's for J, mapped so. Missing for a class that neither came nor was predicted.
    Source: `sklearn.metrics.f1_score(average=None)`.

    >>> from anchorwatch.profile.example import labels
    >>> found = class_f1(*labels("", "", "1100", "1000"))
    >>> found["0"].value, found["1"].value
    (0.80, 0.67)
    """
    counts = tally(current)
    if isinstance(counts, Missing):
        return Results.missing("class_f1", current.grid.labels, counts.reason)
    union = counts.actual + counts.predicted - counts.hits
    value = 2 * counts.hits / np.maximum(union + counts.hits, 1)
    low, high = (2 * limit / (1 + limit) for limit in intervals.wilson(counts.hits, union))
    reasons = _reasons(counts.labels, union, "no outcome or prediction is")
    return Results.of("class_f1", counts.labels, value, n=union, reasons=reasons, low=low, high=high)


@measure(
    "Specificity of each class",
    Family.PERFORMANCE,
    tasks=_BOTH,
    per_class=True,
    needs=_NEEDS,
    stage=Stage.OUTCOMES,
    unit="share",
    high=1.0,
    better="higher",
    source="Yerushalmy 1947; interval: Wilson 1927",
)
def class_specificity(_reference: Profile | None, current: Profile) -> Results:
    """Share of the outcomes of other classes that were not predicted to be this one; one subject per label.

    `1 - (Σ_i M_ic - M_cc) / (n - Σ_j M_cj)` of the confusion matrix, actual × predicted. A share, 0 to 1, best
    1, with Wilson's 95 % interval. Missing for a class that every outcome is.
    Source: Yerushalmy 1947.

    >>> from anchorwatch.profile.example import labels
    >>> found = class_specificity(*labels("", "", "1100", "1000"))
    >>> found["0"].value, found["1"].value
    (1.0, 0.67)
    """
    counts = tally(current)
    if isinstance(counts, Missing):
        return Results.missing("class_specificity", current.grid.labels, counts.reason)
    others = counts.n - counts.actual
    wrong = counts.predicted - counts.hits
    return _each("class_specificity", counts.labels, others - wrong, others, "every outcome is")


@measure(
    "False positive rate of each class",
    Family.PERFORMANCE,
    tasks=_BOTH,
    per_class=True,
    needs=_NEEDS,
    stage=Stage.OUTCOMES,
    unit="share",
    high=1.0,
    better="lower",
    source="Yerushalmy 1947; interval: Wilson 1927",
)
def class_false_positive_rate(_reference: Profile | None, current: Profile) -> Results:
    """Share of the outcomes of other classes that were predicted to be this one; one subject per label.

    `(Σ_i M_ic - M_cc) / (n - Σ_j M_cj)` of the confusion matrix, actual × predicted. A share, 0 to 1, best 0,
    with Wilson's 95 % interval. Missing for a class that every outcome is. Source: Yerushalmy 1947.

    >>> from anchorwatch.profile.example import labels
    >>> found = class_false_positive_rate(*labels("", "", "1100", "1000"))
    >>> found["0"].value, found["1"].value
    (0.0, 0.33)
    """
    counts = tally(current)
    if isinstance(counts, Missing):
        return Results.missing("class_false_positive_rate", current.grid.labels, counts.reason)
    wrong, others = counts.predicted - counts.hits, counts.n - counts.actual
    return _each("class_false_positive_rate", counts.labels, wrong, others, "every outcome is")


@measure(
    "False negative rate of each class",
    Family.PERFORMANCE,
    tasks=_BOTH,
    per_class=True,
    needs=_NEEDS,
    stage=Stage.OUTCOMES,
    unit="share",
    high=1.0,
    better="lower",
    source="Yerushalmy 1947; interval: Wilson 1927",
)
def class_false_negative_rate(_reference: Profile | None, current: Profile) -> Results:
    """Share of a class's outcomes that were predicted to be another; one subject per label.

    `1 - M_cc / Σ_j M_cj` of the confusion matrix, actual × predicted. A share, 0 to 1, best 0, with Wilson's
    95 % interval. Missing for a class that did not come. Source: Yerushalmy 1947.

    >>> from anchorwatch.profile.example import labels
    >>> found = class_false_negative_rate(*labels("", "", "1100", "1000"))
    >>> found["0"].value, found["1"].value
    (0.33, 0.0)
    """
    counts = tally(current)
    if isinstance(counts, Missing):
        return Results.missing("class_false_negative_rate", current.grid.labels, counts.reason)
    missed = counts.actual - counts.hits
    return _each("class_false_negative_rate", counts.labels, missed, counts.actual, "no outcome is")


@measure(
    "Negative predictive value of each class",
    Family.PERFORMANCE,
    tasks=_BOTH,
    per_class=True,
    needs=_NEEDS,
    stage=Stage.OUTCOMES,
    unit="share",
    high=1.0,
    better="higher",
    source="Altman and Bland 1994; interval: Wilson 1927",
)
def class_negative_predictive_value(_reference: Profile | None, current: Profile) -> Results:
    """Share of the predictions of other classes whose outcome was not this one; one subject per label.

    `1 - (Σ_j M_cj - M_cc) / (n - Σ_i M_ic)` of the confusion matrix, actual × predicted. A share, 0 to 1, best
    1, with Wilson's 95 % interval. Missing for a class that every prediction is.
    Source: Altman and Bland 1994.

    >>> from anchorwatch.profile.example import labels
    >>> found = class_negative_predictive_value(*labels("", "", "1100", "1000"))
    >>> found["0"].value, found["1"].value
    (0.50, 1.0)
    """
    counts = tally(current)
    if isinstance(counts, Missing):
        return Results.missing("class_negative_predictive_value", current.grid.labels, counts.reason)
    others = counts.n - counts.predicted
    missed = counts.actual - counts.hits
    return _each(
        "class_negative_predictive_value", counts.labels, others - missed, others, "every prediction is"
    )


def _each(name: str, labels: tuple[str, ...], hits: Counts, of: Counts, why: str) -> Results:
    low, high = intervals.wilson(hits, of)
    reasons = _reasons(labels, of, why)
    return Results.of(name, labels, hits / np.maximum(of, 1), n=of, reasons=reasons, low=low, high=high)


def _reasons(labels: tuple[str, ...], of: Counts, why: str) -> list[str | None]:
    return [None if count else f"{why} {label!r}" for label, count in zip(labels, of.tolist(), strict=True)]
