"""Samples: which rows they hold, what they say of them, and that nothing but the ids decides."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from tests.profile.material import SPECS, assert_same, busy
from xxhash import xxh3_64_intdigest

from anchorwatch.core.schema import Column, Kind, ModelSpec, Task
from anchorwatch.profile.build import build_grid
from anchorwatch.profile.codec import decode, encode
from anchorwatch.profile.fold import fold_inputs, prepare
from anchorwatch.profile.profile import Profile
from anchorwatch.profile.sample import Sample, row_keys

if TYPE_CHECKING:
    from anchorwatch.profile.grid import Grid

BINARY = SPECS[Task.BINARY]


def drawn(frame: pl.DataFrame, grid: Grid, rows: int) -> Sample:
    """The sample of a whole frame."""
    sample = fold_inputs(frame, np.zeros(frame.height, np.int64), 1, grid, sample=rows)[0].sample
    assert sample is not None
    return sample


def identified(rng: np.random.Generator, n: int) -> pl.DataFrame:
    """Busy rows with ids and vectors."""
    return busy(rng, n).with_columns(
        pl.Series("_id", [f"event-{number}" for number in rng.permutation(n)]),
        pl.Series("v", rng.normal(size=(n, 2)).astype(np.float32)).cast(pl.List(pl.Float32)),
    )


@pytest.mark.parametrize("n", [0, 1, 49, 50, 51, 200, 5_000])
def test_a_sample_is_the_rows_with_the_smallest_hashes(n: int) -> None:
    """Whatever the size: by brute force, keys and every column's codes."""
    frame = identified(np.random.default_rng(n), n)
    grid = build_grid(BINARY, identified(np.random.default_rng(1), 500))
    sample = drawn(frame, grid, 50)
    wanted = sorted((xxh3_64_intdigest(name.encode()), place) for place, name in enumerate(frame["_id"]))[:50]
    assert sample.keys.tolist() == [key for key, _ in wanted]
    rows = frame[[place for _, place in wanted]]
    for lane, name in enumerate(grid.numbers):
        edges, values = grid.edges[lane], rows[name].cast(pl.Float64).fill_null(float("nan")).to_numpy()
        codes = np.where(np.isfinite(values), np.searchsorted(edges, values), edges.size + 1)
        assert sample.codes[:, lane].tolist() == codes.tolist()
    for lane, name in enumerate(grid.categories):
        names = grid.levels[lane]
        if name in rows.columns:
            codes = [
                len(names) + 1 if text is None else names.index(text) if text in names else len(names)
                for text in rows[name]
            ]
            assert sample.levels[:, lane].tolist() == codes
        else:
            assert set(sample.levels[:, lane].tolist()) <= {len(names) + 1}
    np.testing.assert_array_equal(sample.vectors, np.array(rows["v"].to_list(), np.float32).reshape(-1, 2))


def test_values_are_the_middles_of_bins() -> None:
    """A number comes back within its bin, an atom bit for bit, and what is missing or infinite as NaN."""
    rng = np.random.default_rng(2)
    frame = identified(rng, 2_000)
    grid = build_grid(BINARY, frame)
    sample = drawn(frame, grid, 2_000)
    order = np.argsort(row_keys(frame["_id"], 2_000))
    found = sample.values(grid)
    y = frame["y"].to_numpy()[order]
    np.testing.assert_array_equal(found[:, grid.numbers.index("y")], y)
    x, middle = frame["x"].to_numpy()[order], found[:, grid.numbers.index("x")]
    np.testing.assert_array_equal(np.isnan(middle), ~np.isfinite(x))
    known = np.isfinite(x)
    edges = grid.edges[grid.numbers.index("x")]
    inner = known & (np.searchsorted(edges, x) > 0) & (np.searchsorted(edges, x) < edges.size)
    np.testing.assert_array_equal(np.searchsorted(edges, middle[inner]), np.searchsorted(edges, x[inner]))


def test_the_joint_distribution_survives() -> None:
    """Two columns that move together still do in the sample; histograms could not say so."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=20_000)
    frame = pl.DataFrame(
        {"_id": [str(row) for row in range(20_000)], "x": x, "y": x + 0.1 * rng.normal(size=20_000)}
    )
    spec = ModelSpec(
        name="m", task=Task.REGRESSION, columns=(Column("x", Kind.NUMBER), Column("y", Kind.NUMBER))
    )
    grid = build_grid(spec, frame)
    values = drawn(frame, grid, 512).values(grid)
    assert np.corrcoef(values[:, 0], values[:, 1])[0, 1] > 0.98


def test_samples_are_fair() -> None:
    """Over many disjoint sets of ids each row's place is as likely as another's to be drawn."""
    grid = build_grid(BINARY)
    hits = np.zeros(40)
    for batch in range(400):
        ids = pl.DataFrame({"_id": [f"{batch}/{row}" for row in range(40)], "y": np.arange(40.0)})
        order = np.argsort(row_keys(ids["_id"], 40))
        assert drawn(ids, grid, 10).keys.tolist() == np.sort(row_keys(ids["_id"], 40))[:10].tolist()
        hits[order[:10]] += 1
    assert ((hits - 100) ** 2 / 75).sum() < 39 + 6 * np.sqrt(2 * 39)


@pytest.mark.parametrize("shuffled", [False, True])
def test_groups_have_samples_of_their_own(shuffled: bool) -> None:
    """Few groups of many rows and many of few, in order or not, and rows of none; each as if it were alone."""
    rng = np.random.default_rng(4)
    frame = identified(rng, 6_000)
    grid = build_grid(BINARY, frame)
    for count in (2, 37, 900):
        groups = np.sort(rng.integers(-1, count, 6_000)) if not shuffled else rng.integers(-1, count, 6_000)
        groups[groups == count // 2] = -1
        found = fold_inputs(frame, groups, count, grid, sample=30)
        for group in (0, count // 2, count - 1):
            assert_same(found[group].sample, drawn(frame.filter(pl.Series(groups == group)), grid, 30))


def test_events_with_one_id_are_told_apart_by_what_they_hold() -> None:
    """So that order and split do not matter even then."""
    frame = pl.DataFrame(
        {"_id": ["same"] * 30, "y": np.arange(30.0), "v": [[float(row), 0.0] for row in range(30)]}
    )
    frame = frame.cast({"v": pl.List(pl.Float32)})
    grid = build_grid(BINARY)
    whole = drawn(frame, grid, 7)
    for seed in range(5):
        mixed = frame.sample(fraction=1.0, shuffle=True, seed=seed)
        assert_same(drawn(mixed, grid, 7), whole)
        assert_same(drawn(mixed[:11], grid, 7) + drawn(mixed[11:], grid, 7), whole)


def test_rows_without_ids_are_drawn_by_their_number() -> None:
    """Reference tables need none; the draw is the same each time and unlike the order of rows."""
    frame = busy(np.random.default_rng(5), 5_000)
    grid = build_grid(BINARY, frame)
    one, other = drawn(frame, grid, 100), drawn(frame, grid, 100)
    assert_same(one, other)
    assert one.size == 100
    assert row_keys(pl.Series([None, "a"], dtype=pl.String), 2)[1] == xxh3_64_intdigest(b"a")
    assert np.unique(row_keys(None, 100_000)).size == 100_000


def test_keys_may_be_handed_in() -> None:
    """Whoever has hashed the ids already saves doing it again."""
    frame = identified(np.random.default_rng(6), 300)
    grid = build_grid(BINARY, frame)
    keys = np.random.default_rng(7).integers(0, 2**63, 300).astype(np.uint64)
    sample = prepare(frame, grid, keys).fold(np.zeros(300, np.int64), 1, 20)[0].sample
    assert sample is not None
    assert sample.keys.tolist() == np.sort(keys)[:20].tolist()


def test_bad_luck_with_hashes_draws_the_same_rows() -> None:
    """When hardly a key lies under the bound that should catch enough of them, the group is taken whole."""
    frame = identified(np.random.default_rng(8), 3_000)
    grid = build_grid(BINARY, frame)
    keys = np.uint64(2**64 - 1) - np.arange(3_000).astype(np.uint64)
    sample = prepare(frame, grid, keys).fold(np.zeros(3_000, np.int64), 1, 20)[0].sample
    assert sample is not None
    assert sample.keys.tolist() == np.sort(keys)[:20].tolist()


def test_a_profile_without_a_sample_adds_and_no_sample_is_drawn_unasked() -> None:
    """Segments and private models keep none."""
    frame = identified(np.random.default_rng(9), 100)
    grid = build_grid(BINARY, frame)
    without = fold_inputs(frame, np.zeros(100, np.int64), 1, grid)[0]
    assert without.sample is None
    with_one = fold_inputs(frame, np.zeros(100, np.int64), 1, grid, sample=10)[0]
    assert_same((without + with_one).sample, with_one.sample)
    assert_same(Profile.sum(grid, [Profile(grid), without]), without)


def test_a_sample_takes_few_bytes() -> None:
    """512 rows of 26 columns take less than 18 kilobytes, and come back."""
    rng = np.random.default_rng(10)
    columns = tuple(Column(f"x{number}", Kind.NUMBER) for number in range(20))
    spec = ModelSpec(name="m", task=Task.REGRESSION, columns=columns)
    frame = pl.DataFrame({column.name: rng.normal(size=2_000) for column in columns})
    grid = build_grid(spec, frame)
    profile = fold_inputs(frame, np.zeros(2_000, np.int64), 1, grid, sample=512)[0]
    plain = fold_inputs(frame, np.zeros(2_000, np.int64), 1, grid)[0]
    assert len(encode(profile)) - len(encode(plain)) < 18_000
    assert_same(decode(encode(profile), grid), profile)
