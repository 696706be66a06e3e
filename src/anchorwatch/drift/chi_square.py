"""Chi-square: are two sets of counts draws from one distribution?"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import xlogy

from anchorwatch.core.schema import Kind
from anchorwatch.core.types import Stage
from anchorwatch.drift.bins import PAIRS
from anchorwatch.drift.cells import Cells, Found, over_cells
from anchorwatch.drift.subjects import Side
from anchorwatch.profile.measure import Family, measure
from anchorwatch.stats import tails

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from anchorwatch.core.results import Results
    from anchorwatch.profile.profile import Profile

    Floats = NDArray[np.float64]

EXPECTED = 1.0
"""Cells expected to hold fewer on the smaller side are pooled. Source: Cochran 1954."""

_KINDS = frozenset({Kind.NUMBER, Kind.CATEGORY})


@measure(
    "Chi-square statistic",
    Family.DRIFT,
    kinds=_KINDS,
    better="lower",
    symmetric=True,
    kept=False,
    source="Pearson 1900; scipy.stats.chi2_contingency",
)
def chi_square(reference: Profile | None, current: Profile) -> Results:
    """Two-sample chi-square statistic of the cells of each column, with its p-value.

    `X² = Σ (O - E)²/E` over the 2 × k table of reference and current, with `E` from the margins: both are
    samples, neither is taken for the truth. 0 or more, best 0, grows with the rows; judge it by its p-value,
    that of a scaled χ² with the exact mean and variance of `X²` under the table's margins: with many rows the
    textbook's χ² of k - 1 degrees, with few in each cell still right (3 to 6 % at 5 %). It is never under that
    of the likelihood ratio G, without which a rare value come twice would pass for one chance in a million.

    Cells are deciles of numbers or levels of categories, with cells of their own for what is missing,
    infinite or unseen. Cells expected to hold under one row of the smaller side are pooled into one, and
    that one, if still under one, into the smallest other: this looks at the margins alone, so the test
    keeps its level.

    Missing without a reference, where either side has no rows, and where too few rows leave a single cell.
    Source: Pearson 1900; `scipy.stats.chi2_contingency`; pooling after Cochran 1954; moments: Haldane 1940,
    Lewis, Saunders and Westcott 1984; the far tail: Sanov 1957.

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
    kept=False,
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

    >>> statistic, p = contingency(Cells.of([[50, 50], [1, 0]], [[65, 35], [0, 1]]))
    >>> statistic.round(2).tolist(), p.round(3).tolist()
    ([4.6, nan], [0.032, nan])
    """
    tables = compared(cells)
    return tables.pearson, tables.p


@dataclass(frozen=True, slots=True, eq=False)
class Tables:
    """2 × k tables compared, one entry per column: both statistics, and the p-value that holds for either."""

    pearson: Floats
    likelihood: Floats
    p: Floats


@lru_cache(maxsize=PAIRS)
def compared(cells: Cells) -> Tables:
    """Pearson's X² and the likelihood ratio G of the pooled cells, kept for the next test of the same window.

    X² is right where tables are sparse, but far out it is not: a rare value that comes five times has an X² of
    one chance in 1e9 and a probability of one in 1e4. G, by Sanov's theorem, has the right order there. So the
    p-value is the larger of the two.
    """
    pooled = _pooled(cells)
    m, n = cells.sums(cells.reference), cells.sums(cells.current)
    total = pooled.reference + pooled.current
    filled = total > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.sqrt(n / m)[cells.column]
        terms = (pooled.reference * ratio - pooled.current / ratio) ** 2 / total
        kept = cells.sums(filled)
        mean, variance = moments(m, n, kept, cells.sums(np.where(filled, 1 / total, 0)))
        scale = variance / (2 * mean)
        pearson = cells.sums(np.where(filled, terms, 0))
        likelihood = _likelihood(pooled, m, n)
        p = np.maximum(
            tails.chi_square(pearson / scale, mean / scale), tails.chi_square(likelihood, kept - 1)
        )
    testable = kept > 1
    alone = cells.sums(cells.reference + cells.current > 0) == 1
    found = (
        np.where(alone, zero, np.where(testable, given, np.nan))
        for zero, given in ((0.0, pearson), (0.0, likelihood), (1.0, p))
    )
    return Tables(*found)


def _likelihood(cells: Cells, m: Floats, n: Floats) -> Floats:
    """`2 Σ O ln(O/E)`."""
    total = cells.reference + cells.current
    expected = total * (m / (m + n))[cells.column], total * (n / (m + n))[cells.column]
    terms = xlogy(cells.reference, cells.reference / expected[0]) + xlogy(
        cells.current, cells.current / expected[1]
    )
    return np.maximum(2 * cells.sums(np.where(total > 0, terms, 0)), 0)


def moments(m: Floats, n: Floats, cells: Floats, inverse: Floats) -> tuple[Floats, Floats]:
    """Exact mean and variance of the statistic of `m` and `n` rows in so many `cells`, given the margins.

    `inverse` is the sum of 1/total over the cells. Source: Haldane 1940; Lewis, Saunders and Westcott 1984.

    >>> mean, variance = moments(*(np.array([x]) for x in (50.0, 50.0, 2.0, 0.04)))
    >>> float(mean.round(3)[0]), float(variance.round(3)[0])
    (1.01, 2.0)
    """
    rows = m + n
    v, w = (rows - 2) / (rows - 1), (rows * (1 / m + 1 / n) - 4) / (rows - 2)
    v_cells = (cells - 1) * (rows - cells) / (rows - 1)
    w_cells = (rows * inverse - cells**2) / (rows - 2)
    mean = rows / (rows - 1) * (cells - 1)
    return mean, 2 * rows / (rows - 3) * (v - w) * (v_cells - w_cells) + rows**2 / (rows - 1) * w * w_cells


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
