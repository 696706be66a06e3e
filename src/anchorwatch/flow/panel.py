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

_INTERVAL, _P, _WIDE = 1, 2, 4
_SMALL = 1536
WHOLE = ("",)
"""The subjects of a measure of the whole model."""


@dataclass(frozen=True, slots=True)
class Place:
    """Byte offsets of the first result of a measure; -1 where the measure has no such number.

    Counts are `wide`, 8 bytes each, only where 4 do not hold them.
    """

    measure: str
    subjects: tuple[str, ...]
    wide: bool
    value: int
    n: int
    reason: int
    low: int
    high: int
    p: int


@dataclass(frozen=True, slots=True)
class Layout:
    """Where things stand in a panel's bytes: values, counts, reason codes, then intervals and p-values.

    After `fixed` bytes follow the texts of the reasons.
    """

    places: tuple[Place, ...]
    fixed: int


def halves(panel: Sequence[Results]) -> tuple[list[Results], list[Results]]:
    """What was measured of the model as a whole, and what of columns or classes."""
    heads = [item for item in panel if item.subjects == WHOLE]
    return heads, [item for item in panel if item.subjects != WHOLE]


def encode_panel(panel: Sequence[Results]) -> tuple[str, bytes]:
    """The layout's text (the same for like panels) and the bytes."""
    n = _joined([item.n for item in panel], np.int64)
    flags = _flags(panel, wide=bool(n.size) and not 0 <= n.min() <= n.max() < 2**32)
    entries = [[item.measure, item.subjects, flag] for item, flag in zip(panel, flags, strict=True)]
    reasons: list[str] = []
    pieces = [
        _joined([item.value for item in panel], np.float64).astype("<f8").tobytes(),
        n.astype("<i8" if flags and flags[0] & _WIDE else "<u4").tobytes(),
        b"".join([_codes(item.reasons, reasons) for item in panel]),
    ]
    bounds = [(item.low, item.high) for item, flag in zip(panel, flags, strict=True) if flag & _INTERVAL]
    ps = [item.p for item, flag in zip(panel, flags, strict=True) if flag & _P]
    floats = _joined([*(side for pair in bounds for side in pair), *ps], np.float64)
    pieces.append(floats.astype("<f4").tobytes())
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
    reasons: list[str | None] = [None, *_texts(blob[layout.fixed :])]
    panel = []
    for place in layout.places:
        if wanted is not None and place.measure not in wanted:
            continue
        count = len(place.subjects)
        panel.append(
            Results(
                place.measure,
                place.subjects,
                np.frombuffer(blob, "<f8", count, place.value),
                np.frombuffer(blob, _counts(place), count, place.n).astype(np.int64),
                tuple([reasons[code] for code in blob[place.reason : place.reason + count]]),
                *(_floats(blob, count, offset) for offset in (place.low, place.high, place.p)),
            )
        )
    return tuple(panel)


def _counts(place: Place) -> str:
    return "<i8" if place.wide else "<u4"


def _floats(blob: bytes, count: int, offset: int) -> NDArray[np.float64]:
    if offset < 0:
        return np.full(count, np.nan)
    return np.frombuffer(blob, "<f4", count, offset).astype(np.float64)


@lru_cache(maxsize=256)
def layout_of(keys: str) -> Layout:
    """Read a layout's text."""
    entries = [(measure, tuple(subjects), int(flags)) for measure, subjects, flags in json.loads(keys)]
    size = sum(len(subjects) for _, subjects, _ in entries)
    n = size * 8
    reason = n + sum(len(subjects) * (8 if flags & _WIDE else 4) for _, subjects, flags in entries)
    interval = reason + size
    p = interval + sum(len(subjects) * 8 for _, subjects, flags in entries if flags & _INTERVAL)
    value, places = 0, []
    for measure, subjects, flags in entries:
        count, wide = len(subjects), bool(flags & _WIDE)
        low, high = (interval, interval + 4 * count) if flags & _INTERVAL else (-1, -1)
        at = p if flags & _P else -1
        places.append(Place(measure, subjects, wide, value, n, reason, low, high, at))
        value, n, reason = value + 8 * count, n + (8 if wide else 4) * count, reason + count
        interval += 8 * count if flags & _INTERVAL else 0
        p += 4 * count if flags & _P else 0
    return Layout(tuple(places), p)


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

    @classmethod
    def of(cls, found: Results) -> Block:
        """That of one panel that was never bytes; reasons are not coded."""
        numbers = [array[None, :] for array in (found.low, found.high, found.p)]
        codes = np.zeros((1, len(found)), np.uint8)
        return cls(found.subjects, found.value[None, :], found.n[None, :], codes, *numbers)


class Sheet:
    """Many panels of one layout, to read measures out of.

    Small panels are laid side by side once, and every measure is a few columns of that; of large ones only the bytes
    of a measure are touched.
    """

    def __init__(self, keys: str, blobs: Sequence[bytes]) -> None:
        self._layout = layout_of(keys)
        self._blobs = blobs
        small = self._layout.fixed <= _SMALL
        self._bytes = self._cut(0, self._layout.fixed) if small else None

    @property
    def raw(self) -> tuple[bytes, ...]:
        """All that the panels hold, to tell whether it changed: equal where they are."""
        return tuple(self._blobs)

    def block(self, measure: str) -> Block | None:
        """A measure of all panels; None when it is not among them."""
        place = next((place for place in self._layout.places if place.measure == measure), None)
        if place is None or not place.subjects:
            return None
        count = len(place.subjects)

        def read(offset: int, dtype: str) -> NDArray[Any]:
            if offset < 0:
                return np.full((len(self._blobs), count), np.nan)
            end = offset + count * np.dtype(dtype).itemsize
            piece = self._cut(offset, end) if self._bytes is None else self._bytes[:, offset:end]
            return np.ascontiguousarray(piece).view(dtype)

        return Block(
            place.subjects,
            read(place.value, "<f8"),
            read(place.n, _counts(place)).astype(np.int64),
            read(place.reason, "u1"),
            read(place.low, "<f4").astype(np.float64),
            read(place.high, "<f4").astype(np.float64),
            read(place.p, "<f4").astype(np.float64),
        )

    def reason(self, row: int, code: int) -> str | None:
        """The text of a reason's code in the panel at `row`."""
        return _texts(self._blobs[row][self._layout.fixed :])[code - 1] if code else None

    def _cut(self, begin: int, end: int) -> NDArray[np.uint8]:
        joined = b"".join([blob[begin:end] for blob in self._blobs])
        if len(joined) != len(self._blobs) * (end - begin):
            raise CorruptError(
                f"one of {len(self._blobs)} panels is shorter than its layout ({self._layout.fixed})"
            )
        return np.frombuffer(joined, np.uint8).reshape(len(self._blobs), end - begin)


@lru_cache(maxsize=1024)
def _texts(tail: bytes) -> tuple[str, ...]:
    return tuple(json.loads(tail)) if tail else ()


def _flags(panel: Sequence[Results], *, wide: bool) -> list[int]:
    """Which numbers each measure has at all."""
    ends = np.cumsum([0, *map(len, panel)])

    def some(arrays: list[NDArray[np.float64]]) -> NDArray[np.bool_]:
        finite = np.concatenate([[0], np.cumsum(np.isfinite(_joined(arrays, np.float64)))])
        found: NDArray[np.bool_] = np.diff(finite[ends]) > 0
        return found

    interval = some([item.low for item in panel]) | some([item.high for item in panel])
    flags: list[int] = (interval * _INTERVAL + some([item.p for item in panel]) * _P + wide * _WIDE).tolist()
    return flags


def _codes(reasons: Sequence[str | None], known: list[str]) -> bytes:
    if reasons.count(None) == len(reasons):
        return bytes(len(reasons))
    return bytes([_code(reason, known) for reason in reasons])


def _code(reason: str | None, known: list[str]) -> int:
    if reason is None:
        return 0
    if reason not in known:
        if len(known) == 255:  # codes are one byte
            return known.index(known[-1]) + 1
        known.append(reason)
    return known.index(reason) + 1


def _joined(arrays: Sequence[NDArray[Any]], kind: type[np.generic]) -> NDArray[Any]:
    return np.concatenate(arrays) if arrays else np.empty(0, kind)
