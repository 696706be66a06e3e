"""Drift: the one number and the one p-value per column that the default rules judge."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from anchorwatch.core.results import Results
from anchorwatch.core.schema import Kind
from anchorwatch.core.types import Stage
from anchorwatch.drift.anderson_darling import anderson_darling, target_anderson_darling
from anchorwatch.drift.bins import bins_of
from anchorwatch.drift.cells import over_cells
from anchorwatch.drift.chi_square import contingency
from anchorwatch.drift.moved import moved
from anchorwatch.drift.scores import moved_or_stretched
from anchorwatch.drift.subjects import Side
from anchorwatch.drift.unseen import by_name
from anchorwatch.profile.measure import Family, measure
from anchorwatch.stats.combine import cauchy

if TYPE_CHECKING:
    from anchorwatch.drift.cells import Cells, Found
    from anchorwatch.profile.profile import Profile

FEWEST = 30
"""Rows that either side must have."""

_KINDS = frozenset({Kind.NUMBER, Kind.CATEGORY})
_SOURCE = "total variation; Pearson 1900; Pettitt 1976; Klotz 1962; Liu and Xie 2020"


@measure(
    "Drift",
    Family.DRIFT,
    kinds=_KINDS,
    unit="share",
    high=1.0,
    better="lower",
    symmetric=True,
    source=_SOURCE,
)
def drift(reference: Profile | None, current: Profile) -> Results:
    """Share of a column's rows that lie elsewhere than in the reference, with the p-value of a test for any change.

    The share is the total variation distance `½ Σ |q - p|` over deciles of numbers or levels of categories, with cells
    of their own for missing, for infinite and for each unseen value, less what samples of these sizes differ by
    without any drift. 0 to 1, best 0: at 0.10 every tenth row is where it would not have been.

    The p-value of a categorical column is that of `chi_square`. Of a numeric column it is Cauchy's combination of four:
    `chi_square` (any shape, missing values), `anderson_darling` (shifts and tails), and the normal scores of
    van der Waerden and of Klotz, which see moves and stretches of ordinary numbers best.

    Missing without a reference, and with fewer than 30 rows on either side.
    Source: total variation; Pearson 1900; Anderson and Darling 1954; van der Waerden 1952; Klotz 1962; the
    combination: Liu and Xie 2020.

    >>> from anchorwatch.profile.example import pair
    >>> drift(*pair({"c": ["a", "b"] * 500}, {"c": ["a"] * 650 + ["b"] * 350}))["c"]
    Value(value=0.15, n=1000, low=None, high=None, p=1e-11)
    """
    return _drift("drift", reference, current, Side.INPUTS)


@measure(
    "Drift of the outcome",
    Family.DRIFT,
    kinds=_KINDS,
    stage=Stage.OUTCOMES,
    unit="share",
    high=1.0,
    better="lower",
    symmetric=True,
    source=_SOURCE,
)
def target_drift(reference: Profile | None, current: Profile) -> Results:
    """`drift` of what really happened: target drift.

    The share of outcomes that lie elsewhere than in the reference, chance taken off, with a p-value. 0 to 1, best 0.
    Missing without a reference, when the reference has no outcomes, before outcomes come, and with fewer than 30 on
    either side. Source: as `drift`.

    >>> from anchorwatch.profile.example import labels
    >>> target_drift(*labels("abab" * 50, "abab" * 50, "abab" * 50, "aaab" * 50))["_outcome"]
    Value(value=0.25, n=200, low=None, high=None, p=0.000)
    """
    return _drift("target_drift", reference, current, Side.TARGET)


def _drift(name: str, reference: Profile | None, current: Profile, side: Side) -> Results:
    def test(cells: Cells) -> Found:
        return _test(cells if reference is None else by_name(cells, reference, current, side))

    found = over_cells(name, reference, current, test, side)
    if reference is None or all(reason is not None for reason in found.reasons):
        return found
    numbers = (target_anderson_darling if side is Side.TARGET else anderson_darling)(reference, current)
    p = found.p.copy()
    if len(numbers) and reference.numbers is not None and current.numbers is not None:
        scores = moved_or_stretched(bins_of(current.grid, side, reference.numbers, current.numbers))
        p[: len(numbers)] = cauchy([p[: len(numbers)], numbers.p, *scores])
    return Results.of(name, found.subjects, found.value, n=found.n, reasons=found.reasons, p=p)


def _test(cells: Cells) -> Found:
    few = np.minimum(cells.sums(cells.reference), cells.sums(cells.current)) < FEWEST
    return np.where(few, np.nan, moved(cells)), contingency(cells)[1], "too few rows"
