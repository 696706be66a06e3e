"""What acting on the highest scores would have found: lift, precision and recall of the top 1, 5, 10 and 20 %.

Rows scored like the last one taken count in the proportion in which they are taken. That the threshold moves with
the rows is part of the variance: it takes away what is found there, at the rate found near it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from anchorwatch.core.results import Missing, Value
from anchorwatch.core.schema import Task
from anchorwatch.core.types import Stage
from anchorwatch.metrics.scored import KEPT, some, unpack, usable
from anchorwatch.metrics.whole import whole
from anchorwatch.profile.measure import Family, measure
from anchorwatch.stats import intervals

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchorwatch.core.results import Results
    from anchorwatch.metrics.scored import Array
    from anchorwatch.profile.histogram import Histogram
    from anchorwatch.profile.measure import MeasureFunction
    from anchorwatch.profile.profile import Profile

    Found = Callable[["Top"], Value | Missing]

SHARES = (1, 5, 10, 20)
"""Per cent of the rows, highest scores first."""


@dataclass(frozen=True, slots=True)
class Top:
    """The highest scores of a window.

    Attributes:
        n: rows with outcome and score.
        came: positives among them.
        taken: rows taken, a whole number.
        hits: positives among those; not whole where ties are split.
        edge: share of positives near the last one taken.
    """

    n: int
    came: int
    taken: int
    hits: float
    edge: float


@lru_cache(maxsize=len(SHARES) * KEPT)
def top(histogram: Histogram, percent: float) -> Top:
    """The first `percent` % of a score histogram that is not empty, rounded up to a whole row.

    >>> from anchorwatch.profile.example import scores
    >>> top(scores([0.9, 0.8, 0.2, 0.1], "1010").scores.histograms[0], 50)
    Top(n=4, came=2, taken=2, hits=1.0, edge=0.50)
    """
    scored = unpack(histogram)
    taken = int(np.ceil(scored.n * percent / 100 - 1e-9))
    reach = max(taken / 2, 10.0)
    around = np.array([taken, max(taken - reach, 0), min(taken + reach, scored.n)])
    hits, low, high = np.interp(around, _from_zero(scored.called), _from_zero(scored.hits)).tolist()
    return Top(int(scored.n), int(scored.m), taken, hits, (high - low) / float(around[2] - around[1]))


def _from_zero(rising: Array) -> Array:
    return np.concatenate([[0.0], rising])


def _precision(found: Top) -> Value:
    """With the threshold's variance: as many trials as would have the same one."""
    rate = found.hits / found.taken
    plain = rate * (1 - rate)
    moved = plain + (1 - found.taken / found.n) * (rate - found.edge) ** 2
    trials = found.taken * (plain / moved if plain else 1.0)
    low, high = intervals.wilson(rate * trials, trials)
    return Value(min(rate, 1.0), found.taken, float(low), float(high))


def _recall(found: Top) -> Value | Missing:
    if not found.came:
        return Missing("no outcome is positive", found.n)
    share, n = min(found.hits / found.came, 1.0), found.n
    trials = float(found.came)
    if 0 < found.hits < found.came:
        # Two hits and two misses more: ten hits of ten are no certainty (Agresti and Coull 1998).
        rate = (found.hits + 2) / (found.taken + 4)
        trials = share * (1 - share) * n / _relative_variance(found, rate) / share**2
    low, high = intervals.wilson(share * trials, trials)
    return Value(share, found.came, float(low), float(high))


def _relative_variance(found: Top, rate: float) -> float:
    """Variance a row adds to the logarithm of recall, when `rate` of those taken are hits."""
    base, edge, taken = found.came / found.n, found.edge, found.taken / found.n
    part = min(rate * taken, base)
    square = part * ((1 - edge) / part - 1 / base) ** 2 + (base - part) / base**2
    square += (taken - part) * (edge / part) ** 2
    return max(square - (edge * taken / part) ** 2, 1e-12)


def _lift(found: Top) -> Value | Missing:
    share = _recall(found)
    if isinstance(share, Missing) or share.low is None or share.high is None:
        return share
    scale = found.n / found.taken
    return Value(share.value * scale, found.taken, share.low * scale, share.high * scale)


def _of_top(name: str, title: str, percent: int, ask: Found, properties: dict[str, Any]) -> MeasureFunction:
    """Register a measure of the top `percent` %."""

    def function(_reference: Profile | None, current: Profile) -> Results:
        found = usable(current, some)
        if isinstance(found, Missing):
            return whole(name, found)
        rows = int(found[0].counts.sum())
        if rows * percent < 100:
            return whole(name, Missing(f"the top {percent} % of {rows} rows are less than one", rows))
        return whole(name, ask(top(found[0], percent)))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = str(properties.pop("doc")).format(name=name, percent=percent, recall=percent / 50)
    return measure(
        title.format(percent=percent),
        Family.PERFORMANCE,
        tasks=frozenset({Task.BINARY}),
        needs=frozenset({"scores"}),
        stage=Stage.OUTCOMES,
        better="higher",
        **properties,
    )(function)


_EXAMPLE = """

    >>> from anchorwatch.profile.example import scores
    >>> chance = [(100 - i) / 101 for i in range(100)]
    >>> round({name}(None, scores(chance, "1" * 50 + "0" * 50))[""].value, 3)
    """
_LIFT = (
    """How many times more positives come among the {percent} % highest scores than among all.

    `(hits / taken) / (positives / n)`. A ratio, 0 or more, best `100 / {percent}`, guessing gives 1; 95 %
    interval as that of recall. Missing before outcomes with scores come, when none is positive and when
    {percent} % of the rows are less than one. Source: Ling and Li 1998."""
    + _EXAMPLE
    + "2.0"
)
_PRECISION = (
    """Share of the {percent} % highest scores that came out positive.

    `hits / taken`. A share, 0 to 1, best 1, guessing gives the base rate; 95 % interval by Wilson's with as many
    trials as have the same variance. Missing before outcomes with scores come and when {percent} % of the rows
    are less than one. Source: Manning, Raghavan and Schütze 2008, section 8.4."""
    + _EXAMPLE
    + "1.0"
)
_RECALL = (
    """Share of all positives that are among the {percent} % highest scores.

    `hits / positives`. A share, 0 to 1, best 1, guessing gives {percent} %; 95 % interval by Wilson's with as many
    trials as have the same variance. Missing before outcomes with scores come, when none is positive and when
    {percent} % of the rows are less than one. Source: Manning, Raghavan and Schütze 2008, section 8.4."""
    + _EXAMPLE
    + "{recall}"
)

for _percent in SHARES:
    _of_top(
        f"lift_p{_percent}",
        "Lift in the top {percent} %",
        _percent,
        _lift,
        {"doc": _LIFT, "source": "Ling and Li 1998; interval: delta method"},
    )
for _percent in SHARES:
    _of_top(
        f"precision_at_p{_percent}",
        "Precision in the top {percent} %",
        _percent,
        _precision,
        {"doc": _PRECISION, "unit": "share", "high": 1.0, "source": "Manning, Raghavan and Schütze 2008"},
    )
for _percent in SHARES:
    _of_top(
        f"recall_at_p{_percent}",
        "Recall in the top {percent} %",
        _percent,
        _recall,
        {"doc": _RECALL, "unit": "share", "high": 1.0, "source": "Manning, Raghavan and Schütze 2008"},
    )
