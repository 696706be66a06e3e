"""ADWIN: the longest window in which no two halves have different means."""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import TYPE_CHECKING

import numpy as np

from anchorwatch.drift.sequential.detector import Detector, State, register

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class AdwinState(State):
    """The window as buckets: `totals[k]` and `squares[k]` are sums, and squares about the mean, of 2^k items each.

    Within a level the oldest bucket comes first. `width`, `total` and `square` are of the whole window.
    """

    totals: tuple[tuple[float, ...], ...] = ((),)
    squares: tuple[tuple[float, ...], ...] = ((),)
    width: int = 0
    total: float = 0.0
    square: float = 0.0


@dataclass(frozen=True, slots=True)
class Adwin(Detector[AdwinState]):
    """Adaptive windowing: alarms when the means of the window's older and newer part differ by more than chance.

    `|m₀ - m₁| > √(2/m · σ² · ln(2 ln(W)/delta)) + 2/(3m) · ln(2 ln(W)/delta)` with
    `1/m = 1/(n₀ - shortest + 1) + 1/(n₁ - shortest + 1)`, for some cut between two buckets. Every `clock` items
    are looked at; memory grows with the logarithm of the window. Follows River's buckets since 0.23, which look at
    every cut; MOA's and River's earlier ones leave some out and alarm later.

    Args:
        delta: of the test; smaller alarms later.
        clock: items between two looks.
        buckets: of each size, before two are merged.
        shortest: items in either part, at least.
        grace: items before the first look.

    Source: Bifet and Gavaldà 2007, "Learning from time-changing data with adaptive windowing". Oracle: River's
    `ADWIN`.

    >>> import numpy as np
    >>> Adwin().run(Adwin().start(), np.repeat([0.2, 0.9], [500, 500]))[1].tolist()
    [543]
    """

    delta: float = 0.002
    clock: int = 32
    buckets: int = 5
    shortest: int = 5
    grace: int = 10

    def start(self) -> AdwinState:
        """An empty window."""
        return AdwinState()

    def follow(self, state: AdwinState, xs: NDArray[np.float64]) -> tuple[AdwinState, list[int]]:
        """From look to look."""
        window, n, alarms = _Window(state, self.buckets), state.n, []
        items, at, end = xs.tolist(), 0, xs.size
        while at < end:
            some = items[at : at + self.clock - n % self.clock]
            window.extend(some)
            at, n = at + len(some), n + len(some)
            if n % self.clock == 0 and window.width > self.grace and self._shrunk(window):
                alarms.append(at - 1)
                window, n = _Window(self.start(), self.buckets), 0
        return window.state(n, alarmed=bool(alarms) and alarms[-1] == end - 1), alarms

    def _shrunk(self, window: _Window) -> bool:
        """Whether any cut parts two means; River drops buckets until none does, which the restart makes needless."""
        flat = window.flat()
        sizes = np.repeat(
            [1 << level for level in reversed(range(len(window.totals)))],
            [len(level) for level in reversed(window.totals)],
        )
        n0 = np.cumsum(sizes)
        n1 = window.width - n0
        known = (n0 >= self.shortest) & (n1 >= self.shortest)
        if not known.any():
            return False
        u0 = np.cumsum(flat)[known]
        u1 = np.subtract.accumulate(np.concatenate([[window.total], flat]))[1:][known]
        n0, n1 = n0[known], n1[known]
        chance = log(2 * log(window.width) / self.delta)
        spread = 1.0 / (n0 - self.shortest + 1) + 1.0 / (n1 - self.shortest + 1)
        bound = np.sqrt(2 * spread * (window.square / window.width) * chance) + 2 / 3 * chance * spread
        return bool((np.abs(u0 / n0 - u1 / n1) > bound).any())


class _Window:
    """A state that is being worked on."""

    __slots__ = ("buckets", "square", "squares", "total", "totals", "width")

    def __init__(self, state: AdwinState, buckets: int) -> None:
        self.totals = [list(level) for level in state.totals]
        self.squares = [list(level) for level in state.squares]
        self.width, self.total, self.square = state.width, state.total, state.square
        self.buckets = buckets

    def flat(self) -> NDArray[np.float64]:
        """Sums of all buckets, oldest first."""
        return np.array([total for level in reversed(self.totals) for total in level])

    def extend(self, items: list[float]) -> None:
        """Append items, merging buckets where there are too many of a size."""
        width, total, square, most = self.width, self.total, self.square, self.buckets
        totals, squares = self.totals[0], self.squares[0]
        for x in items:
            totals.append(x)
            squares.append(0.0)
            if width:
                off = x - total / width
                square += width * off * off / (width + 1)
            width += 1
            total += x
            if len(totals) > most:
                self._merge()
        self.width, self.total, self.square = width, total, square

    def _merge(self) -> None:
        """Two buckets become one of the next size, and so on."""
        for level, totals in enumerate(self.totals):
            if len(totals) <= self.buckets:
                return
            if level + 1 == len(self.totals):
                self.totals.append([])
                self.squares.append([])
            size, squares = float(1 << level), self.squares[level]
            off = totals[0] / size - totals[1] / size
            self.totals[level + 1].append(totals[0] + totals[1])
            self.squares[level + 1].append(squares[0] + squares[1] + size * size * off * off / (size + size))
            del totals[:2], squares[:2]

    def state(self, n: int, *, alarmed: bool) -> AdwinState:
        """As a value."""
        totals, squares = tuple(map(tuple, self.totals)), tuple(map(tuple, self.squares))
        return AdwinState(n, alarmed, totals, squares, self.width, self.total, self.square)


register("adwin", Adwin())
