"""Vector inputs on their whole way: taken, refused row by row, stored, profiled and read back."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import orjson
import pandas as pd
import polars as pl
import pytest

from anchorwatch.core.errors import ConfigError, InputError
from anchorwatch.core.schema import Column, Kind, ModelSpec, Task
from anchorwatch.core.types import EventKind
from anchorwatch.flow.take import Terms, take_arrow, take_json, take_ndjson, take_table
from anchorwatch.stores.lake import DeltaLake
from anchorwatch.testing import memory_watch

if TYPE_CHECKING:
    from pathlib import Path

AT = datetime(2024, 1, 1, tzinfo=UTC)
SPEC = ModelSpec(
    name="m", task=Task.REGRESSION, columns=(Column("x", Kind.NUMBER), Column("emb", Kind.VECTOR, 3))
)
TERMS = Terms(id="1", now=AT)
GOOD = np.random.default_rng(1).normal(size=(50, 3)).astype(np.float32)


def table(vectors: pl.Series) -> pl.DataFrame:
    """A flat table with these vectors."""
    n = len(vectors)
    return pl.DataFrame(
        {"id": [str(row) for row in range(n)], "at": [AT] * n, "prediction": [1.0] * n, "x": [0.5] * n}
    ).with_columns(vectors.alias("emb"))


@pytest.mark.parametrize(
    "dtype", [pl.Array(pl.Float32, 3), pl.List(pl.Float32), pl.List(pl.Float64), pl.Array(pl.Float64, 3)]
)
def test_tables_with_lists_or_arrays_are_taken(dtype: pl.DataType) -> None:
    """Directly and as an Arrow stream; the canonical column is a list of Float32."""
    given = table(pl.Series(GOOD).cast(dtype))
    stream = io.BytesIO()
    given.write_ipc_stream(stream, compat_level=pl.CompatLevel.oldest())
    for batch in (
        take_table(SPEC, EventKind.PREDICTIONS, given, TERMS),
        take_arrow(SPEC, EventKind.PREDICTIONS, stream.getvalue(), TERMS),
    ):
        assert batch.rejected_count == 0
        assert batch.frame.schema["emb"] == pl.List(pl.Float32)
        np.testing.assert_array_equal(np.array(batch.frame["emb"].to_list(), np.float32), GOOD)


def test_bad_vectors_are_refused_row_by_row() -> None:
    """Another width, NaN, infinity and nulls within; a missing vector is missing."""
    rows = [
        [1.0, 2.0, 3.0],
        None,
        [1.0],
        [1.0, float("nan"), 2.0],
        [1.0, float("inf"), 2.0],
        [1.0, None, 2.0],
        [1e300, 0.0, 0.0],
    ]
    batch = take_table(SPEC, EventKind.PREDICTIONS, table(pl.Series(rows, dtype=pl.List(pl.Float64))), TERMS)
    assert [item.row for item in batch.rejections] == [2, 3, 4, 5, 6]
    assert {item.column for item in batch.rejections} == {"emb"}
    assert batch.rejections[0].reason == "a vector of 3 numbers is needed, one of 1 was given"
    assert batch.frame["emb"].to_list() == [[1.0, 2.0, 3.0], None]
    with pytest.raises(InputError, match="lists of numbers"):
        take_table(SPEC, EventKind.PREDICTIONS, table(pl.Series(["a"])), TERMS)


@pytest.mark.parametrize("count", [1, 60])
def test_json_carries_vectors(count: int) -> None:
    """As lists; anything else names row and column."""
    values = [[1, 2.5, 3], "text", [1, "a", 3], [True, 1, 2], {"a": 1}] + [[1.0, 2.0, 3.0]] * count
    events = [
        {"id": str(row), "at": AT.isoformat(), "prediction": 1, "features": {"x": 1, "emb": value}}
        for row, value in enumerate(values)
    ]
    for batch in (
        take_json(SPEC, EventKind.PREDICTIONS, orjson.dumps(events), TERMS),
        take_ndjson(SPEC, EventKind.PREDICTIONS, b"\n".join(orjson.dumps(event) for event in events), TERMS),
    ):
        assert [(item.row, item.column) for item in batch.rejections] == [
            (row, "emb") for row in (1, 2, 3, 4)
        ]
        assert batch.frame["emb"][0].to_list() == [1.0, 2.5, 3.0]
        assert batch.frame.height == count + 1


def test_declarations_and_inference() -> None:
    """`vector[3]` reads and writes itself; lists and arrays of floats are recognised, pandas objects too."""
    assert ModelSpec.from_dict(SPEC.to_dict()) == SPEC
    assert SPEC.to_dict()["columns"] == {"x": "number", "emb": "vector[3]"}
    bare = ModelSpec.from_dict({"name": "m", "task": "regression", "columns": {"emb": "vector"}})
    assert bare.columns[0] == Column("emb", Kind.VECTOR)
    for wrong in ("vector[0]", "vector[99999999]", "vector[a]", "number[3]", "vector[999999]"):
        with pytest.raises(ConfigError, match="emb"):
            ModelSpec.from_dict({"name": "m", "task": "regression", "columns": {"emb": wrong}})
    frames = [
        pl.DataFrame({"x": np.arange(50.0), "emb": GOOD, "prediction": np.ones(50)}),
        pd.DataFrame({"x": np.arange(50.0), "emb": list(GOOD), "prediction": np.ones(50)}),
        pd.DataFrame({"x": np.arange(50.0), "emb": GOOD.tolist(), "prediction": np.ones(50)}),
    ]
    for frame in frames:
        assert ModelSpec.infer("m", frame, task="regression").columns == SPEC.columns
    ragged = pl.DataFrame({"emb": [[1.0], [1.0, 2.0]], "prediction": [1.0, 1.0]})
    assert ModelSpec.infer("m", ragged, task="regression").columns == ()


def test_from_the_client_to_window_and_lake() -> None:
    """Logged one by one and as a table, profiled with a sample, and read back."""
    with memory_watch(AT + timedelta(days=1)) as (embedded, _):
        reference = pl.DataFrame(
            {"x": np.arange(50.0), "emb": GOOD, "prediction": np.ones(50), "at": [AT] * 50}
        )
        model = embedded.register(SPEC, reference)
        model.log({"x": 1.0, "emb": [1.0, 2.0, 3.0]}, prediction=1.0, id="one", at=AT)
        model.log_table(table(pl.Series(GOOD)))
        model.flush()
        embedded.watch.settle()
        page = embedded.watch.queries.predictions("m", id="one")
        assert page["rows"][0][page["columns"].index("emb")] == [1.0, 2.0, 3.0]
        with embedded.watch.ledger.read() as books:
            known = books.models.get("m")
            start = int(AT.timestamp()) * 10**6
            kept = books.profiles.load(list(books.models.slices(known.id).values()), "1d", start, start + 1)
            profile = kept[0].profile
        assert profile.vectors is not None
        assert profile.vectors.count.tolist() == [51]
        np.testing.assert_allclose(
            profile.vectors.total, GOOD.astype(np.float64).sum(axis=0) + np.array([1, 2, 3])
        )
        assert profile.sample is not None
        assert profile.sample.vectors.shape == (51, 3)


def test_lakes_on_disk_keep_vectors(tmp_path: Path) -> None:
    """Delta tables hold them as arrays of float, also where a number was declared before."""
    at = pl.Series([AT], dtype=pl.Datetime("us", "UTC"))
    keys = {"_id": ["a"], "_at": at, "_seq": [1], "_row": [0]}
    lake = DeltaLake(tmp_path)
    vector = pl.Series([[1.0, 2.0]], dtype=pl.List(pl.Float32))
    lake.append("m", EventKind.PREDICTIONS, pl.DataFrame({**keys, "emb": vector, "x": [1.0]}), upto=1)
    swapped = pl.DataFrame({**keys, "_seq": [2], "_id": ["b"], "emb": [7.0], "x": vector})
    lake.append("m", EventKind.PREDICTIONS, swapped, upto=2)
    for opened in (lake, DeltaLake(tmp_path)):
        rows = opened.scan_predictions("m", None, None).sort("_seq")
        assert rows["emb"].to_list() == [[1.0, 2.0], None]
        assert rows["emb (number)"].to_list() == [None, 7.0]
        assert rows["x"].to_list() == [1.0, None]
        assert rows["x (vector)"].to_list() == [None, [1.0, 2.0]]
