"""Page–Hinkley: the sum of deviations from the mean moved far from where it was lowest, or highest."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

from anchorwatch.drift.sequential.detector import Detector, State, register

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class PageHinkleyState(State):
    """The running `mean`, the two sums, and the least and greatest they were; None before the first item."""

    mean: float = 0.0
    up: float = 0.0
    down: float = 0.0
    least: float | None = None
    greatest: float | None = None


@dataclass(frozen=True, slots=True)
class PageHinkley(Detector[PageHinkleyState]):
    """Alarms when a forgetting sum of `x - mean ∓ delta` is more than `threshold` from its extreme.

    Follows River: `S = fading · S + (x - mean) - delta` watched for a rise, the same with `+ delta` for a fall, the
    mean taken over all items since the start. `threshold` is in the unit of the items, so that errors of 0 and 1
    take some hundreds of items to alarm.

    Args:
        warm_up: items before anything is judged.
        delta: deviations that do not count.
        threshold: how far is too far.
        fading: what is left of the sum after each item.
        falls: also alarm when the mean falls.

    Source: Page 1954, "Continuous inspection schemes"; Mouss et al. 2004. Oracle: River's `PageHinkley`.

    >>> import numpy as np
    >>> detector = PageHinkley(falls=False)
    >>> detector.run(detector.start(), np.repeat([0.2, 0.9], [200, 200]))[1].tolist()
    [287]
    """

    warm_up: int = 30
    delta: float = 0.005
    threshold: float = 50.0
    fading: float = 0.9999
    falls: bool = True

    def start(self) -> PageHinkleyState:
        """Nothing seen."""
        return PageHinkleyState()

    def follow(self, state: PageHinkleyState, xs: NDArray[np.float64]) -> tuple[PageHinkleyState, list[int]]:
        """One pass."""
        n, mean, up, down, alarms = state.n, state.mean, state.up, state.down, []
        least = inf if state.least is None else state.least
        greatest = -inf if state.greatest is None else state.greatest
        warm_up, delta, fading, rise = self.warm_up, self.delta, self.fading, self.threshold
        fall = rise if self.falls else inf
        for at, x in enumerate(xs.tolist()):
            n += 1
            mean += (1.0 / n) * (x - mean)
            off = x - mean
            up = fading * up + off - delta
            down = fading * down + off + delta
            if up < least:  # noqa: PLR1730 - half the time of calling min and max
                least = up
            if down > greatest:  # noqa: PLR1730
                greatest = down
            if (up - least > rise or greatest - down > fall) and n >= warm_up:
                alarms.append(at)
                n, mean, up, down, least, greatest = 0, 0.0, 0.0, 0.0, inf, -inf
        last = bool(alarms) and alarms[-1] == xs.size - 1
        bounds = (least, greatest) if n else (None, None)
        return PageHinkleyState(n, last, mean, up, down, *bounds), alarms


# River's delta of 0.005 lets the sum of steady regression errors wander past any threshold.
register("page_hinkley", PageHinkley(delta=0.05, falls=False))
