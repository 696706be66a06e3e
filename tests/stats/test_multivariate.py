"""Two samples of whole rows: discrepancy, principal components, trees."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA

from anchorwatch.stats.combine import cauchy
from anchorwatch.stats.mmd import bandwidth, blocks, crossed, linear
from anchorwatch.stats.principal import Components
from anchorwatch.stats.trees import Forest

if TYPE_CHECKING:
    from numpy.typing import NDArray


def kernel(one: NDArray[np.float64], other: NDArray[np.float64], width: float) -> float:
    """Gaussian, written out."""
    return float(np.exp(-((one - other) ** 2).sum() / (2 * width**2)))


def test_the_block_estimate_is_its_definition() -> None:
    """With one pair of blocks each: the unbiased quadratic estimate, term by term."""
    random = np.random.default_rng(5)
    x, y = random.normal(size=(6, 3)), random.normal(0.5, 1, size=(6, 3))

    def quadratic(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
        pairs = [(i, j) for i in range(3) for j in range(3) if i != j]
        total = sum(
            kernel(one[i], one[j], 1.3) + kernel(other[i], other[j], 1.3) - 2 * kernel(one[i], other[j], 1.3)
            for i, j in pairs
        )
        return total / len(pairs)

    expected = (quadratic(x[:3], y[:3]) + quadratic(x[3:], y[3:])) / 2
    assert blocks(x, y, 1.3, size=3).squared == pytest.approx(expected)


def test_the_linear_estimate_is_its_definition() -> None:
    """The mean over pairs of rows taken in turn."""
    random = np.random.default_rng(6)
    x, y = random.normal(size=(4, 2)), random.normal(size=(4, 2))
    terms = [
        kernel(x[i], x[i + 1], 0.7)
        + kernel(y[i], y[i + 1], 0.7)
        - kernel(x[i], y[i + 1], 0.7)
        - kernel(x[i + 1], y[i], 0.7)
        for i in (0, 2)
    ]
    assert linear(x, y, 0.7).squared == pytest.approx(np.mean(terms))


@pytest.mark.parametrize("test", [linear, blocks, crossed])
def test_no_drift_is_called_as_often_as_stated(test: object) -> None:
    """At five in a hundred no more than seven of samples that are alike."""
    random = np.random.default_rng(7)
    p = [test(*random.normal(size=(2, 120, 3))).p for _ in range(300)]  # type: ignore[operator]
    assert np.mean(np.array(p) < 0.05) < 0.08


@pytest.mark.parametrize("test", [linear, blocks, crossed])
def test_too_few_or_constant_rows_are_no_drift(test: object) -> None:
    """One row, no spread: p is 1; constants that differ are told apart."""
    ones = np.ones((50, 2))
    assert test(ones[:1], ones[:1]).p == 1  # type: ignore[operator]
    assert test(ones, ones).p > 0.98  # type: ignore[operator]
    assert test(ones, ones + 1).p < 1e-9  # type: ignore[operator]


def test_the_bandwidth_is_the_median_distance() -> None:
    """And 1 where there is none."""
    rows = np.array([[0.0], [1.0], [3.0]])
    assert bandwidth(rows[:2], rows[2:]) == 2
    assert bandwidth(rows[:1], rows[:1]) == 1


def test_components_are_those_of_scikit_learn() -> None:
    """The same residuals as PCA on standardised columns that keeps as much variance."""
    random = np.random.default_rng(8)
    rows = random.normal(size=(300, 6)) @ random.normal(size=(6, 6)) + 5
    scaled = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    theirs = PCA(n_components=0.65, svd_solver="full").fit(scaled)
    residual = scaled - theirs.inverse_transform(theirs.transform(scaled))
    ours = Components.of(rows)
    assert len(ours.axes) == theirs.n_components_
    assert ours.errors(rows) == pytest.approx(np.linalg.norm(residual, axis=1))


def test_a_constant_column_shows_its_first_change() -> None:
    """It takes part with no variance and its own unit."""
    rows = np.column_stack([np.arange(10.0), np.full(10, 3.0)])
    errors = Components.of(rows).errors(np.array([[4.5, 3.0], [4.5, 5.0]]))
    assert errors == pytest.approx([0, 2])
    assert Components.of(np.ones((5, 2))).errors(np.ones((2, 2))).tolist() == [0, 0]


def test_trees_tell_apart_what_differs_between_columns() -> None:
    """A parity that no column shows by itself."""
    random = np.random.default_rng(9)
    first, second = random.integers(0, 2, (2, 800, 1)), random.integers(0, 2, (2, 800, 1))
    plain = np.concatenate([first[0], first[1], random.integers(0, 9, (800, 2))], axis=1)
    tied = np.concatenate([second[0], second[0], random.integers(0, 9, (800, 2))], axis=1)
    rows, which = np.concatenate([plain, tied]), np.arange(1600) >= 800
    learn = np.arange(1600) % 2 == 0
    scores = Forest.grow(rows[learn], which[learn]).score(rows[~learn])
    assert scores[which[~learn]].mean() - scores[~which[~learn]].mean() > 0.15


def test_a_forest_is_the_same_each_time() -> None:
    """Its seed is a value; another one grows another forest."""
    random = np.random.default_rng(1)
    rows, which = random.integers(0, 50, (200, 3)), random.random(200) < 0.5
    one, again, other = (Forest.grow(rows, which, seed).score(rows) for seed in (1, 1, 2))
    assert (one == again).all()
    assert (one != other).any()
    assert ((one >= 0) & (one <= 1)).all()


@settings(max_examples=50)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=6), st.randoms())
def test_cauchy_s_rule_does_not_care_for_order(p: list[float], random: object) -> None:
    """And lies within 0 and 1; one test alone is left as it is."""
    shuffled = list(p)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert float(cauchy(p)) == pytest.approx(float(cauchy(shuffled)))
    assert 0 <= float(cauchy(p)) <= 1
    if p[0] < 0.98:
        assert float(cauchy(p[:1])) == pytest.approx(p[0], abs=1e-12)


def test_cauchy_s_rule_keeps_its_level() -> None:
    """Of independent and of equal p-values alike."""
    random = np.random.default_rng(2)
    for tests in (random.uniform(size=(3, 50_000)), np.tile(random.uniform(size=50_000), (3, 1))):
        p = cauchy(tests)
        for alpha in (0.05, 0.01, 0.001):
            assert np.mean(p < alpha) < alpha * 1.1 + 3 * np.sqrt(alpha / 50_000)
    assert np.isnan(cauchy([np.nan, np.nan]))
