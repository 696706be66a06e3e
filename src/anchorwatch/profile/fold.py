"""Rows to profiles: the arrow from what was logged to what is measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from anchorwatch.core.errors import InputError
from anchorwatch.core.schema import Task
from anchorwatch.profile.digest import Digest, finders
from anchorwatch.profile.grid import OUTCOME
from anchorwatch.profile.histogram import Histogram
from anchorwatch.profile.parts import Categories, Confusion, Joined, Numbers, Residuals, Scores
from anchorwatch.profile.profile import Profile
from anchorwatch.profile.rows import Rows
from anchorwatch.profile.tally import LARGEST, Sums, locate, missing_code, standardised

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import ArrayLike, NDArray

    from anchorwatch.profile.grid import Grid

SCORE_CELLS = 4096
"""Cells of a score histogram; with as many different scores or fewer, the area under the curve is exact."""

RESIDUAL_CELLS = 1024
"""Cells of the histogram of absolute errors."""

_CLIP = 1e-15
_SLACK = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class JoinedRows:
    """Predictions with the outcomes that came for them, row by row.

    Attributes:
        prediction: label code (see `label_codes`) or value; NaN when there is none; shape (n,).
        scores: probability of each of `spec.score_labels`; NaN when there is none; shape (n, score labels).
        outcome: label code or value; rows where it is NaN are passed over; shape (n,).
    """

    prediction: NDArray[np.float64]
    scores: NDArray[np.float64]
    outcome: NDArray[np.float64]


def prepare(frame: pl.DataFrame, grid: Grid, keys: NDArray[np.uint64] | None = None) -> Digest:
    """Locate the values of a canonical frame on a grid once; `fold` the answer into as many groupings as wanted.

    `keys` are hashes of the rows' ids to sample by, shape (rows,), for those who have them; see `sample.row_keys`.
    """
    return Digest.of(frame, grid, keys)


def fold_inputs(
    frame: pl.DataFrame, groups: NDArray[np.int64], count: int, grid: Grid, *, sample: int = 0
) -> list[Profile]:
    """Profiles of predictions, one per group: inputs, what was predicted, and how the model served.

    Args:
        frame: a canonical frame of predictions; an input it lacks counts as missing.
        groups: group of each row, in [0, count), or -1 for none.
        count: groups there are.
        grid: the bins.
        sample: rows to keep of each group; 0 for none.
    """
    return prepare(frame, grid).fold(groups, count, sample)


def fold_outcomes(joined: JoinedRows, groups: NDArray[np.int64], count: int, grid: Grid) -> list[Profile]:
    """Profiles of outcomes, one per group: the outcome's distribution, and how predictions and scores met it.

    Rows whose outcome is NaN count nowhere.
    """
    if len(groups) != joined.outcome.size:
        raise InputError(f"{joined.outcome.size} rows need a group each; {len(groups)} were given")
    rows = Rows.of(np.where(np.isnan(joined.outcome), -1, groups), count)
    outcome, prediction = rows.pick(joined.outcome), rows.pick(joined.prediction)
    counted = [Joined(number, 0) for number in np.bincount(rows.group, minlength=count).tolist()]
    if grid.task is Task.REGRESSION:
        numbers = _outcome_numbers(rows, outcome, grid)
        residuals = _residuals(rows, prediction, outcome, grid)
        return [
            Profile(grid, numbers=numbers[group], residuals=residuals[group], joined=counted[group])
            for group in range(count)
        ]
    categories = _outcome_categories(rows, outcome, grid)
    confusion = _confusion(rows, prediction, outcome, len(grid.labels) + 1)
    scores = _scores(rows, rows.pick(joined.scores.T), outcome, grid)
    return [
        Profile(
            grid,
            categories=categories[group],
            confusion=confusion[group],
            scores=scores[group] if scores else None,
            joined=counted[group],
        )
        for group in range(count)
    ]


def label_codes(labels: pl.Series, grid: Grid) -> NDArray[np.float64]:
    """Labels as their index in `grid.labels`; `len(grid.labels)` for any other, NaN for null."""
    codes = finders(grid).labels.codes(labels).astype(np.float64)
    codes[codes > len(grid.labels)] = np.nan
    return codes


def logit_key(scores: ArrayLike) -> NDArray[np.float64]:
    """The scale on which scores are counted: the log-odds shifted by 192, ascending in the score, within (128, 256).

    The shift puts all of them between two powers of two, where dyadic cells are equally wide: 3·10⁻⁸ of log-odds at
    the finest. Probabilities under 10⁻²⁷ share a cell.

    >>> logit_key([0.0, 0.5, 1.0])
    array([128.5, 192. , 255.5])
    """
    probability = np.asarray(scores, dtype=np.float64)
    with np.errstate(divide="ignore"):
        odds: NDArray[np.float64] = np.log(probability) - np.log1p(-probability)
    return np.clip(odds, -63.5, 63.5) + 192.0


def _outcome_numbers(rows: Rows, outcome: NDArray[np.float64], grid: Grid) -> list[Numbers]:
    column = np.array([grid.numbers.index(OUTCOME)], np.intp)
    slab = locate(column, outcome[None, :], finders(grid).locators, missing_code(grid))
    sums = Sums.zero(grid, rows.count)
    sums.add(slab, [rows.in_order()], grid)
    return [sums.numbers(group) for group in range(rows.count)]


def _outcome_categories(rows: Rows, outcome: NDArray[np.float64], grid: Grid) -> list[Categories]:
    column, size = grid.categories.index(OUTCOME), len(grid.labels)
    tally = rows.tally(_codes(outcome, size), size + 1)
    nothing = np.zeros(len(grid.categories), np.int64)
    names: tuple[dict[str, int], ...] = tuple({} for _ in grid.categories)
    counts = [np.zeros(len(levels), np.int64) for levels in grid.levels]
    found = []
    for group in range(rows.count):
        counts[column] = tally[group, :size]
        unseen = nothing.copy()
        unseen[column] = tally[group, size]
        found.append(Categories(tuple(counts), nothing, unseen, names))
    return found


def _codes(labels: NDArray[np.float64], other: int) -> NDArray[np.int64]:
    """Label codes as integers; what is no known label becomes `other`."""
    known = (labels >= 0) & (labels < other)
    return np.where(known, labels, other).astype(np.int64)


def _confusion(
    rows: Rows, prediction: NDArray[np.float64], outcome: NDArray[np.float64], size: int
) -> list[Confusion]:
    answered = rows.where(~np.isnan(prediction))
    actual, predicted = _codes(answered.pick(outcome), size - 1), _codes(answered.pick(prediction), size - 1)
    tally = answered.tally(actual * size + predicted, size * size)
    return [Confusion(matrix) for matrix in tally.reshape(rows.count, size, size)]


def _scores(
    rows: Rows, scores: NDArray[np.float64], outcome: NDArray[np.float64], grid: Grid
) -> list[Scores] | None:
    """Binary: one probability, every other outcome a negative. Multiclass: one per label, known outcomes only."""
    binary = grid.task is Task.BINARY
    targets = np.array([grid.positive]) if binary else np.arange(len(grid.labels))
    if not targets.size or scores.shape[0] < targets.size:
        return None
    scores = scores[: targets.size]
    given = np.all((scores >= -_SLACK) & (scores <= 1 + _SLACK), axis=0)
    valid = rows.where(given if binary else given & (outcome < targets.size))
    probability = np.clip(valid.pick(scores), 0.0, 1.0)
    came = valid.pick(outcome) == targets[:, None]
    truth = (
        np.where(came, probability, 0.0).sum(axis=0)
        if not binary
        else _given_to_truth(probability[0], came[0])
    )
    loss = -np.log(np.clip(truth, _CLIP, 1 - _CLIP))
    brier = ((probability - came) ** 2).sum(axis=0)
    sums = valid.sum(np.stack([loss, loss * loss, brier, brier * brier]))
    n = np.bincount(valid.group, minlength=rows.count).tolist()
    keys = logit_key(probability)
    histograms = [(Histogram.empty(2, SCORE_CELLS),) * targets.size] * rows.count
    for group, here in valid.slices():
        histograms[group] = tuple(
            Histogram.of([key[here][~event[here]], key[here][event[here]]], SCORE_CELLS)
            for key, event in zip(keys, came, strict=True)
        )
    return [Scores(*each) for each in zip(n, *sums.tolist(), histograms, strict=True)]


def _given_to_truth(probability: NDArray[np.float64], came: NDArray[np.bool_]) -> NDArray[np.float64]:
    return np.where(came, probability, 1.0 - probability)


def _residuals(
    rows: Rows, prediction: NDArray[np.float64], outcome: NDArray[np.float64], grid: Grid
) -> list[Residuals]:
    valid = rows.where(np.isfinite(prediction) & np.isfinite(outcome))
    predicted, actual = valid.pick(prediction), valid.pick(outcome)
    error, terms = _terms(predicted, actual, grid)
    sums = valid.sum(terms).T
    n = np.bincount(valid.group, minlength=rows.count).tolist()
    absolute, under = np.abs(error), error < 0
    histograms = [Histogram.empty(2, RESIDUAL_CELLS)] * rows.count
    for group, here in valid.slices():
        size, below = absolute[here], under[here]
        histograms[group] = Histogram.of([size[below], size[~below]], RESIDUAL_CELLS)
    return [Residuals(n[group], sums[group], histograms[group]) for group in range(rows.count)]


def _terms(
    predicted: NDArray[np.float64], actual: NDArray[np.float64], grid: Grid
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Errors, shape (n,), and each row's part of `Residuals.sums`, shape (18, n)."""
    column = grid.numbers.index(OUTCOME)
    with np.errstate(over="ignore", invalid="ignore"):
        error = np.clip(predicted - actual, -LARGEST, LARGEST)
        absolute, square = np.abs(error), error * error
        standard = standardised(actual, grid.centre[column], grid.scale[column])
        nonzero = actual != 0
        relative = np.divide(absolute, np.abs(actual), out=np.zeros_like(error), where=nonzero)
        size = np.abs(actual) / 4 + np.abs(predicted) / 4
        symmetric = np.divide(
            2 * np.abs(predicted / 4 - actual / 4), size, out=np.zeros_like(error), where=size > 0
        )
        spread, over, magnitude = standard * standard, np.maximum(error, 0), np.abs(actual)
        terms = [
            error,
            absolute,
            square,
            square * square,
            standard,
            spread,
            magnitude,
            relative,
            nonzero,
            symmetric,
        ]
        terms += [relative * relative, symmetric * symmetric, absolute * magnitude, spread * standard]
        terms += [spread * spread, square * standard, square * spread, over * over]
    return error, np.clip(np.nan_to_num(np.stack(terms), nan=0.0), -LARGEST, LARGEST)
