"""Retention is enforced, and small files are merged, without a window changing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl

from anchorwatch.app.watch import Watch
from anchorwatch.core.schema import Column, Kind, ModelSpec, Task
from anchorwatch.core.types import EventKind
from anchorwatch.flow.take import Batch

if TYPE_CHECKING:
    from pathlib import Path

BEGIN = datetime(2013, 7, 1, 12, tzinfo=UTC)


def day(number: int, part: int) -> Batch:
    """Ten events of a day."""
    frame = pl.DataFrame(
        {
            "_id": [f"{number}-{part}-{row}" for row in range(10)],
            "_at": [BEGIN + timedelta(days=number, minutes=row) for row in range(10)],
            "_version": [""] * 10,
            "_prediction": [1.0] * 10,
            "_latency": [None] * 10,
            "_error": [None] * 10,
            "x": [1.0] * 10,
        },
        schema_overrides={"_at": pl.Datetime("us", "UTC"), "_latency": pl.Float64, "_error": pl.String},
    )
    return Batch(id=f"{number}-{part}", model="load", kind=EventKind.PREDICTIONS, frame=frame)


def test_rows_older_than_the_retention_go_and_their_windows_stay(tmp_path: Path) -> None:
    """After upkeep the lake holds the last days in few files; the figures of all days are as before."""
    spec = ModelSpec(
        name="load", task=Task.REGRESSION, columns=(Column("x", Kind.NUMBER),), retention=timedelta(days=3)
    )
    with Watch.open(tmp_path, start=False) as watch:
        watch.apply(spec)
        for number in range(8):
            for part in range(4):
                watch.take(day(number, part))
                watch.settle()
        before = watch.queries.series("load", "throughput")["value"]
        many = watch.lake.files("load", EventKind.PREDICTIONS).files
        watch.pump.upkeep()
        after = watch.lake.files("load", EventKind.PREDICTIONS)
        assert watch.pump.health.errors == {}
        assert after.files < many
        assert 30 * 4 <= after.rows <= 50 * 4
        assert watch.queries.series("load", "throughput")["value"] == before == [40.0] * 8
        oldest = watch.queries.predictions("load", limit=500)["rows"][-1]
        assert str(oldest[1]) >= "2013-07-04"
