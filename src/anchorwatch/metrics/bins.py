"""Rows gathered by score: how often what came, came as often as was said."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from anchorwatch.core.errors import InputError
from anchorwatch.core.results import Missing
from anchorwatch.core.schema import Task
from anchorwatch.metrics.scored import KEPT, some, unpack, usable
from anchorwatch.metrics.whole import NO_OUTCOMES
from anchorwatch.stats import intervals

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from anchorwatch.profile.histogram import Histogram
    from anchorwatch.profile.profile import Profile

    Array = NDArray[np.float64]

BINS = 10
_ROUNDING = 1e-6
"""A score this little above an edge lies on it: cells know scores to 4·10⁻⁹."""


@dataclass(frozen=True, slots=True, eq=False)
class Bins:
    """Bins that hold rows, by rising score, shape (k,) each.

    Attributes:
        n: rows.
        predicted: their mean score.
        observed: the share of them that came.
        error: standard error of `observed - predicted`.
    """

    n: Array
    predicted: Array
    observed: Array
    error: Array

    @property
    def gap(self) -> Array:
        """How much oftener what came, came than was said."""
        return self.observed - self.predicted


@lru_cache(maxsize=2 * KEPT)
def binned(histogram: Histogram, mass: bool = False, bins: int = BINS) -> Bins:
    """The bins of a score histogram that is not empty: equally wide, or with `mass` of about equally many rows.

    Bins are `(0, 0.1], (0.1, 0.2] …`, the first one closed. Equal scores stay together, in the bin of their middle
    rank.

    >>> from anchorwatch.profile.example import scores
    >>> binned(scores([0.1, 0.15, 0.8], "011").scores.histograms[0]).observed
    array([0., 1., 1.])
    """
    scored = unpack(histogram)
    rows = scored.positives + scored.negatives
    if mass:
        place = (scored.n - scored.called + rows / 2) * bins / scored.n
        index = np.minimum(place.astype(np.intp), bins - 1)
    else:
        index = np.clip(np.ceil(scored.chance * bins - _ROUNDING).astype(np.intp) - 1, 0, bins - 1)
    square = scored.positives * (1 - scored.chance) ** 2 + scored.negatives * scored.chance**2
    each = (rows, rows * scored.chance, scored.positives, square)
    summed = np.array([np.bincount(index, item, bins) for item in each])
    n, total, came, square = summed[:, summed[0] > 0]
    predicted, observed = np.clip(total / n, 0, 1), came / n
    # One more row, as surprising as the score says: a bin in which nothing came yet is not certain of it.
    spread = (square + predicted * (1 - predicted)) / (n + 1) - (observed - predicted) ** 2 * n / (n + 1)
    return Bins(n, predicted, observed, np.sqrt(np.maximum(spread, 1e-18) / n))


def gathered(current: Profile, mass: bool = False) -> Bins | Missing:
    """The bins of all classes, one after the other (binary: of the positive one), ten of each."""
    found = usable(current, some)
    if isinstance(found, Missing):
        return found
    each = [binned(item, mass) for item in found]
    if len(each) == 1:
        return each[0]
    return Bins(
        *(
            np.concatenate([getattr(item, name) for item in each])
            for name in ("n", "predicted", "observed", "error")
        )
    )


def tied(current: Profile) -> float:
    """By how much the variance of a sum over the classes' bins is more than that of independent ones, at most.

    A row is of one class: with signs `s` its errors `s_c (y_c - p_c)` have a variance of `4q(1 - q)`, `q` the
    probability of the classes whose sign is plus, and `Σ p_c (1 - p_c)`, the chance that two draws differ, is at least
    the chance that they differ in sign, `2q(1 - q)`.
    """
    return 1.0 if current.scores is None or len(current.scores.histograms) == 1 else 2.0


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """A calibration curve as data for a chart, one entry per bin that holds rows, by rising score.

    Attributes:
        n: rows, int64.
        predicted: their mean score.
        observed: the share of them that came.
        low, high: Wilson's 95 % interval of `observed`.
    """

    n: NDArray[np.int64]
    predicted: Array
    observed: Array
    low: Array
    high: Array


def calibration_curve(
    profile: Profile, label: str | None = None, *, bins: int = BINS, mass: bool = False
) -> Curve | Missing:
    """How often a class came where it was given such and such a probability; a calibrated model's lie on the diagonal.

    `label` defaults to the positive class of a binary model and is needed for one of many classes. Bins are equally
    wide, or with `mass` hold about equally many rows. Missing before outcomes with scores come. Raises
    `InputError` for a label that has no scores. Source: `sklearn.calibration.calibration_curve`.

    >>> from anchorwatch.profile.example import scores
    >>> curve = calibration_curve(scores([0.1, 0.85, 0.85, 0.88], "0011"))
    >>> curve.predicted, curve.observed
    (array([0.1 , 0.86]), array([0.   , 0.667]))
    """
    grid = profile.grid
    labels = grid.labels[grid.positive :][:1] if grid.task is Task.BINARY else grid.labels
    wanted = labels[0] if label is None and len(labels) == 1 else label
    if wanted not in labels:
        raise InputError(f"a calibration curve is of one class; give one of {list(labels)}")
    scores = profile.scores
    if scores is None or not some(scores.histograms[labels.index(wanted)]):
        return Missing(NO_OUTCOMES)
    found = binned(scores.histograms[labels.index(wanted)], mass, bins)
    low, high = intervals.wilson(found.observed * found.n, found.n)
    return Curve(found.n.astype(np.int64), found.predicted, found.observed, low, high)
