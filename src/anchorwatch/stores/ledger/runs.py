"""Which runs of the join index are live."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from anchorwatch.core.types import EventKind
from anchorwatch.flow.runs import Run
from anchorwatch.stores.ledger import tables
from anchorwatch.stores.ledger.statements import chunks

if TYPE_CHECKING:
    from collections.abc import Collection


class SqlRuns:
    """`flow.books.RunBook` on SQL."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def list(self, model_id: int, kind: EventKind) -> list[Run]:
        """Live runs, newest first."""
        rows = self._connection.execute(
            sa.select(tables.runs)
            .where(tables.runs.c.model_id == model_id, tables.runs.c.kind == kind.value)
            .order_by(tables.runs.c.newest.desc())
        )
        return [
            Run(
                row.name,
                row.model_id,
                EventKind(row.kind),
                row.day,
                row.level,
                row.rows,
                row.oldest,
                row.newest,
            )
            for row in rows
        ]

    def names(self) -> set[str]:
        """Names of all live runs."""
        return set(self._connection.execute(sa.select(tables.runs.c.name)).scalars())

    def add(self, run: Run) -> None:
        """From this transaction's commit on, the run is live."""
        self._connection.execute(
            sa.insert(tables.runs).values(
                name=run.name,
                model_id=run.model_id,
                kind=run.kind.value,
                day=run.day,
                level=run.level,
                rows=run.rows,
                oldest=run.oldest,
                newest=run.newest,
            )
        )

    def remove(self, names: Collection[str]) -> None:
        """From this transaction's commit on, these are not."""
        for some in chunks(names):
            self._connection.execute(sa.delete(tables.runs).where(tables.runs.c.name.in_(some)))
