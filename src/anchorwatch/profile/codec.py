"""Profiles and grids as bytes: versioned, compact, and certain to say when they are damaged."""

from __future__ import annotations

import struct
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from anchorwatch.core.errors import ConflictError, CorruptError
from anchorwatch.core.schema import WIDEST, Task
from anchorwatch.profile.contents import CONTENTS, Contents
from anchorwatch.profile.envelope import Reader, Writer, seal, unseal
from anchorwatch.profile.extent import Extent
from anchorwatch.profile.forest import NODES, TREES, Forest, Isolated, inputs
from anchorwatch.profile.grid import FENCES, Grid
from anchorwatch.profile.histogram import COARSEST, FINEST, Histogram
from anchorwatch.profile.parts import (
    RESIDUAL_SUMS,
    Categories,
    Confusion,
    Joined,
    Numbers,
    Residuals,
    Scores,
    Service,
)
from anchorwatch.profile.profile import Profile
from anchorwatch.profile.refused import Refused
from anchorwatch.profile.sample_codec import decode_sample, encode_sample
from anchorwatch.profile.unseen import UNSEEN_KEPT
from anchorwatch.profile.vectors import Vectors

if TYPE_CHECKING:
    from collections.abc import Callable

PROFILE = b"AWp\x02"
GRID = b"AWg\x02"
_TAIL = struct.Struct("<I")  # bytes of the sample, which stands behind the other parts


def encode(profile: Profile) -> bytes:
    """A profile as bytes, without its grid; the same profile gives the same bytes."""
    writer = Writer()
    present = [name for name in _WRITE if getattr(profile, name) is not None]
    writer.integers(sum(1 << _PLACES[name] for name in present))
    for name in present:
        _WRITE[name](writer, getattr(profile, name))
    names = profile.categories.names if profile.categories else ()
    tail = orjson.dumps(names) if any(names) else b""
    sample = b"" if profile.sample is None else encode_sample(profile.sample, profile.grid)
    content = bytes.fromhex(profile.grid.digest) + writer.content(tail)
    return b"".join([seal(PROFILE, content), sample, _TAIL.pack(len(sample))])


def decode(data: bytes, grid: Grid, *, rows: bool = True) -> Profile:
    """The profile that `encode` wrote, on demand without its sampled `rows`.

    Raises:
        CorruptError: the bytes are not what was written.
        ConflictError: the profile is on another grid.
    """
    if len(data) < _TAIL.size:
        raise CorruptError(f"{len(data)} bytes are too few for a profile")
    end = len(data) - _TAIL.size
    (size,) = _TAIL.unpack_from(data, end)
    content = unseal(PROFILE, data[: max(end - size, 0)])
    if content[:16].hex() != grid.digest:
        raise ConflictError(f"the profile is on grid {content[:16].hex()}, and grid {grid.digest} was given")
    reader = Reader(content[16:])
    (mask,) = reader.integers(1)
    if mask >> len(_PLACES):
        raise CorruptError("the profile has parts that are not known")
    parts = {name: _READ[name](reader, grid) for name, place in _PLACES.items() if mask >> place & 1}
    if reader.tail and "categories" not in parts:
        raise CorruptError("more is found than was written")
    reader.close()
    if size and rows:
        parts["sample"] = decode_sample(data[end - size : end], grid)
    return Profile(grid, **parts)


def grid_digest(grid: Grid) -> str:
    """The first 32 hex digits of the SHA-256 of a grid's content."""
    return _digest(_grid_content(grid))


def encode_grid(grid: Grid) -> bytes:
    """A grid as bytes."""
    return seal(GRID, _grid_content(grid))


def decode_grid(data: bytes) -> Grid:
    """The grid that `encode_grid` wrote; raises `CorruptError` when the bytes are anything else."""
    content = unseal(GRID, data)
    reader = Reader(content)
    try:
        head = orjson.loads(reader.tail)
        grid = _grid(head, reader, _digest(content))
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as problem:
        raise CorruptError(f"the grid cannot be read: {problem}") from None
    reader.close()
    if not _sound(grid):
        raise CorruptError("the grid contradicts itself")
    return grid


def _digest(content: bytes) -> str:
    return sha256(content).hexdigest()[:32]


def _grid_content(grid: Grid) -> bytes:
    writer = Writer()
    writer.floats(np.array([grid.threshold]), grid.centre, grid.scale, *grid.edges)
    writer.counts(*grid.deciles, grid.ranges, grid.fences + 1)
    if grid.forest is not None:
        writer.counts(grid.forest.feature)
        writer.floats(grid.forest.cut, grid.forest.path, grid.forest.fill, np.array([grid.forest.threshold]))
    head = {
        "task": grid.task.value,
        "labels": grid.labels,
        "positive": grid.positive,
        "numbers": grid.numbers,
        "edges": [edges.size for edges in grid.edges],
        "deciles": [deciles.size for deciles in grid.deciles],
        "categories": grid.categories,
        "levels": grid.levels,
        "fitted": grid.fitted,
        "vectors": grid.vectors,
        "widths": grid.widths,
        "forest": None if grid.forest is None else grid.forest.fill.size,
    }
    return writer.content(orjson.dumps(head))


def _grid(head: dict[str, Any], reader: Reader, digest: str) -> Grid:
    numbers = _texts(head["numbers"])
    threshold, centre, scale = reader.floats(1), reader.floats(len(numbers)), reader.floats(len(numbers))
    return Grid(
        digest=digest,
        task=Task(head["task"]),
        labels=_texts(head["labels"]),
        positive=int(head["positive"]),
        threshold=float(threshold[0]),
        numbers=numbers,
        edges=tuple(reader.floats(int(size)) for size in head["edges"]),
        deciles=tuple(reader.counts(int(size)) for size in head["deciles"]),
        centre=centre,
        scale=scale,
        categories=_texts(head["categories"]),
        levels=tuple(_texts(levels) for levels in head["levels"]),
        fitted=bool(head["fitted"]),
        ranges=reader.counts(len(numbers), 2),
        fences=reader.counts(len(numbers), len(FENCES), 2) - 1,
        vectors=_texts(head["vectors"]),
        widths=tuple(int(width) for width in head["widths"]),
        forest=None if head["forest"] is None else _forest(int(head["forest"]), reader),
    )


def _forest(numbers: int, reader: Reader) -> Forest:
    feature = reader.counts(TREES, NODES)
    cut, path = reader.floats(2 * feature.size).reshape(2, TREES, NODES)
    fill = reader.floats(numbers)
    return Forest(feature, cut, path, fill, float(reader.floats(1)[0]))


def _texts(found: Any) -> tuple[str, ...]:
    if not isinstance(found, list) or not all(isinstance(text, str) for text in found):
        raise TypeError("a list of texts is needed")
    return tuple(found)


def _sound(grid: Grid) -> bool:
    lengths = {len(grid.numbers), len(grid.edges), len(grid.deciles)}
    return (
        len(lengths) == 1
        and len(grid.categories) == len(grid.levels)
        and -1 <= grid.positive < max(len(grid.labels), 1)
        and all(edges.size and (edges[1:] > edges[:-1]).all() for edges in grid.edges)
        and all(
            deciles.max(initial=-1) < edges.size
            for deciles, edges in zip(grid.deciles, grid.edges, strict=True)
        )
        and all(
            max(span.max(), fences.max()) < edges.size
            and ((fences >= 0).all(axis=1) | (fences == -1).all(axis=1)).all()
            for span, fences, edges in zip(grid.ranges, grid.fences, grid.edges, strict=True)
        )
        and len(grid.vectors) == len(grid.widths)
        and (grid.forest is None or grid.forest.feature.max() < grid.forest.fill.size == len(inputs(grid)))
        and all(0 <= width <= WIDEST for width in grid.widths)
        and all(len(set(levels)) == len(levels) for levels in grid.levels)
    )


def _write_histogram(writer: Writer, histogram: Histogram) -> None:
    writer.integers(histogram.level, histogram.capacity, histogram.cells.size)
    writer.steps(histogram.cells)
    writer.counts(histogram.counts)


def _read_histogram(reader: Reader, rows: int) -> Histogram:
    level, capacity, size = reader.integers(3)
    if not (FINEST <= level <= COARSEST and capacity >= 2 and 0 <= size <= capacity):
        raise CorruptError("a histogram contradicts itself")
    return Histogram(level, reader.steps(size), reader.counts(rows, size), capacity)


def _write_numbers(writer: Writer, part: Numbers) -> None:
    writer.counts(part.counts, part.missing, part.infinite)
    writer.floats(part.total, part.square, part.low, part.high)


def _read_numbers(reader: Reader, grid: Grid) -> Numbers:
    width, bins = len(grid.numbers), max((edges.size for edges in grid.edges), default=0) + 1
    counts, missing, infinite = reader.counts(width, bins), reader.counts(width), reader.counts(width)
    total, square, low, high = reader.floats(4 * width).reshape(4, width)
    return Numbers(counts, missing, infinite, total, square, low, high)


def _write_categories(writer: Writer, part: Categories) -> None:
    writer.counts(*part.counts, part.missing, part.unseen)


def _read_categories(reader: Reader, grid: Grid) -> Categories:
    counts = tuple(reader.counts(len(levels)) for levels in grid.levels)
    missing, unseen = reader.counts(len(grid.categories)), reader.counts(len(grid.categories))
    return Categories(counts, missing, unseen, _read_names(reader.tail, len(grid.categories)))


def _read_names(tail: bytes, columns: int) -> tuple[dict[str, int], ...]:
    if not tail:
        return tuple({} for _ in range(columns))
    try:
        names = orjson.loads(tail)
    except orjson.JSONDecodeError:
        raise CorruptError("the names of unseen categories cannot be read") from None
    if not isinstance(names, list) or len(names) != columns or not all(_are_names(found) for found in names):
        raise CorruptError("the names of unseen categories are not what was written")
    return tuple(names)


def _are_names(found: Any) -> bool:
    return (
        isinstance(found, dict)
        and len(found) <= UNSEEN_KEPT
        and all(isinstance(count, int) and count > 0 for count in found.values())
    )


def _write_service(writer: Writer, part: Service) -> None:
    writer.integers(part.events, part.errors, part.first, part.last)
    writer.floats(np.array([part.latency_total]))
    _write_histogram(writer, part.latency)


def _read_service(reader: Reader, _grid: Grid) -> Service:
    events, errors, first, last = reader.integers(4)
    total = float(reader.floats(1)[0])
    return Service(events, errors, _read_histogram(reader, 1), total, first, last)


def _write_confusion(writer: Writer, part: Confusion) -> None:
    writer.counts(part.matrix)


def _read_confusion(reader: Reader, grid: Grid) -> Confusion:
    return Confusion(reader.counts(len(grid.labels) + 1, len(grid.labels) + 1))


def _write_scores(writer: Writer, part: Scores) -> None:
    writer.integers(part.n)
    writer.floats(np.array([part.log_loss, part.log_loss_square, part.brier, part.brier_square]))
    for histogram in part.histograms:
        _write_histogram(writer, histogram)


def _read_scores(reader: Reader, grid: Grid) -> Scores:
    (n,) = reader.integers(1)
    loss, loss_square, brier, brier_square = reader.floats(4).tolist()
    targets = 1 if grid.task is Task.BINARY else len(grid.labels)
    histograms = tuple(_read_histogram(reader, 2) for _ in range(targets))
    return Scores(n, loss, loss_square, brier, brier_square, histograms)


def _write_residuals(writer: Writer, part: Residuals) -> None:
    writer.integers(part.n)
    writer.floats(part.sums)
    _write_histogram(writer, part.absolute)


def _read_residuals(reader: Reader, _grid: Grid) -> Residuals:
    (n,) = reader.integers(1)
    return Residuals(n, reader.floats(len(RESIDUAL_SUMS)), _read_histogram(reader, 2))


def _write_joined(writer: Writer, part: Joined) -> None:
    writer.integers(part.outcomes, part.expired, part.alarms)


def _read_joined(reader: Reader, _grid: Grid) -> Joined:
    return Joined(*reader.integers(3))


def _write_vectors(writer: Writer, part: Vectors) -> None:
    writer.counts(part.count, part.missing)
    writer.floats(part.total, part.square)


def _read_vectors(reader: Reader, grid: Grid) -> Vectors:
    columns, width = len(grid.vectors), sum(grid.widths)
    count, missing = reader.counts(columns), reader.counts(columns)
    return Vectors(count, missing, reader.floats(width), reader.floats(width))


def _write_contents(writer: Writer, part: Contents) -> None:
    writer.integers(part.rows, part.capacity, part.keys.size)
    writer.counts(part.counts)
    writer.floats(part.keys.view(np.float64))


def _read_contents(reader: Reader, _grid: Grid) -> Contents:
    rows, capacity, size = reader.integers(3)
    counts, keys = reader.counts(max(size, 0)), reader.floats(max(size, 0)).view(np.uint64)
    if not (2 < capacity <= CONTENTS and keys.size <= capacity) or (keys[1:] <= keys[:-1]).any():
        raise CorruptError("the contents of rows contradict themselves")
    if counts.min(initial=1) < 1 or counts.sum() > rows:
        raise CorruptError("there are more contents than rows")
    return Contents(keys, counts, rows, capacity)


def _write_extent(writer: Writer, part: Extent) -> None:
    writer.integers(part.begins.size)
    writer.steps(part.begins)
    writer.counts(part.ends - part.begins)


def _read_extent(reader: Reader, _grid: Grid) -> Extent:
    (size,) = reader.integers(1)
    begins = reader.steps(max(size, 0))
    return Extent(begins, begins + reader.counts(begins.size))


def _write_isolated(writer: Writer, part: Isolated) -> None:
    writer.integers(part.rows, part.outlying)


def _read_isolated(reader: Reader, _grid: Grid) -> Isolated:
    return Isolated(*reader.integers(2))


def _write_refused(writer: Writer, part: Refused) -> None:
    text = np.frombuffer(orjson.dumps(part.columns) if part.columns else b"", np.uint8)
    writer.integers(part.rows, text.size)
    writer.counts(text.astype(np.int64))


def _read_refused(reader: Reader, _grid: Grid) -> Refused:
    rows, size = reader.integers(2)
    text = reader.counts(max(size, 0)).astype(np.uint8).tobytes()
    try:
        return Refused.read(rows, orjson.loads(text) if text else {})
    except orjson.JSONDecodeError:
        raise CorruptError("the columns of refused rows cannot be read") from None


_WRITE: dict[str, Callable[[Writer, Any], None]] = {
    "numbers": _write_numbers,
    "categories": _write_categories,
    "service": _write_service,
    "confusion": _write_confusion,
    "scores": _write_scores,
    "residuals": _write_residuals,
    "joined": _write_joined,
    "vectors": _write_vectors,
    "contents": _write_contents,
    "extent": _write_extent,
    "isolated": _write_isolated,
    "refused": _write_refused,
}
_READ: dict[str, Callable[[Reader, Grid], Any]] = {
    "numbers": _read_numbers,
    "categories": _read_categories,
    "service": _read_service,
    "confusion": _read_confusion,
    "scores": _read_scores,
    "residuals": _read_residuals,
    "joined": _read_joined,
    "vectors": _read_vectors,
    "contents": _read_contents,
    "extent": _read_extent,
    "isolated": _read_isolated,
    "refused": _read_refused,
}
_PLACES = {name: place for place, name in enumerate(_WRITE)}
