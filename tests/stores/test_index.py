"""The join index against a plain dict, and against crashes."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st

from anchorwatch.core.errors import CorruptError, FullError, InputError, StoreError
from anchorwatch.core.types import EventKind
from anchorwatch.flow.records import record_type
from anchorwatch.flow.runs import Run
from anchorwatch.stores.index import RunStore, keys
from anchorwatch.stores.index_file import OpenRun, _Filter

if TYPE_CHECKING:
    from numpy.typing import NDArray

KIND = EventKind.PREDICTIONS
SMALL = st.integers(0, 3)  # so few halves that equal keys and equal upper halves are common
KEY = st.tuples(st.sampled_from([0, 1, 2**63, 2**64 - 1]), SMALL)
BATCH = st.lists(st.tuples(KEY, st.integers(-5, 5)), max_size=12)


def made(rows: list[tuple[tuple[int, int], int]], scores: int = 1, slices: int = 2) -> NDArray[np.void]:
    """Records of ((hi, lo), start)."""
    records = np.zeros(len(rows), record_type(scores, slices))
    for place, ((hi, lo), start) in enumerate(rows):
        records[place] = (hi, lo, start, start / 2, np.full(scores, float(start)), np.full(slices, start))
    return records


def asked(pairs: list[tuple[int, int]]) -> NDArray[np.uint64]:
    """Keys of (hi, lo)."""
    return np.array(pairs, np.uint64).reshape(-1, 2)


ALL = [(hi, lo) for hi in (0, 1, 2, 2**63, 2**64 - 1) for lo in range(5)]


def look(store: RunStore, runs: list[Run]) -> dict[tuple[int, int], int]:
    """All that is in the runs, through `find`."""
    found, records = store.find(runs, asked(ALL))
    assert (store.contains(runs, asked(ALL)) == found).all()
    there = [pair for pair, known in zip(ALL, found, strict=True) if known]
    assert there == [(int(row["hi"]), int(row["lo"])) for row in records]
    return {pair: int(row["start"]) for pair, row in zip(there, records, strict=True)}


@settings(max_examples=60, deadline=None)
@given(batches=st.lists(BATCH, max_size=5), data=st.data())
def test_runs_are_a_dict(
    batches: list[list[tuple[tuple[int, int], int]]],
    data: st.DataObject,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Written in any batches and merged in any groups, the newest record of each key is found."""
    store = RunStore(tmp_path_factory.mktemp("index"), open_files=2)
    runs = [store.write(1, KIND, 0, 0, made(batch)) for batch in batches]
    expected = {key: start for batch in batches for key, start in batch}
    assert look(store, runs) == expected
    while len(runs) > 1 and data.draw(st.booleans()):
        some = data.draw(st.lists(st.sampled_from(runs), min_size=1, unique=True))
        runs = [run for run in runs if run not in some] + [store.merge(some, 1)]
        runs = data.draw(st.permutations(runs))
        assert look(store, runs) == expected
    for run in runs:
        store.verify(run)
    again = RunStore(store.folder)
    assert look(again, runs) == expected


def test_many_records_in_slices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A merge that works in many slices keeps every record once, sorted, with its own content."""
    monkeypatch.setattr("anchorwatch.stores.index._CHUNK", 500)
    store, rng = RunStore(tmp_path), np.random.default_rng(3)
    parts = []
    for _ in range(4):
        part = np.zeros(2000, record_type(2, 1))
        part["hi"], part["lo"] = rng.integers(0, 2**64, (2, 2000), dtype=np.uint64)
        part["start"] = rng.integers(0, 1000, 2000)
        part["scores"] = rng.random((2000, 2))
        parts.append(part)
    runs = [store.write(1, KIND, day, 0, part) for day, part in enumerate(parts)]
    merged = store.merge(runs, 1)
    every = np.concatenate(parts)
    found, records = store.find([merged], np.column_stack([every["hi"], every["lo"]]))
    assert found.all()
    assert (records == every).all()
    assert (merged.rows, merged.day, merged.level) == (8000, 0, 1)
    assert (merged.oldest, merged.newest) == (every["start"].min(), every["start"].max())
    strange = np.column_stack([every["hi"], every["lo"] + np.uint64(1)])
    assert not store.contains([merged, *runs], strange).any()
    store.verify(merged)


@pytest.mark.parametrize("span", [1 << 12, 1 << 16, 1 << 30])
def test_large_runs_are_searched_in_spans(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, span: int) -> None:
    """Whatever share of a file is looked at at a time, the same is found; what is found twice is the newest."""
    monkeypatch.setattr("anchorwatch.stores.index_file._SPAN", span)
    monkeypatch.setattr("anchorwatch.stores.index._MAPPED", span)
    store, rng = RunStore(tmp_path), np.random.default_rng(5)
    pool = rng.integers(0, 2**64, (30_000, 2), dtype=np.uint64)
    expected: dict[int, int] = {}
    runs = []
    for number in range(3):
        chosen = rng.choice(len(pool), 12_000, replace=False)
        part = np.zeros(len(chosen), record_type(1, 1))
        part["hi"], part["lo"], part["start"] = *pool[chosen].T, chosen + number * 100_000
        runs.append(store.write(1, KIND, 0, 0, part))
        expected |= dict(zip(chosen.tolist(), part["start"].tolist(), strict=True))
    for some in (runs, [store.merge(runs, 1)]):
        found, records = store.find(some, pool)
        assert np.flatnonzero(found).tolist() == sorted(expected)
        assert records["start"].tolist() == [expected[place] for place in sorted(expected)]
        assert (store.contains(some, pool) == found).all()
        for run in some:
            store.verify(run)


def mapped(folder: Path) -> int:
    """Bytes of files in `folder` that are in this process's memory now."""
    here, total = False, 0
    for line in Path("/proc/self/smaps").read_text().splitlines():
        if "-" in line.split()[0]:
            here = str(folder) in line
        elif here and line.startswith("Rss:"):
            total += int(line.split()[1]) << 10
    return total


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="only Linux tells what is in memory")
def test_memory_does_not_grow_with_the_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Searching, merging and verifying keep a few mebibytes of the files in memory, however large they are."""
    span, kept = 1 << 20, 2 << 20
    monkeypatch.setattr("anchorwatch.stores.index_file._SPAN", span)
    monkeypatch.setattr("anchorwatch.stores.index._MAPPED", kept)
    monkeypatch.setattr("anchorwatch.stores.index._CHUNK", 10_000)
    store, rng = RunStore(tmp_path), np.random.default_rng(6)
    peak = [0]
    real = OpenRun._search

    def search(*given: Any) -> Any:
        found = real(*given)
        peak[0] = max(peak[0], mapped(tmp_path))
        return found

    monkeypatch.setattr(OpenRun, "_search", search)
    runs = []
    for _ in range(6):
        part = np.zeros(100_000, record_type(1, 1))
        part["hi"], part["lo"] = rng.integers(0, 2**64, (2, len(part)), dtype=np.uint64)
        runs.append(store.write(1, KIND, 0, 0, part))
    keys = np.column_stack([part["hi"], part["lo"]])
    files = sum(path.stat().st_size for path in tmp_path.iterdir())
    assert files > 25 << 20
    assert store.contains(runs, keys).all()
    assert store.find(runs, keys)[0].all()
    merged = store.merge(runs, 1)
    assert store.find([merged], keys)[0].all()
    store.verify(merged)
    assert peak[0] < files // 2  # the system brings in up to 2 MiB around a byte
    assert mapped(tmp_path) < kept + span


@given(
    batches=st.lists(st.lists(st.integers(0, 2**64 - 1), max_size=20), max_size=4), bits=st.integers(3, 14)
)
def test_a_filter_made_piece_by_piece_is_the_whole(batches: list[list[int]], bits: int) -> None:
    """Bytes come out in order, and each key's bit, alone, is set."""
    keys = sorted(key for batch in batches for key in batch)
    bitmap = 0
    for key in keys:
        bitmap |= 1 << (key >> (64 - bits))
    made, rest = _Filter(bits), keys
    parts = []
    for batch in batches:
        now, rest = rest[: len(batch)], rest[len(batch) :]
        parts.append(made.mark(np.array(now, np.uint64)))
    parts += made.rest()
    assert np.concatenate(parts).tobytes() == bitmap.to_bytes(1 << bits >> 3, "little")


def test_widths_differ(tmp_path: Path) -> None:
    """Runs of other widths are searched and merged together; what they do not hold is NaN and -1."""
    store = RunStore(tmp_path)
    narrow = store.write(1, KIND, 0, 0, made([((1, 1), 4)], scores=0, slices=1))
    wide = store.write(1, KIND, 0, 0, made([((2, 2), 5)], scores=2, slices=3))
    for runs in ([narrow, wide], [store.merge([wide, narrow], 1)]):
        _, records = store.find(runs, asked([(1, 1), (2, 2)]))
        assert np.isnan(records["scores"][0]).all()
        assert records["slices"].tolist() == [[4, -1, -1], [5, 5, 5]]
        assert records["scores"][1].tolist() == [5.0, 5.0]
        _, cut = store.find(runs, asked([(2, 2)]), record_type(1, 4))
        assert (cut["scores"].tolist(), cut["slices"].tolist()) == ([[5.0]], [[5, 5, 5, -1]])


def test_nothing_to_find(tmp_path: Path) -> None:
    """No runs, no keys and empty runs are no trouble."""
    store = RunStore(tmp_path)
    assert look(store, []) == {}
    empty = store.write(1, KIND, 0, 0, made([]))
    assert (empty.rows, empty.oldest, empty.newest) == (0, 0, 0)
    assert look(store, [empty, store.merge([empty, empty], 1)]) == {}
    found, records = store.find([empty], asked([]))
    assert (found.shape, records.shape) == ((0,), (0,))


def test_keys_are_xxh3_of_utf8() -> None:
    """Keys are the published hash, so that another program can make them; a seed changes all."""
    ids = ["a", "ü", "", "x" * 300]
    digests = [xxhash.xxh3_128_intdigest(text.encode()) for text in ids]
    assert [(int(hi) << 64) | int(lo) for hi, lo in keys(pl.Series(ids))] == digests
    assert not (keys(pl.Series(ids), 1) == keys(pl.Series(ids))).any()
    assert keys(pl.Series([], dtype=pl.String)).shape == (0, 2)
    with pytest.raises(InputError, match="no id") as caught:
        keys(pl.Series("_id", ["a", None]))
    assert (caught.value.row, caught.value.column) == (1, "_id")


@pytest.mark.parametrize("left", [0, 10, 63, 64, 200, -1])
def test_truncated_file(tmp_path: Path, left: int) -> None:
    """A file that lost its end is refused, not searched."""
    store = RunStore(tmp_path)
    run = store.write(1, KIND, 0, 0, made([((1, 1), 4)]))
    path = tmp_path / run.name
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(CorruptError, match="damaged"):
        RunStore(tmp_path).find([run], asked([(1, 1)]))


def test_flipped_bits(tmp_path: Path) -> None:
    """A flipped bit is found: in the header at once, in the body by `verify`."""
    store = RunStore(tmp_path)
    run = store.write(1, KIND, 0, 0, made([((1, 1), 4)] * 1))
    path = tmp_path / run.name
    good = path.read_bytes()
    RunStore(tmp_path).verify(run)
    spots = [8, 40, 60, 64, 128, 128 + 64, 128 + 4 * 64, 128 + 6 * 64 + 3]
    for spot in spots:
        path.write_bytes(good[:spot] + bytes([good[spot] ^ 4]) + good[spot + 1 :])
        with pytest.raises(CorruptError, match="damaged"):
            RunStore(tmp_path).verify(run)


def test_absent_and_foreign_files(tmp_path: Path) -> None:
    """A listed file that is gone, holds other rows, or is no run at all, is told as damage."""
    store = RunStore(tmp_path)
    run = store.write(1, KIND, 0, 0, made([((1, 1), 4)]))
    wrong = Run(run.name, 1, KIND, 0, 0, 7, 0, 0)
    with pytest.raises(CorruptError, match="the ledger says 7"):
        RunStore(tmp_path).contains([wrong], asked([(1, 1)]))
    store.remove([run.name])
    with pytest.raises(CorruptError, match="is gone"):
        store.contains([run], asked([(1, 1)]))
    for name in ("../ledger.db", "/etc/passwd", ""):
        with pytest.raises(CorruptError, match="names no run"):
            store.remove([name])


def test_sweep_removes_orphans_only(tmp_path: Path) -> None:
    """After a crash the runs that no ledger lists go, and stamps go on above all that lived."""
    store = RunStore(tmp_path)
    old = store.write(1, KIND, 0, 0, made([((1, 1), 4)]))
    orphan = store.write(1, KIND, 0, 0, made([((1, 1), 9)]))
    (tmp_path / "notes.txt").write_text("mine")
    again = RunStore(tmp_path)
    assert again.sweep([old.name]) == [orphan.name]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([old.name, "notes.txt"])
    new = again.write(1, KIND, 0, 0, made([((1, 1), 5)]))
    assert look(again, [new, old]) == {(1, 1): 5}


def test_a_write_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk is told as such, and no half file stays."""
    store = RunStore(tmp_path)

    def full(*_args: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.pwrite", full)
    with pytest.raises(FullError, match="no room is left"):
        store.write(1, KIND, 0, 0, made([((1, 1), 4)]))
    assert list(tmp_path.iterdir()) == []


def test_folder_that_cannot_be(tmp_path: Path) -> None:
    """A folder that cannot be made is told with its place."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="join index in"):
        RunStore(tmp_path / "file" / "index")


def test_threads_share_a_store(tmp_path: Path) -> None:
    """Searches, writes and merges at the same time do not disturb each other."""
    store = RunStore(tmp_path, open_files=3)
    runs = [store.write(1, KIND, 0, 0, made([((n, n), n)])) for n in range(6)]
    wrong: list[object] = []

    def search() -> None:
        for _ in range(50):
            found, records = store.find(runs, asked([(n, n) for n in range(6)]))
            if not found.all() or records["start"].tolist() != list(range(6)):
                wrong.append(records)

    threads = [threading.Thread(target=search) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(10):
        store.merge(runs, 1)
    for thread in threads:
        thread.join()
    assert wrong == []
