"""Wasserstein on bins against SciPy on the raw values."""

import numpy as np
import pytest
from scipy.stats import wasserstein_distance

from anchorwatch.drift.wasserstein import wasserstein
from anchorwatch.profile.example import pair

RNG = np.random.default_rng(6)
BASE = RNG.normal(50, 10, 5000)
CASES = {
    "same": RNG.normal(50, 10, 3000),
    "shifted": RNG.normal(52, 10, 3000),
    "far": RNG.normal(150, 10, 3000),
    "wider": RNG.normal(50, 15, 3000),
    "narrower": RNG.normal(50, 3, 3000),
    "skewed": RNG.gamma(5, 10, 3000),
    "one value": np.full(100, 57.0),
    "heavy tail": 50 + 10 * RNG.standard_t(2, 3000),
    "mostly beyond": RNG.uniform(0, 300, 3000),
    "few": RNG.normal(55, 10, 20),
}


@pytest.mark.parametrize("case", CASES)
def test_distance_is_scipys_in_standard_deviations(case: str) -> None:
    """Within 2 % of the distance or of a standard deviation, and of the widest bin for one value in it."""
    found = wasserstein(*pair({"x": BASE}, {"x": CASES[case]}))["x"]
    expected = wasserstein_distance(BASE, CASES[case]) / BASE.std()
    assert found.value == pytest.approx(expected, rel=0.02, abs=0.02 + 0.6 / len(CASES[case]))


def test_a_few_values_far_out_count_in_full() -> None:
    """Three of three thousand, hundreds of deviations away, are most of the distance."""
    after = np.append(CASES["same"], [5000.0, 9000.0, -4000.0])
    found = wasserstein(*pair({"x": BASE}, {"x": after}))["x"]
    assert found.value == pytest.approx(wasserstein_distance(BASE, after) / BASE.std(), rel=0.1)


@pytest.mark.parametrize("spread", [30.0, 100.0])
def test_both_tails_beyond_the_range_are_measured(spread: float) -> None:
    """A column three or ten times as wide lies mostly outside the bins, and is still measured within a tenth."""
    after = RNG.normal(50, spread, 3000)
    found = wasserstein(*pair({"x": BASE}, {"x": after}))["x"]
    assert found.value == pytest.approx(wasserstein_distance(BASE, after) / BASE.std(), rel=0.1)


def test_distance_follows_a_shift_smaller_than_a_bin() -> None:
    """A column moved by a hundredth of its spread has moved by that, not by 0 and not by a bin."""
    found = wasserstein(*pair({"x": BASE}, {"x": BASE + 0.1}))["x"]
    assert found.value == pytest.approx(0.1 / BASE.std(), rel=0.1)


@pytest.mark.parametrize("factor", [1000.0, -3.6])
def test_a_change_of_unit_is_measured_in_full(factor: float) -> None:
    """Even when every value leaves the reference's range."""
    found = wasserstein(*pair({"x": BASE}, {"x": BASE * factor}))["x"]
    assert found.value == pytest.approx(wasserstein_distance(BASE, BASE * factor) / BASE.std(), rel=1e-3)


def test_whole_numbers_are_exact() -> None:
    """With few values, each in a bin of its own, only their middles differ."""
    before, after = RNG.integers(0, 5, 2000).astype(float), RNG.integers(1, 4, 1000).astype(float)
    found = wasserstein(*pair({"x": before}, {"x": after}))["x"]
    assert found.value == pytest.approx(wasserstein_distance(before, after) / before.std(), rel=1e-9)


def test_units_do_not_matter() -> None:
    """Feet or metres, the distance in standard deviations is the same."""
    after = CASES["skewed"]
    one = wasserstein(*pair({"x": BASE}, {"x": after}))["x"].value
    other = wasserstein(*pair({"x": BASE * 3.28}, {"x": after * 3.28}))["x"].value
    assert one == pytest.approx(other, rel=1e-6)


def test_columns_of_any_width_keep_to_themselves() -> None:
    """A column with few edges beside one with many gives what it gives alone."""
    flags = RNG.integers(0, 2, 3000).astype(float)
    alone = wasserstein(*pair({"flag": flags}, {"flag": flags[:300] * 0}))["flag"]
    beside = wasserstein(
        *pair({"x": BASE[:3000], "flag": flags}, {"x": BASE[:300], "flag": flags[:300] * 0})
    )["flag"]
    assert alone == beside
    assert alone.value == pytest.approx(flags.mean() / flags.std(), rel=1e-9)


def test_a_constant_reference_takes_the_unit_of_what_moved() -> None:
    """A move from a constant is told in the current window's deviations; of two constants there is none."""
    steady = {"x": [5.0] * 20}
    moved = wasserstein(*pair(steady, {"x": [5.0, 7.0] * 10}))["x"]
    assert moved.value == pytest.approx(1.0, abs=0.01)
    assert wasserstein(*pair(steady, {"x": [6.0] * 20}))["x"].reason == "both are constant"
    assert wasserstein(*pair({"x": [0.003467] * 20}, {"x": [0.003467] * 99}))["x"].value == 0
    assert wasserstein(*pair(steady, steady))["x"].value == 0
