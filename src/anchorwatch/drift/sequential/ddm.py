"""DDM: the error rate left the best it ever was by three standard deviations."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, sqrt
from typing import TYPE_CHECKING

from anchorwatch.core.schema import Task
from anchorwatch.drift.sequential.detector import OfErrors, State, register

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class DdmState(State):
    """`p` is the error rate so far, `p_min` and `s_min` where `p + s` was lowest; None until the warm-up is over."""

    p: float = 0.0
    p_min: float | None = None
    s_min: float | None = None


@dataclass(frozen=True, slots=True)
class Ddm(OfErrors[DdmState]):
    """Drift detection method: alarms when `p + s > p_min + threshold · s_min`, with `s = √(p(1-p)/n)`.

    It believes that a model only gets better until something changes. Two faults are the method's own: a stream whose
    first `warm_up` items are all right alarms at the first error after them, and a slow rise is learned as normal.

    Args:
        warm_up: items before anything is judged.
        threshold: standard deviations.

    Source: Gama, Medas, Castillo and Rodrigues 2004, "Learning with drift detection". Oracle: River's `DDM`.

    >>> import numpy as np
    >>> state, alarms = Ddm().run(Ddm().start(), np.tile([0, 0, 1, 0, 0], 40))
    >>> alarms.tolist(), round(state.p, 3)
    ([], 0.2)
    >>> Ddm().run(state, np.ones(50))[1].tolist()
    [14]
    """

    warm_up: int = 30
    threshold: float = 3.0

    def start(self) -> DdmState:
        """Nothing seen."""
        return DdmState()

    def follow(self, state: DdmState, xs: NDArray[np.float64]) -> tuple[DdmState, list[int]]:
        """One pass."""
        n, p, alarms = state.n, state.p, []
        p_min = 0.0 if state.p_min is None else state.p_min
        s_min = inf if state.s_min is None else state.s_min
        lowest, warm_up, threshold = p_min + s_min, self.warm_up, self.threshold
        for at, x in enumerate(xs.tolist()):
            n += 1
            p += (1.0 / n) * (x - p)
            if n <= warm_up:
                continue
            s = sqrt(max(p * (1 - p), 0.0) / n)
            if p + s <= lowest:
                p_min, s_min, lowest = p, s, p + s
            if p + s > p_min + threshold * s_min:
                alarms.append(at)
                n, p, p_min, s_min, lowest = 0, 0.0, 0.0, inf, inf
        known = s_min < inf
        last = bool(alarms) and alarms[-1] == xs.size - 1
        return DdmState(n, last, p, p_min if known else None, s_min if known else None), alarms


register("ddm", Ddm(), Task.BINARY, Task.MULTICLASS)
