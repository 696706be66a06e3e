"""Tables in files: CSV, Parquet, NDJSON and Arrow, by the ending of their name."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import polars as pl

from anchorwatch.core.errors import ConfigError, InputError
from anchorwatch.core.registry import unknown
from anchorwatch.core.schema import Task

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from anchorwatch.core.schema import Fields, ModelSpec

_WIRE = {"at": "time"}
"""Names of an event as JSON that differ from those of `Fields`."""


def _csv(path: Path) -> pl.DataFrame:
    """All texts: what is a number is the model's to say (`typed`), so that a code 007 stays one."""
    return pl.read_csv(path, infer_schema=False)


def _lines(path: Path) -> pl.DataFrame:
    return pl.read_ndjson(path, infer_schema_length=None)


def _stream(path: Path) -> pl.DataFrame:
    return pl.read_ipc_stream(path)


def _arrow(path: Path) -> pl.DataFrame:
    with path.open("rb") as file:
        begins = file.read(6)
    return pl.read_ipc(path) if begins == b"ARROW1" else _stream(path)


READERS: dict[str, Callable[[Path], pl.DataFrame]] = {
    ".csv": _csv,
    ".parquet": pl.read_parquet,
    ".ndjson": _lines,
    ".jsonl": _lines,
    ".arrow": _arrow,
    ".arrows": _stream,
    ".feather": _arrow,
    ".ipc": _arrow,
}


def read_table(path: Path) -> pl.DataFrame:
    """The table in `path`; raises `ConfigError` for a file that cannot be opened, `InputError` for a broken one."""
    if path.suffix.lower() not in READERS:
        raise ConfigError(f"{path}: {unknown('kind of file', path.suffix.lower(), READERS)}")
    try:
        return READERS[path.suffix.lower()](path)
    except OSError as problem:
        raise ConfigError(f"{path}: cannot be read: {problem.strerror or problem}") from None
    except pl.exceptions.PolarsError as problem:
        raise InputError(f"{path}: {str(problem).splitlines()[0]}") from None


def typed(table: pl.DataFrame, spec: ModelSpec) -> pl.DataFrame:
    """Texts of a CSV as numbers, column by column, where the model has numbers and every text is one."""
    numbers = {name: _number(table[name]) for name in _numeric(table, spec)}
    return table.with_columns(
        column.alias(name)
        for name, column in numbers.items()
        if column.null_count() == table[name].null_count()
    )


def parts(table: pl.DataFrame, spec: ModelSpec) -> list[tuple[pl.Series, pl.DataFrame]]:
    """A CSV's rows whose numbers are numbers, and the rest, each with its row numbers in the file.

    The rest is for the watch to refuse with its reasons; it must not spoil the columns of the others.
    """
    rows = pl.int_range(table.height, eager=True)
    bad = pl.repeat(value=False, n=table.height, eager=True)
    for name in _numeric(table, spec):
        if name != spec.fields.time:
            bad |= _number(table[name]).is_null() & table[name].is_not_null()
    halves = [(rows.filter(mask), typed(table.filter(mask), spec)) for mask in (~bad, bad)]
    return [half for half in halves if len(half[0])]


def _number(texts: pl.Series) -> pl.Series:
    return texts.str.strip_chars().cast(pl.Float64, strict=False)


def _numeric(table: pl.DataFrame, spec: ModelSpec) -> list[str]:
    """Columns of texts that the model wants as numbers."""
    fields = spec.fields
    wanted = {*spec.numbers, fields.time, fields.score, fields.latency, *dict(fields.scores).values()}
    if spec.task is Task.REGRESSION:
        wanted |= {fields.prediction, fields.outcome}
    return [name for name in table.columns if name in wanted and table.schema[name] == pl.String]


def digest(path: Path) -> str:
    """Of the content: the same file sent again is known by it."""
    with path.open("rb") as file:
        found = sha256()
        while block := file.read(2**20):
            found.update(block)
    return found.hexdigest()[:40]


def flat(table: pl.DataFrame, fields: Fields) -> pl.DataFrame:
    """Events as JSON nests them (`features`, `scores`), as a flat table with the names of `fields`."""
    if not isinstance(table.schema.get("features"), pl.Struct):
        return table
    names = {name: getattr(fields, _WIRE.get(name, name), name) for name in table.columns}
    spread = table.rename({name: new for name, new in names.items() if isinstance(new, str) and new})
    if isinstance(table.schema.get("scores"), pl.Struct):
        columns = dict(fields.scores)
        scores = spread["scores"].struct.unnest()
        spread = spread.drop("scores").hstack(
            scores.rename({name: columns.get(name, name) for name in scores.columns})
        )
    return spread.unnest("features")


def local(table: pl.DataFrame, column: str, zone: str) -> pl.DataFrame:
    """`column` with the time zone that its times lack; texts that name one keep it."""
    if column not in table.columns:
        return table
    times = table[column]
    if times.dtype == pl.String:
        naive = times.str.to_datetime(time_unit="us", strict=False, exact=True)
        if naive.null_count() > times.null_count():
            return table
        times = naive
    if isinstance(times.dtype, pl.Datetime) and times.dtype.time_zone is None:
        times = times.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    return table.with_columns(times.alias(column))
