"""Samples of rows as bytes, which hardly pack: codes column by column, one byte each where that is enough."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np

from anchorwatch.core.errors import CorruptError
from anchorwatch.profile.envelope import seal, unseal
from anchorwatch.profile.sample import Sample

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from anchorwatch.profile.grid import Grid

SAMPLE = b"AWs\x01"
_HEAD = struct.Struct("<II")  # capacity, rows
_MOST = 2**24


def encode_sample(sample: Sample, grid: Grid) -> bytes:
    """A sample as bytes, without its grid."""
    wide = _wide(grid)
    every = np.concatenate([sample.codes.T, sample.levels.T])
    pieces = [
        _HEAD.pack(sample.capacity, sample.size),
        sample.keys.astype("<u8").tobytes(),
        every[~wide].astype(np.uint8).tobytes(),
        every[wide].astype("<u2").tobytes(),
        sample.vectors.astype("<f4").tobytes(),
    ]
    return seal(SAMPLE, b"".join(pieces))


def decode_sample(data: bytes, grid: Grid) -> Sample:
    """The sample that `encode_sample` wrote; raises `CorruptError` when the bytes are anything else."""
    content = unseal(SAMPLE, data)
    wide, widths = _wide(grid), sum(grid.widths)
    narrow = int((~wide).sum())
    if len(content) < _HEAD.size:
        raise CorruptError("a sample ends too early")
    capacity, size = _HEAD.unpack_from(content)
    sizes = [8 * size, narrow * size, 2 * (wide.size - narrow) * size, 4 * widths * size]
    ends = np.cumsum([_HEAD.size, *sizes])
    if not (1 <= capacity <= _MOST and size <= capacity) or ends[-1] != len(content):
        raise CorruptError("a sample is not as long as it says")
    begins = ends[:-1].tolist()
    keys = np.frombuffer(content, "<u8", size, begins[0]).astype(np.uint64, copy=False)
    every = np.empty((wide.size, size), np.uint16)
    every[~wide] = np.frombuffer(content, np.uint8, sizes[1], begins[1]).reshape(narrow, size)
    every[wide] = np.frombuffer(content, "<u2", sizes[2] // 2, begins[2]).reshape(wide.size - narrow, size)
    if (keys[1:] < keys[:-1]).any() or (every > _most(grid)[:, None]).any():
        raise CorruptError("a sample contradicts itself")
    vectors = np.frombuffer(content, "<f4", widths * size, begins[3]).astype(np.float32, copy=False)
    numbers = len(grid.numbers)
    return Sample(keys, every[:numbers].T, every[numbers:].T, vectors.reshape(size, widths), capacity)


def _most(grid: Grid) -> NDArray[np.int64]:
    """The largest code of each column, numbers first."""
    sizes = [*(edges.size for edges in grid.edges), *(len(names) for names in grid.levels)]
    return np.array(sizes, np.int64) + 1


def _wide(grid: Grid) -> NDArray[np.bool_]:
    """Which columns need two bytes a code."""
    return _most(grid) > np.iinfo(np.uint8).max
