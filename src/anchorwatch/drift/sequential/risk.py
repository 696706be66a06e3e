"""Risk: alarms only when the model has become worse than its reference by more than a stated tolerance."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from anchorwatch.drift.sequential.detector import Detector, State, register
from anchorwatch.stats.sequential import (
    NONE,
    Evidence,
    Promise,
    evidence,
    evidence_of_sums,
    mean_at_most,
    share_at_most,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


_BLOCK = 8192
"""Items that are looked at together; more would be looked at in vain after an alarm."""


@dataclass(frozen=True, slots=True)
class Reference:
    """How the model did when it was good: `total` loss over `n` items, which are all 0 or 1 when `errors` is true."""

    total: float
    n: int
    errors: bool = True


@dataclass(frozen=True, slots=True)
class RiskState(State):
    """Stakes of the bets; and, where no reference was given, what was learned of the first items.

    `plain` says that all of those were 0 or the bound. An alarm leaves what was learned.
    """

    stakes: tuple[float, ...] = NONE.stakes
    learned: float = 0.0
    learned_n: int = 0
    plain: bool = True


@dataclass(frozen=True, slots=True)
class Risk(Detector[RiskState]):
    """Watches the mean of a bounded loss; valid under continuous looking.

    The limit is the reference risk's upper bound (at `alpha/2`) plus the tolerance. While the expected next loss stays
    at or under the limit, the probability that it ever alarms between two starts is at most `alpha` (`ever`), or
    the mean number of looks before it does is at least `2/alpha` (`run_length`). It assumes nothing else of the
    losses: they may depend on each other. It does watch every stretch, so that nights which are worse than the
    limit are found even when days make up for them; give it daily means as items where that is not wanted.

    Args:
        reference: how the model did when it was good; None: the first `learn` items say so.
        tolerance: how much worse is still all right, as a share of the reference risk …
        least: … but at least so much of the bound.
        alpha: of a false alarm.
        bound: losses are from 0 to this.
        promise: what `alpha` is of.
        learn: items that serve as the reference when there is none.
        clock: items between two looks.

    Source: `anchorwatch.stats.sequential`.

    >>> import numpy as np
    >>> good, worse = np.tile([0, 0, 0, 0, 1], 400), np.tile([0, 0, 1], 400)
    >>> detector = Risk(reference=Reference(200, 1000))
    >>> round(detector.limit(detector.start()), 3)
    0.254
    >>> state, alarms = detector.run(detector.start(), good)
    >>> alarms.size, detector.run(state, worse)[1][:1].tolist()
    (0, [911])
    """

    reference: Reference | None = None
    tolerance: float = 0.1
    least: float = 0.01
    alpha: float = 0.01
    bound: float = 1.0
    promise: Promise = Promise.EVER
    learn: int = 1000
    clock: int = 32

    def start(self) -> RiskState:
        """No evidence."""
        return RiskState()

    def bounds(self) -> tuple[float, float]:
        """0 and the bound."""
        return 0.0, self.bound

    def limit(self, state: RiskState) -> float | None:
        """The risk over which it alarms, in units of the loss; None while it learns its reference."""
        known = self._known(state)
        return None if known is None else self._limit(known) * self.bound

    def follow(self, state: RiskState, xs: NDArray[np.float64]) -> tuple[RiskState, list[int]]:
        """Block by block; after an alarm from the next item on."""
        losses = xs / self.bound
        state, at = self._learned(state, losses)
        known = self._known(state)
        alarms: list[int] = []
        if known is None or at == xs.size:
            return state, alarms
        mean, now = self._limit(known), Evidence(state.n, state.stakes)
        while at < xs.size and mean < 1:
            some = losses[at : at + _BLOCK]
            path, after = evidence(some, mean, now, self.promise, clock=self.clock)
            found = np.flatnonzero(path >= 2 / self.alpha)
            if found.size:
                at += (int(found[0]) + 1) * self.clock - now.n % self.clock
                alarms.append(at - 1)
            else:
                at += some.size
            now = NONE if found.size else after
        alarmed = bool(alarms) and alarms[-1] == xs.size - 1
        return replace(state, n=now.n, stakes=now.stakes, alarmed=alarmed), alarms

    def run_sums(
        self, state: RiskState, totals: ArrayLike, counts: ArrayLike
    ) -> tuple[RiskState, NDArray[np.int64]]:
        """`run` on sums of losses, such as those of windows; alarms are positions of windows. Needs a reference."""
        known = self._known(state)
        sums, sizes = np.asarray(totals, float) / self.bound, np.asarray(counts, float)
        alarms: list[int] = []
        at, now = 0, Evidence(state.n, state.stakes)
        while known is not None and at < sums.size and self._limit(known) < 1:
            path, after = evidence_of_sums(sums[at:], sizes[at:], self._limit(known), now, self.promise)
            found = np.flatnonzero(path >= 2 / self.alpha)
            at += int(found[0]) + 1 if found.size else path.size
            now = NONE if found.size else after
            alarms += [at - 1] if found.size else []
        last = bool(alarms) and alarms[-1] == sums.size - 1
        return replace(state, n=now.n, stakes=now.stakes, alarmed=last), np.array(alarms, np.int64)

    def _learned(self, state: RiskState, losses: NDArray[np.float64]) -> tuple[RiskState, int]:
        """The state with its reference learned as far as the items go, and how many that took."""
        if self.reference is not None or state.learned_n >= self.learn:
            return state, 0
        some = losses[: self.learn - state.learned_n]
        # One by one, so that the sum is the same wherever the stream is cut.
        total = float(np.add.accumulate(np.concatenate([[state.learned], some]))[-1])
        plain = state.plain and bool(np.isin(some, (0.0, 1.0)).all())
        return RiskState(0, False, state.stakes, total, state.learned_n + some.size, plain), some.size

    def _known(self, state: RiskState) -> Reference | None:
        if self.reference is not None:
            return replace(self.reference, total=self.reference.total / self.bound)
        if state.learned_n < self.learn:
            return None
        return Reference(state.learned, state.learned_n, state.plain)

    def _limit(self, known: Reference) -> float:
        """On the scale of 0..1; 1 when nothing could be worse."""
        at_most = share_at_most if known.errors else mean_at_most
        risk = known.total / known.n if known.n else 1.0
        upper = at_most(known.total, known.n, self.alpha / 2)
        return min(upper + max(self.tolerance * risk, self.least), 1.0)


register("risk", Risk())
