"""Tail probabilities against SciPy's distributions and tests."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from anchorwatch.stats import tails


@given(st.floats(0, 1e4), st.integers(1, 10_000))
def test_chi_square_is_scipys(statistic: float, freedom: int) -> None:
    """The survival function, far into the tail."""
    assert tails.chi_square(statistic, freedom) == pytest.approx(
        stats.chi2.sf(statistic, freedom), rel=1e-9, abs=1e-300
    )


def test_no_freedom_no_p() -> None:
    """With no degrees of freedom there is no p-value."""
    assert np.isnan(tails.chi_square([0.0, np.nan], [0, 1])).all()


@pytest.mark.parametrize(("n", "m"), [(100, 100), (300, 1000), (1000, 4000)])
def test_kolmogorov_smirnov_is_near_the_exact_p(n: int, m: int) -> None:
    """The limit is within a tenth of SciPy's exact p-value, and not under it by more than that."""
    rng = np.random.default_rng(n)
    for shift in (0.0, 0.05, 0.1):
        found = stats.ks_2samp(rng.normal(size=n), rng.normal(shift, size=m), method="exact")
        assert tails.kolmogorov_smirnov(found.statistic, n, m) == pytest.approx(
            found.pvalue, rel=0.15, abs=0.003
        )


@given(st.integers(1, 500), st.integers(1, 3000), st.data())
def test_fisher_is_twice_scipys_smaller_tail(n: int, m: int, data: st.DataObject) -> None:
    """The hypergeometric tails, whatever the table, and the same from either side."""
    k, other = data.draw(st.integers(0, n)), data.draw(st.integers(0, m))
    p = float(tails.fisher(k, n, other, m))
    sides = [((k, n), (other, m)), ((other, m), (k, n))]
    exact = min(
        stats.fisher_exact([[a, r - a], [b, s - b]], alternative="greater").pvalue for (a, r), (b, s) in sides
    )
    assert p == pytest.approx(min(1, 2 * exact), rel=1e-7, abs=1e-300)
    assert tails.fisher(other, m, k, n) == pytest.approx(p, rel=1e-9, abs=1e-300)


def test_fisher_of_great_counts_is_right_in_its_tail() -> None:
    """Where the deviance takes the place of the sum, it is within 1 % of it down to 1e-12."""
    rng = np.random.default_rng(0)
    for _ in range(60):
        n, m = (int(10 ** rng.uniform(5.2, 6.2)) for _ in range(2))
        share, z = 10 ** rng.uniform(-1, -0.3), rng.uniform(-7, 7)
        total = int(share * (n + m))
        spread = np.sqrt(share * (1 - share) * n * m / (n + m))
        k = int(total * n / (n + m) + z * spread)
        law = stats.hypergeom(n + m, total, n)
        assert spread > tails.EXACT
        expected = min(1, 2 * (law.sf(k - 1) if z > 0 else law.cdf(k)))
        assert tails.fisher(k, n, total - k, m) == pytest.approx(expected, rel=0.01)


def test_fisher_without_rows_is_unknown() -> None:
    """NaN at no rows; 1 where nothing or everything is counted; one in a thousand after one in a hundred thousand."""
    assert np.isnan(tails.fisher([0, 3], [0, 5], [1, 0], [10, 0])).all()
    assert tails.fisher([0, 5], [5, 5], [0, 9], [9, 9]).tolist() == [1, 1]
    assert tails.fisher(1, 1000, 1, 100_000) > 0.03
