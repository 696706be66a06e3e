"""The lake: rows of events for good, two Delta tables per model, for us and for anybody who reads Delta.

```
<folder>/<model>/predictions/_date=2013-07-01/….parquet     by UTC date of `_at`
<folder>/<model>/outcomes/_date=2013-07-04/….parquet        by UTC date the outcome came
```
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from anchorwatch.core.errors import InputError
from anchorwatch.core.schema import NAME
from anchorwatch.core.types import EventKind
from anchorwatch.stores import lake_query
from anchorwatch.stores.delta_table import DeltaTable, told_of_table
from anchorwatch.stores.lake_query import Span

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import date, datetime, timedelta
    from pathlib import Path

    import polars as pl

    from anchorwatch.core.ports import Compacted, LakeFiles, RowPage, RowQuery
    from anchorwatch.stores.delta_files import Snapshot


class DeltaLake:
    """`core.ports.Lake` in a folder. Safe to use from several threads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._tables: dict[tuple[str, EventKind], DeltaTable] = {}
        self._lock = threading.Lock()

    def append(
        self, model: str, kind: EventKind, frame: pl.DataFrame, *, upto: int, late: bool = False
    ) -> bool:
        """Append rows of inbox batches up to sequence number `upto`; they are on disk when this returns.

        Rows of batches that had been appended before are left out. False when all had been. A `late` one is the
        batch `upto` alone, appended once whatever has been appended since.
        """
        return self._table(model, kind).append(frame, upto, late=late)

    def applied(self, model: str, kind: EventKind) -> int:
        """Up to which sequence number has been appended; 0 at first."""
        return self._table(model, kind).applied()

    def scan_predictions(
        self, model: str, start: datetime | None, end: datetime | None, columns: Sequence[str] | None = None
    ) -> pl.DataFrame:
        """Predictions of a range of event time; columns that older rows did not have are null there."""
        with told_of_table("read", self.folder / model):
            rows = self._table(model, EventKind.PREDICTIONS).snapshot()
            return lake_query.selected(rows, Span(start, end), columns).collect()

    def scan_outcomes(
        self, model: str, start: datetime | None, end: datetime | None, columns: Sequence[str] | None = None
    ) -> pl.DataFrame:
        """Outcomes that came in a range of time, those that were corrected later among them."""
        with told_of_table("read", self.folder / model):
            rows = self._table(model, EventKind.OUTCOMES).snapshot()
            return lake_query.selected(rows, Span(start, end), columns).collect()

    def joined(
        self,
        model: str,
        start: datetime,
        end: datetime,
        columns: Sequence[str] | None = None,
        horizon: timedelta | None = None,
        days: Collection[date] = (),
    ) -> pl.DataFrame:
        """Predictions of a range of event time with the latest outcome of each as `_outcome`, null without.

        Reads outcomes from a day before `start` until `horizon` after `end` and on `days`, their ids first.
        """
        with told_of_table("read", self.folder / model):
            return lake_query.joined(*self._pair(model), Span(start, end, horizon, tuple(days)), columns)

    def outcomes_of(self, model: str, ids: pl.Series) -> pl.DataFrame:
        """The outcome that arrived last for each of `ids` that has one: `_id`, `_outcome` and its `_at`."""
        with told_of_table("read", self.folder / model):
            return lake_query.outcomes_of(self._table(model, EventKind.OUTCOMES).snapshot(), ids)

    def explore(self, model: str, query: RowQuery) -> RowPage:
        """A page of predictions, newest first, each with its latest outcome as `_outcome`."""
        with told_of_table("read", self.folder / model):
            return lake_query.explore(*self._pair(model), query)

    def files(self, model: str, kind: EventKind) -> LakeFiles:
        """How much is kept."""
        return self._table(model, kind).count()

    def compact(self, model: str, kind: EventKind) -> Compacted:
        """Merge small files; rows and readers are not disturbed."""
        return self._table(model, kind).compact()

    def expire(self, model: str, before: datetime) -> int:
        """Drop predictions and outcomes of days that ended by `before`; how many rows."""
        return sum(self._table(model, kind).expire(before) for kind in EventKind)

    def vacuum(self, model: str) -> int:
        """Delete files that were replaced or expired a day ago or longer, and those a crash left; how many."""
        return sum(self._table(model, kind).vacuum() for kind in EventKind)

    def _table(self, model: str, kind: EventKind) -> DeltaTable:
        if not NAME.fullmatch(model):
            raise InputError(f"{model!r} is no name of a model; take 1 to 100 of A-Z a-z 0-9 . _ -")
        with self._lock:
            return self._tables.setdefault((model, kind), DeltaTable(self.folder / model / kind.value))

    def _pair(self, model: str) -> tuple[Snapshot, Snapshot]:
        return (
            self._table(model, EventKind.PREDICTIONS).snapshot(),
            self._table(model, EventKind.OUTCOMES).snapshot(),
        )
