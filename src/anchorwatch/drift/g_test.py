"""G: the likelihood ratio of one distribution against two."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anchorwatch.core.schema import Kind
from anchorwatch.core.types import Stage
from anchorwatch.drift.cells import Cells, Found, over_cells
from anchorwatch.drift.chi_square import compared
from anchorwatch.drift.subjects import Side
from anchorwatch.profile.measure import Family, measure

if TYPE_CHECKING:
    from anchorwatch.core.results import Results
    from anchorwatch.profile.profile import Profile

_SOURCE = "Wilks 1938; scipy.stats.chi2_contingency(lambda_='log-likelihood')"
_KINDS = frozenset({Kind.NUMBER, Kind.CATEGORY})


@measure(
    "G statistic",
    Family.DRIFT,
    kinds=_KINDS,
    better="lower",
    symmetric=True,
    kept=False,
    source=_SOURCE,
)
def g_test(reference: Profile | None, current: Profile) -> Results:
    """Two-sample likelihood ratio statistic of the cells of each column, with its p-value.

    `G = 2 Σ O ln(O/E)` over the 2 × k table of reference and current, with `E` from the margins. 0 or more,
    best 0, grows with the rows; judge it by its p-value, which is that of `chi_square`: the larger of this and
    that of X², because G alone alarms too often where tables are sparse. Cells and their pooling are those of
    `chi_square`.

    Missing without a reference, where either side has no rows, and where too few rows leave a single cell.
    Source: Wilks 1938; `scipy.stats.chi2_contingency(lambda_='log-likelihood')`.

    >>> from anchorwatch.profile.example import pair
    >>> g_test(*pair({"c": ["a", "b"] * 50}, {"c": ["a"] * 65 + ["b"] * 35}))["c"]
    Value(value=4.623, n=100, low=None, high=None, p=0.032)
    """
    return over_cells("g_test", reference, current, _test)


@measure(
    "G statistic of the outcome",
    Family.DRIFT,
    kinds=_KINDS,
    stage=Stage.OUTCOMES,
    better="lower",
    symmetric=True,
    kept=False,
    source=_SOURCE,
)
def target_g_test(reference: Profile | None, current: Profile) -> Results:
    """`g_test` of what really happened: target drift.

    `G = 2 Σ O ln(O/E)` of classes, or of deciles of a regression's outcomes. 0 or more, best 0, with a p-value.
    Missing without a reference, when the reference has no outcomes, and before outcomes come.
    Source: Wilks 1938; `scipy.stats.chi2_contingency(lambda_='log-likelihood')`.

    >>> from anchorwatch.profile.example import labels
    >>> target_g_test(*labels("abab" * 25, "abab" * 25, "abab" * 25, "aaab" * 25))["_outcome"]
    Value(value=13.529, n=100, low=None, high=None, p=2.62e-04)
    """
    return over_cells("target_g_test", reference, current, _test, Side.TARGET)


def _test(cells: Cells) -> Found:
    tables = compared(cells)
    return tables.likelihood, tables.p, "too few rows for a test"
