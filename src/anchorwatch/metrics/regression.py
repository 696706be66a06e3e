"""Sizes of a regression model's errors, from their sums.

`e` is prediction less outcome, `y` the outcome, both in the outcome's unit. The logarithmic error (RMSLE) is not among
them: profiles keep no sums of logarithms; let the model be watched on the logarithm of its outcome.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from anchorwatch.core.results import Missing, Value
from anchorwatch.core.schema import Task
from anchorwatch.core.types import Stage
from anchorwatch.metrics.probability import mean
from anchorwatch.metrics.quantile import quantile
from anchorwatch.metrics.residual_sums import UNIT, judge
from anchorwatch.metrics.whole import NO_OUTCOMES, whole
from anchorwatch.profile.measure import Family, measure
from anchorwatch.stats import intervals

if TYPE_CHECKING:
    from anchorwatch.core.results import Results
    from anchorwatch.metrics.residual_sums import Sums
    from anchorwatch.profile.measure import MeasureFunction
    from anchorwatch.profile.profile import Profile

_REGRESSION = frozenset({Task.REGRESSION})
_NEEDS = frozenset({"residuals"})


@measure(
    "Mean absolute error",
    Family.PERFORMANCE,
    tasks=_REGRESSION,
    needs=_NEEDS,
    stage=Stage.OUTCOMES,
    unit=UNIT,
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
    return judge("mae", current, lambda sums: mean(sums.absolute, sums.square, sums.n))


@measure(
    "Mean squared error",
    Family.PERFORMANCE,
    tasks=_REGRESSION,
    needs=_NEEDS,
    stage=Stage.OUTCOMES,
    unit=f"{UNIT}, squared",
    better="lower",
    source="sklearn.metrics.mean_squared_error; interval: delta method",
)
def mse(_reference: Profile | None, current: Profile) -> Results:
    """Mean squared error.

    `Σe² / n`. In the outcome's unit squared, 0 or more, best 0; 95 % interval by the delta
    method on the logarithm, from `Σe⁴`.     Missing before outcomes come. Source: `sklearn.metrics.mean_squared_error`.

    >>> from anchorwatch.profile.example import values
    >>> mse(*values([], [], [3.0, -0.5, 2.0, 7.0], [2.5, 0.0, 2.0, 8.0]))[""]
    Value(value=0.375, n=4, low=0.121, high=1.163, p=None)
    """
    return judge("mse", current, _mse)


@measure(
    "Root mean squared error",
    Family.PERFORMANCE,
    tasks=_REGRESSION,
    needs=_NEEDS,
    stage=Stage.OUTCOMES,
    unit=UNIT,
    better="lower",
    source="sklearn.metrics.root_mean_squared_error; interval: delta method",
)
def rmse(_reference: Profile | None, current: Profile) -> Results:
    """Root of the mean squared error: typical size of the error, large ones weighing more.

    `√(Σe² / n)`. In the outcome's unit, 0 or more, best 0; 95 % interval by the delta method on the
    logarithm, from `Σe⁴`. Missing before outcomes come. Source: `sklearn.metrics.root_mean_squared_error`.

    >>> from anchorwatch.profile.example import values
    >>> rmse(*values([], [], [3.0, -0.5, 2.0, 7.0], [2.5, 0.0, 2.0, 8.0]))[""]
    Value(value=0.612, n=4, low=0.348, high=1.078, p=None)
    """
    return judge("rmse", current, _rmse)


@measure(
    "Bias",
    Family.PERFORMANCE,
    tasks=_REGRESSION,
    needs=_NEEDS,
    stage=Stage.OUTCOMES,
    unit=UNIT,
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
    return judge("bias", current, _bias)


@measure(
    "Median absolute error",
    Family.PERFORMANCE,
    tasks=_REGRESSION,
    needs=_NEEDS,
    stage=Stage.OUTCOMES,
    unit=UNIT,
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
    "Largest error",
    Family.PERFORMANCE,
    tasks=_REGRESSION,
    needs=_NEEDS,
    stage=Stage.OUTCOMES,
    unit=UNIT,
    better="lower",
    source="sklearn.metrics.max_error",
)
def max_error(_reference: Profile | None, current: Profile) -> Results:
    """Size of the largest error.

    `max |e|`, to a cell of the histogram: exact to 2·10⁻¹⁰ with up to 1,024 different errors, to a per cent or
    so with more. In the outcome's unit, 0 or more, best 0; no interval. Missing before outcomes come.
    Source: `sklearn.metrics.max_error`.

    >>> from anchorwatch.profile.example import values
    >>> max_error(*values([], [], [3.0, -0.5, 2.0, 7.0], [2.5, 0.0, 2.0, 8.0]))[""]
    Value(value=1.0, n=4, low=None, high=None, p=None)
    """
    residuals = current.residuals
    if residuals is None or not residuals.absolute.cells.size:
        return whole("max_error", Missing(NO_OUTCOMES))
    return whole("max_error", Value(float(residuals.absolute.middles()[-1]), residuals.n))


def _quantile_loss(percent: int) -> MeasureFunction:
    """Register the loss of predictions meant as the `percent` % quantile."""
    name, tau = f"quantile_loss_p{percent}", percent / 100

    def function(_reference: Profile | None, current: Profile) -> Results:
        return judge(name, current, lambda sums: _pinball(sums, tau))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"""Pinball loss of predictions meant to be passed by {100 - percent} % of outcomes.

    `(τ Σe₋ + (1 - τ) Σe₊) / n` with `τ = {tau}`, `e₋` by how much predictions were too low and `e₊` too high. In
    the outcome's unit, 0 or more, best 0; normal 95 % interval. Missing before outcomes come.
    Source: Koenker and Bassett 1978; `sklearn.metrics.mean_pinball_loss`.

    >>> from anchorwatch.profile.example import values
    >>> round({name}(*values([], [], [3.0, 1.0], [1.0, 3.0]))[""].value, 6)
    1.0
    """
    return measure(
        f"Quantile loss, {percent} %",
        Family.PERFORMANCE,
        tasks=_REGRESSION,
        needs=_NEEDS,
        stage=Stage.OUTCOMES,
        unit=UNIT,
        better="lower",
        source="Koenker and Bassett 1978; sklearn.metrics.mean_pinball_loss; interval: normal",
    )(function)


quantile_loss_p10, quantile_loss_p50, quantile_loss_p90 = map(_quantile_loss, (10, 50, 90))


def _pinball(sums: Sums, tau: float) -> Value:
    over, under = (sums.absolute + sums.error) / 2, (sums.absolute - sums.error) / 2
    square = tau**2 * max(sums.square - sums.over_square, 0.0) + (1 - tau) ** 2 * sums.over_square
    return mean(tau * under + (1 - tau) * over, square, sums.n)


def _mse(sums: Sums) -> Value:
    value, error = sums.square / sums.n, _square_error(sums)
    low, high = intervals.of_log(value, error)
    return Value(value, sums.n, float(low), float(high))


def _rmse(sums: Sums) -> Value:
    value = float(np.sqrt(sums.square / sums.n))
    low, high = intervals.of_log(value**2, _square_error(sums))
    return Value(value, sums.n, float(np.sqrt(low)), float(np.sqrt(high)))


def _square_error(sums: Sums) -> float:
    """Standard error of the mean squared error."""
    if sums.n < 2:
        return 0.0
    spread = sums.fourth / sums.n - (sums.square / sums.n) ** 2
    return float(np.sqrt(max(spread, 0.0) / (sums.n - 1)))


def _bias(sums: Sums) -> Value:
    low, high = intervals.of_mean(sums.error, sums.square, sums.n)
    return Value(sums.error / sums.n, sums.n, float(low), float(high))
