from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from tests.profile.material import ODD, SPECS, frames

from anchorwatch.core.schema import Column, Kind, ModelSpec, Task
from anchorwatch.profile.build import MOST_LEVELS, build_grid, quantiles
from anchorwatch.profile.fold import fold_inputs
from anchorwatch.profile.grid import FENCES, OUTCOME, PREDICTION, QUANTILES, SCORE, Grid

X = ModelSpec(name="x", task=Task.REGRESSION, columns=(Column("x", Kind.NUMBER),))
C = ModelSpec(name="c", task=Task.REGRESSION, columns=(Column("c", Kind.CATEGORY),))
Q = np.arange(QUANTILES + 1) / QUANTILES
moderate = st.floats(-1e300, 1e300)
LARGEST = 1.7976931348623157e308


def grid_of(values: object) -> Grid:
    """The grid of one numeric column."""
    return build_grid(X, pl.DataFrame({"x": pl.Series(values, dtype=pl.Float64)}))


def counts(values: object, grid: Grid) -> np.ndarray:
    """How many of `values` lie in each bin."""
    frame = pl.DataFrame({"x": pl.Series(values, dtype=pl.Float64)})
    found = fold_inputs(frame, np.zeros(frame.height, np.int64), 1, grid)[0]
    assert found.numbers is not None
    return found.numbers.counts[0]


def psi(reference: np.ndarray, current: np.ndarray) -> float:
    """The textbook's function: ten bins between the deciles of the reference, from raw numbers."""
    cuts = np.unique(np.quantile(reference, np.arange(1, 10) / 10))
    one, other = (
        np.bincount(np.searchsorted(cuts, item), minlength=cuts.size + 1) / item.size
        for item in (reference, current)
    )
    one, other = np.maximum(one, 1e-4), np.maximum(other, 1e-4)
    return float(((other - one) * np.log(other / one)).sum())


@given(hnp.arrays(np.float64, st.integers(1, 50), elements=moderate))
def test_quantiles_are_those_of_numpy(values: np.ndarray) -> None:
    """Bit for bit, so that a user's own deciles are edges."""
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(quantiles(np.sort(values), Q), np.quantile(values, Q))


def test_quantiles_of_the_largest_numbers_are_finite() -> None:
    """Where NumPy's differences overflow, ours do not."""
    found = quantiles(np.array([-LARGEST, LARGEST]), Q)
    assert np.isfinite(found).all()
    assert (np.diff(found) > 0).all()


@given(st.lists(st.one_of(st.sampled_from(ODD), st.floats(), st.integers(0, 5).map(float)), max_size=60))
@example([-LARGEST, LARGEST])
@example([5e-324, 0.0])
@example([np.nan])
@example([1e-310, 2e-310])
def test_edges_cover_any_reference(values: list[float]) -> None:
    """Edges ascend, stand at the maximum and just below the minimum; moments have a scale to live on."""
    grid = grid_of(values)
    edges, finite = grid.edges[0], np.array(values)[np.isfinite(values)]
    assert (np.diff(edges) > 0).all()
    assert edges.size <= QUANTILES + 2 + 2 * len(FENCES)
    assert np.isfinite(grid.centre).all()
    assert np.isfinite(grid.scale).all()
    assert (grid.scale > 0).all()
    if finite.size:
        with np.errstate(over="ignore"):
            assert edges[grid.ranges[0, 0]] == np.nextafter(finite.min(), -np.inf)
        assert edges[grid.ranges[0, 1]] == finite.max()
        first, last = grid.ranges[0] + 1
        assert counts(finite, grid)[first:last].sum() == finite.size


@given(
    hnp.arrays(np.float64, st.integers(1, 80), elements=st.one_of(moderate, st.integers(0, 4).map(float))),
    hnp.arrays(np.float64, st.integers(1, 80), elements=st.one_of(moderate, st.integers(0, 4).map(float))),
)
def test_counts_between_deciles_are_those_of_raw_numbers(reference: np.ndarray, current: np.ndarray) -> None:
    """Any sum over the bins between deciles, such as the textbook's PSI, is exact."""
    grid = grid_of(reference)
    cuts = np.unique(np.quantile(reference, np.arange(1, 10) / 10))
    np.testing.assert_array_equal(grid.edges[0][grid.deciles[0]], cuts)
    below = np.cumsum(counts(current, grid))[grid.deciles[0]]
    np.testing.assert_array_equal(below, (current[:, None] <= cuts).sum(axis=0))


def test_psi_is_the_textbooks() -> None:
    """On data of the common kind, from both sides of the arithmetic."""
    rng = np.random.default_rng(5)
    reference, current = rng.gamma(2, 3, 7_001).round(1), rng.gamma(2.2, 3, 5_000).round(1)
    grid = grid_of(reference)
    shares = []
    for item in (reference, current):
        below = np.cumsum(counts(item, grid))[grid.deciles[0]]
        shares.append(np.maximum(np.diff(below, prepend=0, append=item.size) / item.size, 1e-4))
    one, other = shares
    assert float(((other - one) * np.log(other / one)).sum()) == psi(reference, current)


def test_an_atom_has_a_bin_of_its_own() -> None:
    """A value with much mass is apart from its neighbours, so its share can be read off."""
    rng = np.random.default_rng(6)
    values = np.where(rng.random(10_000) < 0.2, 3.0, rng.normal(3, 1, 10_000))
    grid = grid_of(values)
    at = np.flatnonzero(grid.edges[0] == 3.0)[0]
    assert grid.edges[0][at - 1] == np.nextafter(3.0, 0)
    assert counts(values, grid)[at] == (values == 3.0).sum()


def test_whatever_has_two_bins_worth_of_mass_is_an_atom() -> None:
    """Each value with 2 in 240 of the mass or more is alone in its bin."""
    values = np.random.default_rng(17).geometric(0.03, 50_000).astype(float)
    edges = grid_of(values).edges[0]
    found, often = np.unique(values, return_counts=True)
    heavy = found[often >= 2 * values.size / QUANTILES]
    assert heavy.size > 20
    assert np.isin(heavy, edges).all()
    assert np.isin(np.nextafter(heavy, -np.inf), edges).all()


def test_a_constant_column_is_one_bin() -> None:
    """Below, the constant itself, above."""
    grid = grid_of([7.0] * 10)
    assert grid.edges[0].tolist() == [np.nextafter(7.0, 0), 7.0]
    assert grid.deciles[0].tolist() == [1]
    assert (grid.centre[0], grid.scale[0]) == (7.0, 1.0)
    assert counts([6.0, 7.0, 7.0, 8.0], grid)[:3].tolist() == [1, 2, 1]


def test_moments_are_standardised_by_median_and_deviation() -> None:
    """Centre and scale are those of the finite values."""
    values = np.random.default_rng(7).lognormal(0, 1, 999)
    grid = grid_of([*values, np.nan, np.inf])
    assert grid.centre[0] == np.median(values)
    assert grid.scale[0] == pytest.approx(np.std(values), rel=1e-12)
    assert grid_of(values * 1e300).scale[0] == pytest.approx(np.std(values) * 1e300, rel=1e-12)


def test_without_values_there_is_a_ladder() -> None:
    """A column without values has general edges and no deciles; a grid without a reference is not fitted."""
    assert grid_of([None, np.inf]).fitted
    for grid in (grid_of([None, np.inf]), build_grid(X)):
        edges = grid.edges[0]
        assert edges.size == QUANTILES
        np.testing.assert_array_equal(edges[edges > 0], -edges[edges < -1e-300][::-1])
        assert 0.0 in edges
        assert grid.deciles[0].size == 0
    assert not build_grid(X).fitted
    assert build_grid(X).digest == build_grid(X).digest != grid_of([1.0]).digest


def test_levels_go_by_count_then_name() -> None:
    """The most frequent first, names in order among equals, nulls left out."""
    frame = pl.DataFrame({"c": ["b", "a", "c", "c", None, "", "x" * 201]})
    assert build_grid(C, frame).levels == (("c", "", "a", "b"),)


def test_levels_are_bounded() -> None:
    """Beyond the bound the rarest are left to be unseen."""
    names = [f"{number:06}" for number in range(MOST_LEVELS + 500)]
    levels = build_grid(C, pl.DataFrame({"c": [*names, names[-1]]})).levels[0]
    assert len(levels) == MOST_LEVELS
    assert levels[:2] == (names[-1], names[0])


def test_columns_follow_the_task() -> None:
    """Inputs first, then prediction, score and outcome, each where its kind is counted."""
    binary, many, regression = (
        build_grid(SPECS[task]) for task in (Task.BINARY, Task.MULTICLASS, Task.REGRESSION)
    )
    assert binary.numbers == ("x", "y", SCORE)
    assert binary.categories == many.categories == ("c", "d", PREDICTION, OUTCOME)
    assert many.numbers == ("x", "y")
    assert regression.numbers == ("x", "y", PREDICTION, OUTCOME)
    assert regression.categories == ("c", "d")
    assert binary.levels[2:] == (("0", "1"), ("0", "1"))
    assert (binary.positive, many.positive, regression.positive) == (1, -1, -1)
    assert not binary.fitted


def test_labels_come_from_the_spec_or_the_reference() -> None:
    """Those of the spec stand as they are; else those found, sorted; a binary model always has two."""
    frame = pl.DataFrame({PREDICTION: ["no", "yes", None], OUTCOME: ["maybe", None, "no"]})
    many = ModelSpec(name="m", task=Task.MULTICLASS)
    assert build_grid(many, frame).labels == ("maybe", "no", "yes")
    assert build_grid(many.evolve(labels=("z", "a")), frame).labels == ("z", "a")
    assert build_grid(many).labels == ()
    binary = ModelSpec(name="b", task=Task.BINARY)
    assert build_grid(binary).labels == ("0", "1")
    assert build_grid(binary.evolve(positive="0")).labels == ("0", "1")
    found = build_grid(binary.evolve(positive="yes"), frame.select(PREDICTION))
    assert (found.labels, found.positive) == (("no", "yes"), 1)


@pytest.mark.parametrize("task", Task)
@given(st.data())
def test_any_frame_gives_a_grid(task: Task, data: st.DataObject) -> None:
    """Whatever a reference holds, the same one gives the same grid, in any order of its rows."""
    frame = data.draw(frames(task))
    grid = build_grid(SPECS[task], frame)
    assert grid.fitted
    assert build_grid(SPECS[task], frame.reverse()).digest == grid.digest
