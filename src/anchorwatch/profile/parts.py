"""The parts of a profile: each a small sum that can be added to its neighbour's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from anchorwatch.profile.histogram import Histogram
from anchorwatch.profile.unseen import merge_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

S = TypeVar("S", bound=np.generic)

RESIDUAL_SUMS = (
    "e",
    "|e|",
    "e²",
    "e⁴",
    "z",
    "z²",
    "|y|",
    "r",
    "y≠0",
    "s",
    "r²",
    "s²",
    "|e||y|",
    "z³",
    "z⁴",
    "e²z",
    "e²z²",
    "e₊²",
)
"""What `Residuals.sums` are sums of; `y≠0` counts those rows, and `e₊` is `e` where it is positive, else 0."""


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

    With `y` the outcome, `ŷ` the prediction, `z` = `y` standardised by the grid, `r = |e/y|` (0 where y = 0) and
    `s = 2|e| / (|y| + |ŷ|)` (0 where both are 0), the entries of `sums` are those named in `RESIDUAL_SUMS`.
    From them come, beside the figures, their variances by the delta method:

    - bias and MAE: `Σe²`; MSE and RMSE: `Σe⁴`; MAPE and sMAPE: `Σr²`, `Σs²`;
    - WAPE, the ratio `Σ|e| / Σ|y|`: `Σe²`, `Σ|e||y|` and `Σy²`, the last from `Σz` and `Σz²`;
    - R², one less the ratio of `Σe²` to `Σ(z - z̄)²`: `Σe⁴`, `Σe²z`, `Σe²z²` and `Σz³`, `Σz⁴`;
    - pinball loss at τ, `τΣe₋ + (1-τ)Σe₊` with `Σe± = (Σ|e| ± Σe) / 2`: `τ²Σe₋² + (1-τ)²Σe₊²`, where
      `Σe₋² = Σe² - Σe₊²`.

    Attributes:
        n: rows with outcome and prediction.
        sums: float64, shape (18,), in the order of `RESIDUAL_SUMS`.
        absolute: |e|; two rows: of errors below zero, and of the others, so that the signed error has quantiles too
            (`error_quantiles`).
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

    def error_quantiles(self, q: ArrayLike) -> NDArray[np.float64]:
        """Quantiles at `q` in [0, 1] of the signed error: the middle of its cell; NaN when nothing is counted."""
        middles, counts = self.absolute.middles(), self.absolute.counts
        values = np.concatenate([-middles[::-1], middles])
        cumulative = np.cumsum(np.concatenate([counts[0, ::-1], counts[1]]))
        wanted = np.atleast_1d(np.asarray(q, dtype=np.float64))
        if not cumulative.size or not cumulative[-1]:
            return np.full(wanted.shape, np.nan)
        ranks = np.clip(np.ceil(wanted * cumulative[-1]), 1, cumulative[-1])
        return np.asarray(values[np.searchsorted(cumulative, ranks)])


@dataclass(frozen=True, slots=True, eq=False)
class Joined:
    """How many predictions have an outcome by now, how many will never get one (expired), and what detectors raised."""

    outcomes: int
    expired: int
    alarms: int = 0

    @classmethod
    def sum(cls, parts: Sequence[Joined]) -> Joined:
        """All of them together, at least one."""
        return Joined(
            sum(part.outcomes for part in parts),
            sum(part.expired for part in parts),
            sum(part.alarms for part in parts),
        )

    def __add__(self, other: Joined) -> Joined:
        return Joined.sum((self, other))


def _sum(arrays: Sequence[NDArray[S]]) -> NDArray[S]:
    """Added up in place: a year of hours would not fit the cache if it were stacked first."""
    total = arrays[0].copy()
    for array in arrays[1:]:
        np.add(total, array, out=total)
    return total
