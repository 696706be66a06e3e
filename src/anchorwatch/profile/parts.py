"""The parts of a profile: each a small sum that can be added to its neighbour's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from anchorwatch.profile.histogram import Histogram

UNSEEN_KEPT = 64
"""Unseen categories remembered per column: those with the smallest hash, with their exact counts."""


@dataclass(frozen=True, slots=True, eq=False)
class Numbers:
    """Numeric columns of a grid, one entry per column.

    Attributes:
        counts: finite values per bin, int64, shape (columns, bins of the widest column); zero beyond a column's own.
        missing: null or NaN, shape (columns,).
        infinite: plus or minus infinity, shape (columns,); in no bin and in no moment.
        total: sum of standardised values `(x - grid.centre) / grid.scale`.
        square: sum of their squares.
        low: smallest finite value, +inf when none.
        high: largest finite value, -inf when none.
    """

    counts: NDArray[np.int64]
    missing: NDArray[np.int64]
    infinite: NDArray[np.int64]
    total: NDArray[np.float64]
    square: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]

    def __add__(self, other: Numbers) -> Numbers:
        return Numbers(
            self.counts + other.counts,
            self.missing + other.missing,
            self.infinite + other.infinite,
            self.total + other.total,
            self.square + other.square,
            np.minimum(self.low, other.low),
            np.maximum(self.high, other.high),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Categories:
    """Categorical columns of a grid.

    Attributes:
        counts: per column, int64 counts of `grid.levels[column]`.
        missing: nulls, shape (columns,).
        unseen: values that are no known level, shape (columns,).
        names: per column, up to `UNSEEN_KEPT` unseen values with their exact counts: the ones whose hash is
            smallest, which makes the choice independent of order and split.
    """

    counts: tuple[NDArray[np.int64], ...]
    missing: NDArray[np.int64]
    unseen: NDArray[np.int64]
    names: tuple[dict[str, int], ...]

    def __add__(self, other: Categories) -> Categories:
        from anchorwatch.profile.unseen import merge_names  # noqa: PLC0415 - hashing is needed here alone

        return Categories(
            tuple(a + b for a, b in zip(self.counts, other.counts, strict=True)),
            self.missing + other.missing,
            self.unseen + other.unseen,
            tuple(merge_names(a, b) for a, b in zip(self.names, other.names, strict=True)),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Service:
    """How the model served: events, of them errors, and latency in seconds.

    `latency` has 2 % cells or finer; `first` and `last` are event times in microseconds since 1970 (UTC).
    """

    events: int
    errors: int
    latency: Histogram
    latency_total: float
    first: int
    last: int

    def __add__(self, other: Service) -> Service:
        return Service(
            self.events + other.events,
            self.errors + other.errors,
            self.latency + other.latency,
            self.latency_total + other.latency_total,
            min(self.first, other.first),
            max(self.last, other.last),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Confusion:
    """Outcomes against predicted labels: int64, shape (labels + 1, labels + 1), actual × predicted.

    The last row and column count labels that the grid does not know.
    """

    matrix: NDArray[np.int64]

    def __add__(self, other: Confusion) -> Confusion:
        return Confusion(self.matrix + other.matrix)


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Probabilities against outcomes, for each of `spec.score_labels` (binary: the positive class alone).

    Attributes:
        n: rows with outcome and score.
        log_loss: sum of -log(probability given to the class that came), clipped at 1e-15, natural logarithm.
        log_loss_square: sum of its squares (for the interval).
        brier: sum of squared differences between probability and 0/1 outcome, over the score labels.
        brier_square: sum of the squares of each row's term.
        histograms: per score label, two rows: scores where the label did not come, and where it came; kept on
            the logit-like scale of `fold.logit_key`, so that 0.999 and 0.9999 stay apart.
    """

    n: int
    log_loss: float
    log_loss_square: float
    brier: float
    brier_square: float
    histograms: tuple[Histogram, ...]

    def __add__(self, other: Scores) -> Scores:
        return Scores(
            self.n + other.n,
            self.log_loss + other.log_loss,
            self.log_loss_square + other.log_loss_square,
            self.brier + other.brier,
            self.brier_square + other.brier_square,
            tuple(a + b for a, b in zip(self.histograms, other.histograms, strict=True)),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Residuals:
    """Regression errors `e = prediction - outcome`, in the outcome's unit.

    Attributes:
        n: rows with outcome and prediction.
        sums: float64, shape (10,): Σe, Σ|e|, Σe², Σe⁴, Σz, Σz², Σ|y|, Σ|e/y| where y ≠ 0, count of those,
            Σ 2|e|/(|y|+|ŷ|) (0 where both are 0), with y the outcome and z = y standardised by the grid.
        absolute: |e|.
    """

    n: int
    sums: NDArray[np.float64]
    absolute: Histogram

    def __add__(self, other: Residuals) -> Residuals:
        return Residuals(self.n + other.n, self.sums + other.sums, self.absolute + other.absolute)


@dataclass(frozen=True, slots=True, eq=False)
class Joined:
    """How many predictions have an outcome by now, and how many will never get one (expired)."""

    outcomes: int
    expired: int

    def __add__(self, other: Joined) -> Joined:
        return Joined(self.outcomes + other.outcomes, self.expired + other.expired)
