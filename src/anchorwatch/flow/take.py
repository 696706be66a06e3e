"""From bytes or tables to canonical frames: the one door for events.

Each `take_…` answers with a `Batch`: rows in canonical form, and for those that could not be taken the row,
the column and the reason. Good rows of a bad batch are kept, or the whole is refused, as the terms say.

Canonical columns of predictions are `_id`, `_at`, `_version`, `_prediction`, then `_score` (binary) or one
`_score:<label>` each (multiclass), `_latency`, `_error` and the inputs in the spec's order; those of outcomes
are `_id`, `_at` and `_outcome`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any

import orjson
import polars as pl

from anchorwatch.core.errors import InputError, TooLargeError
from anchorwatch.core.types import EventKind, OnError, Rejection
from anchorwatch.flow.take_arrow import read_arrow
from anchorwatch.flow.take_batch import (
    KEPT_REJECTIONS,
    Batch,
    Limits,
    RefusedError,
    Terms,
    frame_of,
    payload,
)
from anchorwatch.flow.take_cells import Fault, flag
from anchorwatch.flow.take_rows import outcome_rows, prediction_rows, reference_rows
from anchorwatch.flow.take_sheet import Sheet, check_size, sheet_of_events, sheet_of_table, table_of
from anchorwatch.profile.refused import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anchorwatch.core.schema import ModelSpec

__all__ = [
    "Batch",
    "Limits",
    "RefusedError",
    "Terms",
    "frame_of",
    "payload",
    "take_arrow",
    "take_events",
    "take_json",
    "take_ndjson",
    "take_reference",
    "take_table",
]

BOM = b"\xef\xbb\xbf"

PIECE = 2 * 2**20
"""Bytes of NDJSON that are held as Python objects at a time."""


def take_json(spec: ModelSpec, kind: EventKind, body: bytes, terms: Terms) -> Batch:
    """Take one JSON document: an event, a list of events, or `{"events": […]}`.

    Raises `InputError` when it is no JSON, `TooLargeError` beyond the limits, `RefusedError` when there are
    bad rows and the terms say to refuse them.
    """
    limits = terms.limits
    if len(body) > limits.document:
        raise TooLargeError(
            f"a JSON document of {len(body):,} bytes; at most {limits.document:,} are taken "
            "(NDJSON and Arrow may have more)"
        )
    if body.count(b"{") + body.count(b"[") > 4 * limits.rows + 1000:
        raise TooLargeError(f"the JSON document holds more objects than {limits.rows:,} events have")
    try:
        given = orjson.loads(body.removeprefix(BOM))
    except orjson.JSONDecodeError as problem:
        raise InputError(f"the body is no JSON: {problem}") from problem
    if isinstance(given, dict) and "events" in given:
        if len(given) > 1 or not isinstance(given["events"], list):
            raise InputError('write {"events": [event, …]} with nothing beside the list')
        given = given["events"]
    return take_events(spec, kind, given if isinstance(given, list) else [given], terms, longest=len(body))


def take_events(
    spec: ModelSpec, kind: EventKind, events: list[Any], terms: Terms, *, longest: int = 2**62
) -> Batch:
    """Take events as JSON gives them: dicts of lists, texts and numbers; no text has over `longest` bytes."""
    check_size(spec, len(events), terms.limits)
    if not events:
        raise InputError("there is no event in the batch; send at least one")
    return _batch(spec, kind, [_part(spec, kind, sheet_of_events(spec, kind, events, longest), terms)], terms)


def take_ndjson(spec: ModelSpec, kind: EventKind, body: bytes, terms: Terms) -> Batch:
    """Take one event per line; a line that is no JSON is a bad row, a blank one is passed over."""
    check_size(spec, body.count(b"\n") + (not body.endswith(b"\n")), terms.limits)
    parts = [_lines(spec, kind, piece, terms) for piece in _pieces(body.removeprefix(BOM))]
    if not parts:
        raise InputError("there is no event in the batch; send at least one")
    return _batch(spec, kind, parts, terms)


def take_arrow(spec: ModelSpec, kind: EventKind, body: bytes, terms: Terms) -> Batch:
    """Take an Arrow IPC stream of a flat table with the column names of `spec.fields`."""
    return take_table(spec, kind, read_arrow(body, terms.limits), terms)


def take_table(spec: ModelSpec, kind: EventKind, table: Any, terms: Terms) -> Batch:
    """Take a flat table: a Polars frame, or anything with `__arrow_c_stream__`.

    >>> from datetime import UTC, datetime
    >>> from anchorwatch.core.schema import Column, Kind, ModelSpec, Task
    >>> spec = ModelSpec(name="fares", task=Task.REGRESSION, columns=(Column("miles", Kind.NUMBER),))
    >>> at = datetime(2013, 7, 1, tzinfo=UTC)
    >>> table = pl.DataFrame({"id": ["a", "b"], "at": [at, at], "prediction": [9.5, None], "miles": [3, 4]})
    >>> batch = take_table(spec, EventKind.PREDICTIONS, table, Terms(id="1", now=at))
    >>> batch.frame["miles"].to_list(), batch.rejections[0].reason
    ([3.0], 'is needed, or a score or an error')
    """
    frame = table_of(table)
    if frame.width > terms.limits.columns:
        raise TooLargeError(f"{frame.width:,} columns; at most {terms.limits.columns:,} are taken")
    check_size(spec, frame.height, terms.limits)
    return _batch(spec, kind, [_part(spec, kind, sheet_of_table(spec, kind, frame), terms)], terms)


def take_reference(spec: ModelSpec, table: Any, limits: Limits | None = None) -> pl.DataFrame:
    """A reference in canonical form: what the table has of the canonical columns, `_outcome` too, and inputs.

    Columns that the model does not know are left out. Raises `RefusedError` when any cell cannot be taken.
    """
    bounds = limits or Limits(rows=2**40, cells=2**40)
    frame = table_of(table)
    check_size(spec, frame.height, bounds)
    rows, faults = reference_rows(spec, frame, bounds)
    if faults:
        bad = _any(faults)
        raise RefusedError(_rejections(faults, bad), int(bad.sum()))
    return rows


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """A piece of a batch: its good rows, and the others."""

    frame: pl.DataFrame
    rows: int
    rejections: tuple[Rejection, ...] = ()
    rejected: int = 0
    refused: Refused = field(default_factory=Refused)


def _part(spec: ModelSpec, kind: EventKind, sheet: Sheet, terms: Terms) -> _Part:
    rows = outcome_rows if kind is EventKind.OUTCOMES else prediction_rows
    frame, faults = rows(spec, sheet, terms)
    if not faults:
        return _Part(frame, frame.height)
    bad = _any(faults)
    told = _rejections(faults, bad)
    return _Part(frame.filter(~bad), frame.height, told, int(bad.sum()), _refused(faults, bad))


def _any(faults: list[Fault]) -> pl.Series:
    return reduce(or_, (fault.bad.fill_null(False) for fault in faults))


def _rejections(faults: list[Fault], bad: pl.Series) -> tuple[Rejection, ...]:
    """One for each of the first bad rows: the first fault that the row has."""
    kept = []
    for row in bad.arg_true().head(KEPT_REJECTIONS).to_list():
        fault = next(fault for fault in faults if fault.bad[row])
        kept.append(Rejection(row, *fault.tell(row)))
    return tuple(kept)


def _refused(faults: list[Fault], bad: pl.Series) -> Refused:
    """How many rows each column is to blame for first; of very many rows the first ones speak for all."""
    columns: dict[str, int] = {}
    left = bad
    for fault in faults:
        rows = (left & fault.bad.fill_null(False)).arg_true()
        names = [fault.tell(row)[0] for row in rows.head(KEPT_REJECTIONS).to_list()]
        for name in names:
            columns[name] = columns.get(name, 0) + 1
        if names:
            columns[names[0]] += len(rows) - len(names)
        left = left & ~fault.bad.fill_null(False)
    return Refused.of(columns)


def _batch(spec: ModelSpec, kind: EventKind, parts: list[_Part], terms: Terms) -> Batch:
    """Put the pieces together, drop repeated ids, and refuse the whole where the terms say so."""
    rejections: list[Rejection] = []
    begun = 0
    for part in parts:
        rejections += [replace(item, row=item.row + begun) for item in part.rejections]
        begun += part.rows
    kept = tuple(rejections[:KEPT_REJECTIONS])
    count = sum(part.rejected for part in parts)
    if count and terms.on_error is OnError.REFUSE:
        raise RefusedError(kept, count)
    frame = parts[0].frame if len(parts) == 1 else pl.concat([part.frame for part in parts])
    alone = _without_repeats(frame, kind)
    return Batch(
        id=terms.id,
        model=spec.name,
        kind=kind,
        frame=alone,
        rejections=kept,
        rejected_count=count,
        duplicates=frame.height - alone.height,
        refused=Refused.sum([part.refused for part in parts]),
    )


def _without_repeats(frame: pl.DataFrame, kind: EventKind) -> pl.DataFrame:
    """Of predictions with one id the first is kept, of outcomes the last, which corrects the others."""
    if frame.height < 2 or frame["_id"].n_unique() == frame.height:
        return frame
    return frame.unique("_id", keep="last" if kind is EventKind.OUTCOMES else "first", maintain_order=True)


# lines of JSON ---------------------------------------------------------------------------------------------


def _pieces(body: bytes) -> Iterator[bytes]:
    """The body cut at line feeds into pieces of about `PIECE` bytes."""
    start = 0
    while start < len(body):
        end = len(body) if len(body) - start <= PIECE else body.find(b"\n", start + PIECE) + 1 or len(body)
        if piece := body[start:end].strip():
            yield piece
        start = end


def _lines(spec: ModelSpec, kind: EventKind, piece: bytes, terms: Terms) -> _Part:
    """All lines at once as one JSON list; line by line when that fails."""
    count = piece.count(b"\n") + 1
    try:
        events = orjson.loads(b"[" + piece.replace(b"\n", b",") + b"]")
    except orjson.JSONDecodeError:
        events = []
    if len(events) == count:
        return _part(spec, kind, sheet_of_events(spec, kind, events, len(piece)), terms)
    return _lines_one_by_one(spec, kind, piece, terms)


def _lines_one_by_one(spec: ModelSpec, kind: EventKind, piece: bytes, terms: Terms) -> _Part:
    lines = [line for line in piece.split(b"\n") if line and not line.isspace()]
    events = [_event(line, terms.limits) for line in lines]
    failed = pl.Series([isinstance(event, _NoEvent) for event in events], dtype=pl.Boolean)
    fault = flag("", failed, lambda row: events[row].reason)
    rows = [{} if isinstance(event, _NoEvent) else event for event in events]
    sheet = sheet_of_events(spec, kind, rows, len(piece))
    return _part(spec, kind, replace(sheet, faults=(*fault, *sheet.faults)), terms)


@dataclass(frozen=True, slots=True)
class _NoEvent:
    reason: str


def _event(line: bytes, limits: Limits) -> Any:
    if len(line) > limits.document:
        return _NoEvent(f"a line of {len(line):,} bytes; at most {limits.document:,} are taken")
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError as problem:
        return _NoEvent(f"the line is no JSON: {problem}"[:200])
