"""The ledger as a whole: transactions that speak the ports of `flow`."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import sqlalchemy as sa

from anchorwatch.core.clock import SystemClock
from anchorwatch.core.times import micros
from anchorwatch.stores.ledger import tables
from anchorwatch.stores.ledger.aside import SqlAside
from anchorwatch.stores.ledger.detections import SqlDetections
from anchorwatch.stores.ledger.engine import Database, migrate
from anchorwatch.stores.ledger.judgements import SqlIncidents, SqlJudgements
from anchorwatch.stores.ledger.models import SqlGrids, SqlModels
from anchorwatch.stores.ledger.notices import SqlDecisions, SqlDeliveries, SqlSilences, SqlThreads
from anchorwatch.stores.ledger.results import SqlResults
from anchorwatch.stores.ledger.runs import SqlRuns
from anchorwatch.stores.ledger.tokens import Tokens
from anchorwatch.stores.ledger.windows import SqlOffsets, SqlOutcomes, SqlProfiles, SqlWork

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from anchorwatch.core.clock import Clock
    from anchorwatch.flow.ports import Reference
    from anchorwatch.profile.grid import Grid


class Transaction:
    """One consistent view of the ledger; what is written in it is on disk together, or not at all."""

    def __init__(
        self, connection: sa.Connection, grids: dict[int, Grid], references: dict[int, Reference]
    ) -> None:
        self.connection = connection
        self.offsets = SqlOffsets(connection)
        self.models = SqlModels(connection)
        self.grids = SqlGrids(connection, grids, references)
        self.profiles = SqlProfiles(connection, self.grids.get)
        self.results = SqlResults(connection)
        self.work = SqlWork(connection)
        self.outcomes = SqlOutcomes(connection)
        self.judgements = SqlJudgements(connection)
        self.incidents = SqlIncidents(connection)
        self.runs = SqlRuns(connection)
        self.aside = SqlAside(connection)
        self.detections = SqlDetections(connection)
        self.threads = SqlThreads(connection)
        self.deliveries = SqlDeliveries(connection)
        self.silences = SqlSilences(connection)
        self.decisions = SqlDecisions(connection)

    def meta(self, key: str, fresh: str) -> str:
        """What is kept under `key`; `fresh` is kept and given when there is nothing."""
        table = tables.meta
        found = self.connection.execute(sa.select(table.c.value).where(table.c.key == key)).scalar()
        if found is None:
            self.connection.execute(sa.insert(table).values(key=key, value=fresh))
            return fresh
        return str(found)

    def audit(self, at: int, who: str, act: str, subject: str, detail: str = "") -> None:
        """Note an act for ever."""
        self.connection.execute(
            sa.insert(tables.audit).values(at=at, who=who, act=act, subject=subject, detail=detail)
        )


class Ledger:
    """Models, windows, incidents, tokens; `path` is a file, or None to keep it in memory."""

    def __init__(self, path: Path | None, clock: Clock | None = None) -> None:
        self.database = Database(path)
        migrate(self.database)
        told = clock or SystemClock()
        self.tokens = Tokens(self.database, lambda: micros(told.now()))
        self._grids: dict[int, Grid] = {}
        self._references: dict[int, Reference] = {}

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """A transaction that is committed at the end of the block and undone when it raises."""
        try:
            with self.database.write() as connection:
                yield Transaction(connection, self._grids, self._references)
        except BaseException:
            self._grids.clear()  # an id given in an undone transaction may be given again
            self._references.clear()
            raise

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """A consistent view of what is committed."""
        with self.database.read() as connection:
            yield Transaction(connection, self._grids, self._references)

    def close(self) -> None:
        """Let go of the database."""
        self.database.close()
