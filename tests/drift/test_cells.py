"""Measures of counts against SciPy and brute force, on tables written out."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from scipy.stats import chi2, chi2_contingency

from anchorwatch.drift import psi
from anchorwatch.drift.cells import Cells
from anchorwatch.drift.chi_square import EXPECTED, contingency, moments
from anchorwatch.drift.jensen_shannon import _distance

COUNTS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=1, max_size=12)
TABLES = st.lists(COUNTS, min_size=1, max_size=6)


def cells(tables: list[list[tuple[int, int]]]) -> Cells:
    """A table per column, as pairs of (reference, current) counts."""
    return Cells.of([[a for a, _ in table] for table in tables], [[b for _, b in table] for table in tables])


def pooled(table: np.ndarray) -> np.ndarray:
    """The rule as the docstring of `chi_square` states it, one column at a time."""
    table = table[:, table.sum(axis=0) > 0]
    smaller = min(table.sum(axis=1)) / table.sum()
    sparse = table.sum(axis=0) * smaller < EXPECTED
    kept, pool = table[:, ~sparse], table[:, sparse].sum(axis=1, keepdims=True)
    if not pool.sum():
        return kept
    if pool.sum() * smaller >= EXPECTED or not kept.size:
        return np.hstack([kept, pool])
    kept[:, [np.argmin(kept.sum(axis=0))]] += pool
    return kept


@given(TABLES)
def test_chi_square_is_scipys_on_the_pooled_table(tables: list[list[tuple[int, int]]]) -> None:
    """All columns at once give what SciPy gives for each pooled table by itself."""
    statistic, p = contingency(cells(tables))
    for index, table in enumerate(tables):
        counts = np.array(table, dtype=float).T
        if not counts.sum(axis=1).all():
            continue
        small = pooled(counts)
        if np.count_nonzero(counts.sum(axis=0)) == 1:
            assert (statistic[index], p[index]) == (0, 1)
        elif small.shape[1] < 2:
            assert np.isnan(statistic[index])
            assert np.isnan(p[index])
        else:
            expected = chi2_contingency(small, correction=False)
            assert statistic[index] == pytest.approx(expected.statistic, rel=1e-9, abs=1e-9)
            if small.min() >= 20:
                assert p[index] == pytest.approx(expected.pvalue, rel=0.2, abs=0.01)


def test_many_rows_give_scipys_p() -> None:
    """With 10⁵ rows the p-value is that of the textbook's test, to a thousandth."""
    rng = np.random.default_rng(5)
    shares = rng.dirichlet(np.full(12, 2.0), 40)
    before, after = (rng.multinomial(10**5, shares) for _ in range(2))
    expected = [chi2_contingency([a, b], correction=False).pvalue for a, b in zip(before, after, strict=True)]
    found = contingency(Cells.of(before.tolist(), after.tolist()))[1]
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("totals", [(2, 2), (1, 4, 2), (3, 3, 1, 5), (9, 1)])
@pytest.mark.parametrize("n", [1, 2, 3])
def test_moments_are_those_of_every_table(totals: tuple[int, ...], n: int) -> None:
    """Mean and variance are exact: over every way to draw `n` of the rows."""
    rows = np.repeat(np.arange(len(totals)), totals)
    drawn = np.array(
        [np.bincount(rows[list(some)], minlength=len(totals)) for some in combinations(range(rows.size), n)]
    )
    expected = np.array(totals) * n / rows.size
    rest = np.array(totals) - expected
    statistic = ((drawn - expected) ** 2 * (1 / expected + 1 / rest)).sum(axis=1)
    m, k, inverse = rows.size - n, len(totals), sum(1 / total for total in totals)
    mean, variance = moments(*(np.array([float(number)]) for number in (m, n, k, inverse)))
    assert mean == pytest.approx(statistic.mean(), rel=1e-9)
    assert variance == pytest.approx(statistic.var(), rel=1e-9, abs=1e-9)


@given(TABLES)
def test_jensen_shannon_is_scipys(tables: list[list[tuple[int, int]]]) -> None:
    """Distance to base 2, per column."""
    found = _distance(cells(tables))[0]
    for index, table in enumerate(tables):
        p, q = np.array(table, dtype=float).T
        if p.sum() and q.sum():
            # The root of a rounding error of 1e-16 is 1e-8.
            assert found[index] == pytest.approx(jensenshannon(p, q, base=2), rel=1e-6, abs=3e-8)


def textbook(expected: np.ndarray, actual: np.ndarray) -> float:
    """As credit scoring has it: shares of ten bins, zeros replaced by 1e-4."""
    total = 0.0
    for p, q in zip(expected / expected.sum(), actual / actual.sum(), strict=True):
        p, q = (share or 1e-4 for share in (p, q))  # noqa: PLW2901
        total += (q - p) * np.log(q / p)
    return total


@given(TABLES)
def test_psi_is_the_textbooks(tables: list[list[tuple[int, int]]]) -> None:
    """The index of each column is the textbook function of its counts."""
    found = psi._index(cells(tables))[0]
    for index, table in enumerate(tables):
        p, q = np.array(table, dtype=float).T
        if p.sum() and q.sum():
            assert found[index] == pytest.approx(textbook(p, q), rel=1e-9, abs=1e-12)


@given(TABLES)
def test_swapping_the_sides_changes_nothing(tables: list[list[tuple[int, int]]]) -> None:
    """Statistic, index and distance are symmetric."""
    forth, back = cells(tables), cells([[(b, a) for a, b in table] for table in tables])
    for test in (psi._index, _distance, contingency):
        for one, other in zip(test(forth)[:2], test(back)[:2], strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-9)


def rate(rejections: np.ndarray) -> tuple[float, float]:
    """Share of rejections and the reach of three standard errors of a true 5 %."""
    return float(rejections.mean()), 3 * np.sqrt(0.05 * 0.95 / rejections.size)


@pytest.mark.parametrize("k", [3, 6, 10, 50])
@pytest.mark.parametrize(("m", "n"), [(100, 100), (1000, 1000), (5000, 100), (800, 5000)])
@pytest.mark.parametrize("shape", ["even", "zipf"])
def test_chi_square_holds_its_level(k: int, m: int, n: int, shape: str) -> None:
    """On data that did not change, 5 % of the tests fall under 5 %, sparse or not."""
    shares = np.full(k, 1 / k) if shape == "even" else 1 / np.arange(1, k + 1)
    shares /= shares.sum()
    rng = np.random.default_rng([k, m, n])
    drawn = Cells.of(rng.multinomial(m, shares, 3000).tolist(), rng.multinomial(n, shares, 3000).tolist())
    p = contingency(drawn)[1]
    assert not np.isnan(p).any()
    found, reach = rate(p < 0.05)
    assert 0.05 - reach - 0.005 < found < 0.05 + reach + 0.005
    assert np.mean(p < 0.001) < 0.005


@pytest.mark.parametrize(("k", "expected"), [(3, 0.224), (6, 0.354), (10, 0.489), (50, 0.959)])
def test_goodness_of_fit_would_cry_wolf(k: int, expected: float) -> None:
    """The form that takes the reference for the truth alarms as often as theory says: the negative control."""
    rng = np.random.default_rng(k)
    before, after = rng.multinomial(1000, np.full(k, 1 / k), size=(2, 4000)).astype(float)
    statistic = ((after - before) ** 2 / before).sum(axis=1)
    found = np.mean(chi2.sf(statistic, k - 1) < 0.05)
    # Reference counts in the denominator add a little to the analytic rate.
    assert found == pytest.approx(expected, abs=0.03)
    ours = contingency(Cells.of(before.tolist(), after.tolist()))[1] < 0.05
    assert ours.mean() < 0.05 + rate(ours)[1]
