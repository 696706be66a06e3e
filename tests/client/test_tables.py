from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import anchorwatch.client as aw
from anchorwatch.client import tables
from anchorwatch.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    Connect = Callable[..., aw.Watching]

FRAME = pl.DataFrame({"id": ["a", "b", "c"], "n": [1.0, None, 3.0], "carrier": ["UA", "é", None]})


def received(server: Any) -> pl.DataFrame:
    """All Arrow bodies, in order."""
    return pl.concat(pl.read_ipc_stream(io.BytesIO(request[3])) for request in server.requests)


@pytest.mark.parametrize(
    "table",
    [
        FRAME,
        FRAME.to_arrow(),
        pd.DataFrame(FRAME.to_dict(as_series=False)),
        duckdb.sql("select 'a' as id, 1.0 as n"),
    ],
    ids=["polars", "pyarrow", "pandas", "duckdb"],
)
def test_tables_of_every_library_arrive(table: Any, server: Any, connect: Connect) -> None:
    """Anything with the Arrow stream interface is sent as it is."""
    connect().model("m").log_table(table)
    assert received(server)["id"].to_list() == (
        ["a"] if "Relation" in type(table).__name__ else ["a", "b", "c"]
    )
    assert server.requests[0][2]["Content-Type"] == "application/vnd.apache.arrow.stream"


def test_without_polars_pyarrow_serves(
    server: Any, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of both is enough; with neither, the error says what to install."""
    monkeypatch.setitem(sys.modules, "polars", None)
    connect().model("m").outcomes_table(FRAME.to_arrow())
    monkeypatch.undo()
    assert received(server).equals(FRAME)
    monkeypatch.setitem(sys.modules, "polars", None)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(InputError, match="install 'polars'"):
        connect().model("m").log_table(FRAME)


def test_long_tables_go_in_slices_with_one_receipt(
    server: Any, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keys are stable over slices and repeats, and rejected rows are numbered through the table."""
    monkeypatch.setattr(tables, "SLICE_ROWS", 2)
    watch = connect()
    answers = [
        {"accepted": 1, "rejected": [{"row": 1, "column": "n", "reason": "odd"}], "rejected_count": 1},
        {"accepted": 0, "rejected": [{"row": 0, "column": "n", "reason": "odd"}], "rejected_count": 1},
    ]
    keys = []

    def send(batch: aw.Outgoing) -> dict[str, Any]:
        keys.append((batch.key, batch.rows))
        return answers[len(keys) - 1]

    monkeypatch.setattr(watch._transport, "send", send)
    receipt = watch.model("m").log_table(FRAME, batch="night")
    assert keys == [("night-0", 2), ("night-1", 1)]
    assert (receipt.batch, receipt.accepted, receipt.rejected_count) == ("night", 1, 2)
    assert [rejection.row for rejection in receipt.rejected] == [1, 2]


def test_tables_are_tried_again_and_then_raise(server: Any, connect: Connect) -> None:
    """Batch work hears of its failure: at once when refused, after some tries when the server is away."""
    model = connect().model("m")
    server.faults.extend([(503, {}), "cut"])
    model.log_table(FRAME)
    assert len(set(server.attempts)) == 1
    server.faults.append((422, {}))
    with pytest.raises(aw.Refused, match="told to fail"):
        model.log_table(FRAME)
    server.always = (503, {})
    with pytest.raises(aw.TransportDown):
        model.log_table(FRAME)


def test_what_is_no_table_is_an_input_error(connect: Connect) -> None:
    """A dict of lists is refused with the remedy; an empty table is nothing to send."""
    model = connect().model("m")
    with pytest.raises(InputError, match="Arrow"):
        model.log_table({"id": ["a"]})
    assert model.log_table(pl.DataFrame({"id": []})).accepted == 0
    assert pa.table(FRAME).num_rows == 3
