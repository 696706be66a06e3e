"""Tables of any library, sent as Arrow streams. Needs Polars or PyArrow, imported when a table is sent."""

from __future__ import annotations

import io
import os
import random
import time
from typing import TYPE_CHECKING, Any

from anchorwatch.client.sender import backoff
from anchorwatch.client.transport import ARROW, Outgoing, TransportDown
from anchorwatch.core.errors import InputError
from anchorwatch.core.types import EventKind, OnError, Receipt, Rejection

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from anchorwatch.client.sender import Sender

SLICE_ROWS = 100_000
ATTEMPTS = 6
_SHOWN = 100


def send_table(sender: Sender, model: str, kind: EventKind, table: Any, batch: str | None) -> Receipt:
    """Send `table` slice by slice, each until the watch has it; raises `Refused` or `TransportDown`."""
    name = batch or os.urandom(16).hex()
    receipts = []
    starts = []
    start = 0
    for number, (rows, body) in enumerate(slices(table, SLICE_ROWS)):
        outgoing = Outgoing(
            model=model,
            kind=kind,
            key=f"{name}-{number}",
            body=body,
            rows=rows,
            content_type=ARROW,
            on_error=OnError(sender.options.on_error),
        )
        receipts.append(_deliver(sender, outgoing))
        starts.append(start)
        start += rows
    return _sum(name, starts, receipts)


def slices(table: Any, most: int) -> Iterator[tuple[int, bytes]]:
    """Arrow IPC streams of at most so many rows each; nothing for a table without rows."""
    if not hasattr(table, "__arrow_c_stream__"):
        raise InputError(
            f"a table with the Arrow C stream interface is needed, such as one of pandas, Polars, PyArrow "
            f"or DuckDB; a {type(table).__name__} was given"
        )
    try:
        import polars as pl  # noqa: F401, PLC0415 - 50 ms that only tables cost
    except ImportError:
        return _slices_pyarrow(table, most)
    return _slices_polars(table, most)


def stream(table: Any) -> bytes:
    """The whole table as one Arrow IPC stream."""
    found = [body for _, body in slices(table, 1 << 62)]
    if not found:
        raise InputError("the table has no rows")
    return found[0]


def _slices_polars(table: Any, most: int) -> Iterator[tuple[int, bytes]]:
    import polars as pl  # noqa: PLC0415 - as above

    frame = table if isinstance(table, pl.DataFrame) else pl.DataFrame(table)
    for piece in frame.iter_slices(min(most, max(1, frame.height))):
        if piece.height:
            file = io.BytesIO()
            piece.write_ipc_stream(file, compression="lz4")
            yield piece.height, file.getvalue()


def _slices_pyarrow(table: Any, most: int) -> Iterator[tuple[int, bytes]]:
    try:
        import pyarrow as pa  # type: ignore[import-untyped]  # noqa: PLC0415 - as above
    except ImportError:
        raise InputError("to send tables, install 'polars' (or 'pyarrow') beside anchorwatch") from None
    whole = pa.table(table)
    for start in range(0, whole.num_rows, most):
        piece = whole.slice(start, most)
        file = io.BytesIO()
        with pa.ipc.new_stream(
            file, piece.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")
        ) as writer:
            writer.write_table(piece)
        yield piece.num_rows, file.getvalue()


def _deliver(sender: Sender, batch: Outgoing) -> Mapping[str, Any]:
    """Try several times, under one key; raises what the last try raised."""
    chance = random.Random(sender.options.seed)  # noqa: S311 - jitter, no secret
    for failures in range(ATTEMPTS - 1):
        try:
            return sender.transport.send(batch)
        except TransportDown as problem:
            time.sleep(backoff(failures, sender.options, chance, problem.retry_after))
    return sender.transport.send(batch)


def _sum(name: str, starts: list[int], receipts: list[Mapping[str, Any]]) -> Receipt:
    """One receipt for all slices, with rows counted through the whole table."""
    rejected = tuple(
        Rejection(start + int(item["row"]), str(item["column"]), str(item["reason"]))
        for start, receipt in zip(starts, receipts, strict=True)
        for item in receipt.get("rejected") or ()
    )
    return Receipt(
        batch=name,
        accepted=sum(int(receipt["accepted"]) for receipt in receipts),
        rejected=rejected[:_SHOWN],
        rejected_count=sum(int(receipt.get("rejected_count") or 0) for receipt in receipts),
        duplicate=bool(receipts) and all(bool(receipt.get("duplicate")) for receipt in receipts),
    )
