"""A table cut at its edges is the profile that folding gives."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anchorwatch.core.schema import Column, Kind, ModelSpec, Task
from anchorwatch.profile.build import build_grid
from anchorwatch.profile.fold import fold_inputs
from anchorwatch.report.whole import whole

SPEC = ModelSpec(
    name="m",
    task=Task.REGRESSION,
    columns=(Column("x", Kind.NUMBER), Column("y", Kind.NUMBER), Column("c", Kind.CATEGORY)),
)
NUMBERS = st.one_of(
    st.none(),
    st.floats(),
    st.sampled_from([0.0, -0.0, 1.0, 1e300, -1e300, 5e-324, float("inf"), float("-inf"), float("nan")]),
)
TEXTS = st.one_of(st.none(), st.text(max_size=3), st.sampled_from(["a", "b", "z" * 300]))


def frame(rows: list[tuple[float | None, float | None, str | None]]) -> pl.DataFrame:
    """A canonical frame of inputs."""
    return pl.DataFrame(rows, schema={"x": pl.Float64, "y": pl.Float64, "c": pl.String}, orient="row")


def same(table: pl.DataFrame, reference: pl.DataFrame) -> None:
    """Both ways to a profile agree: counts exactly, sums to rounding."""
    grid = build_grid(SPEC, reference)
    found = whole(SPEC, table, grid)
    expected = fold_inputs(table, np.zeros(table.height, np.int64), 1, grid)[0]
    for name in ("counts", "missing", "infinite", "low", "high"):
        np.testing.assert_array_equal(getattr(found.numbers, name), getattr(expected.numbers, name), name)
    np.testing.assert_allclose(found.numbers.square, expected.numbers.square, rtol=1e-9)
    slack = 1e-9 * np.sqrt(table.height * expected.numbers.square)  # a sum of both signs may cancel out
    assert (np.abs(found.numbers.total - expected.numbers.total) <= slack + 1e-12).all()
    for mine, theirs in zip(found.categories.counts, expected.categories.counts, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    for name in ("missing", "unseen"):
        np.testing.assert_array_equal(getattr(found.categories, name), getattr(expected.categories, name))
    assert found.categories.names == expected.categories.names
    assert found.events == expected.events


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(NUMBERS, NUMBERS, TEXTS), max_size=40),
    st.lists(st.tuples(NUMBERS, NUMBERS, TEXTS), max_size=40),
)
def test_cutting_and_folding_agree(rows: list, others: list) -> None:
    """On any rows, against any reference: missing, infinite, huge, tiny, unseen, over-long."""
    same(frame(rows), frame(others))


def test_cutting_and_folding_agree_on_many_rows() -> None:
    """On enough rows for bins to be crowded, in threads."""
    random = np.random.default_rng(1)
    rows = pl.DataFrame(
        {
            "x": random.normal(size=200_000),
            "y": random.poisson(3, 200_000).astype(float),
            "c": random.choice(list("abcdefgh"), 200_000),
        }
    )
    same(rows.with_columns(pl.col("x") + 0.5), rows)


@pytest.mark.parametrize("column", ["x", "c"])
def test_an_input_that_is_not_there_is_missing_in_every_row(column: str) -> None:
    """As folding has it."""
    rows = frame([(1.0, 2.0, "a"), (2.0, 3.0, "b")])
    same(rows.drop(column), rows)
