"""The parts of a profile: each a small sum that can be added to its neighbour's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from anchorwatch.profile.histogram import Histogram
from anchorwatch.profile.unseen import merge_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

S = TypeVar("S", bound=np.generic)


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

    @classmethod
    def sum(cls, parts: Sequence[Numbers]) -> Numbers:
        """All of them together, at least one."""
        return Numbers(
            _sum([part.counts for part in parts]),
            _sum([part.missing for part in parts]),
            _sum([part.infinite for part in parts]),
            _sum([part.total for part in parts]),
            _sum([part.square for part in parts]),
            np.minimum.reduce([part.low for part in parts]),
            np.maximum.reduce([part.high for part in parts]),
        )

    def __add__(self, other: Numbers) -> Numbers:
        return Numbers.sum((self, other))


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

    @classmethod
    def sum(cls, parts: Sequence[Categories]) -> Categories:
        """All of them together, at least one."""
        return Categories(
            tuple(_sum(counts) for counts in zip(*[part.counts for part in parts], strict=True)),
            _sum([part.missing for part in parts]),
            _sum([part.unseen for part in parts]),
            tuple(merge_names(names) for names in zip(*[part.names for part in parts], strict=True)),
        )

    def __add__(self, other: Categories) -> Categories:
        return Categories.sum((self, other))


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

    @classmethod
    def sum(cls, parts: Sequence[Service]) -> Service:
        """All of them together, at least one."""
        return Service(
            sum(part.events for part in parts),
            sum(part.errors for part in parts),
            Histogram.sum([part.latency for part in parts]),
            sum(part.latency_total for part in parts),
            min(part.first for part in parts),
            max(part.last for part in parts),
        )

    def __add__(self, other: Service) -> Service:
        return Service.sum((self, other))


@dataclass(frozen=True, slots=True, eq=False)
class Confusion:
    """Outcomes against predicted labels: int64, shape (labels + 1, labels + 1), actual × predicted.

    The last row and column count labels that the grid does not know.
    """

    matrix: NDArray[np.int64]

    @classmethod
    def sum(cls, parts: Sequence[Confusion]) -> Confusion:
        """All of them together, at least one."""
        return Confusion(_sum([part.matrix for part in parts]))

    def __add__(self, other: Confusion) -> Confusion:
        return Confusion.sum((self, other))


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

    @classmethod
    def sum(cls, parts: Sequence[Scores]) -> Scores:
        """All of them together, at least one."""
        return Scores(
            sum(part.n for part in parts),
            sum(part.log_loss for part in parts),
            sum(part.log_loss_square for part in parts),
            sum(part.brier for part in parts),
            sum(part.brier_square for part in parts),
            tuple(Histogram.sum(each) for each in zip(*[part.histograms for part in parts], strict=True)),
        )

    def __add__(self, other: Scores) -> Scores:
        return Scores.sum((self, other))


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

    @classmethod
    def sum(cls, parts: Sequence[Residuals]) -> Residuals:
        """All of them together, at least one."""
        return Residuals(
            sum(part.n for part in parts),
            _sum([part.sums for part in parts]),
            Histogram.sum([part.absolute for part in parts]),
        )

    def __add__(self, other: Residuals) -> Residuals:
        return Residuals.sum((self, other))


@dataclass(frozen=True, slots=True, eq=False)
class Joined:
    """How many predictions have an outcome by now, and how many will never get one (expired)."""

    outcomes: int
    expired: int

    @classmethod
    def sum(cls, parts: Sequence[Joined]) -> Joined:
        """All of them together, at least one."""
        return Joined(sum(part.outcomes for part in parts), sum(part.expired for part in parts))

    def __add__(self, other: Joined) -> Joined:
        return Joined.sum((self, other))


def _sum(arrays: Sequence[NDArray[S]]) -> NDArray[S]:
    """Added up in place: a year of hours would not fit the cache if it were stacked first."""
    total = arrays[0].copy()
    for array in arrays[1:]:
        np.add(total, array, out=total)
    return total
