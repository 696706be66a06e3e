"""When it happened: times as they come, in canonical form."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

import polars as pl

from anchorwatch.core.errors import InputError
from anchorwatch.core.times import from_micros, iso, micros
from anchorwatch.flow.take_cells import FEW, Cells, Taken, flag, show

if TYPE_CHECKING:
    from anchorwatch.flow.take_batch import Limits

TIME = pl.Datetime("us", "UTC")

_LAST = 2.5e11
"""Seconds of the year 9892; the calendar of most tools ends soon after."""

_BEYOND = "epoch seconds beyond any calendar; are they milliseconds?"


def moment(name: str, cells: Cells, now: datetime, limits: Limits) -> Taken:
    """Datetime in UTC from ISO 8601 with a zone, epoch seconds, or aware times.

    Faults are those missing, without a zone, before `limits.past` or later than `limits.ahead` after `now`.
    """
    taken = _moments(name, cells if isinstance(cells, pl.Series) else _listed_moments(cells), cells)
    series, first, last = taken.series.to_physical(), micros(limits.past), micros(now + limits.ahead)
    low, high = series.min(), series.max()
    if not series.null_count() and (low is None or (low >= first and high <= last)):  # type: ignore[operator]
        return taken
    faults = [
        *taken.faults,
        *flag(name, series.is_null(), "is needed, as ISO 8601 with a zone or as epoch seconds"),
        *flag(name, series < first, lambda row: f"{_iso(series[row])} is before {_iso(first)}"),
        *flag(
            name,
            series > last,
            lambda row: f"{_iso(series[row])} is in the future; it is {_iso(micros(now))}",
        ),
    ]
    return Taken(taken.series, tuple(faults))


def _listed_moments(cells: list[Any]) -> pl.Series:
    """As texts or as seconds when all are one or the other; else each as the text of itself."""
    try:
        return pl.Series("", cells, dtype=pl.String)
    except TypeError:
        pass
    if all(type(value) in {int, float, type(None)} for value in cells):
        return pl.Series("", cells, dtype=pl.Float64)
    return pl.Series("", [_as_text(value) for value in cells], dtype=pl.String)


def _as_text(value: Any) -> str | None:
    """Epoch seconds among texts are written as ISO 8601, anything odd as a text that is no time."""
    if isinstance(value, str | None):
        return value
    if _is_number(value) and abs(value) <= _LAST:
        return from_micros(round(value * 1e6)).isoformat()
    return show(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _moments(name: str, series: pl.Series, given: Cells) -> Taken:
    dtype = series.dtype
    if isinstance(dtype, pl.Datetime):
        if dtype.time_zone is None:
            raise InputError(
                f"{name}: times without a zone; give them theirs, such as .dt.tz_localize('UTC') in pandas "
                "or .dt.replace_time_zone('UTC') in Polars",
                column=name,
            )
        return Taken(_in_micros(series, dtype.time_unit).cast(TIME))
    if dtype.is_numeric():
        return _from_seconds(name, series.cast(pl.Float64))
    if dtype in {pl.String, pl.Null}:
        return _parsed_moments(name, series.cast(pl.String), given)
    raise InputError(f"{name}: times are needed, the column is of type {dtype}", column=name)


def _in_micros(series: pl.Series, unit: str) -> pl.Series:
    """Through plain integers, since Polars panics at times beyond the calendar; those are out of bounds anyway."""
    ticks = series.to_physical()
    if unit == "ms":
        return ticks.clip(-(10**15), 10**15) * 1000
    return ticks // 1000 if unit == "ns" else ticks


def _from_seconds(name: str, seconds: pl.Series) -> Taken:
    odd = ~seconds.is_between(-_LAST, _LAST).fill_null(value=True)
    exact = (seconds.set(odd, 0.0) * 1e6).round(mode="half_to_even").cast(pl.Int64)
    return Taken(exact.cast(TIME), flag(name, odd, _BEYOND))


def _parsed_moments(name: str, texts: pl.Series, given: Cells) -> Taken:
    """All at once as RFC 3339; spellings that it does not know ("+01", no seconds), and a few, one by one."""
    if len(texts) <= FEW:
        parsed = _one_by_one(texts)
    else:
        parsed = texts.str.to_datetime("%+", time_unit="us", time_zone="UTC", strict=False)
        left = parsed.is_null() & texts.is_not_null() if parsed.null_count() else None
        if left is not None and left.any():
            parsed = parsed.scatter(left.arg_true(), _one_by_one(texts.filter(left)))
    if parsed.null_count() == texts.null_count():
        return Taken(parsed)
    odd = parsed.is_null() & texts.is_not_null()
    return Taken(parsed, flag(name, odd, lambda row: _why_no_time(given[row])))


def _one_by_one(texts: pl.Series) -> pl.Series:
    return pl.Series("", [_micros(text) for text in texts], dtype=pl.Int64).cast(TIME)


def _micros(text: str | None) -> int | None:
    if text is None or len(text) > 40:
        return None
    try:
        at = datetime.fromisoformat(text.upper())
    except ValueError:
        return None
    return None if at.tzinfo is None else micros(at)


def _why_no_time(value: Any) -> str:
    if _is_number(value):
        return _BEYOND
    if isinstance(value, str) and len(value) <= 40:
        with suppress(ValueError):
            datetime.fromisoformat(value)  # fine but for a zone
            return f"{value!r} has no zone; write for example '2013-01-01T05:15:00Z'"
    return f"{show(value)} is no time; write for example '2013-01-01T05:15:00Z'"


def _iso(count: int) -> str:
    try:
        return iso(count // 1_000_000 * 1_000_000)
    except OverflowError:
        return "a time beyond any calendar"
