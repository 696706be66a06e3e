"""The join index: from an event's id to the window of its prediction, months later, without reading the lake.

Records lie in sorted files that never change ("runs"). A run is live when the ledger lists it; any other file
is garbage of a crash and is swept at start. So the index needs no log of its own and is as consistent as the
ledger.
"""

from __future__ import annotations

import re
import threading
import uuid
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl
import xxhash

from anchorwatch.core.errors import CorruptError, InputError
from anchorwatch.flow.records import record_type
from anchorwatch.flow.runs import Run, covering
from anchorwatch.stores.faults import sync_folder, told
from anchorwatch.stores.index_file import Layout, OpenRun, RunWriter, blank

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from anchorwatch.core.types import EventKind

_NAME: Final = re.compile(r"(\d{16})-[a-z]+-\d+-[0-9a-f]{12}\.run")
_CHUNK: Final = 1 << 18
_MAPPED: Final = 96 << 20  # bytes of all runs together that stay in memory


def keys(ids: pl.Series, seed: int = 0) -> NDArray[np.uint64]:
    """128-bit XXH3 of each id's UTF-8 bytes, shape (n, 2): upper and lower half.

    The same on every machine and for ever. Raises `InputError` at an id that is null.

    >>> keys(pl.Series(["a", "b"])).shape
    (2, 2)
    """
    if ids.null_count():
        raise InputError("an event has no id", row=ids.is_null().arg_max(), column=ids.name)
    digest = xxhash.xxh3_128_digest
    joined = b"".join([digest(text, seed) for text in ids.cast(pl.Binary).to_list()])
    return np.frombuffer(joined, ">u8").reshape(-1, 2).astype(np.uint64)


class RunStore:
    """Writes, searches and merges runs in one folder; safe to use from several threads.

    `seed` is the store's own, so that nobody outside can make ids that collide; `open_files` bounds how many
    runs are kept mapped.
    """

    def __init__(self, folder: Path, *, seed: int = 0, open_files: int = 256) -> None:
        self.folder = folder
        self._seed = seed
        self._bound = open_files
        self._open: OrderedDict[str, OpenRun] = OrderedDict()
        self._read: dict[str, OpenRun] = {}
        self._lock = threading.Lock()
        with told("open the join index", folder):
            folder.mkdir(parents=True, exist_ok=True)
            stamps = [int(found[1]) for path in folder.iterdir() if (found := _NAME.fullmatch(path.name))]
        self._stamp = max(stamps, default=0)

    def keys(self, ids: pl.Series) -> NDArray[np.uint64]:
        """128-bit keys of event ids, shape (n, 2)."""
        return keys(ids, self._seed)

    def write(self, model_id: int, kind: EventKind, day: int, level: int, records: NDArray[np.void]) -> Run:
        """A new run of `records` (of a `record_type`), on disk when this returns.

        Of records with the same key the last one counts.
        """
        with self._lock:
            self._stamp += 1
            stamp = self._stamp
        stamps = np.full(len(records), stamp, np.uint64)
        records, stamps = _newest(records, stamps)
        run = Run(_name(stamp, kind, level), model_id, kind, day, level, len(records), *_covered(records))
        with told("write a run of the join index", self.folder):
            with RunWriter(self.folder / run.name, Layout.of(records.dtype, len(records))) as writer:
                writer.add(records, stamps)
            sync_folder(self.folder)
        return run

    def contains(self, runs: Sequence[Run], keys: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Which keys are in any of the runs."""
        found = np.zeros(len(keys), np.bool_)
        left = np.argsort(keys[:, 0])
        hi, lo = keys[left, 0], keys[left, 1]
        for run in runs:
            opened = self._opened(run)
            hit, _ = opened.search(hi, lo)
            self._release_beyond(opened)
            if hit.size:
                found[left[hit]] = True
                left, hi, lo = (np.delete(column, hit) for column in (left, hi, lo))
        return found

    def find(
        self, runs: Sequence[Run], keys: NDArray[np.uint64], dtype: np.dtype[np.void] | None = None
    ) -> tuple[NDArray[np.bool_], NDArray[np.void]]:
        """Which keys are there, and the newest record of each that is, in the order of `keys`.

        Records come as `dtype`, or as wide as the widest run; what a narrower run has not is NaN and -1.
        """
        opened = [self._opened(run) for run in sorted(runs, key=lambda run: run.name, reverse=True)]
        dtype = dtype or _widest(opened)
        order = np.argsort(keys[:, 0])
        hi, lo = keys[order, 0], keys[order, 1]
        best = np.zeros(len(keys), np.uint64)
        records = blank(len(keys), dtype)
        for run in opened:
            open_still = np.flatnonzero(best < run.stamp)
            hit, rows = run.search(hi[open_still], lo[open_still])
            for span in run.pieces(len(hit), len(run.columns), run.bytes):
                _take_newer(run, open_still[hit[span]], rows[span], best, records)
            self._release_beyond(run)
        back = np.empty_like(order)
        back[order] = np.arange(len(order))
        found = best[back] > 0
        return found, records[back[found]]

    def _release_beyond(self, run: OpenRun) -> None:
        """Let go of all that was read of the runs, once it may be much; `run` is the last one."""
        with self._lock:
            self._read[run.path.name] = run
            if sum(read.touched for read in self._read.values()) <= _MAPPED:
                return
            read, self._read = self._read, {}
        for one in read.values():
            one.release()

    def merge(self, runs: Sequence[Run], level: int) -> Run:
        """One run in place of several of one model and kind, on disk; of a key it keeps the newest record.

        Works through the keys in slices, so that memory does not depend on how many records there are.
        """
        opened = [self._opened(run) for run in runs]
        rows = sum(run.rows for run in opened)
        stamp = max(run.stamp for run in opened)
        first = min(runs, key=lambda run: run.day)
        name = _name(stamp, first.kind, level)
        with told("merge runs of the join index", self.folder):
            with RunWriter(self.folder / name, Layout.of(_widest(opened), rows)) as writer:
                for parts in _slices(opened, max(rows // _CHUNK, 1)):
                    writer.add(*_merged(opened, parts, _widest(opened)))
                    for run in opened:
                        run.release()
            sync_folder(self.folder)
        return Run(name, first.model_id, first.kind, first.day, level, writer.rows, *covering(runs))

    def verify(self, run: Run) -> None:
        """Read the whole run; raises `CorruptError` unless it is what was written."""
        self._opened(run).verify()

    def remove(self, names: Collection[str]) -> None:
        """Delete the files of runs that are live no more; one that is gone already is no matter."""
        with self._lock:
            for name in names:
                self._open.pop(name, None)
                self._read.pop(name, None)
        with told("remove runs of the join index", self.folder):
            for name in names:
                self._path(name).unlink(missing_ok=True)

    def sweep(self, live: Collection[str]) -> list[str]:
        """Delete every run that is not among `live`, left by a crash; for the start. Returns their names."""
        kept = frozenset(live)
        with told("sweep the join index", self.folder):
            names = [path.name for path in self.folder.iterdir() if _NAME.fullmatch(path.name)]
        orphans = sorted(name for name in names if name not in kept)
        self.remove(orphans)
        return orphans

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise CorruptError(f"{name!r} names no run of the join index; restore the ledger from a backup")
        return self.folder / name

    def _opened(self, run: Run) -> OpenRun:
        with self._lock:
            if run.name in self._open:
                self._open.move_to_end(run.name)
                return self._open[run.name]
        path = self._path(run.name)
        with told("read a run of the join index", path):
            if not path.exists():
                raise CorruptError(f"{path} is gone though the ledger lists it; restore it from a backup")
            opened = OpenRun(path)
        if opened.rows != run.rows:
            raise opened.damaged(f"it has {opened.rows} records, the ledger says {run.rows}")
        with self._lock:
            self._open[run.name] = opened
            while len(self._open) > self._bound:
                self._read.pop(self._open.popitem(last=False)[0], None)
        return opened


def _name(stamp: int, kind: EventKind, level: int) -> str:
    """Sorts by age; the random end keeps a merge done again from meeting the file of its first attempt."""
    return f"{stamp:016d}-{kind.value}-{level}-{uuid.uuid4().hex[:12]}.run"


def _covered(records: NDArray[np.void]) -> tuple[int, int]:
    starts = records["start"]
    return (int(starts.min()), int(starts.max())) if len(starts) else (0, 0)


def _newest(
    records: NDArray[np.void], stamps: NDArray[np.uint64]
) -> tuple[NDArray[np.void], NDArray[np.uint64]]:
    """Sorted by key, of each key the record with the highest stamp, the last of these."""
    hi, lo = records["hi"], records["lo"]
    order = np.argsort(hi)
    hi = hi[order]
    if not (hi[1:] == hi[:-1]).any():
        return records[order], stamps[order]
    order = np.lexsort((stamps, lo, records["hi"]))  # keys are hashes: a tie is a key that came again
    hi, lo = records["hi"][order], lo[order]
    again = (hi[1:] == hi[:-1]) & (lo[1:] == lo[:-1])
    order = order[np.r_[~again, True]]
    return records[order], stamps[order]


def _take_newer(
    run: OpenRun,
    where: NDArray[np.intp],
    rows: NDArray[np.intp],
    best: NDArray[np.uint64],
    records: NDArray[np.void],
) -> None:
    """Put the run's `rows` at `where` of `records`, unless newer ones are there already."""
    stamps = run.columns["stamp"][rows]
    newer = stamps > best[where]
    best[where[newer]] = stamps[newer]
    records[where[newer]] = run.records(rows[newer], records.dtype)


def _widest(runs: Sequence[OpenRun]) -> np.dtype[np.void]:
    scores = max((run.layout.scores for run in runs), default=0)
    return record_type(scores, max((run.layout.slices for run in runs), default=0))


def _slices(runs: Sequence[OpenRun], count: int) -> list[list[slice]]:
    """Rows of each run, for each of `count` equal spans of the keys' upper half."""
    bounds = np.array([(step << 64) // count for step in range(1, count)], np.uint64)
    cuts = [[0, *run.places(bounds), run.rows] for run in runs]
    return [[slice(cut[step], cut[step + 1]) for cut in cuts] for step in range(count)]


def _merged(
    runs: Sequence[OpenRun], parts: list[slice], dtype: np.dtype[np.void]
) -> tuple[NDArray[np.void], NDArray[np.uint64]]:
    """Records of `parts` of the runs in the order of their keys, the newest of each, with their stamps."""
    records = np.concatenate([run.records(part, dtype) for run, part in zip(runs, parts, strict=True)])
    stamps = np.concatenate([run.columns["stamp"][part] for run, part in zip(runs, parts, strict=True)])
    return _newest(records, stamps)
