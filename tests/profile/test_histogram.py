from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from anchorwatch.profile.histogram import COARSEST, FINEST, Histogram, ordered, value

if TYPE_CHECKING:
    from random import Random

finite = st.floats(allow_nan=False, allow_infinity=False)
lists = st.lists(finite, max_size=60)


def plain(rows: list[list[float]], capacity: int) -> tuple[int, dict[int, list[int]]]:
    """By the definition: try level after level, with Python's whole numbers."""
    keys = [[int(ordered(np.array([number]))[0]) for number in row] for row in rows]
    level = FINEST
    while len({key >> level for row in keys for key in row}) > capacity:
        level += 1
    cells = sorted({key >> level for row in keys for key in row})
    return level, {cell: [sum(key >> level == cell for key in row) for row in keys] for cell in cells}


@given(lists)
@example([-0.0, 0.0, 5e-324, -5e-324, 1.7976931348623157e308, -1.7976931348623157e308])
def test_ordered_integers_follow_the_numbers(numbers: list[float]) -> None:
    """Integers compare as the numbers do, and lead back to them."""
    array = np.array(numbers)
    keys = ordered(array)
    np.testing.assert_array_equal(keys[:, None] < keys, array[:, None] < array)
    np.testing.assert_array_equal(value(keys), array)


@given(lists, lists, st.integers(2, 20))
def test_of_follows_the_definition(one: list[float], other: list[float], capacity: int) -> None:
    """Level, cells and counts are those of the definition, for two rows."""
    found = Histogram.of([one, other], capacity)
    level, cells = plain([one, other], capacity)
    assert found.level == level
    assert found.cells.tolist() == list(cells)
    assert found.counts.T.tolist() == list(cells.values())


@given(st.lists(lists, min_size=1, max_size=5), st.integers(2, 12), st.randoms())
def test_sum_is_independent_of_the_path(parts: list[list[float]], capacity: int, random: Random) -> None:
    """Any split, order and bracketing of the numbers gives the histogram of all at once."""
    whole = Histogram.of([list(chain(*parts))], capacity)
    made = [Histogram.of([part], capacity) for part in parts]
    random.shuffle(made)
    left = Histogram.empty(capacity=capacity)
    for item in made:
        left = left + item
    right = Histogram.empty(capacity=capacity)
    for item in made:
        right = item + right
    for found in (left, right, Histogram.sum(made)):
        assert found.level == whole.level
        np.testing.assert_array_equal(found.cells, whole.cells)
        np.testing.assert_array_equal(found.counts, whole.counts)


@given(st.lists(finite, min_size=1, max_size=60), st.integers(2, 60))
def test_middles_lie_in_their_cells(numbers: list[float], capacity: int) -> None:
    """A representative number is finite and falls into the very cell it stands for, at every level."""
    found = Histogram.of([numbers], capacity)
    middles = found.middles()
    assert np.isfinite(middles).all()
    np.testing.assert_array_equal(ordered(middles) >> found.level, found.cells)


@given(st.lists(finite, min_size=1, max_size=60), st.floats(0, 1))
def test_quantiles_of_few_values_are_theirs(numbers: list[float], q: float) -> None:
    """With room for each value, a quantile is that of the numbers to the width of the finest cell."""
    found = Histogram.of([numbers]).quantiles(q)[0]
    exact = np.quantile(numbers, q, method="inverted_cdf")
    assert found == pytest.approx(exact, rel=3e-10, abs=1e-307)


def test_quantiles_of_many_values_are_close() -> None:
    """With 512 cells, latencies over several doublings keep their quantiles within 1 %."""
    numbers = np.random.default_rng(1).lognormal(-5, 0.7, 200_000)
    q = [0.01, 0.5, 0.95, 0.99, 0.999]
    np.testing.assert_allclose(Histogram.of([numbers], 512).quantiles(q), np.quantile(numbers, q), rtol=0.01)


def test_quantiles_of_nothing_are_unknown() -> None:
    """An empty histogram has no quantile."""
    assert np.isnan(Histogram.empty().quantiles([0.1, 0.9])).all()


def test_zero_keeps_its_own_cell() -> None:
    """Zeros come back as zero, not as the smallest number of their cell."""
    assert Histogram.of([[0.0, -0.0, 0.0]]).middles().tolist() == [0.0]


def test_what_is_not_finite_is_not_counted() -> None:
    """NaN and infinities are left out."""
    assert Histogram.of([[np.nan, np.inf, -np.inf, 1.0]]).total == 1


def test_two_cells_are_the_least() -> None:
    """Numbers of both signs never share a cell, so a capacity of one is refused rather than tried for ever."""
    assert Histogram.of([[-1.0, -1e300, 1.0, 1e300]], 2).level == COARSEST
    with pytest.raises(ValueError, match="capacity"):
        Histogram.of([[1.0]], 1)
