"""Tables to compare: of any kind with an Arrow interface, or files, read whole or piece by piece."""

from __future__ import annotations

from dataclasses import dataclass
from glob import has_magic
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from anchorwatch.core.errors import InputError
from anchorwatch.core.infer import table_of
from anchorwatch.core.registry import unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

ROOM = 2**25
"""Cells of a file that are held at once (a quarter of a gigabyte of numbers); larger ones are read twice in pieces."""

PIECE = 2**22
"""Cells of such a piece."""


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """One side of a comparison: a table in memory, or a scan that is run anew for each reading.

    Attributes:
        schema: column to type.
        table: all rows, when they are in memory.
        scan: reads them, when they are not.
    """

    schema: Mapping[str, pl.DataType]
    table: pl.DataFrame | None
    scan: pl.LazyFrame | None = None

    @classmethod
    def of(cls, given: Any) -> Source:
        """A table, or a path: what fits in `ROOM` is loaded.

        Raises:
            InputError: it is neither, or it cannot be read.
        """
        path = str(given) if isinstance(given, str | PathLike) else ""
        if path:
            given = scan_path(path)
        if not isinstance(given, pl.LazyFrame):
            table = _named(table_of(given))
            return cls(dict(table.schema), table)
        try:
            scan = given.select(pl.all().exclude(r"^__index_level_.*$"))
            schema = dict(scan.collect_schema())
            large = _large(path, scan, len(schema))
        except (OSError, pl.exceptions.PolarsError) as problem:
            raise InputError(f"the table cannot be read: {_line(problem)}") from None
        begun = None if large else _begun(scan, len(schema))
        return cls(schema, begun, None if begun is not None else scan)

    def pieces(self) -> Iterator[pl.DataFrame]:
        """All rows, piece by piece; at least one piece, which may be empty."""
        if self.table is not None:
            yield self.table
        elif self.scan is not None:
            yield from _pieces(self.scan, len(self.schema))


def scan_path(path: str) -> pl.LazyFrame:
    """A file by the ending of its name, a folder of Parquet files, or a pattern such as `days/*.parquet`."""
    here = Path(path)
    if here.is_dir():
        pattern, kind = str(here / "**" / "*.parquet"), ".parquet"
    else:
        pattern, kind = path, here.suffix.lower()
    if kind not in SCANS:
        raise InputError(f"{path}: {unknown('kind of file', kind, SCANS)}; or name a folder of Parquet files")
    if not has_magic(path) and not here.exists():
        raise InputError(f"{path}: there is no such file")
    try:
        return SCANS[kind](pattern)
    except (OSError, pl.exceptions.PolarsError) as problem:
        raise InputError(f"{path}: cannot be read: {_line(problem)}") from None


def _csv(path: str) -> pl.LazyFrame:
    return pl.scan_csv(path, infer_schema_length=None, try_parse_dates=True)


def _lines(path: str) -> pl.LazyFrame:
    return pl.scan_ndjson(path, infer_schema_length=None)


def _arrow(path: str) -> pl.LazyFrame:
    if not has_magic(path):
        with Path(path).open("rb") as file:
            if file.read(6) != b"ARROW1":
                return pl.read_ipc_stream(path).lazy()
    return pl.scan_ipc(path)


SCANS: dict[str, Callable[[str], pl.LazyFrame]] = {
    ".parquet": pl.scan_parquet,
    ".csv": _csv,
    ".ndjson": _lines,
    ".jsonl": _lines,
    ".arrow": _arrow,
    ".arrows": _arrow,
    ".feather": _arrow,
    ".ipc": _arrow,
}


def _named(table: pl.DataFrame) -> pl.DataFrame:
    """Without the index that pandas hands over as a column."""
    return table.select(name for name in table.columns if not name.startswith("__index_level_"))


def _large(path: str, scan: pl.LazyFrame, width: int) -> bool:
    """Whether Parquet files say of themselves that they hold more than there is room for."""
    if not path or (Path(path).suffix.lower() != ".parquet" and not Path(path).is_dir()):
        return False
    return int(scan.select(pl.len()).collect().item()) * width > ROOM


def _begun(scan: pl.LazyFrame, width: int) -> pl.DataFrame | None:
    """All rows, or None when they are more than there is room for."""
    taken, cells = [], 0
    for piece in _pieces(scan, width):
        taken.append(piece)
        cells += piece.height * width
        if cells > ROOM:
            return None
    return pl.concat(taken, rechunk=True)


def _pieces(scan: pl.LazyFrame, width: int) -> Iterator[pl.DataFrame]:
    rows = max(PIECE // max(width, 1), 1024)
    count = 0
    try:
        for piece in scan.collect_batches(chunk_size=rows, lazy=True, engine="streaming"):
            count += 1
            yield piece
        if not count:
            yield scan.head(0).collect()
    except (OSError, pl.exceptions.PolarsError) as problem:
        raise InputError(f"the table cannot be read: {_line(problem)}") from None


def _line(problem: BaseException) -> str:
    return (str(problem).splitlines() or [type(problem).__name__])[0]
