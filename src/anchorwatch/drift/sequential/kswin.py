"""KSWIN: the newest items of a window against a sample of the older ones, by Kolmogorov and Smirnov."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import gammaln

from anchorwatch.drift.sequential.detector import Detector, State, register

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BLOCK = 512
_LEAST = 0.1
"""KSWIN's own floor: a distance that is no larger is no change, however many items there are."""


@dataclass(frozen=True, slots=True)
class KswinState(State):
    """The newest items, oldest first: one fewer than the window holds, or all since the start."""

    window: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Kswin(Detector[KswinState]):
    """Kolmogorov–Smirnov windowing: alarms when the newest `newest` items differ from as many drawn before them.

    For each item `newest` of the window's older items are drawn, without replacement, by a hash of the seed, the
    item's number and the place: no state but the window, and the same draw wherever the stream is cut. The p-value is
    exact. River draws by Python's generator, so its alarms are of the same rate and not the same.

    Args:
        alpha: of each test; one test per item, so far below what one test would take.
        size: items in the window.
        newest: items held against the older ones; at most half of `size`.
        seed: of the draws.

    Source: Raab, Heusinger and Schleif 2020, "Reactive soft prototype computing for concept drift streams". Oracle:
    `scipy.stats.ks_2samp`; rates against River's `KSWIN`.

    >>> import numpy as np
    >>> noise = np.random.default_rng(0).normal(size=600)
    >>> Kswin(seed=1).run(KswinState(), np.concatenate([noise[:300], noise[300:] + 3]))[1][:1].tolist()
    [315]
    """

    alpha: float = 0.005
    size: int = 100
    newest: int = 30
    seed: int = 0

    def start(self) -> KswinState:
        """An empty window."""
        return KswinState()

    def follow(self, state: KswinState, xs: NDArray[np.float64]) -> tuple[KswinState, list[int]]:
        """Some hundred windows at a time."""
        kept, n, alarms, at = np.array(state.window), state.n, [], 0
        while at < xs.size:
            # The first window is full after `lacking` more items; `_BLOCK` windows end from there on.
            some = xs[at : at + max(self.size - 1 - kept.size, 0) + _BLOCK]
            held = np.concatenate([kept, some])
            first = self._first(held, n + some.size)
            if first < 0:
                kept, n, at = (
                    held[-(self.size - 1) :] if self.size > 1 else held[:0],
                    n + some.size,
                    at + some.size,
                )
            else:
                at += first + self.size - kept.size
                alarms.append(at - 1)
                kept, n = held[:0], 0
        last = bool(alarms) and alarms[-1] == xs.size - 1
        return KswinState(n, last, tuple(kept.tolist())), alarms

    def _first(self, held: NDArray[np.float64], n: int) -> int:
        """The first full window of `held` that is a change, or -1; its last item is number `n` since the start."""
        count = held.size - self.size + 1
        if count < 1:
            return -1
        windows = np.lib.stride_tricks.sliding_window_view(held, self.size)
        older, newest = windows[:, : -self.newest], windows[:, -self.newest :]
        drawn = np.take_along_axis(older, self._drawn(np.arange(n - count + 1, n + 1)), axis=1)
        found = np.flatnonzero(_steps(drawn, newest) >= critical(self.newest, self.alpha))
        return int(found[0]) if found.size else -1

    def _drawn(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Places among the older items, shape (numbers, newest): those whose hash is smallest."""
        places = np.arange(self.size - self.newest, dtype=np.uint64)
        seed = np.uint64(self.seed % 2**64)
        keys = _mixed(
            _mixed(numbers.astype(np.uint64) ^ _mixed(seed + np.zeros(1, np.uint64)))[:, None] + places
        )
        return np.argpartition(keys, self.newest - 1, axis=1)[:, : self.newest]


def _mixed(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Each number well mixed (SplitMix64; Steele, Lea and Flood 2014)."""
    x = (x + np.uint64(0x9E3779B97F4A7C15)).astype(np.uint64)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def _steps(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.int64]:
    """Row by row, the Kolmogorov–Smirnov distance of two samples of equal size, times that size."""
    both = np.concatenate([one, other], axis=1)
    order = np.argsort(both, axis=1, kind="stable")
    ranked = np.take_along_axis(both, order, axis=1)
    ahead = np.cumsum(np.where(order < one.shape[1], 1, -1), axis=1)
    last = np.ones(both.shape, bool)
    last[:, :-1] = ranked[:, 1:] != ranked[:, :-1]
    found: NDArray[np.int64] = np.where(last, np.abs(ahead), 0).max(axis=1)
    return found


@lru_cache(maxsize=32)
def critical(size: int, alpha: float) -> int:
    """The least distance, times `size`, that is both significant and over KSWIN's floor of 0.1.

    `P(D ≥ h/n) = 2 Σ_k (-1)^(k-1) C(2n, n-kh)/C(2n, n)` for two samples of `n` (Gnedenko and Koroljuk 1951).

    >>> critical(30, 0.005)
    14
    """
    for h in range(int(_LEAST * size) + 1, size + 1):
        k = np.arange(1, size // h + 1)
        terms = np.exp(2 * gammaln(size + 1) - gammaln(size - k * h + 1) - gammaln(size + k * h + 1))
        if 2 * float(np.sum(np.where(k % 2, terms, -terms))) <= alpha:
            return h
    return size + 1


register("kswin", Kswin(alpha=1e-4))
