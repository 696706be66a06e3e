"""HDDM-W: recent items weigh more, and McDiarmid's bound says how far weighted means may part by chance."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, log, sqrt
from typing import TYPE_CHECKING

from anchorwatch.core.schema import Task
from anchorwatch.drift.sequential.detector import OfErrors, State, register

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class HddmWState(State):
    """Weighted means, each with its sum of squared weights: of all items, and per side before and after the cut.

    `rise` and `fall` are (bound at the cut, mean before, weight before, items after, mean after, weight after), None
    before the first item.
    """

    mean: float = 0.0
    weight: float = 1.0
    rise: tuple[float, float, float, int, float, float] | None = None
    fall: tuple[float, float, float, int, float, float] | None = None


@dataclass(frozen=True, slots=True)
class HddmW(OfErrors[HddmWState]):
    """Hoeffding's drift detection on weighted averages: alarms when `after - before > √((w₁+w₂) ln(1/confidence)/2)`.

    Means forget by `1 - weight` an item, and `w` are the sums of their squared weights (at first 1); the cut is where
    `mean + √(w ln(1/confidence)/2)` was lowest. The quickest of the family on sudden changes.

    Args:
        confidence: of the bound; smaller alarms later.
        weight: of the newest item.
        falls: also alarm when the mean falls.

    Source: Frías-Blanco et al. 2015. Oracle: River's `HDDM_W`.

    >>> import numpy as np
    >>> HddmW().run(HddmW().start(), np.repeat([0.0, 1.0], [100, 100]))[1].tolist()
    [113]
    """

    confidence: float = 0.001
    weight: float = 0.05
    falls: bool = False

    def start(self) -> HddmWState:
        """Nothing seen."""
        return HddmWState()

    def follow(self, state: HddmWState, xs: NDArray[np.float64]) -> tuple[HddmWState, list[int]]:
        """One pass; a fall of `x` is a rise of `-x`."""
        n, mean, weight, alarms = state.n, state.mean, state.weight, []
        rise, fall = _Side(state.rise), _Side(state.fall)
        new, chance = self.weight, log(1 / self.confidence)
        old, new_square, old_square = 1.0 - new, new * new, (1 - new) ** 2
        falls = self.falls
        for at, x in enumerate(xs.tolist()):
            n += 1
            mean = new * x + old * mean if n > 1 else x
            weight = new_square + old_square * weight
            reach = sqrt(weight * chance / 2)
            if mean + reach < rise.cut:
                rise.cut_at(mean + reach, mean, weight)
            else:
                rise.count += 1
                rise.after = new * x + old * rise.after if rise.count > 1 else x
                rise.later = new_square + old_square * rise.later
            alarm = (
                rise.count > 0
                and rise.after > rise.before
                and (rise.after - rise.before > sqrt((rise.earlier + rise.later) * chance / 2))
            )
            if falls:
                if -mean + reach < fall.cut:
                    fall.cut_at(reach - mean, -mean, weight)
                else:
                    fall.count += 1
                    fall.after = -new * x + old * fall.after if fall.count > 1 else -x
                    fall.later = new_square + old_square * fall.later
                alarm = alarm or (
                    fall.count > 0
                    and (fall.after - fall.before > sqrt((fall.earlier + fall.later) * chance / 2))
                )
            if alarm:
                alarms.append(at)
                n, mean, weight, rise, fall = 0, 0.0, 1.0, _Side(None), _Side(None)
        last = bool(alarms) and alarms[-1] == xs.size - 1
        return HddmWState(n, last, mean, weight, rise.value(), fall.value()), alarms


class _Side:
    """One side that is being worked on: the cut, and the weighted means before and after it."""

    __slots__ = ("after", "before", "count", "cut", "earlier", "later")

    def __init__(self, kept: tuple[float, float, float, int, float, float] | None) -> None:
        fresh = (inf, 0.0, 1.0, 0, 0.0, 1.0)
        self.cut, self.before, self.earlier, self.count, self.after, self.later = kept or fresh

    def cut_at(self, bound: float, mean: float, weight: float) -> None:
        """All so far lies before the cut."""
        self.cut, self.before, self.earlier = bound, mean, weight
        self.count, self.after, self.later = 0, 0.0, 1.0

    def value(self) -> tuple[float, float, float, int, float, float] | None:
        """As a value."""
        if self.cut == inf:
            return None
        return self.cut, self.before, self.earlier, self.count, self.after, self.later


register("hddm_w", HddmW(), Task.BINARY, Task.MULTICLASS)
