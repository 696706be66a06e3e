"""Opening the ledger: SQLite with write-ahead log, migrated to the newest form."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.pool import StaticPool

from anchorwatch.core.errors import BusyError, CorruptError, FullError, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

MIGRATIONS = Path(__file__).parent.parent / "migrations"
NEWEST = "0004"
WAIT_MS = 10_000


class Database:
    """One SQL database with a single writer at a time.

    `path` is a file, or None for a database in memory. Every write is on disk when its transaction ends
    (`synchronous=FULL`).
    """

    def __init__(self, path: Path | None, *, page_size: int = 4096, cache_mib: int = 24) -> None:
        self.path = path
        self._writing = threading.RLock()
        self.engine = _engine(path, page_size, cache_mib)

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """A transaction that is committed at the end of the block and undone when it raises."""
        with self._writing, told(self.path), self.engine.connect() as connection:
            writer = connection.execution_options(anchorwatch_write=True)
            with writer.begin():
                yield writer

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A consistent view of what is committed."""
        with told(self.path), self.engine.connect() as connection, connection.begin():
            yield connection

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()


@contextmanager
def told(path: Path | None) -> Iterator[None]:
    """Turn a driver's error into one of ours, with the remedy."""
    try:
        yield
    except (OperationalError, DatabaseError, sqlite3.Error) as problem:
        raise explain(path, problem) from problem


def explain(path: Path | None, problem: Exception) -> StoreError:
    """What went wrong with the database at `path`, and what would do."""
    text = str(getattr(problem, "orig", problem))
    if "full" in text:
        return FullError(
            f"{path}: no room is left ({text}); free space on that disk, nothing was acknowledged"
        )
    if "locked" in text or "busy" in text:
        return BusyError(f"{path}: is locked by another process ({text}); stop it, or open another store")
    if "malformed" in text or "not a database" in text:
        return CorruptError(f"{path}: is damaged ({text}); restore it from a backup")
    return StoreError(f"{path}: {text}; see that the folder exists and may be written")


def _engine(path: Path | None, page_size: int, cache_mib: int) -> sa.Engine:
    if path is None:
        engine = sa.create_engine(
            "sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False}
        )
    else:
        engine = sa.create_engine(
            f"sqlite:///{path}",
            pool_size=8,
            max_overflow=24,
            pool_use_lifo=True,  # the connections used least are let go cold, and their caches stay small
            connect_args={"check_same_thread": False},
        )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in (
            f"busy_timeout={WAIT_MS}",
            f"page_size={page_size}",
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            f"cache_size=-{cache_mib * 1024}",
            "temp_store=MEMORY",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        write = connection.get_execution_options().get("anchorwatch_write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine


def migrate(database: Database) -> None:
    """Bring the schema to its newest form; quick when it is there already."""
    with database.read() as connection:
        found = sa.inspect(connection).get_table_names()
        if "alembic_version" in found:
            version = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
            if version == NEWEST:
                return
    from alembic import command  # noqa: PLC0415 - 0.3 s that only a new or an old store pays
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with database.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
