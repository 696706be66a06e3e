"""What kind of change a numeric column went through: do its values look like the reference's, moved or stretched?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from anchorwatch.drift.change import SMALL, Change, ChangeKind, percent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_AFFINE = (
    (1.8, 32.0, "degrees Fahrenheit in place of Celsius"),
    (1 / 1.8, -32 / 1.8, "degrees Celsius in place of Fahrenheit"),
    (1.0, 273.15, "kelvins in place of degrees Celsius"),
    (1.0, -273.15, "degrees Celsius in place of kelvins"),
    (-1.0, 0.0, "the sign turned"),
)
"""Changes of unit that are no mere factor, and what they are."""

LEAST_FACTOR = 1.25
"""A factor nearer to 1 is not taken for a unit."""

LEAST_CENTRE = 0.5
"""Reference standard deviations between 0 and the mean, so that a factor differs from a change of spread."""

_SLACK = 0.02
"""Reference standard deviations by which a map may be wrong: else the values of counts would miss one another."""

STUCK_SHARE = 0.3
"""Share that must have gathered in one narrow bin."""


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """A numeric column on both sides.

    Attributes:
        edges: of the bins, ascending.
        base, now: distribution functions at the edges, reference and current.
        mean, spread: of the reference and of the current window.
        low, high: smallest and largest value of both.
        noise: a difference of the distribution functions that chance brings about.
    """

    edges: Floats
    base: Floats
    now: Floats
    mean: tuple[float, float]
    spread: tuple[float, float]
    low: tuple[float, float]
    high: tuple[float, float]
    noise: float

    def misfit(self, factor: float, offset: float) -> float:
        """Mean difference left between the current values and `factor` x + `offset` of the reference's."""
        slack = _SLACK * self.spread[0]
        with np.errstate(over="ignore"):
            back = (self.edges - offset) / factor
            least, most = self._mapped(back - slack, factor), self._mapped(back + slack, factor)
        if factor < 0:
            least, most = most, least
        amiss = np.maximum(0, np.maximum(least - self.now, self.now - most))
        weight = np.diff(self.base, prepend=0) + np.diff(self.now, prepend=0)
        outside = max(2 - float(weight.sum()), 0.0)
        return (float(weight @ amiss) + outside * float(amiss[-1])) / 2

    def _mapped(self, back: Floats, factor: float) -> Floats:
        """The reference's distribution function at `back`, from above where the map turns the sign."""
        edges = np.append(self.edges, max(self.high[0], self.edges[-1]))
        found = np.interp(back, edges, np.append(self.base, 1.0), left=0.0)
        return np.asarray(1 - found if factor < 0 else found, dtype=np.float64)

    def fits(self, factor: float, offset: float) -> bool:
        """Whether that is all there is: the functions agree, and so do mean, spread and a bound of the range."""
        mean, spread = factor * self.mean[0] + offset, abs(factor) * self.spread[0]
        if not spread or not 0.75 < self.spread[1] / spread < 1 / 0.75:
            return False
        near = abs(self.mean[1] - mean) < (0.1 + 2 * self.noise) * spread
        return near and self.misfit(factor, offset) < self.noise + 0.015

    def quantiles(self, distribution: Floats) -> Floats | None:
        """Quartiles from a distribution function, None where one lies beyond the edges."""
        at = np.array([0.25, 0.5, 0.75])
        if distribution[0] > at[0] or distribution[-1] < at[-1]:
            return None
        rising = np.append(True, np.diff(distribution) > 0)
        return np.asarray(np.interp(at, distribution[rising], self.edges[rising]), dtype=np.float64)


def change(column: Column, distance: float) -> Change:
    """The kind of change of a column whose distribution functions differ by `distance`, too much for chance."""
    low, high = column.low, column.high
    if low[1] == high[1] and low[0] < high[0]:
        text = f"always {low[1]:.4g}, where the reference goes from {low[0]:.4g} to {high[0]:.4g}"
        return Change(ChangeKind.STUCK, text, {"value": low[1]})
    return _unit(column) or _gathered(column) or _moved(column, distance)


def _unit(column: Column) -> Change | None:
    if not column.spread[0]:
        return None
    for factor, offset, text in _AFFINE:
        if column.fits(factor, offset) and column.misfit(1.0, 0.0) > column.noise:
            figures = {"factor": factor, "offset": offset}
            return Change(ChangeKind.UNIT, f"values look like {text}: a change of unit?", figures)
    centred = abs(column.mean[0]) > LEAST_CENTRE * column.spread[0]
    factor = column.mean[1] / column.mean[0] if centred else column.spread[1] / column.spread[0]
    least = LEAST_FACTOR if centred else 8.0
    if factor <= 0 or max(factor, 1 / factor) < least or not column.fits(factor, 0.0):
        return None
    wider = abs(np.log(column.spread[1] / column.spread[0]))
    if wider < abs(np.log(factor)) / 2:
        return None  # what is moved without being stretched is no unit
    size = f"{factor:.3g} times larger" if factor > 1 else f"{1 / factor:.3g} times smaller"
    return Change(
        ChangeKind.UNIT, f"values look {size}: a change of unit?", {"factor": factor, "offset": 0.0}
    )


def _gathered(column: Column) -> Change | None:
    """Many values in one bin that is narrow and held few."""
    more = np.diff(column.now) - np.diff(column.base)
    place = int(np.argmax(more)) if more.size else 0
    if not more.size or more[place] < STUCK_SHARE or np.diff(column.base)[place] > 0.05:
        return None
    if column.edges[place + 1] - column.edges[place] > 0.1 * column.spread[0]:
        return None
    value, share = float(column.edges[place + 1]), float(np.diff(column.now)[place])
    text = f"{percent(share)} of the values are at about {value:.4g}"
    return Change(ChangeKind.STUCK, text, {"value": value, "after": share})


def _moved(column: Column, distance: float) -> Change:
    spread = column.spread[0] or column.spread[1] or 1.0
    whole = max(column.misfit(1.0, 0.0), 1e-12)
    # By chance alone functions differ by 0.3 of the noise on average; and a move must explain half of what differs.
    allowed = min(max(0.2 * whole, 0.6 * column.noise, SMALL / 2), 0.5 * whole)
    for factor, offset in _maps(column):
        misfit = column.misfit(factor, offset)
        by = (factor * column.mean[0] + offset - column.mean[0]) / spread
        if misfit > allowed:
            continue
        if abs(np.log(factor)) > max(0.1, 0.25 * abs(by)):
            size = f"{factor:.2g} times as wide" if factor > 1 else f"{1 / factor:.2g} times as narrow"
            return Change(ChangeKind.SCALE, f"values spread {size}", {"factor": factor, "by": by})
        way = "up" if by > 0 else "down"
        text = f"values moved {way} by {abs(by * spread):.3g}, {abs(by):.2g} standard deviations"
        return Change(ChangeKind.SHIFT, text, {"by": by})
    text = f"values are distributed otherwise: {percent(distance)} apart at the most"
    return Change(ChangeKind.SHAPE, text, {"distance": distance})


def _maps(column: Column) -> Iterator[tuple[float, float]]:
    """Moves and stretches to try, moves first; from quartiles where they can be seen, then from moments."""
    before, now = column.quantiles(column.base), column.quantiles(column.now)
    seen = before is not None and now is not None
    if before is not None and now is not None:
        yield 1.0, float(now[1] - before[1])
    yield 1.0, column.mean[1] - column.mean[0]
    if seen and before is not None and now is not None and before[2] > before[0] and now[2] > now[0]:
        factor = float((now[2] - now[0]) / (before[2] - before[0]))
        yield factor, float(now[1] - factor * before[1])
    if column.spread[0] > 0 and column.spread[1] > 0:
        factor = column.spread[1] / column.spread[0]
        yield factor, column.mean[1] - factor * column.mean[0]
