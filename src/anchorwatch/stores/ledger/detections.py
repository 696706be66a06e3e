"""States of sequential detectors, and what they raised, in the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from anchorwatch.flow.detect import Detection
from anchorwatch.stores.ledger import tables
from anchorwatch.stores.ledger.statements import put

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


_column = tables.detector_states.c
_STATES = sa.select(_column.detector, _column.body).where(_column.model_id == sa.bindparam("model"))


class SqlDetections:
    """`flow.books.Detections` on SQL."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def states(self, model_id: int) -> dict[str, str]:
        """What `keep` kept, by detector."""
        return {row.detector: row.body for row in self._connection.execute(_STATES, {"model": model_id})}

    def keep(self, model_id: int, states: Mapping[str, str]) -> None:
        """Keep states as text, in place of those that are there."""
        rows = [
            {"model_id": model_id, "detector": detector, "body": body} for detector, body in states.items()
        ]
        put(self._connection, tables.detector_states, rows)

    def add(self, model_id: int, found: Sequence[Detection]) -> None:
        """Note alarms for ever."""
        rows = [
            {
                "model_id": model_id,
                "detector": item.detector,
                "slice_id": item.slice_id,
                "start": item.start,
                "since": item.since,
                "value": item.value,
            }
            for item in found
        ]
        self._connection.execute(sa.insert(tables.detections), rows)

    def list(self, model_id: int, start: int, end: int) -> list[Detection]:
        """Alarms of windows with `start` <= window start < `end`, in order."""
        column = tables.detections.c
        wanted = (
            sa.select(tables.detections)
            .where(column.model_id == model_id, column.start >= start, column.start < end)
            .order_by(column.start, column.id)
        )
        return [
            Detection(row.detector, row.slice_id, row.start, row.since, row.value)
            for row in self._connection.execute(wanted)
        ]
