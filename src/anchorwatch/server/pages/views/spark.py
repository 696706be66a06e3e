"""Sparklines as SVG geometry: small, still, and printable without a script."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH, HEIGHT = 120.0, 28.0
_MARGIN = 2.5


@dataclass(frozen=True, slots=True)
class Spark:
    """A drawn line: `path` for its runs, `dots` for lone points, `reference` a height, `last` the final point."""

    path: str = ""
    dots: tuple[tuple[float, float], ...] = ()
    reference: float | None = None
    last: tuple[float, float] | None = None


def spark(values: Sequence[float | None], reference: float | None = None) -> Spark:
    """Draw a line that breaks where values are absent, scaled to hold the reference too.

    >>> spark([1.0, 2.0, None, 3.0]).path
    'M2.5 25.5L40.8 14'
    """
    known = [value for value in values if value is not None]
    if not known:
        return Spark()
    low, high = _range(known, reference)
    step = (WIDTH - 2 * _MARGIN) / max(len(values) - 1, 1)
    points = [
        None if value is None else (round(_MARGIN + index * step, 1), _height(value, low, high))
        for index, value in enumerate(values)
    ]
    runs = _runs(points)
    return Spark(
        path="".join(f"M{'L'.join(f'{x:g} {y:g}' for x, y in run)}" for run in runs if len(run) > 1),
        dots=tuple(run[0] for run in runs if len(run) == 1),
        reference=None if reference is None else _height(reference, low, high),
        last=runs[-1][-1],
    )


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a volume chart."""

    x: float
    y: float
    width: float
    height: float


def bars(values: Sequence[float | None]) -> list[Bar]:
    """Draw volumes as bars from a base of zero; what holds nothing has no bar.

    >>> [bar.height for bar in bars([0, 5, 10])]
    [13.0, 26.0]
    """
    top = max((value for value in values if value), default=0)
    if not top:
        return []
    step = WIDTH / len(values)
    tall = HEIGHT - 2
    return [
        Bar(
            round(index * step, 2),
            round(HEIGHT - tall * value / top, 1),
            round(step * 0.8, 2),
            round(tall * value / top, 1),
        )
        for index, value in enumerate(values)
        if value
    ]


def _range(known: Sequence[float], reference: float | None) -> tuple[float, float]:
    held = [*known, *([] if reference is None else [reference])]
    return min(held), max(held)


def _height(value: float, low: float, high: float) -> float:
    share = 0.5 if high == low else (value - low) / (high - low)
    return round(HEIGHT - _MARGIN - share * (HEIGHT - 2 * _MARGIN), 1)


def _runs(points: Sequence[tuple[float, float] | None]) -> list[list[tuple[float, float]]]:
    runs: list[list[tuple[float, float]]] = [[]]
    for point in points:
        if point is not None:
            runs[-1].append(point)
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]
