"""Errors of a regression model against the size or the variance of its outcomes, from their sums.

`e` is prediction less outcome, `y` the outcome.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from anchorwatch.core.results import Missing, Value
from anchorwatch.core.schema import Task
from anchorwatch.core.types import Stage
from anchorwatch.metrics.probability import mean
from anchorwatch.metrics.residual_sums import judge, standard
from anchorwatch.profile.measure import Family, measure
from anchorwatch.stats import intervals

if TYPE_CHECKING:
    from anchorwatch.core.results import Results
    from anchorwatch.metrics.residual_sums import Sums
    from anchorwatch.profile.profile import Profile

_REGRESSION = frozenset({Task.REGRESSION})
_NEEDS = frozenset({"residuals"})


@measure(
    "R²",
    Family.PERFORMANCE,
    tasks=_REGRESSION,
    needs=_NEEDS,
    stage=Stage.OUTCOMES,
    low=float("-inf"),
    high=1.0,
    better="higher",
    source="sklearn.metrics.r2_score; interval: delta method",
)
def r2(_reference: Profile | None, current: Profile) -> Results:
    """Share of the outcomes' variance that predictions explain; under 0 when their mean does better.

    `1 - Σe² / Σ(y - mean y)²`. No unit, up to 1, best 1; 95 % interval by the delta method on
    the logarithm of `1 - R²`, none when it is 0.
    Missing before two outcomes come and when all outcomes are equal.
    Source: `sklearn.metrics.r2_score`.

    >>> from anchorwatch.profile.example import values
    >>> r2(*values([], [], [2.5, 0.0, 2.0, 8.0], [3.0, -0.5, 2.0, 7.0]))[""]
    Value(value=0.949, n=4, low=0.909, high=0.971, p=None)
    """
    return judge("r2", current, lambda sums: _r2(sums, standard(current)[1]))


@measure(
    "Explained variance",
    Family.PERFORMANCE,
    tasks=_REGRESSION,
    needs=_NEEDS,
    stage=Stage.OUTCOMES,
    low=float("-inf"),
    high=1.0,
    better="higher",
    source="sklearn.metrics.explained_variance_score; interval: delta method",
)
def explained_variance(_reference: Profile | None, current: Profile) -> Results:
    """Share of the outcomes' variance that predictions explain, their bias forgiven.

    `1 - Σ(e - mean e)² / Σ(y - mean y)²`. No unit, up to 1, best 1; 95 % interval by the delta method on the
    logarithm of what is not explained, taking bias as the same for all outcomes; none when all is.
    Missing before two outcomes come and when all outcomes are equal.
    Source: `sklearn.metrics.explained_variance_score`.

    >>> from anchorwatch.profile.example import values
    >>> explained_variance(*values([], [], [2.5, 0.0, 2.0, 8.0], [3.0, -0.5, 2.0, 7.0]))[""].value
    0.957
    """
    return judge("explained_variance", current, lambda sums: _explained(sums, standard(current)[1]))


@measure(
    "Mean absolute percentage error",
    Family.PERFORMANCE,
    tasks=_REGRESSION,
    needs=_NEEDS,
    stage=Stage.OUTCOMES,
    unit="share",
    better="lower",
    source="sklearn.metrics.mean_absolute_percentage_error; interval: normal",
)
def mape(_reference: Profile | None, current: Profile) -> Results:
    """Mean size of the error relative to the outcome, outcomes of 0 left out.

    `Σ|e/y| / n` where `y ≠ 0`. A share (0.1 is 10 %), 0 or more, best 0; normal 95 % interval.
    Missing before outcomes come and when all are 0.
    Source: `sklearn.metrics.mean_absolute_percentage_error`, which divides by 2e-16 instead of leaving out.

    >>> from anchorwatch.profile.example import values
    >>> mape(*values([], [], [110.0, 160.0, 5.0], [100.0, 200.0, 0.0]))[""]
    Value(value=0.15, n=2, low=0.05, high=0.25, p=None)
    """
    return judge("mape", current, _mape)


@measure(
    "Symmetric mean absolute percentage error",
    Family.PERFORMANCE,
    tasks=_REGRESSION,
    needs=_NEEDS,
    stage=Stage.OUTCOMES,
    unit="share",
    high=2.0,
    better="lower",
    source="Makridakis 1993; interval: normal",
)
def smape(_reference: Profile | None, current: Profile) -> Results:
    """Mean size of the error relative to the mean size of outcome and prediction; 0 where both are 0.

    `Σ 2|e| / (|y| + |ŷ|) / n`. A share, 0 to 2, best 0; normal 95 % interval. Missing before outcomes come.
    Source: Makridakis 1993.

    >>> from anchorwatch.profile.example import values
    >>> smape(*values([], [], [110.0, 180.0, 0.0], [90.0, 220.0, 0.0]))[""]
    Value(value=0.133, n=3, low=0.003, high=0.264, p=None)
    """
    return judge("smape", current, lambda sums: mean(sums.symmetric, sums.symmetric_square, sums.n, most=2.0))


@measure(
    "Weighted absolute percentage error",
    Family.PERFORMANCE,
    tasks=_REGRESSION,
    needs=_NEEDS,
    stage=Stage.OUTCOMES,
    unit="share",
    better="lower",
    source="Kolassa and Schütz 2007; interval: delta method",
)
def wape(_reference: Profile | None, current: Profile) -> Results:
    """Sum of the errors' sizes relative to the sum of the outcomes' sizes; outcomes of 0 do no harm.

    `Σ|e| / Σ|y|`. A share, 0 or more, best 0; 95 % interval by the delta method on
    the logarithm. Missing before outcomes come and when all are 0.
    Source: Kolassa and Schütz 2007.

    >>> from anchorwatch.profile.example import values
    >>> wape(*values([], [], [110.0, 160.0, 3.0], [100.0, 200.0, 0.0]))[""]
    Value(value=0.177, n=3, low=0.124, high=0.251, p=None)
    """
    return judge("wape", current, lambda sums: _wape(sums, *standard(current)))


def _r2(sums: Sums, scale: float) -> Value | Missing:
    return _unexplained(sums, sums.square / scale**2, sums.fourth / scale**4, 0.0, scale)


def _explained(sums: Sums, scale: float) -> Value | Missing:
    bias = sums.error / sums.n / scale
    square = max(sums.square / scale**2 - sums.n * bias**2, 0.0)
    # The fourth moment about the mean, of errors whose third one about it is 0.
    fourth = sums.fourth / scale**4 - 6 * bias**2 * square - sums.n * bias**4
    return _unexplained(sums, square, max(fourth, square**2 / sums.n), bias, scale)


def _unexplained(sums: Sums, square: float, fourth: float, bias: float, scale: float) -> Value | Missing:
    """One less `square` / spread, all in standardised outcomes, `bias` having been taken from the errors."""
    n = sums.n
    if n < 2:
        return Missing("fewer than two outcomes", n)
    centre = sums.outcome / n
    spread = sums.outcome_square - centre * sums.outcome
    # Sums of equal outcomes leave a rounding error, never more than this.
    if spread <= 1e-12 * sums.outcome_square:
        return Missing("all outcomes are equal", n)
    ratio = square / spread
    quartic = sums.outcome_fourth - 4 * centre * sums.outcome_cube + 6 * centre**2 * sums.outcome_square
    quartic -= 3 * n * centre**4
    crossed = sums.square_outcome_square - 2 * centre * sums.square_outcome + centre**2 * sums.square
    crossed = crossed / scale**2 - bias**2 * spread
    variance = (fourth - 2 * ratio * crossed + ratio**2 * quartic) / spread**2
    low, high = intervals.of_log(ratio, np.sqrt(max(variance, 0.0)))
    return Value(1 - ratio, n, float(1 - high), float(1 - low))


def _mape(sums: Sums) -> Value | Missing:
    if not sums.relative_n:
        return Missing("all outcomes are 0", sums.n)
    return mean(sums.relative, sums.relative_square, int(sums.relative_n))


def _wape(sums: Sums, centre: float, scale: float) -> Value | Missing:
    if not sums.size:
        return Missing("all outcomes are 0", sums.n)
    ratio = sums.absolute / sums.size
    square = sums.n * centre**2 + 2 * centre * scale * sums.outcome + scale**2 * sums.outcome_square
    variance = (sums.square - 2 * ratio * sums.absolute_size + ratio**2 * square) / sums.size**2
    low, high = intervals.of_log(ratio, np.sqrt(max(variance, 0.0)))
    return Value(ratio, sums.n, float(low), float(high))
