"""Chi-square: are two sets of counts draws from one distribution?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from anchorwatch.core.schema import Kind
from anchorwatch.core.types import Stage
from anchorwatch.drift.cells import Cells, Found, over_cells
from anchorwatch.drift.subjects import Side
from anchorwatch.profile.measure import Family, measure
from anchorwatch.stats import tails

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from anchorwatch.core.results import Results
    from anchorwatch.profile.profile import Profile

    Floats = NDArray[np.float64]

EXPECTED = 5.0
"""Cells expected to hold fewer on the smaller side are pooled. Source: Cochran 1954."""

_KINDS = frozenset({Kind.NUMBER, Kind.CATEGORY})


@measure(
    "Chi-square statistic",
    Family.DRIFT,
    kinds=_KINDS,
    better="lower",
    symmetric=True,
    source="Pearson 1900; scipy.stats.chi2_contingency",
)
def chi_square(reference: Profile | None, current: Profile) -> Results:
    """Two-sample chi-square statistic of the cells of each column, with its p-value.

    `X² = Σ (O - E)²/E` over the 2 × k table of reference and current, with `E` from the margins: both are
    samples, neither is taken for the truth. 0 or more, best 0, grows with the rows; judge it by its
    p-value, `P(χ²₍ₖ₋₁₎ ≥ X²)`. Cells are deciles of numbers or levels of categories, with cells of their
    own for what is missing, infinite or unseen. Cells expected to hold under five of the smaller side are
    pooled into one, and that one, if still under five, into the smallest other: this depends on the margins
    alone, so the test keeps its level.

    Missing without a reference, where either side has no rows, and where too few rows leave a single cell.
    Source: Pearson 1900; `scipy.stats.chi2_contingency`; pooling after Cochran 1954.

    >>> from anchorwatch.profile.example import pair
    >>> chi_square(*pair({"c": ["a", "b"] * 50}, {"c": ["a"] * 65 + ["b"] * 35}))["c"]
    Value(value=4.60, n=100, low=None, high=None, p=0.032)
    """
    return over_cells("chi_square", reference, current, _test)


@measure(
    "Chi-square statistic of the outcome",
    Family.DRIFT,
    kinds=_KINDS,
    stage=Stage.OUTCOMES,
    better="lower",
    symmetric=True,
    source="Pearson 1900; scipy.stats.chi2_contingency",
)
def target_chi_square(reference: Profile | None, current: Profile) -> Results:
    """`chi_square` of what really happened: target drift.

    `X² = Σ (O - E)²/E` of classes, or of deciles of a regression's outcomes. 0 or more, best 0, with a
    p-value. Missing without a reference, when the reference has no outcomes, before outcomes come, and
    where too few leave a single cell. Source: Pearson 1900; `scipy.stats.chi2_contingency`.

    >>> from anchorwatch.profile.example import labels
    >>> target_chi_square(*labels("abab" * 25, "abab" * 25, "abab" * 25, "aaab" * 25))["_outcome"]
    Value(value=13.33, n=100, low=None, high=None, p=0.0003)
    """
    return over_cells("target_chi_square", reference, current, _test, Side.TARGET)


def contingency(cells: Cells) -> tuple[Floats, Floats]:
    """Statistic and p-value per column, sparse cells pooled; both NaN where fewer than two cells are left.

    A column with one and the same value on both sides has statistic 0 and p-value 1.

    >>> statistic, p = contingency(Cells.of([[50, 50], [9, 1]], [[65, 35], [8, 2]]))
    >>> statistic.round(2).tolist(), p.round(3).tolist()
    ([4.6, nan], [0.032, nan])
    """
    pooled = _pooled(cells)
    m, n = cells.sums(cells.reference), cells.sums(cells.current)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.sqrt(n / m)[cells.column]
        total = pooled.reference + pooled.current
        terms = (pooled.reference * ratio - pooled.current / ratio) ** 2 / total
    statistic = cells.sums(np.where(total > 0, terms, 0))
    filled = cells.sums((total > 0).astype(np.float64))
    alone = cells.sums((cells.reference + cells.current > 0).astype(np.float64)) == 1
    statistic[(filled < 2) & ~alone] = np.nan
    statistic[alone] = 0.0
    p = np.where(alone, 1.0, tails.chi_square(statistic, filled - 1))
    return statistic, p


def _test(cells: Cells) -> Found:
    return *contingency(cells), "too few rows for a test"


def _pooled(cells: Cells) -> Cells:
    """Move sparse cells' counts to a column's first sparse cell, or to its smallest other cell."""
    total = cells.reference + cells.current
    m, n = cells.sums(cells.reference), cells.sums(cells.current)
    with np.errstate(divide="ignore", invalid="ignore"):
        smaller = np.minimum(m, n) / (m + n)
    sparse = total * smaller[cells.column] < EXPECTED
    rest = cells.sums(np.where(sparse, total, 0))
    enough = (rest * smaller >= EXPECTED)[cells.column]
    # The pool goes where rank is least: a sparse cell if the pool can stand alone, else the smallest other.
    rank = np.where(sparse == enough, total, np.inf)
    home = _first_least(rank, cells)
    moved = [_move(counts, sparse, home, cells) for counts in (cells.reference, cells.current)]
    return Cells(moved[0], moved[1], cells.starts, cells.column)


def _first_least(rank: Floats, cells: Cells) -> NDArray[np.int64]:
    """Per column, its first cell of least rank."""
    least = np.flatnonzero(rank == np.minimum.reduceat(rank, cells.starts)[cells.column])
    columns, first = np.unique(cells.column[least], return_index=True)
    home = cells.starts.copy()
    home[columns] = least[first]
    return home


def _move(counts: Floats, sparse: NDArray[np.bool_], home: NDArray[np.int64], cells: Cells) -> Floats:
    kept = np.where(sparse, 0, counts)
    kept[home] += cells.sums(np.where(sparse, counts, 0))
    return kept
