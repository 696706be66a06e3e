"""What the join index keeps of an event, so that an outcome finds its prediction's window."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from anchorwatch.core.schema import Task

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from anchorwatch.core.schema import ModelSpec


def record_type(scores: int, slices: int) -> np.dtype[np.void]:
    """What the join index keeps of a prediction."""
    return np.dtype(
        [
            ("hi", "<u8"),
            ("lo", "<u8"),
            ("start", "<i8"),
            ("prediction", "<f8"),
            ("scores", "<f8", (scores,)),
            ("slices", "<i4", (slices,)),
        ]
    )


def coded(column: pl.Series, labels: tuple[str, ...]) -> NDArray[np.float64]:
    """Codes of labels (`len(labels)` for any other), or the values of a numeric column; NaN where there is none."""
    if column.dtype != pl.String:
        return column.cast(pl.Float64).fill_null(float("nan")).to_numpy()
    if not labels:
        return np.where(column.is_null().to_numpy(), np.nan, 0.0)
    codes = column.replace_strict(
        list(labels), list(range(len(labels))), default=len(labels), return_dtype=pl.Float64
    )
    return np.where(column.is_null().to_numpy(), np.nan, codes.to_numpy())


def records_of(
    spec: ModelSpec, frame: pl.DataFrame, starts: NDArray[np.int64], slices: NDArray[np.int32]
) -> NDArray[np.void]:
    """A record per row, its key still zero."""
    scores = score_columns(spec)
    records = np.zeros(frame.height, record_type(len(scores), slices.shape[1]))
    records["start"], records["slices"] = starts, slices
    records["prediction"] = coded(frame["_prediction"], spec.labels)
    for place, name in enumerate(scores):
        records["scores"][:, place] = frame[name].to_numpy() if name in frame.columns else np.nan
    return records


def score_columns(spec: ModelSpec) -> tuple[str, ...]:
    """Names of the canonical score columns, in order of `spec.score_labels`."""
    if spec.task is Task.BINARY:
        return ("_score",)
    return tuple(f"_score:{label}" for label in spec.score_labels)
