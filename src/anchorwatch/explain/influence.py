"""How much a model's answer hangs on each input, as the reference's sampled rows tell."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from anchorwatch.profile.grid import OUTCOME, PREDICTION, SCORE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from anchorwatch.profile.grid import Grid
    from anchorwatch.profile.profile import Profile

    Floats = NDArray[np.float64]

CALM = 10.0
"""Rows of the mean answer that each cell's own mean is drawn towards it by: few rows say little."""

FEWEST = 50
"""Sampled rows of the reference that it takes."""

_ANSWERS = frozenset({PREDICTION, SCORE, OUTCOME})


@dataclass(frozen=True, slots=True, eq=False)
class Influence:
    """The reference's mean answer in each cell of each input.

    An answer is the score (binary), the predicted number (regression) or the shares of the predicted classes.

    Attributes:
        columns: inputs, numbers first.
        cells: per input, the cell of each of its codes: deciles of numbers, levels, and what is missing or unseen.
        means: per input, the mean answer of each cell, shape (cells, answers).
        doubts: per input, the variance of each cell's mean, as a part of the answer's, shape (cells,).
        overall: the mean answer, shape (answers,).
        spread: standard deviation of the answers, shape (answers,).
        importance: per input, the share of the answer's variance that its cells explain (correlation ratio η², chance
            taken off), 0 to 1.
        answer: what the answer is called: `score`, `prediction` or `classes`.
    """

    columns: tuple[str, ...]
    cells: tuple[NDArray[np.int64], ...]
    means: tuple[Floats, ...]
    doubts: tuple[Floats, ...]
    overall: Floats
    spread: Floats
    importance: Floats
    answer: str

    @classmethod
    def of(cls, reference: Profile) -> Influence | None:
        """From a reference's sampled rows; None without enough of them, or without answers that vary."""
        return _influence(reference)


@lru_cache(maxsize=32)
def _influence(reference: Profile) -> Influence | None:
    found = _answers(reference)
    if found is None or reference.sample is None:
        return None
    answers, known, name = found
    grid, sample = reference.grid, reference.sample
    answers = answers[known]
    spread = answers.std(axis=0)
    if len(answers) < FEWEST or not (spread > 0).any():
        return None
    overall = answers.mean(axis=0)
    columns, cells, means, doubts, importance = [], [], [], [], []
    for column, codes, cell in _inputs(grid, sample.codes, sample.levels):
        place = cell[codes[known]]
        count = np.asarray(np.bincount(place, minlength=cell.max() + 1), dtype=np.float64)
        sums = np.array([np.bincount(place, one, count.size) for one in answers.T], dtype=np.float64).T
        columns.append(column)
        cells.append(cell)
        means.append((sums + CALM * overall) / (count + CALM)[:, None])
        doubts.append(count / (count + CALM) ** 2)
        importance.append(_ratio(sums, count, answers))
    parts = (tuple(columns), tuple(cells), tuple(means), tuple(doubts))
    return Influence(*parts, overall, spread, np.array(importance), name)


def _answers(reference: Profile) -> tuple[Floats, NDArray[np.bool_], str] | None:
    """Each sampled row's answer, shape (rows, answers), whether it is known, and its name."""
    grid, sample = reference.grid, reference.sample
    if sample is None or not sample.size:
        return None
    for name in (SCORE, PREDICTION):
        if name in grid.numbers:
            values = sample.values(grid)[:, grid.numbers.index(name)]
            if np.isfinite(values).any():
                return values[:, None], np.isfinite(values), name.removeprefix("_")
    if PREDICTION not in grid.categories:
        return None
    lane = grid.categories.index(PREDICTION)
    levels = sample.levels[:, lane]
    classes = len(grid.levels[lane])
    return np.eye(classes + 2)[levels][:, :classes], levels < classes, "classes"


def _inputs(
    grid: Grid, codes: NDArray[np.uint16], levels: NDArray[np.uint16]
) -> list[tuple[str, NDArray[np.uint16], NDArray[np.int64]]]:
    """Each input's codes, and which cell each code belongs to."""
    found = []
    for lane, name in enumerate(grid.numbers):
        if name not in _ANSWERS:
            bins = np.arange(grid.edges[lane].size + 2)
            cell = np.searchsorted(grid.deciles[lane], bins, side="left")
            cell[-1] = cell[-2] + 1
            found.append((name, codes[:, lane], cell))
    for lane, name in enumerate(grid.categories):
        if name not in _ANSWERS:
            found.append((name, levels[:, lane], np.arange(len(grid.levels[lane]) + 2)))
    return found


def _ratio(sums: Floats, count: Floats, answers: Floats) -> float:
    """Share of the variance between cells, less what chance puts there."""
    centred = answers - answers.mean(axis=0)
    total = float((centred**2).sum())
    used = count > 0
    means = sums[used] / count[used, None] - answers.mean(axis=0)
    between = float((count[used, None] * means**2).sum())
    rows, cells = len(answers), int(used.sum())
    if rows <= cells or total <= 0:
        return 0.0
    return max((between - (cells - 1) * (total - between) / (rows - cells)) / total, 0.0)
