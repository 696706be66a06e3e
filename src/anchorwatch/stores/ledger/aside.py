"""Batches that a consumer could not do, kept until they are mended."""

from __future__ import annotations

from typing import Any

import numpy as np
import sqlalchemy as sa

from anchorwatch.core.errors import UnknownError
from anchorwatch.core.types import EventKind
from anchorwatch.flow.ports import SetAside
from anchorwatch.stores.ledger import tables
from anchorwatch.stores.ledger.statements import put

_HEAD = [column for column in tables.set_aside.c if column.name not in {"payload", "dropped"}]


class SqlAside:
    """`flow.books.Aside` on SQL."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def put(self, item: SetAside) -> None:
        """Keep it, in place of what is there of that batch and consumer."""
        dropped = None if item.dropped is None else item.dropped.astype("<i4").tobytes()
        row = {column.name: getattr(item, column.name) for column in _HEAD}
        row |= {"kind": item.kind.value, "payload": item.payload, "dropped": dropped}
        put(self._connection, tables.set_aside, [row])

    def get(self, seq: int, consumer: str) -> SetAside:
        """One with its payload; raises `UnknownError`."""
        column = tables.set_aside.c
        wanted = sa.select(tables.set_aside).where(column.seq == seq, column.consumer == consumer)
        row = self._connection.execute(wanted).first()
        if row is None:
            raise UnknownError(f"batch {seq} is not set aside by the {consumer}; see `anchorwatch status`")
        dropped = None if row.dropped is None else np.frombuffer(row.dropped, dtype="<i4")
        return SetAside(**_head(row), payload=row.payload, dropped=dropped)

    def drop(self, seq: int, consumer: str) -> None:
        """It has been done."""
        column = tables.set_aside.c
        self._connection.execute(
            sa.delete(tables.set_aside).where(column.seq == seq, column.consumer == consumer)
        )

    def list(self, model: str | None = None) -> list[SetAside]:
        """All, or those of one model, in order of arrival; without their payloads."""
        wanted = sa.select(*_HEAD).order_by(tables.set_aside.c.seq, tables.set_aside.c.consumer)
        if model is not None:
            wanted = wanted.where(tables.set_aside.c.model == model)
        return [SetAside(**_head(row)) for row in self._connection.execute(wanted)]


def _head(row: Any) -> dict[str, Any]:
    head = {column.name: getattr(row, column.name) for column in _HEAD}
    return head | {"kind": EventKind(row.kind)}
