"""Statements that all of the ledger uses."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy.dialects.sqlite import insert as upsert

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import sqlalchemy as sa
    from sqlalchemy.dialects.sqlite import Insert

CHUNK = 500
"""Values in one `IN (…)`; SQLite takes no more than 999 in old builds."""


def put(connection: sa.Connection, table: sa.Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows, replacing those with the same primary key."""
    if rows:
        connection.execute(_replacing(table, tuple(rows[0])), list(rows))


@cache
def _replacing(table: sa.Table, given: tuple[str, ...]) -> Insert:
    keys = [column.name for column in table.primary_key]
    statement = upsert(table)
    changed = {name: statement.excluded[name] for name in given if name not in keys}
    return statement.on_conflict_do_update(index_elements=keys, set_=changed)


def chunks(items: Iterable[Any], size: int = CHUNK) -> Iterable[list[Any]]:
    """Lists of up to `size` items."""
    all_items = list(items)
    return (all_items[begin : begin + size] for begin in range(0, len(all_items), size))
