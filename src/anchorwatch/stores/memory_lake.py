"""A lake that is gone with its process: for tests and notebooks."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from datetime import UTC
from typing import TYPE_CHECKING

import polars as pl

from anchorwatch.core.ports import Compacted, LakeFiles
from anchorwatch.core.types import EventKind
from anchorwatch.stores import lake_query
from anchorwatch.stores.lake_query import KEYS, Span
from anchorwatch.stores.lake_rows import fitted, new_rows, within

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import date, datetime, timedelta

    from anchorwatch.core.ports import RowPage, RowQuery


@dataclass(frozen=True, slots=True)
class _Table:
    """All rows of one model and kind; `lake_query.Rows` over a frame."""

    frame: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=KEYS))
    applied: int = 0
    late: frozenset[int] = frozenset()

    @property
    def schema(self) -> dict[str, pl.DataType]:
        return dict(self.frame.schema)

    def days(self) -> list[tuple[date, int]]:
        counted = self.frame["_at"].dt.date().alias("day").value_counts()
        return counted.sort("day", descending=True).rows()

    def scan(self, start: datetime | None, end: datetime | None) -> pl.LazyFrame:
        return within(self.frame.lazy(), start, end)


class MemoryLake:
    """`core.ports.Lake` in memory."""

    def __init__(self) -> None:
        self._tables: dict[tuple[str, EventKind], _Table] = {}
        self._lock = threading.Lock()

    def append(
        self, model: str, kind: EventKind, frame: pl.DataFrame, *, upto: int, late: bool = False
    ) -> bool:
        """Append what is new; False when all had been appended before."""
        with self._lock:
            table = self._table(model, kind)
            if upto in table.late if late else upto <= table.applied:
                return False
            rows = new_rows(frame, 0 if late else table.applied)
            if table.frame.height:
                rows = pl.concat([table.frame, fitted(rows, table.schema)], how="diagonal")
            applied = table.applied if late else upto
            self._tables[model, kind] = _Table(rows, applied, table.late | {upto} if late else table.late)
            return True

    def applied(self, model: str, kind: EventKind) -> int:
        """Up to which sequence number has been appended; 0 at first."""
        return self._table(model, kind).applied

    def scan_predictions(
        self, model: str, start: datetime | None, end: datetime | None, columns: Sequence[str] | None = None
    ) -> pl.DataFrame:
        """Predictions of a range of event time."""
        return lake_query.selected(
            self._table(model, EventKind.PREDICTIONS), Span(start, end), columns
        ).collect()

    def scan_outcomes(
        self, model: str, start: datetime | None, end: datetime | None, columns: Sequence[str] | None = None
    ) -> pl.DataFrame:
        """Outcomes that came in a range of time."""
        return lake_query.selected(
            self._table(model, EventKind.OUTCOMES), Span(start, end), columns
        ).collect()

    def joined(
        self,
        model: str,
        start: datetime,
        end: datetime,
        columns: Sequence[str] | None = None,
        horizon: timedelta | None = None,
        days: Collection[date] = (),
    ) -> pl.DataFrame:
        """Predictions of a range of event time with the latest outcome of each."""
        return lake_query.joined(*self._pair(model), Span(start, end, horizon, tuple(days)), columns)

    def outcomes_of(self, model: str, ids: pl.Series) -> pl.DataFrame:
        """The outcome that arrived last for each of `ids` that has one: `_id`, `_outcome` and its `_at`."""
        return lake_query.outcomes_of(self._table(model, EventKind.OUTCOMES), ids)

    def explore(self, model: str, query: RowQuery) -> RowPage:
        """A page of predictions, newest first."""
        return lake_query.explore(*self._pair(model), query)

    def files(self, model: str, kind: EventKind) -> LakeFiles:
        """How much is kept; there are no files."""
        frame = self._table(model, kind).frame
        return LakeFiles(0, frame.height, int(frame.estimated_size()))

    def compact(self, model: str, kind: EventKind) -> Compacted:  # noqa: ARG002 - has no files
        """Nothing to do."""
        return Compacted()

    def expire(self, model: str, before: datetime) -> int:
        """Drop predictions and outcomes of days that ended by `before`; how many rows."""
        gone = 0
        first = before.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        with self._lock:
            for kind in EventKind:
                table = self._table(model, kind)
                kept = table.scan(first, None).collect()
                gone += table.frame.height - kept.height
                self._tables[model, kind] = replace(table, frame=kept)
        return gone

    def vacuum(self, model: str) -> int:  # noqa: ARG002 - has no files
        """Nothing to do."""
        return 0

    def _table(self, model: str, kind: EventKind) -> _Table:
        return self._tables.get((model, kind), _Table())

    def _pair(self, model: str) -> tuple[_Table, _Table]:
        return self._table(model, EventKind.PREDICTIONS), self._table(model, EventKind.OUTCOMES)
