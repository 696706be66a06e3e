"""Results of windows in the ledger."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import numpy as np
import sqlalchemy as sa

from anchorwatch.flow.panel import Sheet, decode_panel, encode_panel, halves, layout_of
from anchorwatch.flow.ports import Measured
from anchorwatch.stores.ledger import tables
from anchorwatch.stores.ledger.statements import put

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from numpy.typing import NDArray

    from anchorwatch.core.results import Results
    from anchorwatch.flow.panel import Block

_column, _detail = tables.results.c, tables.details.c
_START: sa.BindParameter[int] = sa.bindparam("start")
_END: sa.BindParameter[int] = sa.bindparam("end")
_MINE = sa.and_(_column.slice_id == sa.bindparam("slice"), _column.grain == sa.bindparam("grain"))
_THEIRS = sa.and_(_detail.slice_id == sa.bindparam("slice"), _detail.grain == sa.bindparam("grain"))
_FIRST = sa.select(sa.func.min(_column.start)).where(_MINE, _column.start >= _START)
_LATEST = sa.select(sa.func.max(_column.start)).where(_MINE, _column.start < _START)
_SPANS = (
    sa.select(_column.start, _column.finish, _column.events, _column.joined)
    .where(_MINE, _column.start >= _START, _column.start < _END)
    .order_by(_column.start)
)
_HEADS = _SPANS.add_columns(_column.layout_id, _column.blob)
_TAILS = (
    sa.select(_detail.layout_id, _detail.blob)
    .where(_THEIRS, _detail.start >= _START, _detail.start < _END)
    .order_by(_detail.start)
)
_LAYOUT = sa.select(tables.layouts.c.entries).where(tables.layouts.c.id == sa.bindparam("id"))
_LAYOUT_ID = sa.select(tables.layouts.c.id).where(tables.layouts.c.digest == sa.bindparam("digest"))


@dataclass(frozen=True, slots=True, eq=False)
class Spans:
    """Windows of one slice and grain by start, column by column."""

    start: tuple[int, ...] = ()
    finish: tuple[int, ...] = ()
    events: tuple[int, ...] = ()
    joined: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.start)


@dataclass(frozen=True, slots=True, eq=False)
class Sheets:
    """Panels of as many windows, in a sheet per layout beside the places of its windows."""

    parts: tuple[tuple[NDArray[np.int64], Sheet], ...] = ()

    def blocks(self, measure: str) -> list[tuple[NDArray[np.int64], Sheet, Block]]:
        """A measure of the windows that have it: their places, their sheet, its numbers."""
        found = [(places, sheet, sheet.block(measure)) for places, sheet in self.parts]
        return [(places, sheet, block) for places, sheet, block in found if block is not None]


class SqlResults:
    """`flow.books.ResultBook` on SQL."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._texts: dict[int, str] = {}
        self._ids: dict[str, int] = {}

    def save(self, measured: Sequence[Measured]) -> None:
        """Put each in place of what is there."""
        heads, tails = [], []
        known: dict[int, list[dict[str, Any]]] = {}
        for item in measured:
            if id(item.panel) not in known:  # a version alone and all versions together share theirs
                known[id(item.panel)] = [self._encoded(half) for half in halves(item.panel)]
            head, tail = known[id(item.panel)]
            key = {"slice_id": item.slice_id, "grain": item.grain, "start": item.start}
            span = {"finish": item.finish, "events": item.events, "joined": item.joined}
            heads.append(key | span | head)
            tails.append(key | tail)
        put(self._connection, tables.results, heads)
        put(self._connection, tables.details, tails)

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
        self, slice_id: int, grain: str, start: int, end: int, wanted: Collection[str] | None = None
    ) -> list[Measured]:
        """The measures `wanted` (or all) of all windows with `start` <= window start < `end`, by start."""
        span = {"slice": slice_id, "grain": grain, "start": start, "end": end}
        heads = self._connection.execute(_HEADS, span).all()
        known = {name for number in {row.layout_id for row in heads} for name in self._measures(number)}
        deep = wanted is None or not known.issuperset(wanted)
        tails = self._connection.execute(_TAILS, span).all() if deep else ()
        found = []
        for head, tail in zip_longest(heads, tails):
            panel = decode_panel(self.layout(head.layout_id), head.blob, wanted)
            if tail is not None:
                panel += decode_panel(self.layout(tail.layout_id), tail.blob, wanted)
            found.append(Measured(slice_id, grain, head.start, head.finish, head.events, head.joined, panel))
        return found

    def spans(self, slice_id: int, grain: str, start: int, end: int) -> Spans:
        """Windows with `start` <= window start < `end`, without what was measured."""
        span = {"slice": slice_id, "grain": grain, "start": start, "end": end}
        rows = self._connection.execute(_SPANS, span).all()
        return Spans(*zip(*rows, strict=True)) if rows else Spans()

    def heads(self, slice_id: int, grain: str, start: int, end: int) -> tuple[Spans, Sheets]:
        """Windows as `spans` tells them, and what was measured of the model as a whole."""
        span = {"slice": slice_id, "grain": grain, "start": start, "end": end}
        rows = self._connection.execute(_HEADS, span).all()
        if not rows:
            return Spans(), Sheets()
        *spans, layouts, blobs = zip(*rows, strict=True)
        return Spans(*spans), self._sheets(layouts, blobs)

    def tails(self, slice_id: int, grain: str, start: int, end: int) -> Sheets:
        """What was measured of columns and classes in the windows that `spans` tells."""
        span = {"slice": slice_id, "grain": grain, "start": start, "end": end}
        rows = self._connection.execute(_TAILS, span).all()
        return self._sheets(*zip(*rows, strict=True)) if rows else Sheets()

    def _sheets(self, layouts: tuple[int, ...], blobs: tuple[bytes, ...]) -> Sheets:
        numbers, which = np.unique(np.array(layouts), return_inverse=True)
        if len(numbers) == 1:
            return Sheets(((np.arange(len(blobs)), Sheet(self.layout(layouts[0]), blobs)),))
        parts = []
        for index, number in enumerate(numbers.tolist()):
            places = np.flatnonzero(which == index)
            parts.append((places, Sheet(self.layout(number), [blobs[place] for place in places.tolist()])))
        return Sheets(tuple(parts))

    def _measures(self, layout_id: int) -> Iterator[str]:
        return (place.measure for place in layout_of(self.layout(layout_id)).places)

    def _encoded(self, panel: Sequence[Results]) -> dict[str, Any]:
        keys, blob = encode_panel(panel)
        return {"layout_id": self._layout(keys), "blob": blob}

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
