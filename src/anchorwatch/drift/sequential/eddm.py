"""EDDM: errors come closer together than they did at best."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np

from anchorwatch.core.schema import Task
from anchorwatch.drift.sequential.detector import OfErrors, State, register

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class EddmState(State):
    """`errors` so far, the item of the `last` one; `mean` and `square` (about it) of distances, `best` level."""

    errors: int = 0
    last: int = 0
    mean: float = 0.0
    square: float = 0.0
    best: float = -1.0


@dataclass(frozen=True, slots=True)
class Eddm(OfErrors[EddmState]):
    """Early drift detection: alarms when `(m + 2s) / max(m + 2s) < threshold`, of the distances between errors.

    Follows River: the deviation divides by one less, no distance is left out, and an alarm takes more than `warm_up`
    errors as well as items. Early and restless: on a stream in which nothing changes it alarms some 20 times
    before it settles.

    Args:
        warm_up: items, and errors, before anything is judged.
        threshold: share of the best level.

    Source: Baena-García et al. 2006, "Early drift detection method". Oracle: River's `EDDM`.

    >>> import numpy as np
    >>> draws = np.random.default_rng(2).random(600)
    >>> Eddm().run(Eddm().start(), draws < np.repeat([0.1, 0.5], 300))[1][:2].tolist()
    [290, 369]
    """

    warm_up: int = 30
    threshold: float = 0.9

    def start(self) -> EddmState:
        """Nothing seen."""
        return EddmState()

    def follow(self, state: EddmState, xs: NDArray[np.float64]) -> tuple[EddmState, list[int]]:
        """One pass over the errors alone; what lies between is counted."""
        errors, last, mean, square, best = state.errors, state.last, state.mean, state.square, state.best
        begun, alarms = -state.n, []
        for at in np.flatnonzero(xs == 1).tolist():
            n = at + 1 - begun
            errors += 1
            off = n - last - mean
            mean += (1.0 / errors) * off
            square += off * (n - last - mean)
            last = n
            if n <= self.warm_up:
                continue
            level = mean + 2 * sqrt(square / (errors - 1) if errors > 1 else 0.0)
            if level > best:
                best = level
            elif errors > self.warm_up and level / best < self.threshold:
                alarms.append(at)
                errors, last, mean, square, best, begun = 0, 0, 0.0, 0.0, -1.0, at + 1
        alarmed = bool(alarms) and alarms[-1] == xs.size - 1
        return EddmState(xs.size - begun, alarmed, errors, last, mean, square, best), alarms


register("eddm", Eddm(), Task.BINARY, Task.MULTICLASS)
