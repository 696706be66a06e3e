from __future__ import annotations

import math
from collections import Counter
from datetime import datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.profile.material import SPECS, assert_same, busy, frames, groups_of

from anchorwatch.core.errors import InputError
from anchorwatch.core.schema import Task
from anchorwatch.profile import digest, levels, locate, tally
from anchorwatch.profile.build import build_grid
from anchorwatch.profile.fold import fold_inputs, prepare
from anchorwatch.profile.grid import OUTCOME, PREDICTION, Grid
from anchorwatch.profile.histogram import Histogram
from anchorwatch.profile.parts import Categories, Numbers, Service
from anchorwatch.profile.profile import Profile
from anchorwatch.profile.unseen import LONGEST, merge_names
from anchorwatch.profile.vectors import Vectors

EPOCH = datetime.fromisoformat("1970-01-01T00:00:00Z")


def plain(frame: pl.DataFrame, grid: Grid) -> Profile:
    """A profile by its definition, a row and a column at a time."""
    columns = [plain_numbers(frame, grid, name) for name in grid.numbers]
    numbers = Numbers(*(np.array(item) for item in zip(*columns, strict=True))) if columns else None
    vectors = plain_vectors(frame, grid)
    return Profile(grid, numbers, plain_categories(frame, grid), plain_service(frame), vectors=vectors)


def plain_vectors(frame: pl.DataFrame, grid: Grid) -> Vectors:
    """The vector column `v`."""
    rows = frame["v"].to_list() if "v" in frame.columns else [None] * frame.height
    whole = [row for row in rows if row is not None and len(row) == grid.widths[0] and np.isfinite(row).all()]
    known = np.array(whole, np.float64).reshape(-1, grid.widths[0])
    count = np.array([len(known)])
    return Vectors(count, frame.height - count, known.sum(axis=0), (known**2).sum(axis=0))


def plain_numbers(frame: pl.DataFrame, grid: Grid, name: str) -> tuple[object, ...]:
    """One numeric column, in the order of the attributes of `Numbers`."""
    column = grid.numbers.index(name)
    edges, centre, scale = grid.edges[column].tolist(), grid.centre[column], grid.scale[column]
    values = [] if name == OUTCOME else frame[name].to_list() if name in frame.columns else []
    known = [value for value in values if value is not None and math.isfinite(value)]
    bins = [0] * (max(item.size for item in grid.edges) + 1)
    total = square = 0.0
    for value in known:
        bins[sum(edge < value for edge in edges)] += 1
        with np.errstate(over="ignore"):
            standard = min(max(float((np.float64(value) - centre) / scale), -1e100), 1e100)
        total += standard
        square += standard**2
    infinite = sum(value is not None and math.isinf(value) for value in values)
    missing = len(values) - len(known) - infinite
    return bins, missing, infinite, total, square, min(known, default=math.inf), max(known, default=-math.inf)


def plain_categories(frame: pl.DataFrame, grid: Grid) -> Categories | None:
    """The categorical columns."""
    if not grid.categories:
        return None
    counts, missing, unseen, names = [], [], [], []
    for name, known in zip(grid.categories, grid.levels, strict=True):
        found = Counter(frame[name].to_list()) if name != OUTCOME else Counter()
        missing.append(found.pop(None, 0))
        counts.append(np.array([found.pop(level, 0) for level in known], np.int64))
        unseen.append(found.total())
        names.append(merge_names([{name[:LONGEST]: count for name, count in found.items()}]))
    return Categories(tuple(counts), np.array(missing), np.array(unseen), tuple(names))


def plain_service(frame: pl.DataFrame) -> Service:
    """How the model served."""
    latency = [
        min(one, 1e290) for one in frame["_latency"].to_list() if one is not None and 0 <= one < math.inf
    ]
    at = [round((one - EPOCH).total_seconds() * 1e6) for one in frame["_at"].to_list()]
    return Service(
        frame.height,
        frame["_error"].is_not_null().sum(),
        Histogram.of([latency], digest.LATENCY_CELLS),
        sum(latency),
        min(at, default=2**63 - 1),
        max(at, default=-(2**63)),
    )


def check(frame: pl.DataFrame, groups: np.ndarray, count: int, grid: Grid) -> None:
    """Each group's profile is that of its rows alone, by the definition."""
    found = fold_inputs(frame, groups, count, grid)
    assert len(found) == count
    for group, profile in enumerate(found):
        assert_same(profile, plain(frame.filter(groups == group), grid), f"group {group}")


@pytest.mark.parametrize("task", Task)
@given(st.data())
def test_folding_follows_the_definition(task: Task, data: st.DataObject) -> None:
    """Any reference or none, any rows in any groups."""
    reference = data.draw(st.one_of(st.none(), frames(task)))
    frame = data.draw(frames(task, 20))
    count = data.draw(st.integers(1, 4))
    groups = data.draw(st.composite(groups_of)(frame.height, count))
    check(frame, groups, count, build_grid(SPECS[task], reference))


@pytest.mark.parametrize("kind", ["one", "ascending", "shuffled", "some"])
def test_folding_many_rows_follows_the_definition(kind: str) -> None:
    """The paths for many rows agree with the definition too."""
    rng = np.random.default_rng(8)
    frame = busy(rng, 5_000)
    grid = build_grid(SPECS[Task.BINARY], busy(rng, 2_000))
    groups = {
        "one": np.zeros(5_000, np.int64),
        "ascending": np.sort(rng.integers(0, 7, 5_000)),
        "shuffled": rng.integers(0, 7, 5_000),
        "some": rng.integers(-1, 7, 5_000),
    }[kind]
    check(frame, groups, 7, grid)


def test_all_paths_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small blocks and one, threads and none, matrices and columns, tables and searches: the same profiles."""
    rng = np.random.default_rng(9)
    frame, groups = busy(rng, 20_000), rng.integers(-1, 30, 20_000)
    grid = build_grid(SPECS[Task.BINARY], frame)
    wanted = fold_inputs(frame, groups, 30, grid)
    for module, name, setting in (
        (tally, "THREADED", 0),
        (digest, "BLOCK", 999),
        (locate, "BLOCK", 1_001),
        (locate, "FEW", 10**9),
        (levels, "FEW", 10**9),
        (digest, "NARROW", 0),
        (digest, "NARROW", 10**9),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(module, name, setting)
            for found, profile in zip(fold_inputs(frame, groups, 30, grid), wanted, strict=True):
                assert_same(found, profile, name)


def test_a_prepared_frame_folds_into_many_groupings() -> None:
    """What was located once serves windows, segments and the whole alike."""
    rng = np.random.default_rng(10)
    frame = busy(rng, 1_000)
    grid = build_grid(SPECS[Task.BINARY], frame)
    prepared = prepare(frame, grid)
    for count in (1, 5):
        groups = rng.integers(0, count, 1_000)
        for found, wanted in zip(
            prepared.fold(groups, count), fold_inputs(frame, groups, count, grid), strict=True
        ):
            assert_same(found, wanted)


def test_an_absent_input_is_missing_and_an_absent_answer_is_not_counted() -> None:
    """Batches from before a column was declared lack it; references may hold inputs alone."""
    grid = build_grid(SPECS[Task.BINARY])
    found = fold_inputs(pl.DataFrame({"y": [1.0, 2.0]}), np.zeros(2, np.int64), 1, grid)[0]
    assert found.numbers is not None
    assert found.categories is not None
    assert found.numbers.missing.tolist() == [2, 0, 0]
    assert dict(zip(grid.categories, found.categories.missing.tolist(), strict=True)) == {
        "c": 2,
        "d": 2,
        PREDICTION: 0,
        OUTCOME: 0,
    }
    assert found.events == 2
    assert found.service is not None
    assert found.service.first > found.service.last


def test_columns_of_other_types_are_read() -> None:
    """Whole numbers, small floats, truth values and categories of Polars or Arrow fold as what they stand for."""
    frame = pl.DataFrame(
        {
            "x": pl.Series([1, None, 3], dtype=pl.Int32),
            "y": pl.Series([1.0, 2.0, 3.0], dtype=pl.Float32),
            "c": pl.Series(["a", None, "b"], dtype=pl.Categorical),
            "d": pl.Series(["a", "b", "a"], dtype=pl.Enum(["a", "b"])),
        }
    )
    plain_frame = frame.cast({"x": pl.Float64, "y": pl.Float64, "c": pl.String, "d": pl.String})
    grid = build_grid(SPECS[Task.BINARY], frame)
    assert grid.digest == build_grid(SPECS[Task.BINARY], plain_frame).digest
    groups = np.zeros(3, np.int64)
    assert_same(fold_inputs(frame, groups, 1, grid)[0], fold_inputs(plain_frame, groups, 1, grid)[0])


def test_long_names_are_cut() -> None:
    """A hostile category of many megabytes leaves a short name and an exact count."""
    frame = pl.DataFrame({"c": ["z" * 5_000_000, "z" * LONGEST, "y"]})
    found = fold_inputs(frame, np.zeros(3, np.int64), 1, build_grid(SPECS[Task.BINARY]))[0]
    assert found.categories is not None
    assert found.categories.names[0] == {"z" * LONGEST: 2, "y": 1}


def test_a_wide_grid_needs_wider_codes() -> None:
    """Grids with more bins than a byte holds work as well."""
    rng = np.random.default_rng(11)
    frame = busy(rng, 3_000)
    grid = build_grid(SPECS[Task.BINARY], frame)
    many = np.unique(rng.normal(size=700))
    wide = Grid(
        **{name: getattr(grid, name) for name in Grid.__slots__ if name != "edges"},
        edges=(many, *grid.edges[1:]),
    )
    check(frame, np.zeros(3_000, np.int64), 1, wide)


@pytest.mark.parametrize(("groups", "count"), [([0, 2], 2), ([-2, 0], 2), ([0], 1), ([0, 0, 0], 1)])
def test_groups_that_are_none_are_refused(groups: list[int], count: int) -> None:
    """A group out of range, or not one for each row, is the caller's mistake and says so."""
    frame = pl.DataFrame({"x": [1.0, 2.0]})
    with pytest.raises(InputError, match="group"):
        fold_inputs(frame, np.array(groups), count, build_grid(SPECS[Task.BINARY]))
