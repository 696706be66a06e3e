"""Questions to the lake, asked the same way of Delta tables and of memory. Pure, but for what `Rows` reads."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Final, Protocol

import polars as pl

from anchorwatch.core.errors import InputError, UnknownError
from anchorwatch.core.ports import FILTERS, RowFilter, RowPage, RowQuery
from anchorwatch.core.registry import unknown
from anchorwatch.core.schema import label_text
from anchorwatch.core.times import from_micros, micros

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

TIME: Final = pl.Datetime("us", "UTC")
KEYS: Final[dict[str, pl.DataType]] = {
    "_id": pl.String(),
    "_at": TIME,
    "_seq": pl.Int64(),
    "_row": pl.Int32(),
}
"""Columns every table has."""

_NEWEST: Final = ["_at", "_seq", "_row"]
_SLACK: Final = timedelta(days=1)  # clocks differ: an outcome may seem to come before its prediction
_DAY: Final = timedelta(days=1)
_MOST_DAYS: Final = 64
_BUDGET: Final = 50_000_000
_TOKEN: Final = re.compile(r"(-?\d{1,17})~(-?\d{1,19})~(-?\d{1,10})")


class Rows(Protocol):
    """One table of one model, as it was at one moment."""

    @property
    def schema(self) -> dict[str, pl.DataType]:
        """Its columns."""
        ...

    def days(self) -> list[tuple[date, int]]:
        """Days that have rows, and how many, newest first."""
        ...

    def scan(self, start: datetime | None, end: datetime | None) -> pl.LazyFrame:
        """Rows with `start` <= `_at` < `end`."""
        ...


@dataclass(frozen=True, slots=True)
class Span:
    """A range of event time, and how long after it outcomes may come (`None`: any time)."""

    start: datetime | None
    end: datetime | None
    horizon: timedelta | None = None

    @property
    def outcomes(self) -> tuple[datetime | None, datetime | None]:
        """When outcomes of its predictions may have come."""
        last = None if self.end is None or self.horizon is None else _later(self.end, self.horizon + _SLACK)
        return None if self.start is None else _later(self.start, -_SLACK), last


def _later(at: datetime, span: timedelta) -> datetime:
    """`at + span`, held within what a calendar can say."""
    low, high = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    return low if span < low - at else high if span > high - at else at + span


def selected(rows: Rows, span: Span, columns: Sequence[str] | None) -> pl.LazyFrame:
    """The columns asked for, of a range of time. Raises `UnknownError` at a name no row ever had."""
    lazy, schema = rows.scan(span.start, span.end), rows.schema
    if columns is None:
        return lazy
    for name in columns:
        if name not in schema and not _bare(schema):
            raise UnknownError(unknown("column", name, schema))
    return lazy.select(pl.col(name) if name in schema else pl.lit(None).alias(name) for name in columns)


def joined(predictions: Rows, outcomes: Rows, span: Span, columns: Sequence[str] | None) -> pl.DataFrame:
    """Predictions of `span` in order of arrival, each with its latest outcome as `_outcome`."""
    wanted = None if columns is None else [*dict.fromkeys([*KEYS, *columns])]
    frame = selected(predictions, span, wanted).collect().sort("_seq", "_row")
    answered = with_outcomes(frame, outcomes, span, predictions.schema.get("_prediction", pl.String()))
    return answered if columns is None else answered.select([*columns, "_outcome"])


def with_outcomes(frame: pl.DataFrame, outcomes: Rows, span: Span, kind: pl.DataType) -> pl.DataFrame:
    """`frame` with the latest outcome of each row; null, of type `kind` at first, where there is none."""
    if frame.is_empty() or "_outcome" not in outcomes.schema:
        return frame.with_columns(pl.lit(None, outcomes.schema.get("_outcome", kind)).alias("_outcome"))
    ids = frame.select(pl.col("_id").unique())
    latest = (
        outcomes.scan(*span.outcomes)
        .select("_id", "_outcome", "_seq", "_row")
        .join(ids.lazy(), on="_id", how="semi")
        .collect()
        .sort("_seq", "_row")
        .unique("_id", keep="last")
    )
    return frame.join(latest.select("_id", "_outcome"), on="_id", how="left", maintain_order="left")


def explore(predictions: Rows, outcomes: Rows, query: RowQuery) -> RowPage:
    """A page of predictions, newest first. Reads a few days at a time and stops when the page is full.

    Raises `UnknownError` or `InputError` at a filter that cannot be.
    """
    schema = predictions.schema | {"_outcome": _outcome_kind(predictions, outcomes)}
    condition = pl.all_horizontal(pl.lit(value=True), *_conditions(query, schema))
    late = any(item.column == "_outcome" for item in query.filters)
    page = pl.DataFrame(schema=schema)
    read = 0
    for span, count in _spans(predictions, query):
        if read > _BUDGET and span.end is not None:
            return RowPage(page, f"{micros(span.end)}~-1~-1")
        read += count
        need = query.limit + 1 - page.height
        if late:
            rows = predictions.scan(span.start, span.end).collect()
            rows = with_outcomes(rows, outcomes, span, schema["_outcome"]).filter(condition)
            found = rows.sort(_NEWEST, descending=True).head(need)
        else:
            found = _newest(predictions.scan(span.start, span.end).filter(condition), need)
            found = with_outcomes(found, outcomes, _around(found, query.horizon), schema["_outcome"])
        page = pl.concat([page, found.select(page.columns)])
        if page.height > query.limit:
            page = page.head(query.limit)
            return RowPage(page, _token(page))
    return RowPage(page, None)


def _newest(lazy: pl.LazyFrame, need: int) -> pl.DataFrame:
    """The newest rows. Looks at their times first, so that other columns are read of few rows only."""
    top = lazy.select(_NEWEST).top_k(need, by=_NEWEST).collect()
    if top.is_empty():
        return lazy.head(0).collect()
    oldest = top["_at"].min()
    return lazy.filter(pl.col("_at") >= oldest).collect().sort(_NEWEST, descending=True).head(need)


def _around(frame: pl.DataFrame, horizon: timedelta | None) -> Span:
    if frame.is_empty():
        return Span(None, None)
    first, last = frame["_at"].min(), frame["_at"].max()
    return Span(first, last, horizon)  # type: ignore[arg-type]


def _spans(rows: Rows, query: RowQuery) -> Iterator[tuple[Span, int]]:
    """Stretches of days that have rows, and how many, newest first: one day, then two, four …."""
    position = _position(query.after)
    until = _least(query.end, None if position is None else from_micros(position[0] + 1))
    days = [
        (day, count)
        for day, count in rows.days()
        if (until is None or _midnight(day) < until)
        and (query.start is None or _later(_midnight(day), _DAY) > query.start)
    ]
    place, width = 0, 1
    while place < len(days):
        some = days[place : place + width]
        end = _least(until, _later(_midnight(some[0][0]), _DAY))
        start = _midnight(some[-1][0])
        start = start if query.start is None else max(start, query.start)
        yield Span(start, end, query.horizon), sum(count for _, count in some)
        place, width = place + width, min(width * 2, _MOST_DAYS)


def _least(*times: datetime | None) -> datetime | None:
    return min((at for at in times if at is not None), default=None)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _token(page: pl.DataFrame) -> str:
    at, seq, row = page.select(_NEWEST).row(-1)
    return f"{micros(at)}~{seq}~{row}"


def _position(token: str | None) -> tuple[int, int, int] | None:
    if token is None:
        return None
    found = _TOKEN.fullmatch(token)
    if found is None:
        raise InputError(f"{token!r} is no token of a page; leave `after` out to begin anew", column="after")
    return int(found[1]), int(found[2]), int(found[3])


def _outcome_kind(predictions: Rows, outcomes: Rows) -> pl.DataType:
    return outcomes.schema.get("_outcome") or predictions.schema.get("_prediction") or pl.String()


def _bare(schema: dict[str, pl.DataType]) -> bool:
    """Whether the table is not there yet: it knows no columns that one could be wrong about."""
    return schema.keys() <= KEYS.keys() | {"_outcome"}


def _conditions(query: RowQuery, schema: dict[str, pl.DataType]) -> Iterator[pl.Expr]:
    given = list(query.filters)
    if query.version is not None:
        given.append(RowFilter("_version", "=", query.version))
    if query.id is not None:
        given.append(RowFilter("_id", "=", query.id))
    if not _bare(schema):
        yield from (condition(item, schema) for item in given)
    position = _position(query.after)
    if position is not None:
        at, seq, row = pl.lit(from_micros(position[0]), TIME), position[1], position[2]
        same, earlier = pl.col("_at") == at, pl.col("_seq") < seq
        yield (pl.col("_at") < at) | (same & (earlier | ((pl.col("_seq") == seq) & (pl.col("_row") < row))))


def condition(item: RowFilter, schema: dict[str, pl.DataType]) -> pl.Expr:
    """A filter as Polars has it. Raises `UnknownError` or `InputError`, naming the column.

    >>> str(condition(RowFilter("age", ">", "30"), {"age": pl.Float64()}))
    '[(col("age")) > (30.0)]'
    """
    if item.column not in schema:
        raise UnknownError(unknown("column", item.column, schema))
    if item.op not in FILTERS:
        raise InputError(f"{item.op!r} is no comparison; take one of {' '.join(FILTERS)}", column=item.column)
    column, kind = pl.col(item.column), schema[item.column]
    if item.op == "contains":
        return column.cast(pl.String).str.contains(label_text(item.value), literal=True)
    if item.value is None:
        if item.op not in {"=", "!="}:
            raise InputError(f"{item.op} needs a value to compare with", column=item.column)
        return column.is_null() if item.op == "=" else column.is_not_null()
    value = pl.lit(_value(item, kind), kind)
    return {
        "=": column.eq,
        "!=": column.ne_missing,
        "<": column.lt,
        "<=": column.le,
        ">": column.gt,
        ">=": column.ge,
    }[item.op](value)


def _value(item: RowFilter, kind: pl.DataType) -> Any:
    """What is compared with, in the column's own type."""
    if kind == pl.String:
        return label_text(item.value)
    try:
        if kind == TIME:
            at = item.value if isinstance(item.value, datetime) else datetime.fromisoformat(str(item.value))
            return at if at.tzinfo else at.replace(tzinfo=UTC)
        return int(item.value) if kind.is_integer() else float(item.value)
    except (TypeError, ValueError, OverflowError):
        what = "a moment such as 2013-07-01T12:00:00Z" if kind == TIME else "a number"
        raise InputError(
            f"{item.column} is compared with {what}, not {item.value!r}", column=item.column
        ) from None
