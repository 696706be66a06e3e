"""The lake on disk: crashes, races, damage, upkeep, and other programs."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import polars as pl
import pytest
from deltalake import DeltaTable as Delta
from deltalake import write_deltalake

from anchorwatch.core.errors import BusyError, CorruptError, FullError, InputError, StoreError
from anchorwatch.core.ports import RowFilter, RowQuery
from anchorwatch.core.types import EventKind
from anchorwatch.stores.delta_table import DeltaTable
from anchorwatch.stores.lake import DeltaLake

if TYPE_CHECKING:
    from collections.abc import Callable

P, OUT = EventKind.PREDICTIONS, EventKind.OUTCOMES
NIGHT = datetime(2013, 1, 1, tzinfo=UTC)


def rows(seq: int, hours: list[float], column: str = "x") -> pl.DataFrame:
    """Predictions of batch `seq` at these hours of 2013."""
    return pl.DataFrame(
        {
            "_id": [f"{seq}.{row}" for row in range(len(hours))],
            "_at": pl.Series(
                [NIGHT + timedelta(hours=hour) for hour in hours], dtype=pl.Datetime("us", "UTC")
            ),
            "_seq": pl.Series([seq] * len(hours), dtype=pl.Int64),
            "_row": pl.Series(range(len(hours)), dtype=pl.Int32),
            "_prediction": [float(hour) for hour in hours],
            column: [float(seq)] * len(hours),
        }
    )


def ids(lake: DeltaLake) -> list[str]:
    """All that is there, sorted."""
    return sorted(lake.scan_predictions("m", None, None, ["_id"])["_id"].to_list())


def table(lake: DeltaLake) -> Path:
    """The folder of the table of predictions."""
    return lake.folder / "m" / "predictions"


@pytest.fixture
def lake(tmp_path: Path) -> DeltaLake:
    """An empty one."""
    return DeltaLake(tmp_path)


class Killed(BaseException):
    """As if the process had ended here."""


def test_killed_between_files_and_commit(lake: DeltaLake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that were never committed are not seen; the append done again appends once; vacuum clears them."""
    lake.append("m", P, rows(1, [1]), upto=1)

    def die(*_args: object, **_names: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr("anchorwatch.stores.delta_table.Delta.create_write_transaction", die)
        with pytest.raises(Killed):
            lake.append("m", P, rows(2, [2, 30]), upto=2)
    lake = DeltaLake(lake.folder)
    assert (ids(lake), lake.applied("m", P)) == (["1.0"], 1)
    assert lake.append("m", P, rows(2, [2, 30]), upto=2)
    assert ids(lake) == ["1.0", "2.0", "2.1"]
    assert len(list(table(lake).glob("*/*.parquet"))) == 5
    assert lake.vacuum("m") == 0  # too young: it might be an append under way
    for path in table(lake).glob("*/*.parquet"):
        os.utime(path, (0, 0))
    assert lake.vacuum("m") == 2
    assert ids(lake) == ["1.0", "2.0", "2.1"]


def test_killed_after_commit(lake: DeltaLake, monkeypatch: pytest.MonkeyPatch) -> None:
    """An append that had been committed before the crash is recognised, by another process too."""

    def die(*_args: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr("anchorwatch.stores.delta_table.DeltaTable._sync_log", die)
        with pytest.raises(Killed):
            lake.append("m", P, rows(1, [1]), upto=1)
    lake = DeltaLake(lake.folder)
    assert lake.applied("m", P) == 1
    assert not lake.append("m", P, rows(1, [1]), upto=1)
    assert lake.append("m", P, pl.concat([rows(1, [1]), rows(2, [2])]), upto=2)
    assert ids(lake) == ["1.0", "2.0"]


def test_a_write_that_fails_leaves_no_file(lake: DeltaLake, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the second of two days cannot be written, the first is taken back: the disk may be full."""
    lake.append("m", P, rows(1, [1]), upto=1)
    synced = os.fsync
    calls = iter([None, None])

    def full(handle: int) -> None:
        if Path(f"/proc/self/fd/{handle}").resolve().suffix == ".parquet" and next(calls, True):
            raise OSError(28, "No space left on device")
        synced(handle)

    monkeypatch.setattr("os.fsync", full)
    calls = iter([None])
    with pytest.raises(FullError, match="no room is left"):
        lake.append("m", P, rows(2, [1, 30]), upto=2)
    assert len(list(table(lake).glob("*/*.parquet"))) == 1
    assert lake.applied("m", P) == 1


@pytest.mark.parametrize("looked", [False, True])
def test_somebody_else_appends_meanwhile(
    lake: DeltaLake, monkeypatch: pytest.MonkeyPatch, *, looked: bool
) -> None:
    """Another process that appends between our writing and our commit is noticed, also when a reader saw it."""
    lake.append("m", P, rows(1, [1]), upto=1)
    other = DeltaLake(lake.folder)
    write = DeltaTable._write_days
    raced: list[bool] = []

    def slowly(self: DeltaTable, frame: pl.DataFrame) -> object:
        written = write(self, frame)
        if not raced:
            raced.append(True)
            other.append("m", P, rows(2, [2]), upto=2)
            if looked:
                lake.files("m", P)
        return written

    monkeypatch.setattr(DeltaTable, "_write_days", slowly)
    assert lake.append("m", P, pl.concat([rows(2, [2]), rows(3, [3])]), upto=3)
    assert ids(lake) == ["1.0", "2.0", "3.0"]
    assert lake.applied("m", P) == 3


def _append_many(folder: str, begin: threading.Barrier) -> None:
    lake = DeltaLake(Path(folder))
    begin.wait()
    for seq in range(1, 16):
        while True:
            try:
                lake.append("m", P, rows(seq, [1, 30]), upto=seq)
                break
            except BusyError:
                continue


def test_racing_processes_append_each_batch_once(tmp_path: Path) -> None:
    """Two processes that append the same batches at the same time double and lose nothing."""
    context = multiprocessing.get_context("spawn")
    begin = context.Barrier(2)
    racers = [context.Process(target=_append_many, args=(str(tmp_path), begin)) for _ in range(2)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join(60)
    assert [racer.exitcode for racer in racers] == [0, 0]
    lake = DeltaLake(tmp_path)
    assert ids(lake) == sorted(f"{seq}.{row}" for seq in range(1, 16) for row in range(2))
    assert lake.applied("m", P) == 15


def test_upkeep_while_appending(lake: DeltaLake) -> None:
    """Appends, compaction, expiry and readers at the same time: each row is there exactly once, always."""
    lake.append("m", P, rows(1, [1, 24 * 400]), upto=1)
    wrong: list[BaseException] = []
    done = threading.Event()

    def until_done(work: Callable[[], object]) -> threading.Thread:
        def loop() -> None:
            try:
                while not done.is_set():
                    work()
            except BaseException as problem:  # noqa: BLE001 - told to the test's own thread
                wrong.append(problem)

        return threading.Thread(target=loop)

    def look() -> None:
        found = lake.scan_predictions("m", NIGHT + timedelta(days=300), None, ["_id"])["_id"]
        assert found.n_unique() == len(found)

    threads = [
        until_done(partial(lake.compact, "m", P)),
        until_done(lambda: lake.expire("m", NIGHT + timedelta(days=300))),
        until_done(look),
    ]
    for thread in threads:
        thread.start()
    for seq in range(2, 60):
        lake.append("m", P, rows(seq, [1, 24 * 400, 24 * 401]), upto=seq)
    done.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    lake.expire("m", NIGHT + timedelta(days=300))
    assert ids(lake) == sorted(["1.1", *(f"{seq}.{row}" for seq in range(2, 60) for row in (1, 2))])


def test_small_files_become_few(lake: DeltaLake) -> None:
    """Compaction leaves one file per finished day, keeps every row, and has nothing to do the second time."""
    for seq in range(1, 13):
        lake.append("m", P, rows(seq, [1, 30], column=f"c{seq % 3}"), upto=seq)
    before = lake.scan_predictions("m", None, None).sort("_seq", "_row")
    assert lake.files("m", P).files == 24
    done = lake.compact("m", P)
    assert (done.removed, done.added) == (24, 2)
    assert lake.compact("m", P).removed == 0
    assert lake.files("m", P).files == 2
    assert lake.scan_predictions("m", None, None).sort("_seq", "_row").equals(before)
    lake.append("m", P, rows(13, [60]), upto=13)
    assert lake.compact("m", P).removed == 0


def test_compaction_holds_few_rows_at_a_time(lake: DeltaLake, monkeypatch: pytest.MonkeyPatch) -> None:
    """A merged file comes in row groups of bounded size, the wider its rows are the fewer."""
    monkeypatch.setattr("anchorwatch.stores.delta_table._GROUP_BYTES", 8 * 4 * 1500)
    columns = len(rows(1, [1]).columns)
    for seq in range(1, 10):
        lake.append("m", P, rows(seq, [index / 1000 for index in range(700)]), upto=seq)
    assert lake.compact("m", P).added == 1
    (path,) = lake._table("m", P).snapshot().files["path"]
    parts = duckdb.execute(f"select distinct row_group_num_rows from parquet_metadata('{path}')").fetchall()
    most = max(8 * 4 * 1500 // (8 * columns), 1024)
    assert max(count for (count,) in parts) == most < 9 * 700
    assert lake.files("m", P).rows == 9 * 700


def test_each_file_holds_one_day_in_order(lake: DeltaLake) -> None:
    """However the rows came."""
    lake.append("m", P, rows(1, [30, 1, 60, 25, 2, 61, 0.5]), upto=1)
    files = lake._table("m", P).snapshot().files
    days = {}
    for path, day in files.select("path", "day").iter_rows():
        at = pl.read_parquet(path)["_at"]
        assert at.is_sorted()
        assert at.dt.date().unique().to_list() == [day]
        days[day.day] = len(at)
    assert days == {1: 3, 2: 2, 3: 2}


def test_other_days_are_not_read(lake: DeltaLake) -> None:
    """A range of time opens only the files that can hold rows of it."""
    lake.append("m", P, rows(1, [1, 30, 60, 90]), upto=1)
    lake.append("m", P, rows(2, [59.5]), upto=2)
    lake.append("m", OUT, rows(1, [1, 60]).rename({"x": "_outcome"}), upto=1)
    for day in ("2013-01-01", "2013-01-02", "2013-01-04"):
        shutil.rmtree(table(lake) / f"_date={day}")
    shutil.rmtree(lake.folder / "m" / "outcomes" / "_date=2013-01-01")
    start, end = NIGHT + timedelta(hours=59.8), NIGHT + timedelta(hours=61)
    only = next(table(lake).glob("_date=2013-01-03/*.parquet"))
    assert lake.joined("m", start, end)["_id"].to_list() == ["1.2"]
    assert lake.explore("m", RowQuery(start=start, end=end)).rows["_id"].to_list() == ["1.2"]
    assert only.exists()
    with pytest.raises(CorruptError, match="is gone"):
        lake.scan_predictions("m", None, None)


def test_a_page_reads_the_newest_days_only(lake: DeltaLake) -> None:
    """A page that is full does not open older days."""
    lake.append("m", P, rows(1, [1, 30, 60, 60.5]), upto=1)
    shutil.rmtree(table(lake) / "_date=2013-01-01")
    assert lake.explore("m", RowQuery(limit=2)).rows["_id"].to_list() == ["1.3", "1.2"]


@pytest.mark.parametrize("name", ["../x", "a/b", "..", "", ".hidden", "a\0", "x" * 101, "/etc"])
def test_names_that_are_paths(lake: DeltaLake, name: str) -> None:
    """A name cannot lead out of the folder."""
    with pytest.raises(InputError, match="no name of a model"):
        lake.append(name, P, rows(1, [1]), upto=1)
    assert not any(lake.folder.iterdir())


def test_damage_is_told(lake: DeltaLake) -> None:
    """A damaged log, a log that is gone and a damaged file are told as such, with the place."""
    for seq in (1, 2, 3):
        lake.append("m", P, rows(seq, [1]), upto=seq)
    folder = table(lake)
    log = folder / "_delta_log" / f"{2:020}.json"
    good = log.read_bytes()
    log.write_bytes(good[: len(good) // 2])
    with pytest.raises(CorruptError, match="_delta_log from a backup"):
        DeltaLake(lake.folder).applied("m", P)
    log.write_bytes(good)
    file = next(folder.glob("*/*.parquet"))
    whole = file.read_bytes()
    file.write_bytes(whole[:-20])
    with pytest.raises(CorruptError, match=r"cannot read .*restore the file"):
        DeltaLake(lake.folder).scan_predictions("m", None, None)
    file.write_bytes(whole)
    assert len(ids(DeltaLake(lake.folder))) == 3
    shutil.rmtree(folder / "_delta_log")
    with pytest.raises(CorruptError, match="no _delta_log"):
        DeltaLake(lake.folder).append("m", P, rows(4, [1]), upto=4)


def test_a_commit_torn_by_a_power_cut(lake: DeltaLake) -> None:
    """A last commit without content was acknowledged to nobody: it is taken away and done again."""
    lake.append("m", P, rows(1, [1]), upto=1)
    lake.append("m", P, rows(2, [1]), upto=2)
    log = table(lake) / "_delta_log"
    max(log.glob("*.json")).write_bytes(b"")
    lake = DeltaLake(lake.folder)
    assert lake.applied("m", P) == 1
    assert lake.append("m", P, rows(2, [1]), upto=2)
    assert ids(lake) == ["1.0", "2.0"]
    lone = log.parent.parent.parent / "n" / "predictions" / "_delta_log"
    lone.mkdir(parents=True)
    (lone / f"{0:020}.json").write_bytes(b"")
    assert DeltaLake(lake.folder).append("n", P, rows(1, [1]), upto=1)


def test_many_appends_keep_the_log_short(lake: DeltaLake) -> None:
    """The log is checkpointed, so that opening a table does not read its whole life."""
    for seq in range(1, 104):
        lake.append("m", P, rows(seq, [1]), upto=seq)
    assert list((table(lake) / "_delta_log").glob("*.checkpoint.parquet"))
    again = DeltaLake(lake.folder)
    assert again.applied("m", P) == 103
    assert again.files("m", P).rows == 103


def test_another_program_reads_it(lake: DeltaLake) -> None:
    """DuckDB over the files and deltalake over the log see the same rows, with the date as a column."""
    lake.append("m", P, rows(1, [1, 30], column="a b"), upto=1)
    lake.append("m", P, rows(2, [60], column="é;"), upto=2)
    files = Delta(table(lake)).file_uris()
    found = duckdb.sql(
        f'select _date::varchar, _id, "a b" from read_parquet({files}, union_by_name=true, hive_partitioning=true) '
        "order by _id"
    ).fetchall()
    assert found == [("2013-01-01", "1.0", 1.0), ("2013-01-02", "1.1", 1.0), ("2013-01-03", "2.0", None)]
    read = pl.read_delta(str(table(lake))).sort("_id")
    assert read["_date"].cast(pl.String).to_list() == ["2013-01-01", "2013-01-02", "2013-01-03"]
    assert read["a b"].to_list() == [1.0, 1.0, None]
    stats = pl.DataFrame(Delta(table(lake)).get_add_actions(flatten=True))
    assert stats["num_records"].sum() == 3
    assert stats["min._at"].min() == NIGHT + timedelta(hours=1)


def test_another_program_wrote_to_it(lake: DeltaLake) -> None:
    """Rows another Delta writer added are read; a table it upgraded beyond what we read is refused."""
    lake.append("m", P, rows(1, [1]), upto=1)
    foreign = rows(2, [2]).with_columns(_date=pl.col("_at").dt.date())
    write_deltalake(table(lake), foreign, mode="append")
    assert ids(lake) == ["1.0", "2.0"]
    assert lake.applied("m", P) == 1
    Delta(table(lake)).alter.set_table_properties({"delta.enableDeletionVectors": "true"})
    if Delta(table(lake)).protocol().min_reader_version > 1:
        with pytest.raises(StoreError, match="reader version"):
            ids(DeltaLake(lake.folder))


SCRIPT = """
import os, resource, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_lake import P, rows
from anchorwatch.core.errors import FullError, StoreError
from anchorwatch.stores.lake import DeltaLake
lake = DeltaLake(Path(sys.argv[1]))
if sys.argv[3] == "full":
    import signal
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
else:
    if os.getuid() == 0: os.setgid(65534); os.setuid(65534)
for model in ("m", "new"):
    try:
        lake.append(model, P, rows(2, [2, 30]), upto=2)
    except StoreError as problem:
        print(type(problem).__name__, problem)
"""


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("full", "FullError cannot append to the table in"),
        ("readonly", "StoreError cannot append to the table in"),
    ],
)
def test_disk_full_and_folder_read_only(lake: DeltaLake, fault: str, told: str) -> None:
    """Neither loses what is there, both are told with place, and it goes on by itself afterwards."""
    lake.append("m", P, rows(1, [1]), upto=1)
    closed = [folder for folder in (lake.folder, *lake.folder.rglob("*")) if folder.is_dir()]
    for folder in closed if fault == "readonly" else []:
        folder.chmod(0o555)
    if os.getuid() == 0:  # who is about to become somebody else, who must find the way
        for folder in lake.folder.parents[:2]:
            folder.chmod(0o755)
    args = [sys.executable, "-c", SCRIPT, str(lake.folder), str(Path(__file__).parent), fault]
    done = subprocess.run(args, capture_output=True, text=True, timeout=60, check=False)
    lines = done.stdout.splitlines()
    assert [line.startswith(told) for line in lines] == [True, True], (done.stdout, done.stderr)
    for folder in closed:
        folder.chmod(0o755)
    lake = DeltaLake(lake.folder)
    assert ids(lake) == ["1.0"]
    assert len(list(table(lake).glob("*/*.parquet"))) == 1
    assert lake.append("m", P, rows(2, [2, 30]), upto=2)
    assert lake.append("new", P, rows(2, [2]), upto=2)
    assert ids(lake) == ["1.0", "2.0", "2.1"]


def test_statistics_hold_what_they_say(lake: DeltaLake) -> None:
    """Bounds in the log are no tighter than the rows, to the microsecond, also after compaction."""
    hours = [1 + step / 3600 / 1e6 for step in (1, 999, 1001, 123_456)]
    for seq in range(1, 10):
        lake.append("m", P, rows(seq, hours), upto=seq)
    for _ in range(2):
        for hour in hours:
            at = NIGHT + timedelta(hours=hour)
            assert lake.scan_predictions("m", at, at + timedelta(microseconds=1)).height == 9
        lake.compact("m", P)
    entry = json.loads((table(lake) / "_delta_log" / f"{1:020}.json").read_text().splitlines()[1])
    assert json.loads(entry["add"]["stats"])["maxValues"]["_at"] == "2013-01-01T01:00:00.124Z"


def test_a_filter_on_outcomes_across_days(lake: DeltaLake) -> None:
    """Rows can be found by what came of them later."""
    lake.append("m", P, rows(1, [1, 30, 60]), upto=1)
    lake.append(
        "m",
        OUT,
        rows(1, [500, 500, 500])
        .rename({"_prediction": "_outcome"})
        .with_columns(_outcome=pl.Series([0.0, 1.0, 1.0])),
        upto=1,
    )
    page = lake.explore("m", RowQuery(filters=(RowFilter("_outcome", "=", 1),)))
    assert page.rows["_id"].to_list() == ["1.2", "1.1"]
