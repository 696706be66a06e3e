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

_FLAT = frozenset({1, 2, 3, 5, 6, 7, 10, 20, 24})
"""Types without children: null, integer, float, text, truth value, decimal, time stamp, large text, text view."""

_LISTS = {12: -1, 21: -1, 16: 0}
"""Types with one child, which must hold numbers: list, large list (-1: of any lengths) and list of fixed size."""

_NUMBERS = frozenset({2, 3})

_ROW = -2
"""Of a column itself, which has an entry for each row."""

_MESSAGES = 10_000
"""Record batches in one stream; smaller ones than a hundred rows waste time."""


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


def look_over(body: bytes, limits: Limits) -> None:
    """Refuse what no flat table of bounded size needs, vectors of numbers apart, and what points outside of itself."""
    rows, size = 0, 0
    schema: list[int] | None = None
    for index, (kind, header, payload) in enumerate(_messages(body)):
        if index > _MESSAGES:
            raise TooLargeError(f"more than {_MESSAGES:,} record batches in one stream; write larger ones")
        if kind == _SCHEMA:
            schema = _look_over_schema(header, limits)
            continue
        batch = header if kind == _ROWS else header.table(1)
        count = _look_over_rows(batch, schema or [] if kind == _ROWS else [_ROW], limits)
        rows = rows + count if kind == _ROWS else max(rows, count)
        size += _look_over_buffers(batch, payload)
        if rows > limits.rows:
            raise TooLargeError(f"{rows:,} rows in one batch; at most {limits.rows:,} are taken")
        if size > limits.bytes:
            raise TooLargeError(
                f"the stream's buffers take more than {limits.bytes:,} bytes once decompressed"
            )
    if schema is None:
        raise InputError("the body is no Arrow IPC stream: it has no schema")


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


def _messages(body: bytes) -> Iterator[tuple[int, _Table, memoryview]]:
    """Kind, header and body of each message."""
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
        message = _Table(body[at + 8 : start], 0).follow(0)
        size = message.number(3, "<q")
        if not 0 <= size <= len(body) - start:
            raise InputError("the Arrow IPC stream is cut short")
        yield message.number(1, "<B"), message.table(2), memoryview(body)[start : start + size]
        at = start + size


def _look_over_schema(schema: _Table, limits: Limits) -> list[int]:
    """How many entries per row each array has, children after their columns: `_ROW`, -1 for any, or a fixed number."""
    start, count = schema.vector(1)
    if count > limits.columns:
        raise TooLargeError(f"{count:,} columns; at most {limits.columns:,} are taken")
    arrays: list[int] = []
    for index in range(count):
        column = schema.follow(start + 4 * index)
        arrays.append(_ROW)
        if not column.vector(5)[1] and column.number(2, "<B") in _FLAT:
            continue
        if not _is_vector(column):
            text, size = column.vector(0)
            name = schema.data[text : text + min(size, 80)].decode()
            raise InputError(
                f"column {name!r} holds neither numbers nor texts nor times nor vectors of numbers",
                column=name,
            )
        fixed = _LISTS[column.number(2, "<B")]
        arrays.append(fixed if fixed < 0 else column.table(3).number(0, "<i"))
    return arrays


def _is_vector(column: _Table) -> bool:
    """Whether a column holds lists of numbers, not encoded by a dictionary."""
    start, children = column.vector(5)
    if column.number(2, "<B") not in _LISTS or children != 1 or column.place(4):
        return False
    child = column.follow(start)
    return child.number(2, "<B") in _NUMBERS and not child.vector(5)[1] and not child.place(4)


def _look_over_rows(batch: _Table, arrays: list[int], limits: Limits) -> int:
    """The number of rows, which each column must have; a vector's numbers are as many as they can be."""
    count = batch.number(0, "<q")
    start, columns = batch.vector(1)
    if columns != len(arrays):
        raise IndexError(columns)
    nodes = struct.iter_unpack("<qq", _span(batch.data, start, 16 * columns))
    for entries, (length, missing) in zip(arrays, nodes, strict=True):
        wanted = count if entries == _ROW else length if entries == -1 else count * entries
        if length != wanted or not 0 <= missing <= length or (entries != _ROW and entries < -1):
            raise IndexError(length)
        if entries != _ROW and length > limits.cells:
            raise TooLargeError(f"{length:,} numbers in vectors; at most {limits.cells:,} are taken")
    return count


def _look_over_buffers(batch: _Table, body: memoryview) -> int:
    """Bytes that the buffers take; a compressed one says how many in its first eight."""
    start, count = batch.vector(2)
    compressed = batch.place(3)
    total = 0
    for offset, length in struct.iter_unpack("<qq", _span(batch.data, start, 16 * count)):
        if offset < 0 or length < 0 or offset + length > len(body):
            raise IndexError(offset)
        size = struct.unpack_from("<q", body, offset)[0] if compressed and length else -1
        if size < -1:
            raise IndexError(size)
        total += length if size == -1 else size
    start, views = batch.vector(4)
    for (number,) in struct.iter_unpack("<q", _span(batch.data, start, 8 * views)):
        if not 0 <= number <= count:
            raise IndexError(number)
    return total


def _span(data: bytes, start: int, size: int) -> bytes:
    if start + size > len(data):
        raise IndexError(start)
    return data[start : start + size]
