"""Batches from the inbox into the lake, each row once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from anchorwatch.core.types import EventKind
from anchorwatch.flow.arrivals import by_model, stacked
from anchorwatch.flow.outliers import flagged, grids_of
from anchorwatch.flow.roll import ROLLER

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from anchorwatch.core.ports import Lake
    from anchorwatch.flow.books import Ledger
    from anchorwatch.flow.ports import Arrived

ARCHIVER = "archiver"


def archive(ledger: Ledger, lake: Lake, batches: Sequence[Arrived]) -> None:
    """Append `batches` (which the roller has done with) to the lake, then move the archiver's offset.

    Those that the roller set aside are left out: lake and windows hold the same events. Predictions tell how many of
    their numbers are outlying.
    The lake remembers up to which batch it has appended, so that a crash between the two appends nothing twice.
    """
    with ledger.read() as books:
        dropped = books.work.dropped_rows([batch.seq for batch in batches])
        unfolded = {item.seq for item in books.aside.list() if item.consumer == ROLLER}
        named = [name for name, _ in by_model(batches, EventKind.PREDICTIONS)]
        grids = {name: grids_of(books, books.models.get(name)) for name in named}
    for kind in EventKind:
        for name, group in by_model(batches, kind):
            done = lake.applied(name, kind)
            new = [batch for batch in group if batch.seq > done and batch.seq not in unfolded]
            if new:
                frame = without(stacked(new), dropped)
                if kind is EventKind.PREDICTIONS:
                    frame = flagged(frame, grids[name])
                lake.append(name, kind, frame, upto=new[-1].seq)
    with ledger.write() as books:
        books.work.forget_dropped(batches[-1].seq)
        books.offsets.set(ARCHIVER, batches[-1].seq)


def without(frame: pl.DataFrame, dropped: dict[int, NDArray[np.int32]]) -> pl.DataFrame:
    """The frame without rows that were duplicates."""
    if not dropped:
        return frame
    twice = pl.concat(
        [
            pl.DataFrame(
                {"_seq": [seq] * len(rows), "_row": rows}, schema={"_seq": pl.Int64, "_row": pl.Int32}
            )
            for seq, rows in dropped.items()
        ]
    )
    return frame.join(twice, on=["_seq", "_row"], how="anti", maintain_order="left")
