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
        self._filter = np.zeros(max(1 << layout.bits >> 3, 1), np.uint8)
        self._hashes = {name: xxhash.xxh3_64() for name in self._columns if name}
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
        self._mark(records["hi"])
        self.rows += len(records)
        self._stamp = max(self._stamp, int(stamps.max(initial=0)))

    def _mark(self, hi: NDArray[np.uint64]) -> None:
        """Set the filter's bits; `hi` is sorted, so that bits of one byte are neighbours."""
        if not hi.size:
            return
        place, bit = filter_places(hi, self._layout.bits)
        first = np.flatnonzero(np.r_[True, place[1:] != place[:-1]])
        self._filter[place[first]] |= np.bitwise_or.reduceat(bit, first)

    def _finish(self) -> None:
        _write(self._file, _bytes(self._filter), _ALIGN)
        os.ftruncate(self._file, self._columns[""][0])
        layout, body = self._layout, _body_hash(self._filter, [one.digest() for one in self._hashes.values()])
        widths = (layout.scores, layout.slices, layout.bits)
        header = _HEADER.pack(_MAGIC, _VERSION, *widths, self.rows, layout.capacity, self._stamp, body)
        os.pwrite(self._file, header + _SEAL.pack(xxhash.xxh3_64_intdigest(header)), 0)
        os.fsync(self._file)


def _bytes(column: NDArray[Any]) -> memoryview:
    return np.ascontiguousarray(column).reshape(-1).view(np.uint8).data


def _write(handle: int, data: memoryview, offset: int) -> None:
    """All of `data` at `offset`. Written, not mapped: a full disk is then an error and not a dead process."""
    while data:
        done = os.pwrite(handle, data, offset)
        data, offset = data[done:], offset + done


def _body_hash(bitmap: NDArray[np.uint8], columns: list[bytes]) -> int:
    return xxhash.xxh3_64_intdigest(xxhash.xxh3_64_digest(bitmap.data) + b"".join(columns))


def filter_places(hi: NDArray[np.uint64], bits: int) -> tuple[NDArray[np.intp], NDArray[np.uint8]]:
    """The byte of a filter of `2^bits` bits that each key's bit is in, and that bit."""
    place = hi >> (_BITS - np.uint64(bits))
    byte = (place >> np.uint64(3)).astype(np.intp)
    return byte, np.uint8(1) << (place & np.uint64(7)).astype(np.uint8)


class OpenRun:
    """A run's file, mapped; raises `CorruptError` when its header or its length are not what was written."""

    __slots__ = ("_digest", "bits", "columns", "filter", "layout", "path", "rows", "stamp")

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
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
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
        columns = [xxhash.xxh3_64_digest(_bytes(column)) for column in self.columns.values()]
        if _body_hash(self.filter, columns) != self._digest:
            raise self.damaged("its content is not what was written")

    def search(
        self, hi: NDArray[np.uint64], lo: NDArray[np.uint64]
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Positions of the keys that are here, and of their records; quickest when `hi` is sorted."""
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
