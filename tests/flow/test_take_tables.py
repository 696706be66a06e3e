from __future__ import annotations

import io
import math
import random
import struct
from datetime import UTC, date, datetime
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anchorwatch.core.errors import InputError, TooLargeError
from anchorwatch.core.schema import Column, Fields, Kind, ModelSpec, Task
from anchorwatch.core.types import EventKind, OnError
from anchorwatch.flow.take import (
    Limits,
    RefusedError,
    Terms,
    payload,
    take_arrow,
    take_events,
    take_reference,
    take_table,
)

NOW = datetime(2013, 6, 1, tzinfo=UTC)
AT = datetime(2013, 1, 1, 5, 15, tzinfo=UTC)
TERMS = Terms(id="b1", now=NOW)
P, O = EventKind.PREDICTIONS, EventKind.OUTCOMES  # noqa: E741 - as the wire says it
COLUMNS = (Column("x", Kind.NUMBER), Column("c", Kind.CATEGORY))
BINARY = ModelSpec(name="late", task=Task.BINARY, columns=COLUMNS, labels=("0", "1"))
MULTICLASS = ModelSpec(name="kind", task=Task.MULTICLASS, columns=COLUMNS, labels=("a", "b"))
TABLE = pl.DataFrame(
    {
        "id": ["a", "b"],
        "at": [AT, AT],
        "prediction": [1, 0],
        "score": [0.9, 0.2],
        "x": [1.0, None],
        "c": ["UA", None],
    }
)


def stream(frame: pl.DataFrame, **options: Any) -> bytes:
    """The frame as an Arrow IPC stream."""
    out = io.BytesIO()
    frame.write_ipc_stream(out, **options)
    return out.getvalue()


@pytest.mark.parametrize(
    "table",
    [
        TABLE,
        TABLE.to_arrow(),
        TABLE.to_pandas(),
        TABLE.to_pandas().set_index(pd.Index(["u", "v"])),
        TABLE.rename({"id": "_id", "at": "_at", "prediction": "_prediction", "score": "_score"}),
    ],
    ids=["polars", "pyarrow", "pandas", "pandas-index", "canonical"],
)
def test_any_table_is_taken(table: Any) -> None:
    """Whatever has the Arrow C stream interface gives the same rows."""
    assert take_table(BINARY, P, table, TERMS).frame.equals(take_table(BINARY, P, TABLE, TERMS).frame)


def test_a_query_result_is_taken() -> None:
    """DuckDB hands its rows over as Arrow, too."""
    with duckdb.connect() as connection:
        connection.register("shown", TABLE.to_arrow())
        found = take_table(BINARY, P, connection.sql("SELECT * FROM shown ORDER BY id"), TERMS)
    assert found.frame.equals(take_table(BINARY, P, TABLE, TERMS).frame)


@pytest.mark.parametrize("compression", ["uncompressed", "lz4", "zstd"])
def test_streams_are_taken(compression: str) -> None:
    """Compressed buffers, too."""
    batch = take_arrow(BINARY, P, stream(TABLE, compression=compression), TERMS)
    assert batch.frame["_prediction"].to_list() == ["1", "0"]


@pytest.mark.parametrize(
    ("column", "values", "name", "wanted"),
    [
        ("x", pl.Series([1, 2], dtype=pl.Int8), "x", [1.0, 2.0]),
        ("x", pl.Series([math.nan, math.inf]), "x", [None, math.inf]),
        ("x", pl.Series([True, False]), "x", [1.0, 0.0]),
        ("x", pl.Series(["NaN", "-Infinity"]), "x", [None, -math.inf]),
        ("x", pl.Series([None, None]), "x", [None, None]),
        ("x", pl.Series(["1.5", "2.5"]).cast(pl.Decimal(10, 2)), "x", [1.5, 2.5]),
        ("c", pl.Series(["u", None], dtype=pl.Categorical), "c", ["u", None]),
        ("c", pl.Series(["u", "v"], dtype=pl.Enum(["u", "v"])), "c", ["u", "v"]),
        ("c", pl.Series([1, None]), "c", ["1", None]),
        ("c", pl.Series([1.0, 2.5]), "c", ["1", "2.5"]),
        ("c", pl.Series([math.nan, 1e21]), "c", [None, "1000000000000000000000"]),
        ("c", pl.Series([True, False]), "c", ["1", "0"]),
        ("prediction", pl.Series([1.0, 0.0]), "_prediction", ["1", "0"]),
        ("prediction", pl.Series([None, None], dtype=pl.Int64), "_prediction", ["1", "0"]),
        ("id", pl.Series([7, 8]), "_id", ["7", "8"]),
        (
            "at",
            pl.Series([0, 86_400]),
            "_at",
            [datetime(1970, 1, 1, tzinfo=UTC), datetime(1970, 1, 2, tzinfo=UTC)],
        ),
        ("at", pl.Series(["2013-01-01T00:00:00Z"] * 2), "_at", [datetime(2013, 1, 1, tzinfo=UTC)] * 2),
        ("at", pl.Series([AT, AT]).dt.cast_time_unit("ns"), "_at", [AT, AT]),
        ("at", pl.Series([AT, AT]).dt.cast_time_unit("ms"), "_at", [AT, AT]),
        ("at", pl.Series([AT, AT]).dt.convert_time_zone("America/New_York"), "_at", [AT, AT]),
    ],
)
def test_columns_of_other_types_are_read(
    column: str, values: pl.Series, name: str, wanted: list[Any]
) -> None:
    """What means the same is the same, whatever type a library chose."""
    batch = take_table(BINARY, P, TABLE.with_columns(values.alias(column)), TERMS)
    assert batch.rejections == ()
    assert batch.frame[name].to_list() == wanted


@pytest.mark.parametrize(
    ("column", "values", "reason"),
    [
        ("at", pl.Series([AT, AT]).dt.replace_time_zone(None), "without a zone"),
        ("at", pl.Series([date(2013, 1, 1)] * 2), "of type Date"),
        ("at", pl.Series([True, False]), "of type Boolean"),
        ("x", pl.Series([[1.0], [2.0]]), "of type List"),
        ("x", pl.Series([AT, AT]), "of type Datetime"),
        ("c", pl.Series([b"a", b"b"]), "of type Binary"),
        ("year", pl.Series([2013, 2013]), "no column is named 'year'"),
    ],
)
def test_a_column_that_does_not_fit_refuses_the_table(column: str, values: pl.Series, reason: str) -> None:
    """It is the same mistake in every row; the message names the column."""
    with pytest.raises(InputError, match=reason) as caught:
        take_table(BINARY, P, TABLE.with_columns(values.alias(column)), TERMS)
    assert caught.value.column == column


@pytest.mark.parametrize("column", ["id", "at"])
def test_needed_columns_are_named(column: str) -> None:
    """With those that the table has."""
    with pytest.raises(InputError, match=rf"column '{column}'.*the table has .*prediction"):
        take_table(BINARY, P, TABLE.drop(column), TERMS)
    with pytest.raises(InputError, match="column 'prediction'"):
        take_table(BINARY, P, TABLE.drop("prediction", "score"), TERMS)


@pytest.mark.parametrize(
    ("column", "values", "reason"),
    [
        ("x", pl.Series(["12", "NaN"]), "a number is needed, '12' was given"),
        ("c", pl.Series([math.inf, 1.0]), "infinity is no label"),
        ("at", pl.Series([datetime(1969, 1, 1, tzinfo=UTC), AT]), "is before 1970"),
        ("at", pl.Series([None, AT]), "is needed"),
        ("at", pl.Series([2**62, 0]).cast(pl.Datetime("us", "UTC")), "beyond any calendar"),
        ("at", pl.Series([2**62, 0]).cast(pl.Datetime("ms", "UTC")), "in the future"),
        ("at", pl.Series([1e300, 0.0]), "milliseconds"),
        ("id", pl.Series([None, "b"]), "is needed"),
        ("latency", pl.Series([-1.0, 0.0]), "0 or more"),
        ("error", pl.Series(["e" * 70_000, None]), "70,000 bytes"),
    ],
)
def test_a_cell_that_does_not_fit_rejects_its_row(column: str, values: pl.Series, reason: str) -> None:
    """The other rows are kept."""
    batch = take_table(BINARY, P, TABLE.with_columns(values.alias(column)), TERMS)
    assert batch.frame["_id"].to_list() == ["b"]
    (rejection,) = batch.rejections
    assert (rejection.row, rejection.column) == (0, column)
    assert reason in rejection.reason


def test_an_empty_table_is_an_empty_batch() -> None:
    """A nightly job without rows is no mistake."""
    batch = take_table(BINARY, P, TABLE.clear(), TERMS)
    assert batch.frame.height == 0
    assert batch.frame.columns[:2] == ["_id", "_at"]


def test_fields_name_the_columns() -> None:
    """Of users' tables; the scores of a multiclass model as well."""
    fields = Fields(id="key", time="when", scores=(("a", "p_a"), ("b", "p_b")))
    table = pl.DataFrame({"key": ["k"], "when": [AT], "p_a": [0.3], "p_b": [0.7], "x": [1], "c": ["u"]})
    frame = take_table(MULTICLASS.evolve(fields=fields), P, table, TERMS).frame
    assert frame.select("_id", "_prediction", "_score:a", "_score:b").row(0) == ("k", "b", 0.3, 0.7)
    named = table.rename({"key": "id", "when": "at", "p_a": "score:a", "p_b": "score:b"})
    assert take_table(MULTICLASS, P, named, TERMS).frame.equals(frame)


def test_an_input_named_like_a_field_is_the_input() -> None:
    """A credit score is no probability."""
    spec = ModelSpec(name="loans", task=Task.BINARY, columns=(Column("score", Kind.NUMBER),))
    frame = take_table(spec, P, TABLE.drop("x", "c").with_columns(score=pl.lit(700)), TERMS).frame
    assert (frame["score"].to_list(), frame["_score"].to_list()) == ([700.0, 700.0], [None, None])


def test_outcomes_may_stand_in_a_wider_table() -> None:
    """Columns that are no part of an outcome are passed over."""
    table = TABLE.with_columns(outcome=pl.Series([1, 0]), anything=pl.lit("?"))
    frame = take_table(BINARY, O, table, TERMS).frame
    assert frame.select("_id", "_outcome").rows() == [("a", "1"), ("b", "0")]


def test_a_reference_needs_inputs_alone() -> None:
    """Whatever else of an event it has, it keeps; columns unknown to the model it leaves out."""
    bare = take_reference(BINARY, pl.DataFrame({"x": [1, 2], "other": [3, 4]}))
    assert bare.columns == ["x", "c"]
    table = TABLE.with_columns(
        outcome=pl.Series([1, 0]), at=pl.Series([AT, datetime(2031, 1, 1, tzinfo=UTC)])
    )
    assert take_reference(BINARY, table).columns == ["_at", "_prediction", "_score", "_outcome", "x", "c"]


def test_a_reference_with_a_bad_cell_is_refused() -> None:
    """A reference is held against for months; it is no place for guesses."""
    with pytest.raises(RefusedError, match=r"1 of the rows.*row 1, x: a number is needed, 'no'"):
        take_reference(BINARY, pl.DataFrame({"x": ["NaN", "no"]}))


def test_no_table_at_all() -> None:
    """The message says what would do."""
    with pytest.raises(InputError, match="__arrow_c_stream__"):
        take_table(BINARY, P, {"id": [1]}, TERMS)
    with pytest.raises(InputError, match="cannot be read as Arrow"):
        take_table(BINARY, P, pd.DataFrame({"id": [object()]}), TERMS)


def test_a_bad_row_can_refuse_the_table() -> None:
    """By the caller's choice."""
    with pytest.raises(RefusedError, match="row 1, id"):
        take_table(
            BINARY,
            P,
            TABLE.with_columns(id=pl.Series(["a", ""])),
            Terms(id="b", now=NOW, on_error=OnError.REFUSE),
        )


@given(
    st.lists(
        st.tuples(
            st.floats(allow_nan=False) | st.none(), st.text(max_size=8) | st.none(), st.sampled_from([0, 1])
        ),
        min_size=1,
        max_size=50,
    )
)
def test_forms_agree(rows: list[tuple[float | None, str | None, int]]) -> None:
    """The same events make the same frame as JSON, as a table and as a stream."""
    special = {math.inf: "Infinity", -math.inf: "-Infinity"}
    events = [
        {
            "id": f"e{index}",
            "at": AT.isoformat(),
            "prediction": label,
            "features": {"x": special.get(x, x) if x is not None else None, "c": c},
        }
        for index, (x, c, label) in enumerate(rows)
    ]
    table = pl.DataFrame(
        {
            "id": [f"e{index}" for index in range(len(rows))],
            "at": [AT] * len(rows),
            "prediction": [label for _, _, label in rows],
            "x": pl.Series([x for x, _, _ in rows], dtype=pl.Float64),
            "c": pl.Series([c for _, c, _ in rows], dtype=pl.String),
        }
    )
    wanted = take_events(BINARY, P, events, TERMS).frame
    assert take_table(BINARY, P, table, TERMS).frame.equals(wanted)
    assert take_arrow(BINARY, P, stream(table), TERMS).frame.equals(wanted)
    assert take_arrow(BINARY, P, payload(wanted), TERMS).frame.equals(wanted)


# hostile streams -------------------------------------------------------------------------------------------


def test_no_stream_at_all() -> None:
    """Other bytes, a file instead of a stream, half a stream, nothing."""
    whole = stream(TABLE)
    file = io.BytesIO()
    TABLE.write_ipc(file)
    for body in (b"", b"x", b"{}" * 50, file.getvalue(), whole[:-200], whole[:40], b"\xff" * 200):
        with pytest.raises(InputError, match="Arrow IPC stream"):
            take_arrow(BINARY, P, body, TERMS)


def test_nested_columns_are_refused_by_name() -> None:
    """Before anything of them is read, however deep."""
    kind: pa.DataType = pa.int64()
    for _ in range(60):
        kind = pa.list_(kind)
    table = pa.table({"deep": pa.nulls(1, kind)})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    with pytest.raises(InputError, match="'deep' holds neither numbers nor texts nor times"):
        take_arrow(BINARY, P, sink.getvalue().to_pybytes(), TERMS)


def test_a_hundred_thousand_columns_are_refused() -> None:
    """By their number, which the schema tells."""
    table = pl.DataFrame({f"f{index}": [1.0] for index in range(100_000)})
    with pytest.raises(TooLargeError, match="100,000 columns; at most 10,000"):
        take_arrow(BINARY, P, stream(table), TERMS)


def test_rows_without_bytes_are_refused() -> None:
    """A column of nulls takes no space in a stream, and much when it is filled."""
    sink = pa.BufferOutputStream()
    schema = pa.schema([("x", pa.null())])
    with pa.ipc.new_stream(sink, schema) as writer:
        writer.write_batch(pa.record_batch([pa.nulls(2_000_000)], schema=schema))
    assert len(sink.getvalue()) < 1000
    with pytest.raises(TooLargeError, match="2,000,000 rows"):
        take_arrow(BINARY, P, sink.getvalue().to_pybytes(), TERMS)


def test_a_stream_that_decompresses_to_too_much_is_refused() -> None:
    """Its buffers say so before they are opened."""
    table = pl.DataFrame({"id": ["a" * 60_000] * 100})
    body = stream(table, compression="zstd")
    assert len(body) < 60_000
    with pytest.raises(TooLargeError, match="once decompressed"):
        take_arrow(BINARY, P, body, Terms(id="b", now=NOW, limits=Limits(bytes=1_000_000)))


def test_many_tiny_batches_are_refused() -> None:
    """A row each wastes everybody's time."""
    table = TABLE.to_arrow()
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        for _ in range(10_001):
            writer.write_batch(table.to_batches()[0].slice(0, 1))
    with pytest.raises(TooLargeError, match="record batches"):
        take_arrow(BINARY, P, sink.getvalue().to_pybytes(), TERMS)


def corrupted(body: bytes, chance: random.Random) -> bytes:
    """The body with some damage: bits, lengths, gaps, an early end."""
    bad = bytearray(body)
    for _ in range(chance.choice([1, 1, 2, 4, 16])):
        if not bad:
            break
        place = chance.randrange(len(bad))
        what = chance.random()
        if what < 0.6:
            bad[place] = chance.choice([0, 1, 127, 128, 255, chance.randrange(256)])
        elif what < 0.8:
            place -= place % 8
            bad[place : place + 8] = struct.pack("<q", chance.choice([2**63 - 1, -1, 2**31, 2**40, 4000]))
        elif what < 0.9:
            del bad[place : place + chance.randrange(1, 64)]
        else:
            del bad[place + 1 :]
    return bytes(bad)


@pytest.mark.parametrize("seed", range(6))
def test_damage_is_an_input_error_or_harmless(seed: int) -> None:
    """No damaged stream panics, aborts, hangs or eats memory: it is refused, or gives rows that can be kept."""
    chance = random.Random(seed)
    table = pl.concat([TABLE] * 20).with_columns(c=pl.lit("a text that is not inlined"))
    sink = pa.BufferOutputStream()
    coded = table.to_arrow().cast(
        pa.schema(
            {
                "id": pa.string(),
                "at": pa.timestamp("ms", "UTC"),
                "prediction": pa.int64(),
                "score": pa.float32(),
                "x": pa.float64(),
                "c": pa.string(),
            }.items()
        )
    )
    coded = coded.set_column(5, "c", coded["c"].dictionary_encode())
    with pa.ipc.new_stream(sink, coded.schema) as writer:
        writer.write_table(coded)
    seeds = [stream(table), stream(table, compression="zstd"), stream(table, compression="lz4")]
    seeds.append(sink.getvalue().to_pybytes())
    refused = 0
    for _ in range(500):
        body = corrupted(chance.choice(seeds), chance)
        try:
            payload(take_arrow(BINARY, P, body, TERMS).frame)
        except InputError:
            refused += 1
    assert refused > 250
