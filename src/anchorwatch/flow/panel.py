"""All results of a window as bytes, laid out so that one number of many windows is read without the rest."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from anchorwatch.core.errors import CorruptError
from anchorwatch.core.results import Results

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from numpy.typing import NDArray

_INTERVAL, _P = 1, 2


@dataclass(frozen=True, slots=True)
class Layout:
    """Where things stand in a panel's bytes: values, counts, reason codes, then intervals and p-values.

    `entries` are (measure, subjects, flags); `size` is the count of all subjects.
    """

    entries: tuple[tuple[str, tuple[str, ...], int], ...]
    size: int
    intervals: int
    ps: int

    @property
    def fixed(self) -> int:
        """Bytes before the list of reasons."""
        return self.size * 17 + self.intervals * 8 + self.ps * 4


@dataclass(frozen=True, slots=True)
class Place:
    """Byte offsets of one result; -1 where the measure has no such number."""

    value: int
    n: int
    reason: int
    low: int
    high: int
    p: int
    fixed: int


def encode_panel(panel: Sequence[Results]) -> tuple[str, bytes]:
    """The layout's text (the same for like panels) and the bytes."""
    flags = [_flags(item) for item in panel]
    entries = [[item.measure, item.subjects, flag] for item, flag in zip(panel, flags, strict=True)]
    reasons: list[str] = []
    codes = np.array([_code(reason, reasons) for item in panel for reason in item.reasons], dtype=np.uint8)
    pieces = [
        _join([item.value for item in panel], "<f8"),
        _join([item.n for item in panel], "<i8"),
        codes.tobytes(),
    ]
    for item, flag in zip(panel, flags, strict=True):
        if flag & _INTERVAL:
            pieces += [_join([item.low], "<f4"), _join([item.high], "<f4")]
    pieces += [_join([item.p], "<f4") for item, flag in zip(panel, flags, strict=True) if flag & _P]
    if reasons:
        pieces.append(json.dumps(reasons).encode())
    return json.dumps(entries, separators=(",", ":")), b"".join(pieces)


def decode_panel(keys: str, blob: bytes, wanted: Container[str] | None = None) -> tuple[Results, ...]:
    """The panel that `encode_panel` wrote, or of it the measures `wanted`.

    Intervals and p-values come back in single precision.
    """
    layout = layout_of(keys)
    if len(blob) < layout.fixed:
        raise CorruptError(f"a panel of {len(blob)} bytes is shorter than its layout ({layout.fixed})")
    reasons: list[str | None] = [None, *_reasons(blob, layout.fixed)]
    size = layout.size
    value = np.frombuffer(blob, "<f8", size)
    n = np.frombuffer(blob, "<i8", size, size * 8)
    codes = blob[size * 16 : size * 17]
    begin, interval, p = 0, size * 17, size * 17 + layout.intervals * 8
    panel = []
    for measure, subjects, flags in layout.entries:
        count = len(subjects)
        here = slice(begin, begin + count)
        if wanted is None or measure in wanted:
            low = _floats(blob, count, interval if flags & _INTERVAL else -1)
            high = _floats(blob, count, interval + 4 * count if flags & _INTERVAL else -1)
            ps = _floats(blob, count, p if flags & _P else -1)
            why = tuple(reasons[code] for code in codes[here])
            panel.append(Results(measure, subjects, value[here], n[here], why, low, high, ps))
        begin += count
        interval += 8 * count if flags & _INTERVAL else 0
        p += 4 * count if flags & _P else 0
    return tuple(panel)


def _floats(blob: bytes, count: int, offset: int) -> NDArray[np.float64]:
    if offset < 0:
        return np.full(count, np.nan)
    return np.frombuffer(blob, "<f4", count, offset).astype(np.float64)


@lru_cache(maxsize=256)
def layout_of(keys: str) -> Layout:
    """Read a layout's text."""
    entries = tuple((measure, tuple(subjects), int(flags)) for measure, subjects, flags in json.loads(keys))
    return Layout(
        entries,
        sum(len(subjects) for _, subjects, _ in entries),
        sum(len(subjects) for _, subjects, flags in entries if flags & _INTERVAL),
        sum(len(subjects) for _, subjects, flags in entries if flags & _P),
    )


@lru_cache(maxsize=4096)
def place_of(keys: str, measure: str, subject: str) -> Place | None:
    """Where a result stands in panels of this layout; None when it is not among them."""
    layout = layout_of(keys)
    begin, interval, p = 0, layout.size * 17, layout.size * 17 + layout.intervals * 8
    for name, subjects, flags in layout.entries:
        count = len(subjects)
        if name == measure and subject in subjects:
            index = subjects.index(subject)
            at = begin + index
            has_interval, has_p = flags & _INTERVAL, flags & _P
            return Place(
                at * 8,
                layout.size * 8 + at * 8,
                layout.size * 16 + at,
                interval + 4 * index if has_interval else -1,
                interval + 4 * (count + index) if has_interval else -1,
                p + 4 * index if has_p else -1,
                layout.fixed,
            )
        begin += count
        interval += 8 * count if flags & _INTERVAL else 0
        p += 4 * count if flags & _P else 0
    return None


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """One measure in many panels: arrays of shape (panels, subjects), NaN where there is no number."""

    subjects: tuple[str, ...]
    value: NDArray[np.float64]
    n: NDArray[np.int64]
    reason: NDArray[np.uint8]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    p: NDArray[np.float64]


def read_block(keys: str, blobs: Sequence[bytes], measure: str) -> Block | None:
    """A measure out of many panels of one layout; None when it is not among them."""
    subjects = next((subjects for name, subjects, _ in layout_of(keys).entries if name == measure), ())
    place = place_of(keys, measure, subjects[0]) if subjects else None
    if place is None:
        return None
    count = len(subjects)

    def cut(offset: int, dtype: str) -> NDArray[Any]:
        if offset < 0:
            return np.full((len(blobs), count), np.nan)
        end = offset + count * np.dtype(dtype).itemsize
        return np.frombuffer(b"".join([blob[offset:end] for blob in blobs]), dtype).reshape(-1, count)

    return Block(
        subjects,
        cut(place.value, "<f8"),
        cut(place.n, "<i8"),
        cut(place.reason, "u1"),
        cut(place.low, "<f4").astype(np.float64),
        cut(place.high, "<f4").astype(np.float64),
        cut(place.p, "<f4").astype(np.float64),
    )


def reason_of(keys: str, blob: bytes, code: int) -> str | None:
    """The text of a reason's code in its panel."""
    return _texts(blob[layout_of(keys).fixed :])[code - 1] if code else None


@lru_cache(maxsize=1024)
def _texts(tail: bytes) -> tuple[str, ...]:
    return tuple(json.loads(tail)) if tail else ()


def _reasons(blob: bytes, fixed: int) -> tuple[str, ...]:
    return _texts(blob[fixed:])


def _flags(item: Results) -> int:
    interval = _INTERVAL if np.isfinite(item.low).any() or np.isfinite(item.high).any() else 0
    return interval | (_P if np.isfinite(item.p).any() else 0)


def _code(reason: str | None, known: list[str]) -> int:
    if reason is None:
        return 0
    if reason not in known:
        if len(known) == 255:  # codes are one byte
            return known.index(known[-1]) + 1
        known.append(reason)
    return known.index(reason) + 1


def _join(arrays: Sequence[NDArray[Any]], dtype: str) -> bytes:
    return b"".join(np.ascontiguousarray(array, dtype=dtype).tobytes() for array in arrays)
