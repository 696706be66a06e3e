"""Errors of numbers against scikit-learn and the definitions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as sk

from anchorwatch.core.results import Missing, Value
from anchorwatch.metrics import regression as ours
from anchorwatch.metrics import relative
from anchorwatch.profile.example import values
from anchorwatch.profile.profile import Profile

NUMBER = st.floats(-1e6, 1e6).map(lambda x: round(x, 3))
ROWS = st.lists(st.tuples(NUMBER, NUMBER), min_size=1, max_size=50)
EACH = [
    ours.mae,
    ours.mse,
    ours.rmse,
    relative.r2,
    ours.bias,
    relative.mape,
    relative.smape,
    ours.median_absolute_error,
    relative.wape,
]


@given(ROWS)
@settings(deadline=None)
def test_values_are_the_oracles(rows: list[tuple[float, float]]) -> None:
    """Each equals scikit-learn's, or its definition, and is missing where that is undefined."""
    predicted, actual = np.array(rows).T
    profile = values([], [], predicted, actual)[1]
    error = predicted - actual
    sizes = np.abs(predicted) + np.abs(actual)
    nonzero = actual != 0
    expected = {
        ours.mae: sk.mean_absolute_error(actual, predicted),
        ours.mse: sk.mean_squared_error(actual, predicted),
        ours.rmse: sk.root_mean_squared_error(actual, predicted),
        ours.bias: error.mean(),
        relative.smape: np.mean(
            np.divide(2 * np.abs(error), sizes, out=np.zeros_like(error), where=sizes > 0)
        ),
        relative.mape: np.mean(np.abs(error[nonzero] / actual[nonzero])) if nonzero.any() else None,
        relative.wape: np.abs(error).sum() / np.abs(actual).sum() if nonzero.any() else None,
        ours.median_absolute_error: sk.median_absolute_error(actual, predicted),
    }
    for measure, value in expected.items():
        found = measure(None, profile)[""]
        if value is None:
            assert isinstance(found, Missing)
        else:
            assert found.value == pytest.approx(value, rel=1e-8, abs=1e-9), measure.__name__
            assert found.low is None or found.low <= found.value
            assert found.high is None or found.high >= found.value


@given(ROWS)
@settings(deadline=None)
def test_r2_is_scikit_learns(rows: list[tuple[float, float]]) -> None:
    """Also when outcomes lie far from 0 compared to their spread; missing when they are all equal."""
    predicted, actual = np.array(rows).T
    found = relative.r2(*values(predicted, actual, predicted, actual))[""]
    if len(rows) < 2 or np.ptp(actual) == 0:
        assert isinstance(found, Missing)
    elif np.ptp(actual) > 1e-4 * np.abs(actual).max():
        assert found.value == pytest.approx(sk.r2_score(actual, predicted), rel=1e-6, abs=1e-6)


def test_r2_survives_outcomes_far_from_zero() -> None:
    """Sums are of standardised outcomes, so a large mean costs no digits."""
    rng = np.random.default_rng(1)
    actual = 1e9 + rng.normal(size=500)
    predicted = actual + rng.normal(0, 0.5, 500)
    found = relative.r2(*values(predicted, actual, predicted, actual))[""]
    assert found.value == pytest.approx(sk.r2_score(actual, predicted), abs=1e-6)


def test_limits_of_means_are_normal() -> None:
    """From the sums come the limits that SciPy has from the errors; those of squares on the logarithm."""
    rng = np.random.default_rng(2)
    predicted, actual = rng.normal(size=(2, 200))
    profile = values([], [], predicted, actual)[1]
    error = predicted - actual
    for measure, terms in ((ours.mae, np.abs(error)), (ours.bias, error)):
        found = measure(None, profile)[""]
        assert (found.low, found.high) == pytest.approx(
            stats.norm.interval(0.95, terms.mean(), stats.sem(terms))
        )
    mse, rmse = (measure(None, profile)[""] for measure in (ours.mse, ours.rmse))
    stretch = np.exp(stats.norm.ppf(0.975) * stats.sem(error**2) / mse.value)
    assert (mse.low, mse.high) == pytest.approx((mse.value / stretch, mse.value * stretch))
    assert (rmse.low, rmse.high) == pytest.approx((mse.low**0.5, mse.high**0.5))


def test_median_limits_are_order_statistics() -> None:
    """The 40th and the 61st of a hundred errors bound their median."""
    error = np.arange(1.0, 101.0)
    found = ours.median_absolute_error(None, values([], [], error, np.zeros(100))[1])[""]
    assert (found.value, found.low, found.high) == pytest.approx((50.5, 40, 61), rel=1e-6)


def test_one_row_has_values_without_limits() -> None:
    """One error has no spread to judge by, and one outcome no variance to explain."""
    profile = values([], [], [3.0], [1.0])[1]
    assert ours.mae(None, profile)[""] == Value(2.0, 1)
    assert ours.rmse(None, profile)[""] == Value(2.0, 1)
    assert relative.r2(None, profile)[""] == Missing("fewer than two outcomes", 1)


def test_reasons_are_plain() -> None:
    """What is undefined says why."""
    zeros = values([], [], [1.0, 2.0], [0.0, 0.0])[1]
    assert relative.mape(None, zeros)[""].reason == "all outcomes are 0"
    assert relative.wape(None, zeros)[""].reason == "all outcomes are 0"
    assert relative.r2(None, zeros)[""].reason == "all outcomes are equal"
    for measure in EACH:
        assert measure(None, Profile(zeros.grid))[""] == Missing("no outcomes yet")
