"""Hits and misses per class, out of a confusion matrix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from anchorwatch.core.results import Missing, Value
from anchorwatch.core.schema import Task
from anchorwatch.metrics.whole import NO_OUTCOMES
from anchorwatch.stats import intervals

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from anchorwatch.profile.profile import Profile

    Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """Rows with outcome and predicted label, counted for each of `labels`.

    Attributes:
        labels: the classes judged.
        hits: rows whose outcome and prediction are both the class, shape (labels,).
        actual: rows whose outcome is the class.
        predicted: rows predicted to be the class.
        right: rows predicted right, whatever their class.
        n: all rows. Those of which neither outcome nor prediction is a known label are left out: nobody can
            say whether the two agree.
        matrix: the confusion matrix without those.
    """

    labels: tuple[str, ...]
    hits: Counts
    actual: Counts
    predicted: Counts
    right: int
    n: int
    matrix: Counts

    def only(self, index: int) -> Tally:
        """The same, judging one class alone."""
        part = slice(index, index + 1)
        return Tally(
            self.labels[part],
            self.hits[part],
            self.actual[part],
            self.predicted[part],
            self.right,
            self.n,
            self.matrix,
        )


def tally(profile: Profile) -> Tally | Missing:
    """All known classes of a profile, or why there is nothing to count."""
    if profile.confusion is None or not profile.confusion.matrix.sum():
        return Missing(NO_OUTCOMES)
    matrix = profile.confusion.matrix.copy()
    matrix[-1, -1] = 0
    n = int(matrix.sum())
    if not n:
        return Missing("no outcome or prediction is of a known label; declare labels")
    hits = np.diagonal(matrix)[:-1].astype(np.int64)
    actual, predicted = matrix.sum(axis=1)[:-1], matrix.sum(axis=0)[:-1]
    return Tally(profile.grid.labels, hits, actual, predicted, int(hits.sum()), n, matrix)


def judged(profile: Profile) -> Tally | Missing:
    """The positive class of a binary model, all classes of a multiclass one."""
    counts = tally(profile)
    if isinstance(counts, Missing) or profile.grid.task is not Task.BINARY:
        return counts
    if profile.grid.positive < 0:
        return Missing("no label is declared positive", counts.n)
    return counts.only(profile.grid.positive)


def macro(count: Counts, of: Counts, reason: str) -> Value | Missing:
    """Mean over classes of `count` of `of`, leaving out those with none; `n` is the sum of `of`.

    >>> macro(np.array([9, 0, 5]), np.array([10, 0, 10]), "nothing")
    Value(value=0.70, n=20, low=0.50, high=0.84, p=None)
    """
    there = of > 0
    if not there.any():
        return Missing(reason)
    low, high = intervals.of_macro(count[there], of[there])
    return Value(float((count[there] / of[there]).mean()), int(of.sum()), low, high)


def named(labels: tuple[str, ...], what: str) -> str:
    """Say that `what` ("outcome", "prediction") never was of any of the labels."""
    return f"no {what} is {labels[0]!r}" if len(labels) == 1 else f"no {what} is of a known label"
