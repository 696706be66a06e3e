"""An Arrow IPC stream is looked over before anything of it is read.

What a stream says of itself decides how much memory reading it takes: rows without bytes, buffers that
decompress to a thousand times their size, nesting without end. So its messages are walked first, reading only
their headers (format: arrow.apache.org/docs/format/Columnar.html, Message.fbs and Schema.fbs).
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from anchorwatch.core.errors import InputError, TooLargeError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anchorwatch.flow.take_batch import Limits

_SCHEMA, _DICTIONARY, _ROWS = 1, 2, 3
_CONTINUES = 0xFFFFFFFF


def read_arrow(body: bytes, limits: Limits) -> pl.DataFrame:
    """The table of an Arrow IPC stream.

    Raises `InputError` when it is none, `TooLargeError` beyond the limits.
    """
    try:
        look_over(body, limits)
    except (struct.error, IndexError, UnicodeDecodeError) as problem:
        raise InputError("the body is no Arrow IPC stream: its headers are damaged") from problem
    try:
        return pl.read_ipc_stream(io.BytesIO(body))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError) as problem:
        raise InputError(f"the body is no Arrow IPC stream: {str(problem)[:200]}") from problem


def look_over(body: bytes, limits: Limits) -> int:
    """Count the rows that a stream announces, refusing what no flat table of bounded size needs."""
    rows, size, schema = 0, 0, False
    for kind, header, start in _messages(body):
        if kind == _SCHEMA:
            _look_over_schema(header, limits)
            schema = True
            continue
        batch = header if kind == _ROWS else header.table(1)
        count = batch.number(0, "<q")
        rows += count if kind == _ROWS else 0
        size += _decompressed(batch, body, start)
        if count < 0 or max(rows, count) > limits.rows:
            raise TooLargeError(f"{max(rows, count):,} rows in one batch; at most {limits.rows:,} are taken")
        if size > limits.bytes:
            raise TooLargeError(f"the stream's buffers decompress to more than {limits.bytes:,} bytes")
    if not schema:
        raise InputError("the body is no Arrow IPC stream: it has no schema")
    return rows


@dataclass(frozen=True, slots=True)
class _Table:
    """A table of a FlatBuffer at `at`; slots are read by their index, with a default where absent."""

    data: bytes
    at: int

    def place(self, slot: int) -> int:
        """Where a slot's value stands; 0 when it is absent."""
        virtual = self.at - struct.unpack_from("<i", self.data, self.at)[0]
        if virtual < 0:
            raise IndexError(virtual)
        (length,) = struct.unpack_from("<H", self.data, virtual)
        if 4 + 2 * slot >= length:
            return 0
        (offset,) = struct.unpack_from("<H", self.data, virtual + 4 + 2 * slot)
        return self.at + int(offset) if offset else 0

    def number(self, slot: int, form: str) -> int:
        place = self.place(slot)
        return int(struct.unpack_from(form, self.data, place)[0]) if place else 0

    def table(self, slot: int) -> _Table:
        place = self.place(slot)
        if not place:
            raise IndexError(slot)
        return self.follow(place)

    def follow(self, place: int) -> _Table:
        return _Table(self.data, place + struct.unpack_from("<I", self.data, place)[0])

    def vector(self, slot: int) -> tuple[int, int]:
        """Where a vector's items begin and how many there are."""
        place = self.place(slot)
        if not place:
            return 0, 0
        start = place + struct.unpack_from("<I", self.data, place)[0]
        return start + 4, int(struct.unpack_from("<I", self.data, start)[0])


def _messages(body: bytes) -> Iterator[tuple[int, _Table, int]]:
    """Kind, header and start of the body of each message."""
    at = 0
    while at + 8 <= len(body):
        mark, length = struct.unpack_from("<Ii", body, at)
        if mark != _CONTINUES:
            raise InputError("the body is no Arrow IPC stream as Arrow 0.15 and later write it")
        if length == 0:
            return
        start = at + 8 + length
        if length < 0 or start > len(body):
            raise InputError("the Arrow IPC stream is cut short")
        meta = body[at + 8 : start]
        message = _Table(meta, 0).follow(0)
        size = message.number(3, "<q")
        if not 0 <= size <= len(body) - start:
            raise InputError("the Arrow IPC stream is cut short")
        yield message.number(1, "<B"), message.table(2), start
        at = start + size


def _look_over_schema(schema: _Table, limits: Limits) -> None:
    start, count = schema.vector(1)
    if count > limits.columns:
        raise TooLargeError(f"{count:,} columns; at most {limits.columns:,} are taken")
    for index in range(count):
        column = schema.follow(start + 4 * index)
        if column.vector(5)[1]:
            text, size = column.vector(0)
            name = schema.data[text : text + min(size, 80)].decode()
            raise InputError(f"column {name!r} is nested; each input has a column of its own", column=name)


def _decompressed(batch: _Table, body: bytes, start: int) -> int:
    """Bytes that the buffers of a batch take once decompressed; each says so in its first eight."""
    if not batch.place(3):
        return 0
    first, count = batch.vector(2)
    total = 0
    for index in range(count):
        offset, length = struct.unpack_from("<qq", batch.data, first + 16 * index)
        if length:
            (size,) = struct.unpack_from("<q", body, start + offset)
            total += length if size == -1 else size if size >= 0 else 2**62
    return total
