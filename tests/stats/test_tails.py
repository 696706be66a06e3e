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


@given(st.integers(1, 500), st.integers(1, 500), st.data())
def test_equal_shares_is_the_two_by_two_chi_square(n: int, m: int, data: st.DataObject) -> None:
    """Pooled z, squared, is chi-square without correction."""
    k, other = data.draw(st.integers(0, n)), data.draw(st.integers(0, m))
    p = tails.equal_shares(k, n, other, m)
    if k + other in (0, n + m):
        assert p == 1
    else:
        expected = stats.chi2_contingency([[k, n - k], [other, m - other]], correction=False).pvalue
        assert p == pytest.approx(expected, rel=1e-6, abs=1e-12)
