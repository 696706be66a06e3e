"""One Delta table in a folder: appended to exactly once, durable when told so, compacted and expired.

An append writes Parquet files, flushes them to disk, and only then commits them to the log together with the last
sequence number it holds (a Delta application transaction). So a crash leaves either nothing that readers see, or all
of it with the number that says so; files that were never committed are deleted by `vacuum`.
"""

from __future__ import annotations

import json
import os
import threading
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

import polars as pl
from deltalake import CommitProperties, Field, Schema, Transaction, WriterProperties
from deltalake import DeltaTable as Delta
from deltalake.exceptions import CommitFailedError, DeltaError
from deltalake.transaction import AddAction

from anchorwatch.core.errors import BusyError, CorruptError, StoreError
from anchorwatch.core.ports import Compacted, LakeFiles
from anchorwatch.stores.faults import explained, sync_folder
from anchorwatch.stores.lake_query import KEYS, TIME
from anchorwatch.stores.lake_rows import fitted, new_rows, within

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

APP: Final = "anchorwatch"
_ATTEMPTS: Final = 8
_SMALL: Final = 8  # so many small files of a day are worth merging
_TARGET: Final = 128 << 20
_CONFIGURATION: Final = {
    # statistics of these columns let whole files be skipped; those of the others would only swell the log
    "delta.dataSkippingStatsColumns": "_id,_at,_seq",
    "delta.deletedFileRetentionDuration": "interval 1 days",
    "delta.logRetentionDuration": "interval 7 days",
}
_TO_DELTA: Final = {pl.String: "string", pl.Float64: "double", pl.Int64: "long", pl.Int32: "integer"}
_FROM_DELTA: Final[dict[str, pl.DataType]] = {
    "string": pl.String(),
    "double": pl.Float64(),
    "long": pl.Int64(),
    "integer": pl.Int32(),
    "timestamp": TIME,
}
_NO_FILES: Final = {
    "path": pl.String,
    "bytes": pl.Int64,
    "rows": pl.Int64,
    "day": pl.Date,
    "oldest": TIME,
    "newest": TIME,
}


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """A table as it was at one version; `lake_query.Rows` over its files."""

    version: int
    schema: dict[str, pl.DataType]
    files: pl.DataFrame

    def days(self) -> list[tuple[date, int]]:
        """Days that have rows, and how many, newest first."""
        return self.files.group_by("day").agg(pl.col("rows").sum()).sort("day", descending=True).rows()

    def scan(self, start: datetime | None, end: datetime | None) -> pl.LazyFrame:
        """Rows with `start` <= `_at` < `end`, from the files that can hold any."""
        files = self.files
        if start is not None:
            files = files.filter(
                pl.col("day") >= start.astimezone(UTC).date(), _or_unknown(pl.col("newest") >= start)
            )
        if end is not None:
            files = files.filter(
                pl.col("day") <= end.astimezone(UTC).date(), _or_unknown(pl.col("oldest") < end)
            )
        if files.is_empty():
            return pl.LazyFrame(schema=self.schema)
        lazy = pl.scan_parquet(
            files["path"].to_list(),
            schema=self.schema,
            missing_columns="insert",
            extra_columns="ignore",
            hive_partitioning=False,
            glob=False,
        )
        return within(lazy, start, end)


def _or_unknown(condition: pl.Expr) -> pl.Expr:
    return condition.fill_null(value=True)


class DeltaTable:
    """One table. Safe to use from several threads; another process may append at the same time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._delta: Delta | None = None
        self._seen = Snapshot(-1, dict(KEYS), pl.DataFrame(schema=_NO_FILES))
        self._state = threading.Lock()
        self._writing = threading.Lock()
        self._upkeep = threading.Lock()

    def applied(self) -> int:
        """The last sequence number that was appended; 0 at first."""
        with self._told("read"), self._state:
            delta = self._fresh()
            return 0 if delta is None else delta.transaction_version(APP) or 0

    def snapshot(self) -> Snapshot:
        """The table as it is now."""
        with self._told("read"), self._state:
            delta = self._fresh()
            if delta is not None and delta.version() != self._seen.version:
                self._seen = Snapshot(delta.version(), _schema(delta), self._files(delta))
            return self._seen

    def append(self, frame: pl.DataFrame, upto: int) -> bool:
        """Append the rows of batches that had not been, up to `upto`; False when all had been."""
        with self._told("append to"), self._writing:
            for _ in range(_ATTEMPTS):
                delta = self._open_or_create(frame)
                begin, applied = delta.version(), delta.transaction_version(APP) or 0
                if upto <= applied:
                    self._sync_log(begin)
                    return False
                try:
                    self._append(delta, new_rows(frame, applied), upto)
                except CommitFailedError:
                    continue  # somebody else committed first: look again at what is there
                self._sync_log(begin)
                return True
        raise BusyError(
            f"cannot append to {self.folder}: others commit all the time; is a second server running?"
        )

    def compact(self) -> Compacted:
        """Merge small files of each day where there are many, or where the day is over."""
        with self._told("compact"), self._upkeep:
            before = self.snapshot()
            days = _scattered(before.files)
            if not days:
                return Compacted()
            done = Delta(self.folder).optimize.compact(
                partition_filters=[("_date", "in", days)],
                target_size=_TARGET,
                max_concurrent_tasks=1,
                writer_properties=WriterProperties(compression="ZSTD", compression_level=1),
            )
            for path in self.snapshot().files.join(before.files, on="path", how="anti")["path"]:
                _sync_file(path)
            self._sync_log(before.version)
            return Compacted(done["numFilesRemoved"], done["numFilesAdded"])

    def expire(self, before: datetime) -> int:
        """Drop the days that ended by `before`; how many rows."""
        first = before.astimezone(UTC).date()
        with self._told("expire"), self._upkeep:
            for _ in range(_ATTEMPTS):
                now = self.snapshot()
                rows = now.files.filter(pl.col("day") < first)["rows"].sum()
                if not rows:
                    return 0
                try:
                    Delta(self.folder).delete(f"_date < '{first}'")
                except CommitFailedError:
                    continue  # a late row of an old day came in meanwhile
                self._sync_log(now.version)
                return int(rows)
        raise BusyError(
            f"cannot expire {self.folder}: others commit all the time; is a second server running?"
        )

    def vacuum(self) -> int:
        """Delete files that no version of the last day needs; how many."""
        with self._told("vacuum"), self._upkeep:
            if self.snapshot().version < 0:
                return 0
            return len(Delta(self.folder).vacuum(dry_run=False, full=True))

    def count(self) -> LakeFiles:
        """How much is kept."""
        files = self.snapshot().files
        return LakeFiles(files.height, int(files["rows"].sum()), int(files["bytes"].sum()))

    @contextmanager
    def _told(self, doing: str) -> Iterator[None]:
        try:
            yield
        except CommitFailedError as problem:
            raise BusyError(
                f"cannot {doing} {self.folder}: {_brief(problem)}; it can be tried again"
            ) from problem
        except DeltaError as problem:
            if "os error" in str(problem):
                raise explained(problem, f"{doing} the table", self.folder) from problem
            raise CorruptError(
                f"cannot {doing} {self.folder}: {_brief(problem)}; restore _delta_log from a backup"
            ) from problem
        except OSError as problem:
            raise explained(problem, f"{doing} the table", self.folder) from problem

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
                fields = _fields(dict(new_rows(frame.head(0), 0).schema) | {"_date": pl.Date()})
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

    def _append(self, delta: Delta, rows: pl.DataFrame, upto: int) -> None:
        schema = _schema(delta)
        rows = fitted(rows, schema)
        added = {name: kind for name, kind in rows.schema.items() if name not in schema}
        written: list[AddAction] = []
        try:
            days = rows.with_columns(_date=pl.col("_at").dt.date()).partition_by(
                "_date", as_dict=True, include_key=False
            )
            for (day,), part in days.items():
                written.append(self._write(day, part.sort("_at")))
        except BaseException:
            for action in written:
                (self.folder / action.path).unlink(missing_ok=True)
            raise
        with self._state:
            if added:
                delta.alter.add_columns(_fields(added))
                delta.update_incremental()
            delta.create_write_transaction(
                written,
                "append",
                delta.schema(),
                "_date",
                commit_properties=CommitProperties(app_transactions=[Transaction(APP, upto)]),
            )

    def _write(self, day: date, rows: pl.DataFrame) -> AddAction:
        """One file of one day, on disk when this returns."""
        name = f"_date={day}/{uuid.uuid4().hex}.parquet"
        path = self.folder / name
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
        sync_folder(self.folder)
        moment = int(path.stat().st_mtime * 1000)
        return AddAction(name, size, {"_date": str(day)}, moment, data_change=True, stats=_statistics(rows))

    def _files(self, delta: Delta) -> pl.DataFrame:
        found = pl.DataFrame(delta.get_add_actions(flatten=True))
        if found.is_empty():
            return pl.DataFrame(schema=_NO_FILES)
        root = f"{self.folder}{os.sep}"
        bound = timedelta(milliseconds=1)  # Delta cuts times to milliseconds
        nothing = pl.lit(None, TIME)
        return found.select(
            pl.col("path").map_elements(lambda name: root + unquote(name), pl.String),
            pl.col("size_bytes").alias("bytes"),
            pl.col("num_records").alias("rows").cast(pl.Int64),
            pl.col("partition._date").alias("day").cast(pl.Date),
            (pl.col("min._at") if "min._at" in found.columns else nothing).cast(TIME).alias("oldest"),
            (pl.col("max._at") + bound if "max._at" in found.columns else nothing).cast(TIME).alias("newest"),
        )

    def _sync_log(self, since: int) -> None:
        """Make the commits after version `since` survive a power cut."""
        log = self.folder / "_delta_log"
        for version in range(max(since, 0), Delta(self.folder).version() + 1):
            path = log / f"{version:020}.json"
            if path.exists():
                _sync_file(str(path))
        sync_folder(log)


def _supported(delta: Delta) -> Delta:
    version = delta.protocol().min_reader_version
    if version > 1:
        raise StoreError(
            f"{delta.table_uri} was changed by another program to Delta reader version {version}; "
            "this one reads version 1 (without deletion vectors and column mapping)"
        )
    return delta


def _schema(delta: Delta) -> dict[str, pl.DataType]:
    kinds = {field.name: getattr(field.type, "type", "") for field in delta.schema().fields}
    return {name: _FROM_DELTA[kind] for name, kind in kinds.items() if kind in _FROM_DELTA}


def _fields(schema: dict[str, pl.DataType]) -> list[Field]:
    special = {TIME: "timestamp", pl.Date(): "date"}
    return [Field(name, special.get(kind) or _TO_DELTA[type(kind)]) for name, kind in schema.items()]


def _statistics(rows: pl.DataFrame) -> str:
    """What Delta keeps of a file; times in milliseconds, rounded outwards."""
    oldest, newest = rows["_at"].min(), rows["_at"].max()
    low: dict[str, Any] = {"_seq": rows["_seq"].min(), "_at": _milliseconds(oldest)}
    high: dict[str, Any] = {
        "_seq": rows["_seq"].max(),
        "_at": _milliseconds(newest + timedelta(microseconds=999)),
    }
    if (rows["_id"].str.len_bytes().max() or 0) <= 64:
        low["_id"], high["_id"] = rows["_id"].min(), rows["_id"].max()
    nulls = dict.fromkeys(low, 0)
    return json.dumps({"numRecords": rows.height, "minValues": low, "maxValues": high, "nullCount": nulls})


def _milliseconds(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}Z"


def _scattered(files: pl.DataFrame) -> list[str]:
    """Days whose small files are many, or would grow the day's largest by an eighth once the day is over."""
    if files.is_empty():
        return []
    small = files.filter(pl.col("bytes") < _TARGET // 2)
    rest = pl.col("bytes").sum() - pl.col("bytes").max()
    over = pl.col("day") < files["day"].max()
    days = (
        small.group_by("day")
        .agg(pl.len().alias("count"), (rest * _SMALL >= pl.col("bytes").max()).alias("worth"))
        .filter((pl.col("count") >= _SMALL) | ((pl.col("count") > 1) & over & pl.col("worth")))
    )
    return [str(day) for day in days["day"].sort()]


def _sync_file(path: str) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _brief(problem: Exception) -> str:
    """The first line: what follows is a trace of the library's own."""
    return str(problem).splitlines()[0][:300]
