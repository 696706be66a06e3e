"""Rows flagged as outlying on their way to the lake."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from anchorwatch.core.schema import Column, Kind, ModelSpec, Task
from anchorwatch.flow.outliers import flagged
from anchorwatch.profile.build import build_grid
from anchorwatch.profile.fold import fold_inputs
from anchorwatch.testing import memory_watch

SPEC = ModelSpec(
    name="m",
    task=Task.REGRESSION,
    columns=(Column("x", Kind.NUMBER), Column("y", Kind.NUMBER), Column("c", Kind.CATEGORY)),
)
NORMAL = np.random.default_rng(1).normal(size=1_000)
REFERENCE = pl.DataFrame({"x": NORMAL, "y": NORMAL * 10, "c": ["a"] * 1_000, "_prediction": NORMAL})


def test_a_row_tells_how_many_of_its_numbers_lie_beyond_the_fences() -> None:
    """Missing values do not, infinite ones do; a version without a fitted grid tells nothing."""
    frame = pl.DataFrame(
        {
            "_version": ["1", "1", "1", "1", "2", "3"],
            "x": [0.0, 9.0, None, float("inf"), 9.0, 9.0],
            "y": [0.0, -99.0, 1.0, 0.0, 0.0, 0.0],
            "_prediction": [0.0, 50.0, 0.0, None, 0.0, 0.0],
        }
    )
    found = flagged(frame, {"1": build_grid(SPEC, REFERENCE), "2": build_grid(SPEC)})
    assert found["_outliers"].to_list() == [0, 3, 0, 1, None, None]
    assert found["_outliers"].dtype == pl.Int32


def test_flags_are_what_windows_count() -> None:
    """Over many finite rows the flags add up to the counts beyond the fences, column by column and to the last one."""
    rng = np.random.default_rng(2)
    grid = build_grid(SPEC, REFERENCE)
    fences = [edges[places[1]] for edges, places in zip(grid.edges, grid.fences, strict=True)]
    frame = pl.DataFrame(
        {
            "_version": [""] * 5_002,
            "x": [*(rng.standard_t(2, 5_000)), *fences[0]],
            "y": [*(rng.standard_t(2, 5_000) * 10), *fences[1]],
            "_prediction": [*rng.standard_t(2, 5_000), 0.0, 0.0],
        }
    )
    found = fold_inputs(frame, np.zeros(5_002, np.int64), 1, grid)[0].numbers
    assert found is not None
    counted = 0
    for counts, (low, high) in zip(found.counts, grid.fences[:, 1], strict=True):
        if low >= 0:
            counted += counts[: low + 1].sum() + counts[high + 1 :].sum()
    assert flagged(frame, {"": grid})["_outliers"].sum() == counted
    assert counted > 100


def test_outlying_rows_are_found_in_the_explorer() -> None:
    """A filter on `_outliers` shows them."""
    at = datetime(2024, 1, 1, tzinfo=UTC)
    with memory_watch(at + timedelta(days=1)) as (embedded, _):
        model = embedded.register(SPEC, REFERENCE.rename({"_prediction": "prediction"}))
        rows = {"x": [0.1, 88.0, 0.2], "y": [1.0, 2.0, 3.0], "c": ["a"] * 3, "prediction": [0.0, 0.1, 0.2]}
        times = [at + timedelta(minutes=minute) for minute in range(3)]
        model.log_table(pl.DataFrame({"id": ["p", "q", "r"], "at": times, **rows}))
        model.flush()
        embedded.watch.settle()
        wanted = [{"column": "_outliers", "op": ">", "value": 0}]
        page = embedded.watch.queries.predictions("m", filters=wanted)
        ids = [row[page["columns"].index("_id")] for row in page["rows"]]
    assert ids == ["q"]
