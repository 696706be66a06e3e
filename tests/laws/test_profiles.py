"""Profiles form a commutative monoid, and folding is a homomorphism into it."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.profile.material import SPECS, assert_same, busy, frames, groups_of, joined, take

from anchorwatch.core.errors import ConflictError
from anchorwatch.core.schema import Task
from anchorwatch.profile.build import build_grid
from anchorwatch.profile.codec import decode, encode
from anchorwatch.profile.fold import fold_inputs, fold_outcomes
from anchorwatch.profile.profile import Profile

if TYPE_CHECKING:
    from anchorwatch.profile.grid import Grid

FEWER = settings(max_examples=40)  # each example is a whole frame
parts_of = st.composite(groups_of)


@st.composite
def grids(draw: st.DrawFn, task: Task) -> Grid:
    """A grid with a reference or without."""
    return build_grid(SPECS[task], draw(st.one_of(st.none(), frames(task, 12))))


@st.composite
def profiles(draw: st.DrawFn, grid: Grid) -> Profile:
    """A profile of inputs, outcomes, both or nothing."""
    frame, rows = draw(frames(grid.task, 12)), draw(joined(grid.task, 12))
    inputs = fold_inputs(frame, np.zeros(frame.height, np.int64), 1, grid, sample=5)[0]
    outcomes = fold_outcomes(rows, np.zeros(rows.outcome.size, np.int64), 1, grid)[0]
    return draw(st.sampled_from([inputs, outcomes, inputs + outcomes, Profile(grid)]))


@pytest.mark.parametrize("task", Task)
@FEWER
@given(st.data())
def test_any_split_and_order_of_predictions_is_the_same(task: Task, data: st.DataObject) -> None:
    """Rows shuffled and dealt out to parts add up to the profile of all rows at once."""
    grid = data.draw(grids(task))
    frame = data.draw(frames(task))
    order = np.array(data.draw(st.permutations(range(frame.height))), np.int64)
    rows = data.draw(st.integers(0, 12))
    whole = fold_inputs(frame, np.zeros(frame.height, np.int64), 1, grid, sample=rows)[0]
    deal = np.abs(data.draw(parts_of(frame.height, 4)))
    parts = fold_inputs(frame[order], deal, 4, grid, sample=rows)
    assert_same(Profile.sum(grid, parts), whole)
    cut = data.draw(st.integers(0, frame.height))
    halves = [
        fold_inputs(half, np.zeros(half.height, np.int64), 1, grid, sample=rows)[0]
        for half in (frame[:cut], frame[cut:])
    ]
    assert_same(halves[1] + halves[0], whole)


@pytest.mark.parametrize("task", Task)
@FEWER
@given(st.data())
def test_any_split_and_order_of_outcomes_is_the_same(task: Task, data: st.DataObject) -> None:
    """The same for outcomes."""
    grid = data.draw(grids(task))
    rows = data.draw(joined(task))
    order = np.array(data.draw(st.permutations(range(rows.outcome.size))), np.int64)
    whole = fold_outcomes(rows, np.zeros(rows.outcome.size, np.int64), 1, grid)[0]
    deal = np.abs(data.draw(parts_of(rows.outcome.size, 4)))
    assert_same(Profile.sum(grid, fold_outcomes(take(rows, order), deal, 4, grid)), whole)


@pytest.mark.parametrize("task", Task)
@FEWER
@given(st.data())
def test_profiles_are_a_commutative_monoid(task: Task, data: st.DataObject) -> None:
    """Addition is associative and commutative, and the empty profile changes nothing."""
    grid = data.draw(grids(task))
    a, b, c = (data.draw(profiles(grid)) for _ in range(3))
    assert_same((a + b) + c, a + (b + c))
    assert_same(a + b, b + a)
    assert_same(a + Profile(grid), a)
    assert_same(Profile.sum(grid, [a]), a)
    assert_same(Profile.sum(grid, []), Profile(grid))
    assert_same(Profile.sum(grid, [a, b, c]), a + b + c)


@pytest.mark.parametrize("task", Task)
@FEWER
@given(st.data())
def test_storing_and_adding_commute(task: Task, data: st.DataObject) -> None:
    """What was added before it was stored is what is stored and then added."""
    grid = data.draw(grids(task))
    a, b = (data.draw(profiles(grid)) for _ in range(2))
    assert_same(decode(encode(a), grid) + decode(encode(b), grid), decode(encode(a + b), grid))


def test_many_windows_add_to_the_whole() -> None:
    """Enough rows for histograms to coarsen and names to be dropped on the way."""
    rng = np.random.default_rng(15)
    frame, groups = busy(rng, 30_000), rng.integers(0, 60, 30_000)
    grid = build_grid(SPECS[Task.BINARY], frame.head(1_000))
    frame = frame.with_columns(pl.int_range(30_000).cast(pl.String).alias("_id"))
    whole = fold_inputs(frame, np.zeros(30_000, np.int64), 1, grid, sample=200)[0]
    parts = fold_inputs(frame, groups, 60, grid, sample=200)
    assert_same(Profile.sum(grid, parts), whole)
    assert_same(reduce(Profile.__add__, parts), whole)
    assert_same(reduce(Profile.__add__, reversed(parts)), whole)
    assert whole.service is not None
    assert whole.service.latency.cells.size > 200


def test_adding_leaves_the_terms_alone() -> None:
    """Sums share no memory that a later sum would write to."""
    rng = np.random.default_rng(16)
    frame = busy(rng, 100)
    grid = build_grid(SPECS[Task.BINARY], frame)
    one = fold_inputs(frame, np.zeros(100, np.int64), 1, grid)[0]
    before = encode(one)
    total = Profile.sum(grid, [one, one, one])
    _ = total + one + total
    assert encode(one) == before
    assert total.events == 300


def test_profiles_on_different_grids_do_not_add() -> None:
    """Bins that differ have no sum."""
    one, other = (Profile(build_grid(SPECS[task])) for task in (Task.BINARY, Task.REGRESSION))
    with pytest.raises(ConflictError, match="grid"):
        _ = one + other
