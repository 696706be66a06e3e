"""Declarations read off tables."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from anchorwatch.core.errors import InputError
from anchorwatch.core.schema import Kind, ModelSpec

if TYPE_CHECKING:
    from collections.abc import Callable

ROWS = 40
COLUMNS: dict[str, list[Any]] = {
    "temp": [index / 7 for index in range(ROWS)],
    "count": list(range(ROWS)),
    "hour": [index % 5 for index in range(ROWS)],
    "sky": [("clear", "rain")[index % 2] for index in range(ROWS)],
    "holiday": [index % 3 == 0 for index in range(ROWS)],
    "when": [datetime(2013, 1, 1, tzinfo=UTC)] * ROWS,
    "late": [index % 2 for index in range(ROWS)],
    "risk": [0.5] * ROWS,
}
MAKERS: list[Callable[[], Any]] = [
    lambda: pd.DataFrame(COLUMNS),
    lambda: pl.DataFrame(COLUMNS),
    lambda: pl.LazyFrame(COLUMNS),
    lambda: pa.table(COLUMNS),
    lambda: duckdb.from_arrow(pa.table(COLUMNS)),
]


@pytest.mark.parametrize("make", MAKERS, ids=["pandas", "polars", "lazy", "pyarrow", "duckdb"])
def test_any_table_gives_the_same_declaration(make: Callable[[], Any]) -> None:
    """Kinds and labels do not depend on the library a table is of."""
    spec = ModelSpec.infer("late", make(), task="binary", target="late", score="risk", time="when")
    assert spec.numbers == ("temp", "count")
    assert spec.categories == ("hour", "sky", "holiday")
    assert spec.labels == ("0", "1")
    assert (spec.fields.outcome, spec.fields.score, spec.fields.time) == ("late", "risk", "when")


def test_what_is_declared_holds() -> None:
    """Kinds that are given are not guessed; settings pass through."""
    spec = ModelSpec.infer(
        "m",
        pl.DataFrame(COLUMNS),
        task="regression",
        target="temp",
        columns={"hour": "number"},
        segments=["sky"],
    )
    kinds = {column.name: column.kind for column in spec.columns}
    assert kinds["hour"] is Kind.NUMBER
    assert spec.segments == ("sky",)
    assert "when" not in kinds


def test_labels_come_from_outcomes_and_predictions() -> None:
    """Every class met, missing ones aside, in a fixed order."""
    table = pl.DataFrame({"is": ["b", None, "a"], "said": ["c", "b", "b"], "x": [0.1, 0.2, 0.3]})
    spec = ModelSpec.infer("m", table, task="multiclass", target="is", prediction="said")
    assert spec.labels == ("a", "b", "c")
    assert spec.numbers == ("x",)


def test_a_column_that_is_not_there_is_named() -> None:
    """A field that names no column of the table is refused, with those there are."""
    with pytest.raises(InputError, match="the table has no column 'cnt'; it has temp, count"):
        ModelSpec.infer("m", pl.DataFrame(COLUMNS), task="regression", target="cnt")


def test_what_is_no_table() -> None:
    """Anything without the Arrow C stream interface is refused with what would do."""
    with pytest.raises(InputError, match="list is no table: hand in a pandas"):
        ModelSpec.infer("m", [{"x": 1}], task="regression")
