"""Which rows are outlying, told row by row as they are written to the lake."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from anchorwatch.profile.forest import standard_inputs
from anchorwatch.profile.grid import FENCES, OUTCOME

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anchorwatch.flow.books import Watched
    from anchorwatch.flow.ports import Model
    from anchorwatch.profile.grid import Grid

COLUMN = "_outliers"
SCORE_COLUMN = "_outlier_score"
RULE = "robust_z"


def flagged(frame: pl.DataFrame, grids: Mapping[str, Grid]) -> pl.DataFrame:
    """Predictions with `_outliers`: how many of a row's numbers lie beyond the robust fences of its version's grid.

    Inputs, and a regression's prediction or a score; infinite ones lie beyond. Null for versions without a grid that
    was fitted to a reference.
    """
    told = pl.lit(None, pl.Int32)
    for version, grid in grids.items():
        if grid.fitted:
            told = pl.when(pl.col("_version") == version).then(_beyond(frame, grid)).otherwise(told)
    return _scored(frame.with_columns(told.alias(COLUMN)), grids)


def _scored(frame: pl.DataFrame, grids: Mapping[str, Grid]) -> pl.DataFrame:
    """With `_outlier_score`, the isolation forest's, where the grid of a version has one."""
    scores = np.full(frame.height, np.nan)
    for version, grid in grids.items():
        if grid.forest is not None:
            here = (frame["_version"] == version).to_numpy()
            scores[here] = grid.forest.scores(standard_inputs(frame.filter(pl.Series(here)), grid))
    if np.isnan(scores).all():
        return frame
    return frame.with_columns(pl.Series(SCORE_COLUMN, scores).fill_nan(None))


def grids_of(books: Watched, model: Model) -> dict[str, Grid]:
    """The grid on which each version is folded."""
    return {
        item.version: books.grids.get(item.grid_id)
        for item in books.models.versions(model.id)
        if item.grid_id is not None
    }


def _beyond(frame: pl.DataFrame, grid: Grid) -> pl.Expr:
    fences = grid.fences[:, FENCES.index(RULE)].tolist()
    beyond = [
        ((pl.col(name) <= edges[low]) | (pl.col(name) > edges[high])).fill_null(value=False)
        for name, edges, (low, high) in zip(grid.numbers, grid.edges, fences, strict=True)
        if low >= 0 and name != OUTCOME and name in frame.columns
    ]
    return pl.sum_horizontal(beyond).cast(pl.Int32) if beyond else pl.lit(0, pl.Int32)
