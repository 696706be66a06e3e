"""Results of windows in the ledger."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from anchorwatch.flow.panel import decode_panel, encode_panel
from anchorwatch.flow.ports import Measured
from anchorwatch.stores.ledger import tables
from anchorwatch.stores.ledger.statements import put

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

_column = tables.results.c
_START: sa.BindParameter[int] = sa.bindparam("start")
_MINE = sa.and_(_column.slice_id == sa.bindparam("slice"), _column.grain == sa.bindparam("grain"))
_FIRST = sa.select(sa.func.min(_column.start)).where(_MINE, _column.start >= _START)
_LATEST = sa.select(sa.func.max(_column.start)).where(_MINE, _column.start < _START)
_ROWS = (
    sa.select(_column.start, _column.finish, _column.layout_id, _column.events, _column.joined, _column.blob)
    .where(_MINE, _column.start >= _START, _column.start < sa.bindparam("end"))
    .order_by(_column.start)
)
_LAYOUT = sa.select(tables.layouts.c.entries).where(tables.layouts.c.id == sa.bindparam("id"))
_LAYOUT_ID = sa.select(tables.layouts.c.id).where(tables.layouts.c.digest == sa.bindparam("digest"))


class SqlResults:
    """`flow.books.ResultBook` on SQL."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._texts: dict[int, str] = {}
        self._ids: dict[str, int] = {}

    def save(self, measured: Sequence[Measured]) -> None:
        """Put each in place of what is there."""
        rows = []
        for item in measured:
            keys, blob = encode_panel(item.panel)
            rows.append(
                {
                    "slice_id": item.slice_id,
                    "grain": item.grain,
                    "start": item.start,
                    "finish": item.finish,
                    "layout_id": self._layout(keys),
                    "events": item.events,
                    "joined": item.joined,
                    "blob": blob,
                }
            )
        put(self._connection, tables.results, rows)

    def first(self, slice_id: int, grain: str, start: int) -> int | None:
        """Start of the first window at or after `start`."""
        wanted = {"slice": slice_id, "grain": grain, "start": start}
        return self._connection.execute(_FIRST, wanted).scalar()

    def latest(self, slice_id: int, grain: str, before: int) -> int | None:
        """Start of the last window that starts before `before`."""
        wanted = {"slice": slice_id, "grain": grain, "start": before}
        return self._connection.execute(_LATEST, wanted).scalar()

    def recent(self, slice_id: int, grain: str, count: int) -> int:
        """Start of the `count`-th last window (of the first, when there are fewer)."""
        column = tables.results.c
        starts = self._connection.execute(
            sa.select(column.start)
            .where(column.slice_id == slice_id, column.grain == grain)
            .order_by(column.start.desc())
            .limit(count)
        ).scalars()
        return min(starts, default=0)

    def panels(
        self, slice_id: int, grain: str, start: int, end: int, wanted: Container[str] | None = None
    ) -> list[Measured]:
        """The measures `wanted` (or all) of all windows with `start` <= window start < `end`, by start."""
        found = []
        for row in self.rows(slice_id, grain, start, end):
            panel = decode_panel(self.layout(row.layout_id), row.blob, wanted)
            found.append(Measured(slice_id, grain, row.start, row.finish, row.events, row.joined, panel))
        return found

    def rows(self, slice_id: int, grain: str, start: int, end: int) -> Sequence[Any]:
        """Stored rows as they are, by start: start, finish, layout_id, events, joined, blob."""
        wanted = {"slice": slice_id, "grain": grain, "start": start, "end": end}
        return self._connection.execute(_ROWS, wanted).all()

    def layout(self, layout_id: int) -> str:
        """The keys of a layout."""
        if layout_id not in self._texts:
            self._texts[layout_id] = str(self._connection.execute(_LAYOUT, {"id": layout_id}).scalar())
        return self._texts[layout_id]

    def _layout(self, keys: str) -> int:
        if keys not in self._ids:
            wanted = {"digest": hashlib.sha256(keys.encode()).hexdigest()}
            found = self._connection.execute(_LAYOUT_ID, wanted).scalar()
            if found is None:
                self._connection.execute(sa.insert(tables.layouts).values(**wanted, entries=keys))
                found = self._connection.execute(_LAYOUT_ID, wanted).scalar_one()
            self._ids[keys] = int(found)
        return self._ids[keys]
