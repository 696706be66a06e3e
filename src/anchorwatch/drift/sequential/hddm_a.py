"""HDDM-A: the mean so far is over the best mean so far by more than Hoeffding's bound allows."""

from __future__ import annotations

from dataclasses import dataclass
from math import log, sqrt
from typing import TYPE_CHECKING

from anchorwatch.core.schema import Task
from anchorwatch.drift.sequential.detector import OfErrors, State, register

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class HddmAState(State):
    """The mean so far; the mean and count where its upper bound was lowest, and its lower bound highest."""

    mean: float = 0.0
    low: float = 0.0
    low_n: int = 0
    high: float = 0.0
    high_n: int = 0


@dataclass(frozen=True, slots=True)
class HddmA(OfErrors[HddmAState]):
    """Hoeffding's drift detection on averages: alarms when `mean - low ≥ √(m/2 · ln(2/confidence))`.

    `low` is the mean at the cut where `mean + √(ln(1/confidence)/2n)` was lowest, after `k` items, and
    `m = (n - k)/(k n)`.

    Args:
        confidence: of the bound; smaller alarms later.
        falls: also alarm when the mean falls.

    Source: Frías-Blanco et al. 2015, "Online and non-parametric drift detection methods based on Hoeffding's bounds".
    Oracle: River's `HDDM_A`.

    >>> import numpy as np
    >>> HddmA().run(HddmA().start(), np.repeat([0.0, 1.0], [100, 100]))[1].tolist()
    [103]
    """

    confidence: float = 0.001
    falls: bool = False

    def start(self) -> HddmAState:
        """Nothing seen."""
        return HddmAState()

    def follow(self, state: HddmAState, xs: NDArray[np.float64]) -> tuple[HddmAState, list[int]]:
        """One pass."""
        n, mean, low, low_n, high, high_n = (
            state.n, state.mean, state.low, state.low_n, state.high, state.high_n,
        )  # fmt: skip
        alarms = []
        one, two, falls = log(1.0 / self.confidence), log(2.0 / self.confidence), self.falls
        lower = low + sqrt(1.0 / (2 * low_n) * one) if low_n else 0.0
        upper = high - sqrt(1.0 / (2 * high_n) * one) if high_n else 0.0
        for at, x in enumerate(xs.tolist()):
            n += 1
            mean += (1.0 / n) * (x - mean)
            reach = sqrt(1.0 / (2 * n) * one)
            if n == 1 or lower >= mean + reach:
                low, low_n, lower = mean, n, mean + reach
            if falls and (n == 1 or upper <= mean - reach):
                high, high_n, upper = mean, n, mean - reach
            worse = mean > low and mean - low >= sqrt((n - low_n) / low_n * (1.0 / n) / 2 * two)
            if worse or (
                falls and mean < high and high - mean >= sqrt((n - high_n) / high_n * (1.0 / n) / 2 * two)
            ):
                alarms.append(at)
                n, mean, low_n, high_n = 0, 0.0, 0, 0
        if not n:
            low = high = 0.0
        last = bool(alarms) and alarms[-1] == xs.size - 1
        return HddmAState(n, last, mean, low, low_n, high, high_n), alarms


register("hddm_a", HddmA(), Task.BINARY, Task.MULTICLASS)
