"""What a Brier score is made of: reliability less resolution plus uncertainty, and what bins leave over.

Murphy's parts are of ten equally wide bins of score and add up to the Brier score only where all scores of a bin are
equal; the fourth, of what varies within bins, makes the sum exact: `brier = reliability - resolution + uncertainty +
within`. Of many classes each part is the sum over them, as is the score.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from anchorwatch.core.results import Missing, Value
from anchorwatch.core.schema import Task
from anchorwatch.core.types import Stage
from anchorwatch.metrics.bins import binned, gathered, tied
from anchorwatch.metrics.scored import some, unpack, usable
from anchorwatch.metrics.whole import NO_OUTCOMES, whole
from anchorwatch.profile.measure import Family, measure
from anchorwatch.stats import gaps, intervals

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchorwatch.core.results import Results
    from anchorwatch.metrics.bins import Bins
    from anchorwatch.metrics.scored import Array
    from anchorwatch.profile.profile import Profile

_BOTH = frozenset({Task.BINARY, Task.MULTICLASS})
_NEEDS = frozenset({"scores"})


@measure(
    "Brier score, reliability",
    Family.PERFORMANCE,
    tasks=_BOTH,
    needs=_NEEDS,
    stage=Stage.OUTCOMES,
    unit="squared probability",
    low=0.0,
    high=2.0,
    better="lower",
    source="Murphy 1973; interval: test inversion",
)
def brier_reliability(_reference: Profile | None, current: Profile) -> Results:
    """Part of the Brier score that calibration could save: squared distance of probability and frequency, by bin.

    `Σ n_b (predicted_b - observed_b)² / n` over ten equally wide bins. 0 to 2 (binary: 1), best 0; 95 %
    interval by inverting the distribution of the sum. Missing before outcomes with scores come.
    Source: Murphy 1973.

    >>> from anchorwatch.profile.example import scores
    >>> brier_reliability(None, scores([0.1, 0.2, 0.8, 0.9], "0111"))[""].value
    0.175
    """
    return whole("brier_reliability", _judge(current, _reliability))


@measure(
    "Brier score, resolution",
    Family.PERFORMANCE,
    tasks=_BOTH,
    needs=_NEEDS,
    stage=Stage.OUTCOMES,
    unit="squared probability",
    low=0.0,
    high=1.0,
    better="higher",
    source="Murphy 1973; interval: test inversion",
)
def brier_resolution(_reference: Profile | None, current: Profile) -> Results:
    """Part of the Brier score that scores earn by telling rows apart: how far bins lie from the base rate.

    `Σ n_b (observed_b - base rate)² / n` over ten equally wide bins. 0 to 1 (binary: ¼), best 1, the
    uncertainty is the most; 95 % interval by inverting the distribution of the sum. Missing before outcomes
    with scores come. Source: Murphy 1973.

    >>> from anchorwatch.profile.example import scores
    >>> brier_resolution(None, scores([0.1, 0.2, 0.8, 0.9], "0111"))[""].value
    0.1875
    """
    return whole("brier_resolution", _judge(current, _resolution))


@measure(
    "Brier score, uncertainty",
    Family.PERFORMANCE,
    tasks=_BOTH,
    needs=_NEEDS,
    stage=Stage.OUTCOMES,
    unit="squared probability",
    low=0.0,
    high=1.0,
    better="none",
    source="Murphy 1973; interval: Wilson 1927",
)
def brier_uncertainty(_reference: Profile | None, current: Profile) -> Results:
    """Part of the Brier score that no model can change: the variance of what came.

    `o (1 - o)` of the base rate `o`. 0 to 1 (binary: ¼), none is best; 95 % interval from Wilson's for the
    base rate, of many classes by the delta method. Missing before outcomes with scores come.
    Source: Murphy 1973.

    >>> from anchorwatch.profile.example import scores
    >>> brier_uncertainty(None, scores([0.1, 0.2, 0.8, 0.9], "0111"))[""].value
    0.1875
    """
    return whole("brier_uncertainty", _judge(current, _uncertainty))


@measure(
    "Brier score, within bins",
    Family.PERFORMANCE,
    tasks=_BOTH,
    needs=_NEEDS,
    stage=Stage.OUTCOMES,
    unit="squared probability",
    low=-2.0,
    high=2.0,
    better="none",
    source="Stephenson, Coelho and Jolliffe 2008",
)
def brier_within(_reference: Profile | None, current: Profile) -> Results:
    """Part of the Brier score left over by bins: scores that differ within one tell rows apart, or do not.

    `brier - reliability + resolution - uncertainty`: the variance of scores within bins less twice their
    covariance with what came. Any sign, none is best, 0 when all scores of each bin are equal; no interval.
    Missing before outcomes with scores come. Source: Stephenson, Coelho and Jolliffe 2008.

    >>> from anchorwatch.profile.example import scores
    >>> brier_within(None, scores([0.1, 0.2, 0.8, 0.9], "0111"))[""].value
    0.00
    """
    return whole("brier_within", _within(current))


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """The parts of a Brier score, and what their limits are made of.

    Attributes:
        bins: of all classes.
        lift: by how much what came in a bin is over its class's base rate.
        came: outcomes of each class; of a binary model the positives and the others.
        classes: histograms the bins are of.
    """

    bins: Bins
    lift: Array
    came: Array
    classes: int

    @property
    def n(self) -> float:
        """Rows."""
        return float(self.came.sum())

    def mean(self, each: Array) -> float:
        """Sum over classes of the mean over rows."""
        return float(each @ self.bins.n / self.n)

    @property
    def reliability(self) -> float:
        """How far probabilities lie from what came, squared."""
        return self.mean(self.bins.gap**2)

    @property
    def resolution(self) -> float:
        """How far bins lie from the base rate, squared."""
        return self.mean(self.lift**2)

    @property
    def uncertainty(self) -> float:
        """Σ o (1 - o); a binary model is judged by its positive class alone."""
        spread = 1 - float((self.came / self.n) @ (self.came / self.n))
        return spread / 2 if self.classes == 1 else spread


def _split(current: Profile) -> Parts | Missing:
    found = usable(current, some)
    if isinstance(found, Missing):
        return found
    each = [unpack(item) for item in found]
    base = np.array([item.m / item.n for item in each])
    bins = [binned(item) for item in found]
    lift = np.concatenate([item.observed - rate for item, rate in zip(bins, base, strict=True)])
    came = (
        np.array([item.m for item in each]) if len(each) > 1 else np.array([each[0].m, each[0].n - each[0].m])
    )
    together = gathered(current)
    return together if isinstance(together, Missing) else Parts(together, lift, came, len(each))


def _judge(current: Profile, part: Callable[[Parts, float], tuple[float, float, float]]) -> Value | Missing:
    parts = _split(current)
    if isinstance(parts, Missing):
        return parts
    value, low, high = part(parts, tied(current))
    return Value(value, int(parts.n), low, max(high, value))


def _reliability(parts: Parts, ties: float) -> tuple[float, float, float]:
    bins, size = parts.bins, parts.classes
    low, high = gaps.of_squares(bins.gap, bins.error, bins.n, ties)
    return parts.reliability, low * size, min(high * size, 1.0 if size == 1 else 2.0)


def _resolution(parts: Parts, ties: float) -> tuple[float, float, float]:
    bins, size = parts.bins, parts.classes
    # As for a bin's gap: one more row, such as all are.
    base = bins.observed - parts.lift
    rate = (bins.observed * bins.n + base) / (bins.n + 1)
    error = np.sqrt(np.maximum(rate * (1 - rate), 1e-18) / bins.n)
    low, high = gaps.of_squares(parts.lift, error, bins.n, ties)
    return parts.resolution, low * size, min(high * size, 0.25 if size == 1 else 1.0)


def _uncertainty(parts: Parts, _ties: float) -> tuple[float, float, float]:
    value = parts.uncertainty
    if parts.classes == 1:
        low, high = (float(limit) for limit in intervals.wilson(parts.came[0], parts.n))
        ends = (low * (1 - low), high * (1 - high))
        return value, min(ends), 0.25 if low <= 0.5 <= high else max(ends)
    half = intervals.Z * intervals.error_of_shares(parts.came, -2 * parts.came / parts.n)
    return value, max(value - half, 0.0), min(value + half, 1 - 1 / parts.classes)


def _within(current: Profile) -> Value | Missing:
    parts = _split(current)
    if isinstance(parts, Missing) or current.scores is None:
        return parts if isinstance(parts, Missing) else Missing(NO_OUTCOMES)
    score = current.scores.brier / current.scores.n
    return Value(score - parts.reliability + parts.resolution - parts.uncertainty, current.scores.n)
