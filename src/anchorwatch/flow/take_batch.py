"""A batch that has been looked over, the bounds it was held to, and its bytes for the inbox."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl

from anchorwatch.core.errors import CorruptError, InputError
from anchorwatch.core.types import OnError
from anchorwatch.profile.refused import Refused

if TYPE_CHECKING:
    from anchorwatch.core.types import EventKind, Rejection

KEPT_REJECTIONS = 100
"""Rejections that a batch tells in full; the rest are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds on what is taken; beyond them a batch is refused whole, unless a row is named.

    Args:
        bytes: of a body, once decompressed.
        document: bytes of one JSON document, which is held in memory whole (NDJSON and Arrow are not).
        rows: of a batch.
        columns: of a table.
        cells: rows times declared inputs, which bounds what missing inputs are filled up to.
        string: bytes of one text; a row with a longer one is rejected.
        name: bytes of an id, a version or a label; a row with a longer one is rejected.
        past: a row with an earlier time is rejected.
        ahead: a row with a time later than now and this is rejected.
    """

    bytes: int = 64 * 2**20
    document: int = 16 * 2**20
    rows: int = 1_000_000
    columns: int = 10_000
    cells: int = 100_000_000
    string: int = 64 * 2**10
    name: int = 256
    past: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    ahead: timedelta = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """On which terms a batch is taken: its id, the time it is, what happens to bad rows, and the bounds."""

    id: str
    now: datetime
    on_error: OnError = OnError.KEEP
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Rows of one model in canonical form, and what was left out of them.

    `rejections` tells of the first 100 rows that could not be taken, `rejected_count` how many there were, `refused`
    because of which columns; `duplicates` counts rows whose id another row of the batch has.
    """

    id: str
    model: str
    kind: EventKind
    frame: pl.DataFrame
    rejections: tuple[Rejection, ...] = ()
    rejected_count: int = 0
    duplicates: int = 0
    refused: Refused = field(default_factory=Refused)


class RefusedError(InputError):
    """A batch with bad rows that was to be taken whole or not at all; tells the first of them."""

    def __init__(self, rejections: tuple[Rejection, ...], count: int) -> None:
        first = rejections[0]
        where = f"row {first.row}" + (f", {first.column}" if first.column else "")
        super().__init__(
            f"{count} of the rows cannot be taken, so none was; the first is {where}: {first.reason}",
            row=first.row,
            column=first.column or None,
        )
        self.rejections = rejections
        self.count = count


def payload(frame: pl.DataFrame) -> bytes:
    """The frame as an Arrow IPC stream.

    >>> frame_of(payload(pl.DataFrame({"x": [1.0]}))).rows()
    [(1.0,)]
    """
    out = io.BytesIO()
    frame.write_ipc_stream(out)
    return out.getvalue()


def frame_of(payload: bytes) -> pl.DataFrame:
    """The frame whose bytes `payload` gave; raises `CorruptError` when they are not such bytes."""
    try:
        return pl.read_ipc_stream(io.BytesIO(payload))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError) as problem:
        raise CorruptError(f"{len(payload)} bytes are no Arrow stream: {problem}") from problem
