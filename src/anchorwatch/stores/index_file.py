"""The file of one run: records sorted by key, column by column, behind a filter.

```
header   64 bytes: magic, version, widths, filter bits, rows, capacity, last stamp, hash of body, of header
filter   2^bits bits: bit `hi >> (64 - bits)` is set for each record; most absent keys cost one look at it
columns  hi, lo, stamp, start, prediction, scores, slices: each `capacity` records long, at multiples of 64
```

Numbers are little-endian. `stamp` tells which write a record came with: among records of one key the highest
counts, whichever runs have been merged meanwhile.
"""

from __future__ import annotations

import mmap
import os
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
import xxhash

from anchorwatch.core.errors import CorruptError
from anchorwatch.flow.records import record_type

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType

    from numpy.typing import NDArray

_MAGIC: Final = b"AWINDEX\x00"
_VERSION: Final = 1
_HEADER: Final = struct.Struct("<8sIIIIQQQQ")
_SEAL: Final = struct.Struct("<Q")
_ALIGN: Final = 64
_FILTER_BITS_PER_RECORD: Final = 16  # 6 % of absent keys pass
_BITS: Final = np.uint64(64)
_MEBIBYTE: Final = 1 << 20
_SPAN: Final = 32 << 20  # of a file, to be in memory at a time
_AROUND: Final = 2 << 20  # the most that the system brings in around a byte


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything is in a run's file, from the five figures in its header."""

    scores: int
    slices: int
    bits: int
    capacity: int

    @classmethod
    def of(cls, dtype: np.dtype[np.void], capacity: int) -> Layout:
        """The layout of a new file with room for `capacity` records of `dtype`."""
        bits = max(_FILTER_BITS_PER_RECORD * capacity - 1, 7).bit_length()
        return cls(dtype["scores"].shape[0], dtype["slices"].shape[0], bits, capacity)

    @property
    def dtype(self) -> np.dtype[np.void]:
        """The type of the records."""
        return record_type(self.scores, self.slices)

    def columns(self) -> dict[str, tuple[int, np.dtype[Any]]]:
        """Offset in bytes and type of each column, in the order of the file; `""` is the end of the file."""
        dtype = self.dtype
        place, found = _ALIGN + _aligned(1 << self.bits >> 3), {}
        for name in ("hi", "lo", "stamp", "start", "prediction", "scores", "slices"):
            kind = np.dtype("<u8") if name == "stamp" else dtype[name]
            found[name] = (place, kind)
            place += _aligned(kind.itemsize * self.capacity)
        return found | {"": (place, np.dtype("u1"))}


def _aligned(size: int) -> int:
    return -(-size // _ALIGN) * _ALIGN


class RunWriter:
    """Writes sorted records to a new file, chunk by chunk, and makes them durable at the end of the block."""

    def __init__(self, path: Path, layout: Layout) -> None:
        self.path = path
        self.rows = 0
        self._layout = layout
        self._columns = layout.columns()
        self._filter = _Filter(layout.bits)
        self._hashes = {name: xxhash.xxh3_64() for name in self._columns if name}
        self._digest = xxhash.xxh3_64()
        self._filtered = 0
        self._stamp = 0
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            os.close(self._file)
            if kind is not None:
                self.path.unlink(missing_ok=True)

    def add(self, records: NDArray[np.void], stamps: NDArray[np.uint64]) -> None:
        """Append records sorted by key, all keys above those written before."""
        for name, (offset, kind) in self._columns.items():
            if not name:
                continue
            data = _bytes(stamps if name == "stamp" else records[name])
            self._hashes[name].update(data)
            _write(self._file, data, offset + self.rows * kind.itemsize)
        self._write_filter(self._filter.mark(records["hi"]))
        self.rows += len(records)
        self._stamp = max(self._stamp, int(stamps.max(initial=0)))

    def _write_filter(self, part: NDArray[np.uint8]) -> None:
        data = _bytes(part)
        self._digest.update(data)
        _write(self._file, data, _ALIGN + self._filtered)
        self._filtered += len(data)

    def _finish(self) -> None:
        for part in self._filter.rest():
            self._write_filter(part)
        os.ftruncate(self._file, self._columns[""][0])
        layout, body = self._layout, _body_hash(self._digest, [one.digest() for one in self._hashes.values()])
        widths = (layout.scores, layout.slices, layout.bits)
        header = _HEADER.pack(_MAGIC, _VERSION, *widths, self.rows, layout.capacity, self._stamp, body)
        os.pwrite(self._file, header + _SEAL.pack(xxhash.xxh3_64_intdigest(header)), 0)
        os.fsync(self._file)


class _Filter:
    """The bits of a filter, made from front to back as keys come in ascending order; only the last byte is kept."""

    def __init__(self, bits: int) -> None:
        self._bits = bits
        self._size = max(1 << bits >> 3, 1)
        self._done = 0
        self._last = np.zeros(1, np.uint8)

    def mark(self, hi: NDArray[np.uint64]) -> NDArray[np.uint8]:
        """Set the bits of sorted keys; gives the bytes that no later key can change."""
        if not hi.size:
            return self._last[:0]
        place, bit = filter_places(hi, self._bits)
        first = np.flatnonzero(np.r_[True, place[1:] != place[:-1]])
        part = np.zeros(int(place[-1]) + 1 - self._done, np.uint8)
        part[place[first] - self._done] = np.bitwise_or.reduceat(bit, first)
        part[0] |= self._last[0]
        self._done, self._last = int(place[-1]), part[-1:].copy()
        return part[:-1]

    def rest(self) -> Iterator[NDArray[np.uint8]]:
        """The bytes that are left, a mebibyte at a time."""
        yield self._last
        for begin in range(self._done + 1, self._size, _MEBIBYTE):
            yield np.zeros(min(_MEBIBYTE, self._size - begin), np.uint8)


def _bytes(column: NDArray[Any]) -> memoryview:
    return np.ascontiguousarray(column).reshape(-1).view(np.uint8).data


def _write(handle: int, data: memoryview, offset: int) -> None:
    """All of `data` at `offset`. Written, not mapped: a full disk is then an error and not a dead process."""
    while data:
        done = os.pwrite(handle, data, offset)
        data, offset = data[done:], offset + done


def _body_hash(bitmap: xxhash.xxh3_64, columns: list[bytes]) -> int:
    return xxhash.xxh3_64_intdigest(bitmap.digest() + b"".join(columns))


def filter_places(hi: NDArray[np.uint64], bits: int) -> tuple[NDArray[np.intp], NDArray[np.uint8]]:
    """The byte of a filter of `2^bits` bits that each key's bit is in, and that bit."""
    place = hi >> (_BITS - np.uint64(bits))
    byte = (place >> np.uint64(3)).astype(np.intp)
    return byte, np.uint8(1) << (place & np.uint64(7)).astype(np.uint8)


class OpenRun:
    """A run's file, mapped; raises `CorruptError` when its header or its length are not what was written."""

    __slots__ = (
        "_data",
        "_digest",
        "bits",
        "columns",
        "filter",
        "layout",
        "path",
        "rows",
        "stamp",
        "touched",
    )

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("rb") as file:
            head = file.read(_ALIGN)
            size = os.fstat(file.fileno()).st_size
            figures = self._header(head)
            self.layout = Layout(figures[2], figures[3], figures[4], figures[6])
            self.rows, self.stamp, self._digest = figures[5], figures[7], figures[8]
            places = self.layout.columns()
            if size != places[""][0]:
                raise self.damaged(f"it has {size} bytes instead of {places[''][0]}")
            self._data = data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self.touched = 0
        self.bits = self.layout.bits
        self.filter = np.frombuffer(data, np.uint8, max(1 << self.bits >> 3, 1), _ALIGN)
        self.columns: dict[str, NDArray[Any]] = {
            name: _column(data, kind, self.rows, offset) for name, (offset, kind) in places.items() if name
        }

    def _header(self, head: bytes) -> tuple[Any, ...]:
        body, seal = head[: _HEADER.size], head[_HEADER.size : _HEADER.size + _SEAL.size]
        if len(head) < _ALIGN or seal != _SEAL.pack(xxhash.xxh3_64_intdigest(body)):
            raise self.damaged("its header is not what was written")
        figures = _HEADER.unpack(body)
        if figures[0] != _MAGIC or figures[1] != _VERSION:
            raise self.damaged("it was written by another version")
        return figures

    def damaged(self, why: str) -> CorruptError:
        """The error that says so."""
        return CorruptError(f"{self.path} of the join index is damaged: {why}; restore it from a backup")

    def verify(self) -> None:
        """Read all of it and raise `CorruptError` unless it is what was written."""
        bitmap, *columns = (self._hashed(column) for column in (self.filter, *self.columns.values()))
        if _body_hash(bitmap, [column.digest() for column in columns]) != self._digest:
            raise self.damaged("its content is not what was written")

    def _hashed(self, column: NDArray[Any]) -> xxhash.xxh3_64:
        found, data = xxhash.xxh3_64(), _bytes(column)
        for begin in range(0, len(data), _SPAN):
            found.update(data[begin : begin + _SPAN])
            self.release()
        return found

    @property
    def bytes(self) -> int:
        """The size of the file."""
        return len(self._data)

    def release(self) -> None:
        """Let go of the pages that were read: the system keeps them, and this process grows no further."""
        self.touched = 0
        if hasattr(mmap, "MADV_DONTNEED"):
            self._data.madvise(mmap.MADV_DONTNEED)

    def pieces(self, count: int, columns: int, whole: int) -> Iterator[slice]:
        """Spans of `count` sorted places, each of which touches some mebibytes of the file at most.

        All of them together touch `whole` bytes, or less where they are few: each, so much around it in so many
        columns. What a span touched is let go of when there are several; `touched` tells what was not.
        """
        most = min(whole, count * columns * _AROUND)
        step = -(-count // max(-(-most // _SPAN), 1))
        for begin in range(0, count, max(step, 1)):
            yield slice(begin, begin + step)
            if step < count:
                self.release()
        if step >= count:
            self.touched = min(self.touched + most, len(self._data))

    def search(
        self, hi: NDArray[np.uint64], lo: NDArray[np.uint64]
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Positions of the keys that are here, and of their records; `hi` is sorted."""
        keys = self.columns["hi"].nbytes
        hits, rows = [], []
        for span in self.pieces(len(hi), 3, self.filter.nbytes + 2 * keys):
            hit, row = self._search(hi[span], lo[span])
            hits.append(hit + span.start)
            rows.append(row)
        return _joined(hits), _joined(rows)

    def places(self, bounds: NDArray[np.uint64]) -> list[int]:
        """The first row of each of some sorted upper halves, or where it would be."""
        his, found = self.columns["hi"], []
        for span in self.pieces(len(bounds), 8, his.nbytes):
            found += np.searchsorted(his, bounds[span]).tolist()
        self.release()
        return found

    def _search(
        self, hi: NDArray[np.uint64], lo: NDArray[np.uint64]
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        byte, bit = filter_places(hi, self.bits)
        maybe = np.flatnonzero(self.filter[byte] & bit)
        his, los = self.columns["hi"], self.columns["lo"]
        row = np.searchsorted(his, hi[maybe])
        hits, rows = [], []
        while maybe.size:  # a second round only where two keys share their upper half
            inside = row < self.rows
            maybe, row = maybe[inside], row[inside]
            same = his[row] == hi[maybe]
            maybe, row = maybe[same], row[same]
            hit = los[row] == lo[maybe]
            hits.append(maybe[hit])
            rows.append(row[hit])
            maybe, row = maybe[~hit], row[~hit] + 1
        return _joined(hits), _joined(rows)

    def records(self, rows: slice | NDArray[np.intp], dtype: np.dtype[np.void]) -> NDArray[np.void]:
        """Records at `rows` as `dtype`: scores that are not kept here are NaN, slices -1."""
        count = len(self.columns["hi"][rows])
        found = blank(count, dtype)
        for name in ("hi", "lo", "start", "prediction"):
            found[name] = self.columns[name][rows]
        for name in ("scores", "slices"):
            width = min(self.columns[name].shape[1], dtype[name].shape[0])
            found[name][:, :width] = self.columns[name][rows, :width]
        return found


def blank(count: int, dtype: np.dtype[np.void]) -> NDArray[np.void]:
    """Records that say nothing: no scores, in no slice."""
    records = np.zeros(count, dtype)
    records["scores"], records["slices"] = np.nan, -1
    return records


def _column(data: mmap.mmap, kind: np.dtype[Any], rows: int, offset: int) -> NDArray[Any]:
    base, shape = kind.base, (rows, *kind.shape)
    return np.frombuffer(data, base, int(np.prod(shape)), offset).reshape(shape)


def _joined(parts: list[NDArray[np.intp]]) -> NDArray[np.intp]:
    return np.concatenate(parts) if parts else np.empty(0, np.intp)
