"""Recall and precision of each class."""

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


def _each(name: str, labels: tuple[str, ...], hits: Counts, of: Counts, why: str) -> Results:
    low, high = intervals.wilson(hits, of)
    reasons = [
        None if count else f"{why} {label!r}" for label, count in zip(labels, of.tolist(), strict=True)
    ]
    return Results.of(name, labels, hits / np.maximum(of, 1), n=of, reasons=reasons, low=low, high=high)
