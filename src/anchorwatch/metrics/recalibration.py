"""What would have to be done to scores to make them probabilities: Cox's recalibration of a binary model."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

from anchorwatch.core.results import Missing, Value
from anchorwatch.core.schema import Task
from anchorwatch.core.types import Stage
from anchorwatch.metrics.scored import KEPT, both, unpack, usable
from anchorwatch.metrics.whole import whole
from anchorwatch.profile.measure import Family, measure
from anchorwatch.stats.intervals import Z

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchorwatch.core.results import Results
    from anchorwatch.profile.histogram import Histogram
    from anchorwatch.profile.profile import Profile

_BINARY = frozenset({Task.BINARY})
_NEEDS = frozenset({"scores"})
FARTHEST = 13.8155
"""Log-odds are held within ±this, a probability of 1e-6: one sure error must not decide a slope."""

ROUNDS = 30


@measure(
    "Calibration slope",
    Family.PERFORMANCE,
    tasks=_BINARY,
    needs=_NEEDS,
    stage=Stage.OUTCOMES,
    low=float("-inf"),
    source="Cox 1958; Van Calster and others 2019; interval: Wald",
)
def calibration_slope(_reference: Profile | None, current: Profile) -> Results:
    """How much log-odds would have to be stretched: under 1 when scores are too extreme, over 1 when too timid.

    `b` of the logistic regression `logit P(came) = a + b logit p`, probabilities held within 1e-6 of 0 and 1. No
    unit, any sign, best 1; Wald's 95 % interval. Missing before outcomes with scores come, when all are of one
    class or all scores equal, and when scores separate the classes. Source: Cox 1958; Van Calster and others
    2019.

    >>> from anchorwatch.profile.example import scores
    >>> calibration_slope(None, scores([0.2, 0.2, 0.8, 0.8], "0101"))[""].value
    0.0
    """
    return whole("calibration_slope", _judge(current, _slope))


@measure(
    "Calibration intercept",
    Family.PERFORMANCE,
    tasks=_BINARY,
    needs=_NEEDS,
    stage=Stage.OUTCOMES,
    unit="log-odds",
    low=float("-inf"),
    source="Cox 1958; Van Calster and others 2019; interval: Wald",
)
def calibration_intercept(_reference: Profile | None, current: Profile) -> Results:
    """How much is to be added to all log-odds: under 0 when scores are too high, "calibration in the large".

    `a` of the logistic regression `logit P(came) = a + logit p`, probabilities held within 1e-6 of 0 and 1. In
    log-odds, any sign, best 0; Wald's 95 % interval. Missing before outcomes with scores come and when all are
    of one class. Source: Cox 1958; Van Calster and others 2019.

    >>> from anchorwatch.profile.example import scores
    >>> calibration_intercept(None, scores([0.2, 0.2, 0.8, 0.8], "0101"))[""].value
    0.0
    """
    return whole("calibration_intercept", _judge(current, _intercept))


def _judge(current: Profile, fit: Callable[[Histogram], tuple[float, float] | str]) -> Value | Missing:
    found = usable(current, both)
    if isinstance(found, Missing):
        return found
    n, fitted = current.scores.n if current.scores else 0, fit(found[0])
    if isinstance(fitted, str):
        return Missing(fitted, n)
    value, error = fitted
    return Value(value, n, value - Z * error, value + Z * error)


@lru_cache(maxsize=KEPT)
def _slope(histogram: Histogram) -> tuple[float, float] | str:
    """Slope and its standard error, or why there is none."""
    scored = unpack(histogram)
    odds = np.clip(scored.odds, -FARTHEST, FARTHEST)
    rows = scored.positives + scored.negatives
    if np.ptp(odds) < 1e-9:
        return "all scores are equal"
    if _separated(odds, scored.positives, scored.negatives):
        return "scores separate the classes wholly"
    centre = float(odds @ rows / scored.n)
    x = odds - centre
    level, slope = float(np.log(scored.m / (scored.n - scored.m))), 0.0
    for _ in range(ROUNDS):
        chance = expit(level + slope * x)
        weight, rest = rows * chance * (1 - chance), scored.positives - rows * chance
        one, two, four = float(weight.sum()), float(weight @ x), float(weight @ (x * x))
        determinant = one * four - two * two
        if determinant <= 0:
            return "no slope fits"
        pull, turn = float(rest.sum()), float(rest @ x)
        step = (one * turn - two * pull) / determinant
        level += (four * pull - two * turn) / determinant
        slope += step
        if abs(step) <= 1e-9 * (1 + abs(slope)):
            return slope, float(np.sqrt(one / determinant))
    return "no slope fits"


@lru_cache(maxsize=KEPT)
def _intercept(histogram: Histogram) -> tuple[float, float] | str:
    """Intercept at slope 1 and its standard error."""
    scored = unpack(histogram)
    odds = np.clip(scored.odds, -FARTHEST, FARTHEST)
    rows = scored.positives + scored.negatives
    low, high = -2 * FARTHEST - 40.0, 2 * FARTHEST + 40.0
    level = 0.0
    for _ in range(2 * ROUNDS):
        chance = expit(level + odds)
        rest, weight = scored.m - float(rows @ chance), float(rows @ (chance * (1 - chance)))
        low, high = (level, high) if rest > 0 else (low, level)
        step = rest / weight if weight > 0 else np.inf
        # Newton's step where it stays in the bracket, else half of it.
        following = level + step if low < level + step < high else (low + high) / 2
        if abs(following - level) <= 1e-10 * (1 + abs(level)):
            return following, float(1 / np.sqrt(weight))
        level = following
    return "no intercept fits"


def _separated(odds: object, positives: object, negatives: object) -> bool:
    """No score that came lies on the other side of one that did not, in either direction."""
    x, came, stayed = (np.asarray(item) for item in (odds, positives, negatives))
    yes, no = x[came > 0], x[stayed > 0]
    return bool(yes.min() >= no.max() or no.min() >= yes.max())
