"""Errors of a regression model, from their sums.

`e` is prediction less outcome, `y` the outcome, both in the outcome's unit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from anchorwatch.core.results import Missing, Value
from anchorwatch.core.schema import Task
from anchorwatch.core.types import Stage
from anchorwatch.metrics.probability import mean
from anchorwatch.metrics.quantile import quantile
from anchorwatch.metrics.whole import NO_OUTCOMES, whole
from anchorwatch.profile.grid import OUTCOME
from anchorwatch.profile.measure import Family, measure
from anchorwatch.stats import intervals

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchorwatch.core.results import Results
    from anchorwatch.profile.profile import Profile

_REGRESSION = frozenset({Task.REGRESSION})
_NEEDS = frozenset({"residuals"})
_UNIT = "outcome's unit"


@dataclass(frozen=True, slots=True)
class Sums:
    """The sums of `profile.parts.Residuals` by name, of `n` > 0 rows."""

    n: int
    error: float
    absolute: float
    square: float
    fourth: float
    outcome: float  # standardised
    outcome_square: float  # standardised
    size: float
    relative: float
    relative_n: float
    symmetric: float


@measure(
    "Mean absolute error",
    Family.PERFORMANCE,
    tasks=_REGRESSION,
    needs=_NEEDS,
    stage=Stage.OUTCOMES,
    unit=_UNIT,
    better="lower",
    source="sklearn.metrics.mean_absolute_error; interval: normal",
)
def mae(_reference: Profile | None, current: Profile) -> Results:
    """Mean size of the error.

    `Σ|e| / n`. In the outcome's unit, 0 or more, best 0; normal 95 % interval from `Σe²`.
    Missing before outcomes come.
    Source: `sklearn.metrics.mean_absolute_error`.

    >>> from anchorwatch.profile.example import values
    >>> mae(*values([], [], [3.0, -0.5, 2.0, 7.0], [2.5, 0.0, 2.0, 8.0]))[""]
    Value(value=0.50, n=4, low=0.10, high=0.90, p=None)
    """
    return _judge("mae", current, lambda sums: mean(sums.absolute, sums.square, sums.n))


@measure(
    "Mean squared error",
    Family.PERFORMANCE,
    tasks=_REGRESSION,
    needs=_NEEDS,
    stage=Stage.OUTCOMES,
    unit=f"{_UNIT}, squared",
    better="lower",
    source="sklearn.metrics.mean_squared_error; interval: normal",
)
def mse(_reference: Profile | None, current: Profile) -> Results:
    """Mean squared error.

    `Σe² / n`. In the outcome's unit squared, 0 or more, best 0; normal 95 % interval from `Σe⁴`.
    Missing before outcomes come.
    Source: `sklearn.metrics.mean_squared_error`.

    >>> from anchorwatch.profile.example import values
    >>> mse(*values([], [], [3.0, -0.5, 2.0, 7.0], [2.5, 0.0, 2.0, 8.0]))[""]
    Value(value=0.375, n=4, low=0.0, high=0.799, p=None)
    """
    return _judge("mse", current, lambda sums: mean(sums.square, sums.fourth, sums.n))


@measure(
    "Root mean squared error",
    Family.PERFORMANCE,
    tasks=_REGRESSION,
    needs=_NEEDS,
    stage=Stage.OUTCOMES,
    unit=_UNIT,
    better="lower",
    source="sklearn.metrics.root_mean_squared_error; interval: delta method",
)
def rmse(_reference: Profile | None, current: Profile) -> Results:
    """Root of the mean squared error: typical size of the error, large ones weighing more.

    `√(Σe² / n)`. In the outcome's unit, 0 or more, best 0; 95 % interval by the delta method, `s(mse)/(2
    rmse)`. Missing before outcomes come. Source: `sklearn.metrics.root_mean_squared_error`.

    >>> from anchorwatch.profile.example import values
    >>> rmse(*values([], [], [3.0, -0.5, 2.0, 7.0], [2.5, 0.0, 2.0, 8.0]))[""]
    Value(value=0.612, n=4, low=0.266, high=0.959, p=None)
    """
    return _judge("rmse", current, _rmse)


@measure(
    "R²",
    Family.PERFORMANCE,
    tasks=_REGRESSION,
    needs=_NEEDS,
    stage=Stage.OUTCOMES,
    low=float("-inf"),
    high=1.0,
    better="higher",
    source="sklearn.metrics.r2_score",
)
def r2(_reference: Profile | None, current: Profile) -> Results:
    """Share of the outcomes' variance that predictions explain; under 0 when their mean does better.

    `1 - Σe² / Σ(y - mean y)²`. No unit, up to 1, best 1; no interval.
    Missing before two outcomes come and when all outcomes are equal.
    Source: `sklearn.metrics.r2_score`.

    >>> from anchorwatch.profile.example import values
    >>> r2(*values([], [], [2.5, 0.0, 2.0, 8.0], [3.0, -0.5, 2.0, 7.0]))[""]
    Value(value=0.949, n=4, low=None, high=None, p=None)
    """
    return _judge("r2", current, lambda sums: _r2(sums, _scale(current)))


@measure(
    "Bias",
    Family.PERFORMANCE,
    tasks=_REGRESSION,
    needs=_NEEDS,
    stage=Stage.OUTCOMES,
    unit=_UNIT,
    low=float("-inf"),
    source="mean error; interval: normal",
)
def bias(_reference: Profile | None, current: Profile) -> Results:
    """Mean error: over 0 when predictions are too high.

    `Σe / n`. In the outcome's unit, any sign, best 0; normal 95 % interval. Missing before outcomes come.
    Source: the definition.

    >>> from anchorwatch.profile.example import values
    >>> bias(*values([], [], [3.0, -0.5, 2.0, 7.0], [2.5, 0.0, 2.0, 8.0]))[""]
    Value(value=-0.25, n=4, low=-0.88, high=0.38, p=None)
    """
    return _judge("bias", current, _bias)


@measure(
    "Mean absolute percentage error",
    Family.PERFORMANCE,
    tasks=_REGRESSION,
    needs=_NEEDS,
    stage=Stage.OUTCOMES,
    unit="share",
    better="lower",
    source="sklearn.metrics.mean_absolute_percentage_error",
)
def mape(_reference: Profile | None, current: Profile) -> Results:
    """Mean size of the error relative to the outcome, outcomes of 0 left out.

    `Σ|e/y| / n` where `y ≠ 0`. A share (0.1 is 10 %), 0 or more, best 0; no interval.
    Missing before outcomes come and when all are 0.
    Source: `sklearn.metrics.mean_absolute_percentage_error`, which divides by 2e-16 instead of leaving out.

    >>> from anchorwatch.profile.example import values
    >>> mape(*values([], [], [110.0, 180.0, 5.0], [100.0, 200.0, 0.0]))[""]
    Value(value=0.10, n=2, low=None, high=None, p=None)
    """
    return _judge("mape", current, _mape)


@measure(
    "Symmetric mean absolute percentage error",
    Family.PERFORMANCE,
    tasks=_REGRESSION,
    needs=_NEEDS,
    stage=Stage.OUTCOMES,
    unit="share",
    high=2.0,
    better="lower",
    source="Makridakis 1993",
)
def smape(_reference: Profile | None, current: Profile) -> Results:
    """Mean size of the error relative to the mean size of outcome and prediction; 0 where both are 0.

    `Σ 2|e| / (|y| + |ŷ|) / n`. A share, 0 to 2, best 0; no interval. Missing before outcomes come.
    Source: Makridakis 1993.

    >>> from anchorwatch.profile.example import values
    >>> smape(*values([], [], [110.0, 180.0, 0.0], [90.0, 220.0, 0.0]))[""]
    Value(value=0.133, n=3, low=None, high=None, p=None)
    """
    return _judge("smape", current, lambda sums: Value(min(sums.symmetric / sums.n, 2.0), sums.n))


@measure(
    "Median absolute error",
    Family.PERFORMANCE,
    tasks=_REGRESSION,
    needs=_NEEDS,
    stage=Stage.OUTCOMES,
    unit=_UNIT,
    better="lower",
    source="sklearn.metrics.median_absolute_error; interval: order statistics, Conover 1999",
)
def median_absolute_error(_reference: Profile | None, current: Profile) -> Results:
    """Size that half of the errors do not pass: few large ones do not move it.

    The median of `|e|`, to a cell of the histogram. In the outcome's unit, 0 or more, best 0;
    distribution-free 95 % interval of order statistics, open where there are too few. Missing before
    outcomes come. Source: `sklearn.metrics.median_absolute_error` (for even counts it takes the mean of the
    middle two).

    >>> from anchorwatch.profile.example import values
    >>> median_absolute_error(*values([], [], [1.0, 2.0, 3.0], [1.0, 1.0, 1.0]))[""]
    Value(value=1.0, n=3, low=None, high=None, p=None)
    """
    residuals = current.residuals
    if residuals is None or not residuals.n:
        return whole("median_absolute_error", Missing(NO_OUTCOMES))
    return whole("median_absolute_error", quantile(residuals.absolute, 0.5))


@measure(
    "Weighted absolute percentage error",
    Family.PERFORMANCE,
    tasks=_REGRESSION,
    needs=_NEEDS,
    stage=Stage.OUTCOMES,
    unit="share",
    better="lower",
    source="Kolassa and Schütz 2007",
)
def wape(_reference: Profile | None, current: Profile) -> Results:
    """Sum of the errors' sizes relative to the sum of the outcomes' sizes; outcomes of 0 do no harm.

    `Σ|e| / Σ|y|`. A share, 0 or more, best 0; no interval. Missing before outcomes come and when all are 0.
    Source: Kolassa and Schütz 2007.

    >>> from anchorwatch.profile.example import values
    >>> wape(*values([], [], [110.0, 180.0, 0.0], [100.0, 200.0, 0.0]))[""]
    Value(value=0.10, n=3, low=None, high=None, p=None)
    """
    return _judge("wape", current, _wape)


def _judge(name: str, current: Profile, ask: Callable[[Sums], Value | Missing]) -> Results:
    residuals = current.residuals
    if residuals is None or not residuals.n:
        return whole(name, Missing(NO_OUTCOMES))
    return whole(name, ask(Sums(residuals.n, *residuals.sums.tolist())))


def _scale(current: Profile) -> float:
    """What outcomes were divided by when they were standardised."""
    grid = current.grid
    return float(grid.scale[grid.numbers.index(OUTCOME)])


def _rmse(sums: Sums) -> Value:
    value = float(np.sqrt(sums.square / sums.n))
    low, high = intervals.of_mean(sums.square, sums.fourth, sums.n)
    half = 0.0 if value == 0 else float(high - low) / (4 * value)
    return Value(value, sums.n, max(value - half, 0.0), value + half)


def _r2(sums: Sums, scale: float) -> Value | Missing:
    if sums.n < 2:
        return Missing("fewer than two outcomes", sums.n)
    spread = sums.outcome_square - sums.outcome**2 / sums.n
    # Sums of equal outcomes leave a rounding error, never more than this.
    if spread <= 1e-12 * sums.outcome_square:
        return Missing("all outcomes are equal", sums.n)
    return Value(1 - sums.square / (scale * scale * spread), sums.n)


def _bias(sums: Sums) -> Value:
    low, high = intervals.of_mean(sums.error, sums.square, sums.n)
    return Value(sums.error / sums.n, sums.n, float(low), float(high))


def _mape(sums: Sums) -> Value | Missing:
    if not sums.relative_n:
        return Missing("all outcomes are 0", sums.n)
    return Value(sums.relative / sums.relative_n, int(sums.relative_n))


def _wape(sums: Sums) -> Value | Missing:
    if not sums.size:
        return Missing("all outcomes are 0", sums.n)
    return Value(sums.absolute / sums.size, sums.n)
