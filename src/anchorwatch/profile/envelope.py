"""Bytes that tell when they are damaged, and small streams of numbers within them."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

import numpy as np

from anchorwatch.core.errors import CorruptError, TooLargeError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_HEAD = struct.Struct("<4sII")  # magic and version, CRC-32 of what follows it, length when unpacked
_LENGTH = struct.Struct("<I")
MOST = 2**28
"""Bytes of content; a thousand times a usual profile, and what a lie may cost at most."""


def seal(magic: bytes, content: bytes) -> bytes:
    """Pack `content` behind a magic of four bytes, a checksum and its length; raises `TooLargeError` beyond `MOST`."""
    if len(content) > MOST:
        raise TooLargeError(
            f"{len(content)} bytes are more than the {MOST} that are kept; use fewer labels or levels"
        )
    packed = zlib.compress(content, 1)
    length = _LENGTH.pack(len(content))
    return _HEAD.pack(magic, zlib.crc32(packed, zlib.crc32(length)), len(content)) + packed


def unseal(magic: bytes, sealed: bytes) -> bytes:
    """What was sealed; raises `CorruptError` when it is anything else."""
    if len(sealed) < _HEAD.size:
        raise CorruptError(f"{len(sealed)} bytes are too few for {magic!r}")
    found, checksum, length = _HEAD.unpack_from(sealed)
    if found != magic:
        raise CorruptError(
            f"bytes begin with {found!r} where {magic!r} is read; another kind or a newer version"
        )
    packed = memoryview(sealed)[_HEAD.size :]
    if checksum != zlib.crc32(packed, zlib.crc32(_LENGTH.pack(length))):
        raise CorruptError("the checksum is not that of the bytes")
    if length > MOST:
        raise CorruptError(f"the bytes promise {length}, and none are unpacked beyond {MOST}")
    unpacker = zlib.decompressobj()
    try:
        content = unpacker.decompress(packed, length + 1)
    except zlib.error as problem:
        raise CorruptError(f"the bytes do not unpack: {problem}") from None
    if len(content) != length or not unpacker.eof or unpacker.unused_data:
        raise CorruptError(f"the bytes do not unpack to the {length} they promise")
    return content


class Writer:
    """Collects numbers in streams of one kind each, which pack better than mixed ones."""

    __slots__ = ("_counts", "_steps", "_words")

    def __init__(self) -> None:
        self._counts: list[NDArray[np.int64]] = []
        self._steps: list[NDArray[np.int64]] = []
        self._words: list[NDArray[np.int64]] = []

    def counts(self, *arrays: NDArray[np.int64]) -> None:
        """Whole numbers, not negative and mostly small."""
        self._counts += [array.ravel() for array in arrays]

    def steps(self, ascending: NDArray[np.int64]) -> None:
        """Ascending whole numbers; the reader must know how many."""
        if ascending.size:
            self.integers(int(ascending[0]))
            self._steps.append(np.diff(ascending))

    def integers(self, *numbers: int) -> None:
        """Single whole numbers of any size or sign."""
        self._words.append(np.array(numbers, np.int64))

    def floats(self, *arrays: NDArray[np.float64]) -> None:
        """Floating-point numbers, bit for bit."""
        self._words += [np.ascontiguousarray(array, np.float64).ravel().view(np.int64) for array in arrays]

    def content(self, tail: bytes = b"") -> bytes:
        """All streams, with anything else behind them."""
        words = _joined(self._words)
        return b"".join(
            [
                _planes(_joined(self._counts)),
                _planes(_joined(self._steps)),
                _LENGTH.pack(words.size),
                words.astype("<i8").tobytes(),
                tail,
            ]
        )


class Reader:
    """Hands out what a `Writer` was given, in the same order; raises `CorruptError` when there is too little."""

    __slots__ = ("_counts", "_steps", "_words", "tail")

    def __init__(self, content: bytes) -> None:
        counts, begin = _unplaned(content, 0)
        steps, begin = _unplaned(content, begin)
        (size,) = _unpack(_LENGTH, content, begin)
        begin += _LENGTH.size
        if begin + 8 * size > len(content):
            raise CorruptError("a stream of numbers ends too early")
        words = np.frombuffer(content, "<i8", size, begin).astype(np.int64, copy=False)
        self._counts, self._steps, self._words = _Stream(counts), _Stream(steps), _Stream(words)
        self.tail = content[begin + 8 * size :]

    def counts(self, *shape: int) -> NDArray[np.int64]:
        """An array of that shape."""
        size = 1
        for length in shape:
            size *= length
        return self._counts.take(size).reshape(shape)

    def steps(self, size: int) -> NDArray[np.int64]:
        """So many ascending numbers."""
        if not size:
            return np.empty(0, np.int64)
        first = self._words.take(1)
        ascending = np.cumsum(np.concatenate([first, self._steps.take(size - 1)]))
        if (ascending[1:] <= ascending[:-1]).any():
            raise CorruptError("numbers that ascend were written, and others are found")
        return ascending

    def integers(self, size: int) -> list[int]:
        """So many single whole numbers."""
        found: list[int] = self._words.take(size).tolist()
        return found

    def floats(self, size: int) -> NDArray[np.float64]:
        """So many floating-point numbers."""
        return self._words.take(size).view(np.float64)

    def close(self) -> None:
        """Raise `CorruptError` when something was not read."""
        if not (self._counts.ended and self._steps.ended and self._words.ended):
            raise CorruptError("more numbers are found than were written")


class _Stream:
    __slots__ = ("_array", "_begin")

    def __init__(self, array: NDArray[np.int64]) -> None:
        self._array = array
        self._begin = 0

    @property
    def ended(self) -> bool:
        return self._begin == self._array.size

    def take(self, size: int) -> NDArray[np.int64]:
        end = self._begin + size
        if not 0 <= size <= self._array.size - self._begin:
            raise CorruptError(f"{size} numbers are read where {self._array.size - self._begin} are left")
        found = self._array[self._begin : end]
        self._begin = end
        return found


_PLANES = struct.Struct("<IB")


def _joined(arrays: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    return np.concatenate(arrays) if arrays else np.empty(0, np.int64)


def _planes(numbers: NDArray[np.int64]) -> bytes:
    """All lowest bytes, then all second ones and so on, as many as the largest number needs."""
    if numbers.min(initial=0) < 0:
        raise ValueError("a negative count cannot be written")
    width = (int(numbers.max(initial=1)).bit_length() + 7) // 8
    planes = numbers.astype("<i8").view(np.uint8).reshape(-1, 8)[:, :width].T
    return _PLANES.pack(numbers.size, width) + planes.tobytes()


def _unplaned(content: bytes, begin: int) -> tuple[NDArray[np.int64], int]:
    size, width = _unpack(_PLANES, content, begin)
    begin += _PLANES.size
    end = begin + size * width
    if not 1 <= width <= 8 or end > len(content):
        raise CorruptError("a stream of numbers ends too early")
    planes = np.frombuffer(content, np.uint8, size * width, begin).reshape(width, size)
    numbers = planes[0].astype(np.int64)
    for place in range(1, width):
        numbers |= planes[place].astype(np.int64) << (8 * place)
    if width == 8 and numbers.min(initial=0) < 0:
        raise CorruptError("a count is negative")
    return numbers, end


def _unpack(form: struct.Struct, content: bytes, begin: int) -> tuple[int, ...]:
    if begin + form.size > len(content):
        raise CorruptError("a stream of numbers ends too early")
    return form.unpack_from(content, begin)
