"""How good scores are as probabilities: log loss and Brier score, from their sums."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anchorwatch.core.results import Missing, Value
from anchorwatch.core.schema import Task
from anchorwatch.core.types import Stage
from anchorwatch.metrics.whole import NO_OUTCOMES, whole
from anchorwatch.profile.measure import Family, measure
from anchorwatch.stats import intervals

if TYPE_CHECKING:
    from anchorwatch.core.results import Results
    from anchorwatch.profile.profile import Profile

_BOTH = frozenset({Task.BINARY, Task.MULTICLASS})
_NEEDS = frozenset({"scores"})


@measure(
    "Log loss",
    Family.PERFORMANCE,
    tasks=_BOTH,
    needs=_NEEDS,
    stage=Stage.OUTCOMES,
    unit="nats",
    better="lower",
    source="sklearn.metrics.log_loss; interval: normal",
)
def log_loss(_reference: Profile | None, current: Profile) -> Results:
    """Mean surprise at what came, given the probability it had been given.

    `Σ -ln p / n`, `p` clipped at 1e-15. In nats, 0 or more, best 0, a coin gives 0.69; normal 95 % interval.
    Missing before outcomes with scores come.
    Source: `sklearn.metrics.log_loss`.

    >>> from anchorwatch.profile.example import scores
    >>> log_loss(None, scores([0.1, 0.9, 0.8, 0.65], "0110"))[""]
    Value(value=0.371, n=4, low=0.000, high=0.818, p=None)
    """
    scores = current.scores
    if scores is None or not scores.n:
        return whole("log_loss", Missing(NO_OUTCOMES))
    return whole("log_loss", mean(scores.log_loss, scores.log_loss_square, scores.n))


@measure(
    "Brier score",
    Family.PERFORMANCE,
    tasks=_BOTH,
    needs=_NEEDS,
    stage=Stage.OUTCOMES,
    unit="squared probability",
    high=2.0,
    better="lower",
    source="Brier 1950; sklearn.metrics.brier_score_loss; interval: normal",
)
def brier(_reference: Profile | None, current: Profile) -> Results:
    """Mean squared difference between probability and what came, 0 or 1; of many classes summed over them.

    `Σ (p - y)² / n`. 0 to 1 for binary models and 0 to 2 for multiclass ones, best 0; normal 95 % interval.
    Missing before outcomes with scores come.
    Source: Brier 1950; `sklearn.metrics.brier_score_loss`.

    >>> from anchorwatch.profile.example import scores
    >>> brier(None, scores([0.1, 0.9, 0.8, 0.65], "0110"))[""]
    Value(value=0.121, n=4, low=0.000, high=0.318, p=None)
    """
    scores = current.scores
    if scores is None or not scores.n:
        return whole("brier", Missing(NO_OUTCOMES))
    return whole("brier", mean(scores.brier, scores.brier_square, scores.n, most=2.0))


def mean(total: float, square: float, n: int, most: float = float("inf")) -> Value:
    """Mean of `n` > 0 numbers between 0 and `most`, with its normal interval.

    >>> mean(6.0, 14.0, 3)
    Value(value=2.0, n=3, low=0.87, high=3.13, p=None)
    """
    low, high = intervals.of_mean(total, square, n)
    # Sums may pass a bound by a rounding error; NaN limits stay NaN.
    return Value(min(max(total / n, 0.0), most), n, float(low.clip(0.0)), float(high.clip(None, most)))
