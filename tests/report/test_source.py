"""Tables of every kind and files of every kind give the same answer; large ones are read in pieces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow.parquet as pq
import pytest
from tests.report.tables import ROLES, people

import anchorwatch as aw
from anchorwatch.core.errors import InputError
from anchorwatch.report import source, whole

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from anchorwatch.profile.profile import Profile

BEFORE, AFTER = people(600, 1), people(500, 2, moved=1.0)

KINDS: dict[str, Callable[[pl.DataFrame], Any]] = {
    "polars": lambda frame: frame,
    "lazy": lambda frame: frame.lazy(),
    "arrow": lambda frame: frame.to_arrow(),
    "pandas": lambda frame: frame.to_pandas(),
    "pandas with an index": lambda frame: frame.to_pandas().set_index(
        pd.Index(range(frame.height), name="row")
    ),
    "duckdb": lambda frame: duckdb.sql("select * from frame"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_tables_of_every_kind(kind: str) -> None:
    """The same rows from another library give the same report."""
    expected = aw.compare(BEFORE, AFTER, **ROLES).to_dict()
    found = aw.compare(KINDS[kind](BEFORE), KINDS[kind](AFTER), **ROLES).to_dict()
    names = {item["name"] for item in expected["columns"]}
    assert found["drifted"] == expected["drifted"]
    assert {item["name"] for item in found["columns"]} == names
    assert found["rows"] == expected["rows"]


def write(frame: pl.DataFrame, file: Path) -> Path:
    """By the ending of the name."""
    {
        ".parquet": frame.write_parquet,
        ".csv": frame.write_csv,
        ".ndjson": frame.write_ndjson,
        ".feather": frame.write_ipc,
        ".arrow": frame.write_ipc,
        ".arrows": frame.write_ipc_stream,
    }[file.suffix](file)
    return file


@pytest.mark.parametrize("ending", [".parquet", ".csv", ".ndjson", ".feather", ".arrow", ".arrows"])
def test_files_of_every_kind(ending: str, tmp_path: Path) -> None:
    """A path, as text or as `Path`."""
    one, two = (write(frame, tmp_path / f"{name}{ending}") for name, frame in (("a", BEFORE), ("b", AFTER)))
    assert aw.compare(str(one), two, **ROLES).drifted == aw.compare(BEFORE, AFTER, **ROLES).drifted


def test_folders_and_patterns_of_parquet(tmp_path: Path) -> None:
    """All files of a folder, or those a pattern names, are one table."""
    for place, piece in enumerate(BEFORE.iter_slices(200)):
        write(piece, tmp_path / f"day{place}.parquet")
    for given in (tmp_path, tmp_path / "*.parquet"):
        assert aw.compare(given, AFTER).to_dict() == aw.compare(BEFORE, AFTER).to_dict()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("nothing.parquet", "no such file"),
        ("notes.txt", "no kind of file is named '.txt'"),
        (7, "int is no table"),
        ([1, 2], "list is no table"),
    ],
)
def test_what_is_no_table_is_told(given: Any, told: str, tmp_path: Path) -> None:
    """With what would do."""
    with pytest.raises(InputError, match=told):
        aw.compare(tmp_path / given if isinstance(given, str) else given, AFTER)


def test_a_broken_file_is_told(tmp_path: Path) -> None:
    """In one line, without a traceback of the reader's."""
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 but not really")
    with pytest.raises(InputError, match="cannot be read"):
        aw.compare(tmp_path / "bad.parquet", AFTER)


def profiles_of(path: Path) -> tuple[Profile, Profile]:
    """Both profiles of a comparison of a file with a table."""
    return aw.compare(path, path, **ROLES).profiles


def test_a_file_too_large_to_hold_is_read_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a sample that holds all rows, the bins and all counts are those of the whole."""
    pq.write_table(people(5_000, 3).to_arrow(), tmp_path / "big.parquet", row_group_size=500)
    held = profiles_of(tmp_path / "big.parquet")
    monkeypatch.setattr(source, "ROOM", 4_000)
    monkeypatch.setattr(source, "PIECE", 7 * 1_024)
    read = profiles_of(tmp_path / "big.parquet")
    for one, other in zip(held, read, strict=True):
        assert one.events == other.events == 5_000
        np.testing.assert_array_equal(one.confusion.matrix, other.confusion.matrix)
        for mine, theirs in zip(one.categories.counts, other.categories.counts, strict=True):
            assert sorted(mine) == sorted(theirs)


def test_a_sample_keeps_extremes_and_rare_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the reference itself is out of range or unseen, however few rows its bins were fixed on."""
    rare = people(6_000, 4).with_row_index("row")
    rare = rare.with_columns(
        city=pl.when(pl.col("row") == 4_000).then(pl.lit("Ur")).otherwise("city"),
        age=pl.when(pl.col("row") == 5_000).then(pl.lit(999.0)).otherwise("age"),
    ).drop("row")
    rare.write_parquet(tmp_path / "rare.parquet", row_group_size=1_000)
    monkeypatch.setattr(source, "ROOM", 4_000)
    monkeypatch.setattr(source, "PIECE", 7 * 1_024)
    monkeypatch.setattr(whole, "TRAINED", 600)
    report = aw.compare(tmp_path / "rare.parquet", tmp_path / "rare.parquet")
    assert report.profiles[0].categories.unseen.sum() == 0
    assert report.results["out_of_range_share"].value.max() == 0.0
    assert report.passed
    assert report.profiles[0].numbers.counts.sum(axis=1)[0] == 6_000
