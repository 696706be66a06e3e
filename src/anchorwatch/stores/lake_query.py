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

FIRST: Final = datetime.min.replace(tzinfo=UTC)
LAST: Final = datetime.max.replace(tzinfo=UTC)
_NEWEST: Final = ["_at", "_seq", "_row"]
_SLACK: Final = timedelta(days=1)  # clocks differ: an outcome may seem to come before its prediction
_DAY: Final = timedelta(days=1)
_MOST_ROWS: Final = 4_000_000
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
    days: tuple[date, ...] = ()
    """Days, besides, on which outcomes of its predictions came."""

    @property
    def outcomes(self) -> tuple[datetime | None, datetime | None]:
        """When outcomes of its predictions may have come."""
        last = None if self.end is None or self.horizon is None else later(self.end, self.horizon + _SLACK)
        return None if self.start is None else later(self.start, -_SLACK), last


def later(at: datetime, span: timedelta) -> datetime:
    """`at + span`, held within what a calendar can say."""
    return FIRST if span < FIRST - at else LAST if span > LAST - at else at + span


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
    latest = latest_outcomes(frame.lazy(), outcomes, span)
    return frame.join(latest, on="_id", how="left", maintain_order="left")


def latest_outcomes(ids: pl.LazyFrame, outcomes: Rows, span: Span) -> pl.DataFrame:
    """The outcome that arrived last for each `_id` of `ids` that has one; never more rows in memory than those."""
    came = [outcomes.scan(*span.outcomes), *(outcomes.scan(*days) for days in _beside(span))]
    return _latest(ids, came).select("_id", "_outcome")


def outcomes_of(outcomes: Rows, ids: pl.Series) -> pl.DataFrame:
    """The outcome that arrived last, ever, for each of `ids` that has one, with its time."""
    if "_outcome" not in outcomes.schema:
        return pl.DataFrame(schema={"_id": pl.String(), "_outcome": pl.Null(), "_at": TIME})
    found = _latest(ids.to_frame("_id").lazy(), [outcomes.scan(None, None)])
    return found.select("_id", "_outcome", "_at")


def _latest(ids: pl.LazyFrame, came: Sequence[pl.LazyFrame]) -> pl.DataFrame:
    wanted = [lazy.select("_id", "_outcome", "_at", "_seq", "_row") for lazy in came]
    return (
        (wanted[0] if len(wanted) == 1 else pl.concat(wanted))
        .join(ids.select("_id"), on="_id", how="semi")
        .collect(engine="streaming")
        .sort("_seq", "_row")
        .unique("_id", keep="last")
    )


def _beside(span: Span) -> list[tuple[datetime, datetime]]:
    """The span's days as stretches, those that follow one another together."""
    stretches: list[tuple[datetime, datetime]] = []
    for day in sorted(set(span.days)):
        midnight = datetime.combine(day, time(), UTC)
        if stretches and stretches[-1][1] == midnight:
            stretches[-1] = (stretches[-1][0], later(midnight, _DAY))
        else:
            stretches.append((midnight, later(midnight, _DAY)))
    return stretches


def explore(predictions: Rows, outcomes: Rows, query: RowQuery) -> RowPage:
    """A page of predictions, newest first. Reads a few days at a time and stops when the page is full.

    Raises `UnknownError` or `InputError` at a filter that cannot be.
    """
    search = _Search(predictions, outcomes, query)
    page = pl.DataFrame(schema=search.schema)
    read = 0
    for start, end, count in _stretches(predictions, query):
        if page.height == query.limit:
            return RowPage(page, _token(page))
        if read > _BUDGET:
            return RowPage(page, f"{micros(end)}~-1~-1")
        found = search.newest(Span(start, end, query.horizon), query.limit + 1 - page.height)
        page = pl.concat([page, found.select(page.columns)])
        read += count
        if page.height > query.limit:
            page = page.head(query.limit)
            return RowPage(page, _token(page))
    return RowPage(page, None)


class _Search:
    """Finds rows that meet a query's conditions."""

    def __init__(self, predictions: Rows, outcomes: Rows, query: RowQuery) -> None:
        kind = outcomes.schema.get("_outcome") or predictions.schema.get("_prediction") or pl.String()
        self.schema = predictions.schema | {"_outcome": kind}
        self._predictions, self._outcomes, self._horizon = predictions, outcomes, query.horizon
        known = {} if _bare(self.schema) else {item: condition(item, self.schema) for item in _filters(query)}
        self._came = [expr for item, expr in known.items() if item.column == "_outcome"]
        self._plain = [expr for item, expr in known.items() if item.column != "_outcome"]
        self._plain += _older(query.after)

    def newest(self, span: Span, need: int) -> pl.DataFrame:
        """The newest rows of a stretch of time, each with its latest outcome.

        Looks at times, and outcomes where these are asked for, before it reads the other columns of few rows.
        """
        lazy = self._predictions.scan(span.start, span.end).filter(*self._plain)
        keys = lazy.select("_id", *_NEWEST)
        if self._came:
            frame = keys.collect(engine="streaming")
            keys = (
                with_outcomes(frame, self._outcomes, span, self.schema["_outcome"]).lazy().filter(*self._came)
            )
        top = keys.top_k(need, by=_NEWEST).select(_NEWEST).collect(engine="streaming")
        first, last = top["_at"].min(), top["_at"].max()
        if not isinstance(first, datetime) or not isinstance(last, datetime):  # there are none
            return pl.DataFrame(schema=self.schema)
        rows = (
            lazy.filter(pl.col("_at").is_between(first, last))
            .join(top.lazy(), on=_NEWEST, how="semi")
            .collect()
        )
        around = Span(first, last, self._horizon)
        rows = with_outcomes(rows, self._outcomes, around, self.schema["_outcome"])
        return rows.sort(_NEWEST, descending=True)


def _stretches(rows: Rows, query: RowQuery) -> Iterator[tuple[datetime, datetime, int]]:
    """Stretches of days that have rows, and how many, newest first: one day, then two, four …."""
    position = _position(query.after)
    until = _least(query.end, None if position is None else from_micros(position[0] + 1))
    days = [
        (midnight, count)
        for day, count in rows.days()
        if ((midnight := datetime.combine(day, time(), UTC)) < until)
        and (query.start is None or later(midnight, _DAY) > query.start)
    ]
    place, width = 0, 1
    while place < len(days):
        first, count = days[place]
        start, stop = first, place + 1
        while stop < min(place + width, len(days)) and count + days[stop][1] <= _MOST_ROWS:
            start, count, stop = days[stop][0], count + days[stop][1], stop + 1
        yield max(start, query.start or start), min(until, later(first, _DAY)), count
        place, width = stop, width * 2


def _least(*times: datetime | None) -> datetime:
    return min((at for at in times if at is not None), default=LAST)


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


def _bare(schema: dict[str, pl.DataType]) -> bool:
    """Whether the table is not there yet: it knows no columns that one could be wrong about."""
    return schema.keys() <= KEYS.keys() | {"_outcome"}


def _filters(query: RowQuery) -> list[RowFilter]:
    """All of a query's filters, those that have a place of their own too."""
    own = {"_version": query.version, "_id": query.id}
    return [
        *query.filters,
        *(RowFilter(name, "=", value) for name, value in own.items() if value is not None),
    ]


def _older(token: str | None) -> list[pl.Expr]:
    """That rows come after the last one of the page before."""
    position = _position(token)
    if position is None:
        return []
    at, seq, row = pl.lit(from_micros(position[0]), TIME), position[1], position[2]
    earlier = (pl.col("_seq") < seq) | ((pl.col("_seq") == seq) & (pl.col("_row") < row))
    return [(pl.col("_at") < at) | ((pl.col("_at") == at) & earlier)]


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
