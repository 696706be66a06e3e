"""What goes wrong among the positives, the negatives and the predicted negatives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from anchorwatch.core.results import Missing
from anchorwatch.core.schema import Task
from anchorwatch.core.types import Stage
from anchorwatch.metrics.tally import judged, macro, named
from anchorwatch.metrics.whole import whole
from anchorwatch.profile.measure import Family, measure

if TYPE_CHECKING:
    from anchorwatch.core.results import Results
    from anchorwatch.profile.profile import Profile

_BOTH = frozenset({Task.BINARY, Task.MULTICLASS})
_NEEDS = frozenset({"confusion"})


@measure(
    "False positive rate",
    Family.PERFORMANCE,
    tasks=_BOTH,
    needs=_NEEDS,
    stage=Stage.OUTCOMES,
    unit="share",
    high=1.0,
    better="lower",
    source="Yerushalmy 1947; interval: Wilson 1927, Zou and Donner 2008",
)
def false_positive_rate(_reference: Profile | None, current: Profile) -> Results:
    """Share of negative outcomes that were predicted positive; of many classes, each against the rest, the mean.

    `fp / (fp + tn)`, one less the specificity. A share, 0 to 1, best 0; the 95 % interval is Wilson's, for a
    mean of classes put together by MOVER. Missing before outcomes come and when no outcome was negative.
    Source: Yerushalmy 1947; `sklearn.metrics.confusion_matrix`.

    >>> from anchorwatch.profile.example import labels
    >>> false_positive_rate(*labels("", "", "1100", "1000"))[""]
    Value(value=0.33, n=3, low=0.06, high=0.79, p=None)
    """
    counts = judged(current)
    if isinstance(counts, Missing):
        return whole("false_positive_rate", counts)
    every = f"every outcome is {counts.labels[int(np.argmax(counts.actual))]!r}"
    return whole(
        "false_positive_rate", macro(counts.predicted - counts.hits, counts.n - counts.actual, every)
    )


@measure(
    "False negative rate",
    Family.PERFORMANCE,
    tasks=_BOTH,
    needs=_NEEDS,
    stage=Stage.OUTCOMES,
    unit="share",
    high=1.0,
    better="lower",
    source="Yerushalmy 1947; interval: Wilson 1927, Zou and Donner 2008",
)
def false_negative_rate(_reference: Profile | None, current: Profile) -> Results:
    """Share of positive outcomes that were missed; of many classes the mean.

    `fn / (fn + tp)`, one less the recall. A share, 0 to 1, best 0; the 95 % interval is Wilson's, for a mean
    of classes put together by MOVER. Missing before outcomes come and when no outcome was positive.
    Source: Yerushalmy 1947; `sklearn.metrics.confusion_matrix`.

    >>> from anchorwatch.profile.example import labels
    >>> false_negative_rate(*labels("", "", "1000", "1100"))[""]
    Value(value=0.50, n=2, low=0.09, high=0.91, p=None)
    """
    counts = judged(current)
    if isinstance(counts, Missing):
        return whole("false_negative_rate", counts)
    found = macro(counts.actual - counts.hits, counts.actual, named(counts.labels, "outcome"))
    return whole("false_negative_rate", found)


@measure(
    "Negative predictive value",
    Family.PERFORMANCE,
    tasks=_BOTH,
    needs=_NEEDS,
    stage=Stage.OUTCOMES,
    unit="share",
    high=1.0,
    better="higher",
    source="Altman and Bland 1994; interval: Wilson 1927, Zou and Donner 2008",
)
def negative_predictive_value(_reference: Profile | None, current: Profile) -> Results:
    """Share of negative predictions that came true; of many classes, each against the rest, the mean.

    `tn / (tn + fn)`, the precision of the negatives. A share, 0 to 1, best 1; the 95 % interval is Wilson's,
    for a mean of classes put together by MOVER. Missing before outcomes come and when nothing was predicted
    negative. Source: Altman and Bland 1994; `sklearn.metrics.precision_score` of the other class.

    >>> from anchorwatch.profile.example import labels
    >>> negative_predictive_value(*labels("", "", "1000", "1100"))[""]
    Value(value=0.67, n=3, low=0.21, high=0.94, p=None)
    """
    counts = judged(current)
    if isinstance(counts, Missing):
        return whole("negative_predictive_value", counts)
    called = counts.n - counts.predicted
    every = f"every prediction is {counts.labels[int(np.argmax(counts.predicted))]!r}"
    return whole("negative_predictive_value", macro(called - (counts.actual - counts.hits), called, every))
