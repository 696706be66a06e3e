"""What a Delta log says of a table's files, and what it is told. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

import polars as pl
from deltalake import Field
from deltalake.schema import ArrayType, PrimitiveType

from anchorwatch.stores.lake_query import LAST, TIME, later
from anchorwatch.stores.lake_rows import VECTOR, within

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from deltalake import DeltaTable

TARGET_BYTES: Final = 128 << 20
MOST_BYTES: Final = 256 << 20
NO_FILES: Final[dict[str, pl.DataType]] = {
    "path": pl.String(),
    "bytes": pl.Int64(),
    "rows": pl.Int64(),
    "day": pl.Date(),
    "oldest": TIME,
    "newest": TIME,
}
"""Columns of a list of files."""

_SMALL: Final = 8  # so many small files of a day are worth merging
_LONGEST_ID: Final = 64  # longer ones are left out of the log
_KINDS: Final[dict[str, pl.DataType]] = {
    "string": pl.String(),
    "double": pl.Float64(),
    "long": pl.Int64(),
    "integer": pl.Int32(),
    "timestamp": TIME,
    "date": pl.Date(),
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
            late = (pl.col("newest") >= start).fill_null(value=True)
            files = files.filter(pl.col("day") >= start.astimezone(UTC).date(), late)
        if end is not None:
            early = (pl.col("oldest") < end).fill_null(value=True)
            files = files.filter(pl.col("day") <= end.astimezone(UTC).date(), early)
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


def schema_of(delta: DeltaTable) -> dict[str, pl.DataType]:
    """Columns of a table that are numbers, names, vectors or moments; without the date it is partitioned by."""
    kinds = {field.name: _kind(field.type) for field in delta.schema().fields}
    return {name: kind for name, kind in kinds.items() if kind is not None and name != "_date"}


def _kind(given: Any) -> pl.DataType | None:
    if isinstance(given, ArrayType):
        return VECTOR if getattr(given.element_type, "type", "") == "float" else None
    return _KINDS.get(getattr(given, "type", ""))


def fields_of(schema: Mapping[str, pl.DataType]) -> list[Field]:
    """Columns as Delta calls them."""
    types: dict[pl.DataType, PrimitiveType | ArrayType] = {
        kind: PrimitiveType(name) for name, kind in _KINDS.items()
    }
    types[VECTOR] = ArrayType(PrimitiveType("float"))
    return [Field(name, types[kind]) for name, kind in schema.items()]


def listed(delta: DeltaTable, folder: Path) -> pl.DataFrame:
    """The files of a table, in columns of `NO_FILES`; bounds of time are null where the log does not tell."""
    found = pl.DataFrame(delta.get_add_actions(flatten=True))
    if found.is_empty():
        return pl.DataFrame(schema=NO_FILES)
    bound = timedelta(milliseconds=1)  # Delta cuts moments to milliseconds
    nothing = pl.lit(None, TIME)
    paths = [str(folder / unquote(name)) for name in found["path"]]
    return found.select(
        pl.Series("path", paths),
        pl.col("size_bytes").alias("bytes").cast(pl.Int64),
        pl.col("num_records").alias("rows").cast(pl.Int64),
        pl.col("partition._date").alias("day").cast(pl.Date),
        (pl.col("min._at") if "min._at" in found.columns else nothing).cast(TIME).alias("oldest"),
        (pl.col("max._at") + bound if "max._at" in found.columns else nothing).cast(TIME).alias("newest"),
    )


def statistics(rows: pl.DataFrame) -> str:
    """What Delta keeps of a file; moments in milliseconds, rounded outwards."""
    seqs, times, ids = rows["_seq"], rows["_at"], rows["_id"]
    low: dict[str, Any] = {"_seq": seqs.min(), "_at": _stamp(times.min(), timedelta(0))}
    high: dict[str, Any] = {"_seq": seqs.max(), "_at": _stamp(times.max(), timedelta(microseconds=999))}
    if ids.str.len_bytes().to_numpy().max(initial=0) <= _LONGEST_ID:
        low["_id"], high["_id"] = ids.min(), ids.max()
    nulls = dict.fromkeys(low, 0)
    return json.dumps({"numRecords": rows.height, "minValues": low, "maxValues": high, "nullCount": nulls})


def _stamp(at: object, up: timedelta) -> str:
    moment = later(at, up) if isinstance(at, datetime) else LAST
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def scattered(files: pl.DataFrame) -> list[str]:
    """Days to compact, oldest first: small files are many, or worth it once the day is over.

    Worth it is what adds an eighth to the day's largest file; so a row is rewritten a few times at most. No more days
    than hold `MOST_BYTES` of them, so that a call does not take long; the next one goes on.
    """
    if files.is_empty():
        return []
    size = pl.col("bytes")
    over = pl.col("day") < files["day"].max()
    worth = (size.sum() - size.max()) * _SMALL >= size.max()
    days = (
        files.filter(size < TARGET_BYTES // 2)
        .group_by("day")
        .agg(size.sum(), pl.len().alias("count"), worth.alias("worth"))
        .filter((pl.col("count") >= _SMALL) | ((pl.col("count") > 1) & over & pl.col("worth")))
        .sort("day")
        .filter(pl.col("bytes").cum_sum().shift(fill_value=0) < MOST_BYTES)
    )
    return [str(day) for day in days["day"]]
