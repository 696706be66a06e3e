"""Batches of the inbox as the consumers want them: by model, as one frame."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import polars as pl

from anchorwatch.core.errors import CorruptError, InputError
from anchorwatch.flow.take import frame_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from anchorwatch.core.types import EventKind
    from anchorwatch.flow.ports import Arrived


def by_model(batches: Sequence[Arrived], kind: EventKind) -> Iterator[tuple[str, list[Arrived]]]:
    """Batches of one kind that have rows, model by model, in order of arrival within a model."""
    wanted = sorted(
        (batch for batch in batches if batch.kind is kind and batch.rows), key=lambda batch: batch.model
    )
    for name, group in groupby(wanted, key=lambda batch: batch.model):
        yield name, list(group)


def stacked(batches: Sequence[Arrived]) -> pl.DataFrame:
    """Rows of several batches, with `_seq` and `_row` saying where each came from.

    Raises `InputError` at a batch that is damaged: that ails the batch, and not the store it lies in.
    """
    frames = [
        _frame(batch).with_columns(
            pl.lit(batch.seq, dtype=pl.Int64).alias("_seq"),
            pl.int_range(pl.len(), dtype=pl.Int32).alias("_row"),
        )
        for batch in batches
    ]
    return frames[0] if len(frames) == 1 else pl.concat(frames, how="diagonal_relaxed")


def _frame(batch: Arrived) -> pl.DataFrame:
    try:
        return frame_of(batch.payload)
    except CorruptError as problem:
        raise InputError(f"batch {batch.seq} cannot be read: {problem}") from problem
