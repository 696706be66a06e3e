"""Intervals against SciPy, published examples and their own coverage."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from anchorwatch.stats import intervals


@given(st.integers(1, 10**7).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_is_scipys_and_holds_the_share(case: tuple[int, int]) -> None:
    """Wilson's limits agree with SciPy and lie around the share, inside 0..1."""
    count, n = case
    low, high = intervals.wilson(count, n)
    expected = stats.binomtest(count, n).proportion_ci(method="wilson")
    assert (low, high) == pytest.approx((expected.low, expected.high), abs=1e-9)
    assert 0 <= low <= count / n <= high <= 1


def test_no_trials_have_no_interval() -> None:
    """A share of nothing has no limits, in each of the intervals of shares."""
    assert np.isnan(intervals.wilson(0, 0)).all()
    assert np.isnan(intervals.of_difference(0, 0, 1, 2)).all()


@pytest.mark.parametrize(
    ("case", "low", "high"),
    [((56, 70, 48, 80), 0.0524, 0.3339), ((9, 10, 3, 10), 0.1705, 0.8090), ((10, 10, 0, 10), 0.6075, 1.0)],
)
def test_differences_are_those_of_newcombes_table(case: tuple[int, ...], low: float, high: float) -> None:
    """Method 10 of Newcombe 1998, table II, to four digits."""
    assert intervals.of_difference(*case) == pytest.approx((low, high), abs=6e-5)


def test_mean_is_scipys_normal_interval() -> None:
    """From the sums alone comes what SciPy has from the numbers."""
    x = np.random.default_rng(1).gamma(2, size=200)
    expected = stats.norm.interval(0.95, x.mean(), stats.sem(x))
    assert intervals.of_mean(x.sum(), (x**2).sum(), x.size) == pytest.approx(expected, rel=1e-12)
    assert np.isnan(intervals.of_mean(1.0, 1.0, 1)).all()


@given(st.floats(0.001, 0.999), st.floats(1e-6, 1e3))
def test_logit_limits_stay_inside_and_in_order(share: float, error: float) -> None:
    """However wide, limits on the logit scale stay in 0..1 on either side of the share."""
    low, high = intervals.of_logit(share, error)
    assert 0 <= low <= share <= high <= 1


@pytest.mark.parametrize(("share", "error"), [(0.0, 0.1), (1.0, 0.1), (0.5, 0.0)])
def test_logit_says_nothing_where_variance_says_nothing(share: float, error: float) -> None:
    """At 0, at 1 and without an error there are no limits."""
    assert np.isnan(intervals.of_logit(share, error)).all()


def test_macro_of_one_share_is_wilsons_and_covers_the_mean() -> None:
    """MOVER reduces to Wilson's interval, and holds 95 % for a mean of three."""
    assert intervals.of_macro([8], [10]) == pytest.approx(tuple(map(float, intervals.wilson(8, 10))))
    rng = np.random.default_rng(2)
    truth, n = np.array([0.6, 0.9, 0.97]), np.array([40, 100, 60])
    draws = rng.binomial(n, truth, size=(2000, 3))
    limits = np.array([intervals.of_macro(draw, n) for draw in draws])
    covered = np.mean((limits[:, 0] <= truth.mean()) & (truth.mean() <= limits[:, 1]))
    assert 0.93 < covered < 0.985


@given(st.integers(1, 10**6), st.sampled_from([0.01, 0.5, 0.95, 0.99, 0.999]))
def test_rank_bounds_are_the_binomials(n: int, q: float) -> None:
    """The ranks are the last and first with no more than 2.5 % beyond."""
    low, high = intervals.rank_bounds(n, q)
    binomial = stats.binom(n, q)
    assert low == 0 or binomial.cdf(low - 1) <= 0.025
    assert low == n or binomial.cdf(low) > 0.025
    assert high == n + 1 or binomial.sf(high - 1) <= 0.025 + 1e-12
    assert high <= 1 or binomial.sf(high - 2) > 0.025 - 1e-12
