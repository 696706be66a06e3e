"""Measures of bins against the exact ones of the raw values: within the bounds that their docstrings state."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anchorwatch.drift.anderson_darling import anderson_darling
from anchorwatch.drift.cramer_von_mises import cramer_von_mises
from anchorwatch.drift.energy import energy
from anchorwatch.drift.psi_classic import psi_classic
from anchorwatch.drift.wasserstein import wasserstein_raw
from anchorwatch.profile.example import pair
from anchorwatch.stats import numbers

LEVELS = st.lists(st.integers(0, 8), min_size=2, max_size=100)
RNG = np.random.default_rng(8)
BASE = RNG.normal(50, 10, 5000)
CASES = {
    "same": RNG.normal(50, 10, 3000),
    "shifted": RNG.normal(53, 10, 3000),
    "wider": RNG.normal(50, 15, 3000),
    "skewed": RNG.gamma(5, 10, 3000),
    "far": RNG.normal(150, 10, 3000),
    "few": RNG.normal(52, 10, 60),
}


@given(LEVELS, LEVELS)
@settings(deadline=None, max_examples=60)
def test_values_with_bins_of_their_own_are_exact(before: list[int], after: list[int]) -> None:
    """On the reference's own values statistic and p-value are those of the raw values."""
    one = [float(x) for x in before]
    other = [float(x) for x in after if x in before] or one
    sides = pair({"x": one}, {"x": other})
    for binned, exact in (
        (cramer_von_mises, numbers.cramer_von_mises),
        (anderson_darling, numbers.anderson_darling),
    ):
        found, expected = binned(*sides)["x"], exact(one, other)
        assert found.value == pytest.approx(expected.statistic, rel=1e-9, abs=1e-9)
        assert found.p == pytest.approx(expected.p, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("case", CASES)
def test_cramer_von_mises_is_within_its_bound(case: str) -> None:
    """`nm/N · w (2Z + w)` at most, and far less while values lie within the bins."""
    after = CASES[case]
    reference, current = pair({"x": BASE}, {"x": after})
    found, expected = cramer_von_mises(reference, current)["x"], numbers.cramer_von_mises(BASE, after)
    counts = reference.numbers.counts[0], current.numbers.counts[0]
    widest = max(float(count.max() / count.sum()) for count in counts)
    effective = BASE.size * after.size / (BASE.size + after.size)
    bound = effective * widest * (2 * numbers.ks(BASE, after).statistic + widest)
    assert abs(found.value - expected.statistic) <= bound
    if case != "far":
        assert found.value == pytest.approx(expected.statistic, rel=0.02, abs=0.02)


@pytest.mark.parametrize("case", [case for case in CASES if case != "far"])
def test_anderson_darling_is_near_the_raw_one(case: str) -> None:
    """Within 5 % or 0.2 while most values are within the bins, and never much over it."""
    found = anderson_darling(*pair({"x": BASE}, {"x": CASES[case]}))["x"].value
    assert found == pytest.approx(numbers.anderson_darling(BASE, CASES[case]).statistic, rel=0.05, abs=0.2)


@pytest.mark.parametrize("case", CASES)
def test_energy_and_wasserstein_are_near_the_raw_ones(case: str) -> None:
    """Energy squared within 10 % or a hundredth of a deviation, Wasserstein as the normed one."""
    sides, after = pair({"x": BASE}, {"x": CASES[case]}), CASES[case]
    squared = numbers.energy(BASE, after) ** 2 / BASE.std()
    assert energy(*sides)["x"].value ** 2 == pytest.approx(squared, rel=0.1, abs=0.01)
    assert wasserstein_raw(*sides)["x"].value == pytest.approx(
        numbers.wasserstein(BASE, after), rel=0.02, abs=(0.02 + 0.6 / after.size) * BASE.std()
    )


@pytest.mark.parametrize("case", ["same", "shifted", "wider", "few"])
def test_the_classic_index_is_near_the_textbooks(case: str) -> None:
    """Within a tenth, or 0.03, as outer bins hold few."""
    found = psi_classic(*pair({"x": BASE}, {"x": CASES[case]}))["x"].value
    assert found == pytest.approx(numbers.psi_classic(BASE, CASES[case]), rel=0.1, abs=0.03)


def test_the_classic_index_of_whole_numbers_is_exact() -> None:
    """Eleven values, each in a bin of its own, on the bounds of the ten."""
    before, after = RNG.integers(0, 11, 4000).astype(float), RNG.integers(0, 9, 3000).astype(float)
    found = psi_classic(*pair({"x": before}, {"x": after}))["x"].value
    assert found == pytest.approx(numbers.psi_classic(before, after), rel=1e-9)
