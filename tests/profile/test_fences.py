"""Fences of outliers against their definitions, and that bins count exactly what lies beyond."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.stats import median_abs_deviation

from anchorwatch.core.schema import Column, Kind, ModelSpec, Task
from anchorwatch.profile.build import build_grid
from anchorwatch.profile.fences import marked
from anchorwatch.profile.fold import fold_inputs
from anchorwatch.profile.grid import FENCES, Grid

SPEC = ModelSpec(name="m", task=Task.REGRESSION, columns=(Column("x", Kind.NUMBER),))
moderate = st.floats(-1e6, 1e6).map(lambda number: round(number, 4))
samples = hnp.arrays(
    np.float64, st.integers(1, 80), elements=st.one_of(moderate, st.integers(0, 4).map(float))
)


def grid_of(values: np.ndarray) -> Grid:
    """The grid of one column."""
    return build_grid(SPEC, pl.DataFrame({"x": values}))


def by_hand(values: np.ndarray, rule: str) -> tuple[float, float, float]:
    """Lower fence, upper fence and spread, by NumPy and SciPy."""
    first, median, third = np.quantile(values, [0.25, 0.5, 0.75])
    if rule == "z":
        spread = np.std(values) if np.ptp(values) else 0.0
        return values.mean() - 3 * spread, values.mean() + 3 * spread, spread
    if rule == "iqr":
        return first - 1.5 * (third - first), third + 1.5 * (third - first), third - first
    spread = 1.482602218505602 * median_abs_deviation(values)
    spread = spread or np.sqrt(np.pi / 2) * np.abs(values - median).mean()
    return median - 3.5 * spread, median + 3.5 * spread, spread


@pytest.mark.parametrize("rule", FENCES)
@given(samples, samples)
def test_bins_count_exactly_what_lies_beyond(rule: str, reference: np.ndarray, current: np.ndarray) -> None:
    """Whether the fence is in range or not, on a value or not; values on the fence are no outliers."""
    grid = grid_of(reference)
    low, high, spread = by_hand(reference, rule)
    place = grid.fences[0, FENCES.index(rule)]
    if place[0] < 0:
        assert spread == pytest.approx(0, abs=1e-300)
        return
    lower, upper = np.nextafter(grid.edges[0][place[0]], np.inf), grid.edges[0][place[1]]
    bound = 1e-9 * (np.abs(reference).max() + spread)
    assert lower == pytest.approx(low, abs=bound)
    assert upper == pytest.approx(high, abs=bound)
    rows = np.concatenate(
        [current, [lower, upper, np.nextafter(lower, -np.inf), np.nextafter(upper, np.inf)]]
    )
    found = fold_inputs(pl.DataFrame({"x": rows}), np.zeros(rows.size, np.int64), 1, grid)[0].numbers
    assert found is not None
    assert marked(found.counts, grid, rule)[0] == ((rows < lower) | (rows > upper)).sum()


def test_what_has_no_spread_has_no_fences() -> None:
    """A constant has none at all; where most values are the same, quartiles have none and the robust rule has."""
    assert (grid_of(np.full(50, 7.0)).fences[0] == -1).all()
    mostly = grid_of(np.array([0.0] * 90 + list(range(1, 11))))
    assert (mostly.fences[0, FENCES.index("iqr")] == -1).all()
    assert (mostly.fences[0, FENCES.index("robust_z")] >= 0).all()
    huge = grid_of(np.array([-1.7e308, 0.0, 1.7e308] * 5))
    assert (huge.fences[0, 0] == -1).all()
    assert (build_grid(SPEC).fences == -1).all()


@pytest.mark.parametrize("n", [1_000, 1_001, 50_000])
def test_normal_values_lie_beyond_as_rarely_as_they_should(n: int) -> None:
    """0.27 %, 0.047 % and 0.70 % of a normal distribution, in fresh values."""
    rng = np.random.default_rng(n)
    grid = grid_of(rng.normal(5, 2, n))
    fresh = rng.normal(5, 2, 400_000)
    found = fold_inputs(pl.DataFrame({"x": fresh}), np.zeros(fresh.size, np.int64), 1, grid)[0].numbers
    assert found is not None
    for rule, expected in zip(FENCES, (0.0027, 0.000465, 0.00698), strict=True):
        assert expected / 3 < marked(found.counts, grid, rule)[0] / fresh.size < expected * 3
