"""How far probabilities lie from what came, bin by bin.

Of many classes each class is held against its own probability and the classes are averaged (Kull and others 2019);
the error of the highest probability alone needs what a row's scores have in common, which no histogram per class
holds. Bins go by the middle of a histogram's cell: with more different scores than cells (4,096) a figure may be off
by 1e-4, with fewer it is exact to 1e-7.

All four are too high on few rows: noise is a distance too. Their limits are not (see `stats.gaps`): those of a
calibrated model begin at 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from anchorwatch.core.results import Missing, Value
from anchorwatch.core.schema import Task
from anchorwatch.core.types import Stage
from anchorwatch.metrics.bins import gathered, tied
from anchorwatch.metrics.whole import whole
from anchorwatch.profile.measure import Family, measure
from anchorwatch.stats import gaps

if TYPE_CHECKING:
    from anchorwatch.core.results import Results
    from anchorwatch.profile.profile import Profile

_BOTH = frozenset({Task.BINARY, Task.MULTICLASS})
_NEEDS = frozenset({"scores"})


@measure(
    "Calibration error",
    Family.PERFORMANCE,
    tasks=_BOTH,
    needs=_NEEDS,
    stage=Stage.OUTCOMES,
    unit="probability",
    high=1.0,
    better="lower",
    source="Naeini, Cooper and Hauskrecht 2015; Kull and others 2019; interval: test inversion",
)
def ece(_reference: Profile | None, current: Profile) -> Results:
    """Expected calibration error: how far probabilities lie from what came, on average, in ten equally wide bins.

    `Σ n_b |observed_b - predicted_b| / n`, the share of a bin that came against its mean probability. A
    probability, 0 to 1, best 0; 95 % interval by inverting the distribution of the sum. Of many classes the
    mean over them. Missing before outcomes with scores come.
    Source: Naeini, Cooper and Hauskrecht 2015; Kull and others 2019.

    >>> from anchorwatch.profile.example import scores
    >>> ece(None, scores([0.1, 0.2, 0.8, 0.9], "0011"))[""]
    Value(value=0.15, n=4, low=0.0, high=0.38, p=None)
    """
    return whole("ece", _sum(current))


@measure(
    "Calibration error, equal mass",
    Family.PERFORMANCE,
    tasks=_BOTH,
    needs=_NEEDS,
    stage=Stage.OUTCOMES,
    unit="probability",
    high=1.0,
    better="lower",
    source="Nixon and others 2019; interval: test inversion",
)
def ece_mass(_reference: Profile | None, current: Profile) -> Results:
    """Expected calibration error in ten bins of about equally many rows: steadier where scores crowd together.

    `Σ n_b |observed_b - predicted_b| / n`, the share of a bin that came against its mean probability. A
    probability, 0 to 1, best 0; 95 % interval by inverting the distribution of the sum. Of many classes the
    mean over them. Missing before outcomes with scores come. Source: Nixon and others 2019.

    >>> from anchorwatch.profile.example import scores
    >>> ece_mass(None, scores([0.1, 0.2, 0.8, 0.9], "0011"))[""]
    Value(value=0.15, n=4, low=0.0, high=0.38, p=None)
    """
    return whole("ece_mass", _sum(current, mass=True))


@measure(
    "Largest calibration error",
    Family.PERFORMANCE,
    tasks=_BOTH,
    needs=_NEEDS,
    stage=Stage.OUTCOMES,
    unit="probability",
    high=1.0,
    better="lower",
    source="Naeini, Cooper and Hauskrecht 2015; interval: Šidák 1967",
)
def mce(_reference: Profile | None, current: Profile) -> Results:
    """Maximum calibration error: the bin, of ten equally wide ones, whose probability lies farthest from what came.

    `max |observed_b - predicted_b|`. A probability, 0 to 1, best 0; 95 % interval from those of all
    bins, never too narrow; a bin of few rows makes both high and the interval wide, `mce_mass` has none. Of
    many classes the largest of all. Missing before outcomes with scores come.
    Source: Naeini, Cooper and Hauskrecht 2015.

    >>> from anchorwatch.profile.example import scores
    >>> mce(None, scores([0.1, 0.2, 0.8, 0.9], "0011"))[""]
    Value(value=0.20, n=4, low=0.0, high=0.87, p=None)
    """
    return whole("mce", _largest(current))


@measure(
    "Largest calibration error, equal mass",
    Family.PERFORMANCE,
    tasks=_BOTH,
    needs=_NEEDS,
    stage=Stage.OUTCOMES,
    unit="probability",
    high=1.0,
    better="lower",
    source="Nixon and others 2019; interval: Šidák 1967",
)
def mce_mass(_reference: Profile | None, current: Profile) -> Results:
    """Maximum calibration error over ten bins of about equally many rows.

    `max |observed_b - predicted_b|`. A probability, 0 to 1, best 0; 95 % interval from those of all
    bins, never too narrow. Of many classes the mean over them. Missing before outcomes with scores come.
    Source: Nixon and others 2019.

    >>> from anchorwatch.profile.example import scores
    >>> mce_mass(None, scores([0.1, 0.2, 0.8, 0.9], "0011"))[""]
    Value(value=0.20, n=4, low=0.0, high=0.87, p=None)
    """
    return whole("mce_mass", _largest(current, mass=True))


def _sum(current: Profile, *, mass: bool = False) -> Value | Missing:
    bins = gathered(current, mass)
    if isinstance(bins, Missing):
        return bins
    value = float(np.abs(bins.gap) @ bins.n / bins.n.sum())
    low, high = gaps.of_absolute(bins.gap, bins.error, bins.n, tied(current))
    return Value(value, current.scores.n if current.scores else 0, low, min(high, 1.0))


def _largest(current: Profile, *, mass: bool = False) -> Value | Missing:
    bins = gathered(current, mass)
    if isinstance(bins, Missing):
        return bins
    low, high = gaps.of_largest(bins.observed * bins.n, bins.n, bins.predicted)
    value = float(np.abs(bins.gap).max())
    return Value(value, current.scores.n if current.scores else 0, min(low, value), max(high, value))
