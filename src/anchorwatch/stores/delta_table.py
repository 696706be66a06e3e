"""One Delta table in a folder: appended to exactly once, durable when told so, compacted and expired.

An append writes Parquet files, flushes them to disk, and only then commits them to the log together with the
last sequence number it holds (a Delta application transaction). So a crash leaves either nothing that readers
see, or all of it with the number that says so; files that were never committed are deleted by `vacuum`.
"""

from __future__ import annotations

import os
import threading
import uuid
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Final

import polars as pl
from deltalake import CommitProperties, Schema, Transaction, WriterProperties
from deltalake import DeltaTable as Delta
from deltalake.exceptions import CommitFailedError, DeltaError
from deltalake.transaction import AddAction

from anchorwatch.core.errors import BusyError, CorruptError, StoreError
from anchorwatch.core.ports import Compacted, LakeFiles
from anchorwatch.stores.delta_files import (
    NO_FILES,
    TARGET_BYTES,
    Snapshot,
    fields_of,
    listed,
    scattered,
    schema_of,
    statistics,
)
from anchorwatch.stores.faults import explained, sync_file, sync_folder
from anchorwatch.stores.lake_query import KEYS
from anchorwatch.stores.lake_rows import fitted, new_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date, datetime

APP: Final = "anchorwatch"
_ATTEMPTS: Final = 8
_GROUP_BYTES: Final = 8 << 20
_CONFIGURATION: Final = {
    # statistics of these columns let whole files be skipped; those of the others would only swell the log
    "delta.dataSkippingStatsColumns": "_id,_at,_seq",
    "delta.deletedFileRetentionDuration": "interval 1 days",
    "delta.logRetentionDuration": "interval 7 days",
}


@contextmanager
def told_of_table(doing: str, where: Path) -> Iterator[None]:
    """Re-raise what Delta, Polars and the disk have to say as errors of ours, with place and remedy."""
    try:
        yield
    except CommitFailedError as problem:
        raise BusyError(f"cannot {doing} {where}: {_brief(problem)}; it can be tried again") from problem
    except FileNotFoundError as problem:
        raise CorruptError(
            f"a file that {where} lists is gone: {problem}; restore it from a backup"
        ) from problem
    except OSError as problem:
        raise explained(problem, f"{doing} the table", where) from problem
    except (DeltaError, pl.exceptions.PolarsError) as problem:
        if "os error" in str(problem):  # an operating system's, told through Rust
            raise explained(problem, f"{doing} the table", where) from problem
        part = "_delta_log" if isinstance(problem, DeltaError) else "the file"
        raise CorruptError(
            f"cannot {doing} {where}: {_brief(problem)}; restore {part} from a backup"
        ) from problem


def _brief(problem: Exception) -> str:
    """The first line: what follows is a trace of the library's own."""
    return str(problem).splitlines()[0][:300]


class DeltaTable:
    """One table. Safe to use from several threads; another process may append at the same time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._delta: Delta | None = None
        self._seen = Snapshot(-1, dict(KEYS), pl.DataFrame(schema=NO_FILES))
        self._state = threading.Lock()
        self._writing = threading.Lock()
        self._upkeep = threading.Lock()

    def applied(self) -> int:
        """The last sequence number that was appended; 0 at first."""
        with told_of_table("read", self.folder), self._state:
            delta = self._fresh()
            return 0 if delta is None else delta.transaction_version(APP) or 0

    def snapshot(self) -> Snapshot:
        """The table as it is now."""
        with told_of_table("read", self.folder), self._state:
            delta = self._fresh()
            if delta is not None and delta.version() != self._seen.version:
                self._seen = Snapshot(delta.version(), schema_of(delta), listed(delta, self.folder))
            return self._seen

    def append(self, frame: pl.DataFrame, upto: int, *, late: bool = False) -> bool:
        """Append the rows of batches that had not been, up to `upto`; False when all had been.

        A `late` batch is alone, and counted under a name of its own: others were appended since.
        """
        app = f"{APP} {upto}" if late else APP
        with told_of_table("append to", self.folder), self._writing:
            for _ in range(_ATTEMPTS):
                delta = self._open_or_create(frame)
                begin, applied = delta.version(), delta.transaction_version(app) or 0
                if upto <= applied:
                    self._sync_log(begin)
                    return False
                if self._append(delta, new_rows(frame, applied), (app, upto), applied):
                    self._sync_log(begin)
                    return True
        raise BusyError(
            f"cannot append to {self.folder}: others commit all the time; is a second server running?"
        )

    def compact(self) -> Compacted:
        """Merge small files of each day where there are many, or where the day is over."""
        with told_of_table("compact", self.folder), self._upkeep:
            before = self.snapshot()
            days = scattered(before.files)
            if not days:
                return Compacted()
            done = Delta(self.folder).optimize.compact(
                partition_filters=[("_date", "in", days)],
                target_size=TARGET_BYTES,
                max_concurrent_tasks=1,
                writer_properties=WriterProperties(
                    compression="ZSTD", compression_level=1, max_row_group_size=_group(before.schema)
                ),
            )
            for path in self.snapshot().files.join(before.files, on="path", how="anti")["path"]:
                sync_file(Path(path))
            self._sync_log(before.version)
            return Compacted(done["numFilesRemoved"], done["numFilesAdded"])

    def expire(self, before: datetime) -> int:
        """Drop the days that ended by `before`; how many rows."""
        first = before.astimezone(UTC).date()
        with told_of_table("expire", self.folder), self._upkeep, self._writing:
            for _ in range(_ATTEMPTS):
                now = self.snapshot()
                rows = now.files.filter(pl.col("day") < first)["rows"].sum()
                if not rows:
                    return 0
                try:
                    Delta(self.folder).delete(f"_date < '{first}'")
                except CommitFailedError:
                    continue  # another process brought a late row of an old day
                self._sync_log(now.version)
                return int(rows)
        raise BusyError(
            f"cannot expire {self.folder}: others commit all the time; is a second server running?"
        )

    def vacuum(self) -> int:
        """Delete files that no version of the last day needs; how many."""
        with told_of_table("vacuum", self.folder), self._upkeep:
            if self.snapshot().version < 0:
                return 0
            return len(Delta(self.folder).vacuum(dry_run=False, full=True))

    def count(self) -> LakeFiles:
        """How much is kept."""
        files = self.snapshot().files
        return LakeFiles(files.height, int(files["rows"].sum()), int(files["bytes"].sum()))

    def _fresh(self) -> Delta | None:
        """The table as the log has it now, None when there is none yet."""
        if self._delta is not None:
            self._delta.update_incremental()
        elif (self.folder / "_delta_log").is_dir():
            self._mend()
            if any((self.folder / "_delta_log").iterdir()):
                self._delta = _supported(Delta(self.folder))
        elif any(self.folder.glob("_date=*")):
            raise CorruptError(f"{self.folder} has rows but no _delta_log; restore that folder from a backup")
        return self._delta

    def _mend(self) -> None:
        """Remove a commit without content, which a power cut can leave; it was told to nobody."""
        logs = sorted((self.folder / "_delta_log").glob("*.json"))
        if logs and not logs[-1].stat().st_size:
            logs[-1].unlink()

    def _open_or_create(self, frame: pl.DataFrame) -> Delta:
        with self._state:
            delta = self._fresh()
            if delta is None:
                self.folder.mkdir(parents=True, exist_ok=True)
                fields = fields_of(dict(new_rows(frame.head(0), 0).schema) | {"_date": pl.Date()})
                delta = Delta.create(
                    self.folder,
                    Schema(fields),
                    mode="ignore",
                    partition_by="_date",
                    configuration=_CONFIGURATION,
                )
                for folder in (self.folder, *self.folder.parents[:2]):
                    sync_folder(folder)
                self._delta = delta
            return delta

    def _append(self, delta: Delta, rows: pl.DataFrame, mark: tuple[str, int], applied: int) -> bool:
        """Append and set the `mark` (an application and its number) in one commit.

        Whether it was done; not when somebody else appended since `applied` was read.
        """
        schema = schema_of(delta)
        rows = fitted(rows, schema)
        added = {name: kind for name, kind in rows.schema.items() if name not in schema}
        written = self._write_days(rows)
        with self._state:
            if (delta.transaction_version(mark[0]) or 0) != applied:
                self._take_back(written)
                return False
            try:
                if added:
                    delta.alter.add_columns(fields_of(added))
                    delta.update_incremental()
                delta.create_write_transaction(
                    [*written],
                    "append",
                    delta.schema(),
                    "_date",
                    commit_properties=CommitProperties(app_transactions=[Transaction(*mark)]),
                )
            except CommitFailedError:
                return False  # its files are left to `vacuum`: what failed may yet have been seen by others
        return True

    def _write_days(self, rows: pl.DataFrame) -> list[AddAction]:
        """A file for each day, all on disk when this returns, or none."""
        ordered = rows.sort("_at")
        days = ordered["_at"].dt.date().rle().struct.unnest()
        begins = days["len"].cum_sum() - days["len"]
        written: list[AddAction] = []
        try:
            for begin, length, day in zip(begins, days["len"], days["value"], strict=True):
                written.append(self._write(day, ordered.slice(begin, length)))
        except BaseException:
            self._take_back(written)
            raise
        return written

    def _take_back(self, written: list[AddAction]) -> None:
        for action in written:
            (self.folder / action.path).unlink(missing_ok=True)

    def _write(self, day: date, rows: pl.DataFrame) -> AddAction:
        """One file of one day, on disk when this returns."""
        name = f"_date={day}/{uuid.uuid4().hex}.parquet"
        path = self.folder / name
        fresh = not path.parent.exists()
        path.parent.mkdir(exist_ok=True)
        try:
            with path.open("xb") as file:
                rows.write_parquet(file, compression="zstd", compression_level=1)
                file.flush()
                os.fsync(file.fileno())
                size = file.tell()
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)
        if fresh:
            sync_folder(self.folder)
        moment = int(path.stat().st_mtime * 1000)
        return AddAction(name, size, {"_date": str(day)}, moment, data_change=True, stats=statistics(rows))

    def _sync_log(self, since: int) -> None:
        """Make the commits from version `since` on survive a power cut."""
        with self._state:
            delta = self._fresh()
        last = since if delta is None else delta.version()
        log = self.folder / "_delta_log"
        for version in range(since, last + 1):
            for name in (f"{version:020}.json", f"{version:020}.checkpoint.parquet"):
                if (log / name).exists():
                    sync_file(log / name)
        sync_folder(log)


def _group(schema: Mapping[str, pl.DataType]) -> int:
    """Rows of a row group of a merged file: a whole one is held in memory, besides what is read."""
    return max(_GROUP_BYTES // (8 * len(schema)), 1024)


def _supported(delta: Delta) -> Delta:
    version = delta.protocol().min_reader_version
    if version > 1:
        raise StoreError(
            f"{delta.table_uri} was changed by another program to Delta reader version {version}; "
            "this one reads version 1 (without deletion vectors and column mapping)"
        )
    return delta
