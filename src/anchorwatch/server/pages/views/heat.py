"""The heat map of columns by time: each value as one of ten levels around its limit."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from anchorwatch.server.pages.views.format import SHARES, heading, moment, number, when

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

# Shares of the limit at which the colour steps; the step at 1 is the one that matters.
_STEPS = (0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.5, 4.0)


@dataclass(frozen=True, slots=True)
class Cell:
    """One column in one window: `level` 0 (calm) to 8, or -1 when nothing is known."""

    level: int
    text: str
    breach: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One column over time."""

    column: str
    name: str
    cells: tuple[Cell, ...]
    worst: str
    breaches: int


@dataclass(frozen=True, slots=True)
class Heat:
    """The whole map.

    `steps` are the values at which the colour changes, `quiet` the columns that never left level 0.
    """

    measure: str
    title: str
    rows: tuple[Row, ...]
    quiet: tuple[str, ...]
    starts: tuple[str, ...]
    ends: tuple[str, ...]
    labels: tuple[str, ...]
    ticks: tuple[tuple[int, str], ...]
    steps: tuple[str, ...]
    limit: str


def heat(result: Mapping[str, Any], zone: str, unit: str = "1", *, hide_quiet: bool = False) -> Heat:
    """Lay out a heat map query; with `hide_quiet`, columns that are always zero are only named."""
    limit = result.get("limit")
    bounds = _bounds(result["value"], limit)
    rows = tuple(
        _row(column, result["value"][index], result["breach"][index], bounds, unit)
        for index, column in enumerate(result["columns"])
    )
    quiet = tuple(row.column for row in rows if hide_quiet and _is_quiet(row))
    starts = tuple(result["start"])
    return Heat(
        measure=result["measure"],
        title=result["title"],
        rows=tuple(row for row in rows if row.column not in set(quiet)),
        quiet=quiet,
        starts=starts,
        ends=tuple(result["end"]),
        labels=tuple(when(start, zone) for start in starts),
        ticks=_ticks(starts, zone),
        steps=tuple(_step(bound, unit) for bound in bounds),
        limit="" if limit is None else _step(limit, unit),
    )


def ordered(maps: Iterable[Heat]) -> list[Heat]:
    """Those with a breach first, then those with anything to show, then the rest."""
    return sorted(maps, key=lambda one: (-any(row.breaches for row in one.rows), -bool(one.rows)))


def level(value: float | None, bounds: Sequence[float]) -> int:
    """How hot a value is.

    >>> [level(value, (0.1, 0.2, 0.4)) for value in (None, 0.0, 0.2, 9.0)]
    [-1, 0, 2, 3]
    """
    return -1 if value is None else bisect_right(bounds, value)


def _bounds(values: Sequence[Sequence[float | None]], limit: float | None) -> tuple[float, ...]:
    if limit:
        return tuple(limit * step for step in _STEPS)
    top = max((value for row in values for value in row if value is not None), default=0.0) or 1.0
    return tuple(top * (index + 1) / 9 for index in range(8))


def _step(bound: float, unit: str) -> str:
    return f"{100 * bound:.3g} %" if unit in SHARES else f"{bound:.3g}"


def _row(
    column: str,
    values: Sequence[float | None],
    breaches: Sequence[bool],
    bounds: Sequence[float],
    unit: str,
) -> Row:
    cells = tuple(
        Cell(level(value, bounds), number(value, unit), bool(breach))
        for value, breach in zip(values, breaches, strict=True)
    )
    worst = max((value for value in values if value is not None), default=None)
    return Row(column, heading(column), cells, number(worst, unit), sum(cell.breach for cell in cells))


def _is_quiet(row: Row) -> bool:
    return row.worst in {"0", "0 %", "–"} and not row.breaches


def _ticks(starts: Sequence[str], zone: str) -> tuple[tuple[int, str], ...]:
    """Months (days, in short spans) from left to right, as (cells it spans, label)."""
    tz = ZoneInfo(zone)
    known = [at.astimezone(tz) for at in map(moment, starts) if at is not None]
    if not known:
        return ()
    long = (known[-1] - known[0]).days > 45
    names = [f"{at:%b %Y}" if long else f"{at:%d %b}" for at in known]
    spans: list[tuple[int, str]] = []
    for name in names:
        if spans and spans[-1][1] == name:
            spans[-1] = (spans[-1][0] + 1, name)
        else:
            spans.append((1, name))
    return tuple(spans)
