"""Contents of rows: exact counts, whatever the split, and nothing but contents decides."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from tests.profile.material import SPECS, assert_same, busy

from anchorwatch.core.schema import Task
from anchorwatch.profile.build import build_grid
from anchorwatch.profile.codec import decode, encode
from anchorwatch.profile.contents import CONTENTS, Contents
from anchorwatch.profile.extent import Extent
from anchorwatch.profile.fold import fold_inputs
from anchorwatch.profile.profile import Profile

if TYPE_CHECKING:
    from anchorwatch.profile.grid import Grid

BINARY = SPECS[Task.BINARY]
GRID = build_grid(BINARY, busy(np.random.default_rng(1), 500))


def contents(frame: pl.DataFrame, grid: Grid = GRID) -> Contents:
    """Those of a whole frame."""
    found = fold_inputs(frame, np.zeros(frame.height, np.int64), 1, grid, sample=10)[0].contents
    assert found is not None
    return found


def repeated(rng: np.random.Generator, distinct: int, rows: int) -> pl.DataFrame:
    """Rows drawn from a few, with vectors."""
    few = busy(rng, distinct).with_columns(
        pl.Series("v", rng.normal(size=(distinct, 2)).astype(np.float32)).cast(pl.List(pl.Float32))
    )
    return few[rng.integers(0, distinct, rows)].with_columns(pl.Series("_score", rng.random(rows)))


@pytest.mark.parametrize(("distinct", "rows"), [(1, 1), (5, 100), (200, 3_000), (255, 2_000)])
def test_few_contents_are_counted_exactly(distinct: int, rows: int) -> None:
    """Against a counter of rows; what was predicted is no part of a content."""
    frame = repeated(np.random.default_rng(rows), distinct, rows)
    wanted = Counter(str(row) for row in frame.select("x", "y", "c", "d", "v").rows())
    found = contents(frame)
    assert found.exact
    assert sorted(found.counts.tolist()) == sorted(wanted.values())


def test_of_many_contents_the_kept_ones_are_counted_exactly() -> None:
    """Each kept count is that of some content, and they are a fair sample of them."""
    frame = repeated(np.random.default_rng(4), 8_000, 30_000)
    found = contents(frame)
    assert found.keys.size == CONTENTS
    assert not found.exact
    every = Counter(str(row) for row in frame.select("x", "y", "c", "d", "v").rows())
    assert found.counts.mean() == pytest.approx(30_000 / len(every), rel=0.1)
    distinct = (CONTENTS - 1) / (float(found.keys[-1]) / 2**64)
    assert distinct == pytest.approx(len(every), rel=0.25)


@pytest.mark.parametrize("shuffled", [False, True])
def test_any_split_and_order_is_the_same(shuffled: bool) -> None:
    """Groups, halves and shuffled rows add up to the whole."""
    rng = np.random.default_rng(5)
    frame = repeated(rng, 3_000, 20_000)
    whole = contents(frame)
    groups = rng.integers(0, 13, 20_000)
    if not shuffled:
        groups.sort()
    parts = fold_inputs(frame, groups, 13, GRID, sample=10)
    assert_same(Profile.sum(GRID, parts).contents, whole)
    mixed = frame.sample(fraction=1.0, shuffle=True, seed=1)
    assert_same(contents(mixed[:7_000]) + contents(mixed[7_000:]), whole)
    assert_same(decode(encode(Profile(GRID, contents=whole)), GRID).contents, whole)


def test_one_cell_makes_another_content() -> None:
    """In any column, of any kind; -0 is 0 and every NaN is missing."""
    base = {"x": 1.0, "y": 0.0, "c": "a", "d": "b", "v": [1.0, 2.0]}
    schema = {"x": pl.Float64, "y": pl.Float64, "c": pl.String, "d": pl.String, "v": pl.List(pl.Float32)}
    others = [
        {"x": 1.0000001},
        {"x": None},
        {"y": 5e-324},
        {"c": "never seen"},
        {"c": "never seen either"},
        {"d": None},
        {"v": [1.0, 2.5]},
        {"v": None},
        {"x": 0.0, "y": 1.0},
    ]
    frame = pl.DataFrame([base, *({**base, **other} for other in others)], schema=schema)
    assert contents(frame).keys.size == len(others) + 1
    same = pl.DataFrame([base, {**base, "y": -0.0}], schema=schema)
    assert contents(same).counts.tolist() == [2]
    lost = pl.DataFrame([{**base, "x": float("nan")}, {**base, "x": None}], schema=schema)
    assert contents(lost).counts.tolist() == [2]


def test_stuck_columns_only_cost_time() -> None:
    """When what picks rows to look at is the same in all of them, all are looked at."""
    rng = np.random.default_rng(6)
    frame = pl.DataFrame({"x": np.ones(5_000), "y": np.ones(5_000), "c": ["a"] * 5_000, "d": ["b"] * 5_000})
    vectors = pl.Series("v", rng.normal(size=(5_000, 2)).astype(np.float32)).cast(pl.List(pl.Float32))
    found = contents(frame.with_columns(vectors))
    assert found.keys.size == CONTENTS
    assert (found.counts == 1).all()


def test_windows_are_counted_once() -> None:
    """However many parts of a window come together, and of windows that begin alike the longest."""
    one, two = Extent.of({0: 10, 10: 20}), Extent.of({10: 20, 40: 50})
    assert (one + two).length == 30
    assert (one + one).length == 20
    assert (Extent.of({0: 5}) + Extent.of({0: 9})).length == 9
    assert Extent.sum([one, two, Extent.of({})]).begins.tolist() == [0, 10, 40]
    assert_same(decode(encode(Profile(GRID, extent=one + two)), GRID).extent, one + two)
