"""The grid: how a model's values are binned, fixed once by the reference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from anchorwatch.core.schema import Task
    from anchorwatch.profile.forest import Forest

QUANTILES = 240
"""Quantile bins per numeric column: divisible by 10, so that deciles are among the edges."""

PREDICTION = "_prediction"
SCORE = "_score"
OUTCOME = "_outcome"

FENCES = ("z", "robust_z", "iqr")
"""Rules for what is an outlier, in the order of `Grid.fences`."""


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Bins for every column of a model, inputs first, then `_prediction`, `_score`, `_outcome` where they apply.

    Numeric bin `j` of a column holds values in `(edges[j-1], edges[j]]`; the first holds all up to `edges[0]`,
    one more after the last edge holds the rest, so a column has `len(edges) + 1` bins. An edge lies just below the
    reference's minimum and another on its maximum (`ranges`): bins before the one and after the other count what is
    out of range. An atom (a value with much mass) has an edge just below itself and one on itself, hence a bin of
    its own. What is an outlier by a fence is counted exactly, since fences are edges too, in range or beyond it.

    Attributes:
        digest: hex SHA-256 (first 32 digits) of the content; profiles add only when digests are equal.
        task: decides how outcomes are folded.
        labels: classes in order; the code of a class is its index and `len(labels)` stands for any other.
        positive: index of the positive label (binary), else -1.
        threshold: score at or above which `positive` is predicted when no label was logged.
        numbers: names of numeric columns.
        edges: per numeric column, ascending float64 edges.
        deciles: per numeric column, indices into `edges` of the reference's distinct deciles (10 %..90 %).
        centre: per numeric column, subtracted before moments are summed (the reference's median; 0 without).
        scale: per numeric column, divided by (the reference's standard deviation; 1 without).
        categories: names of categorical columns.
        levels: per categorical column, known values in order; unknown ones are counted apart.
        fitted: False when no reference was seen: edges are a general logarithmic ladder and no level is known.
        ranges: per numeric column, indices into `edges` of the edge just below the reference's minimum and of its
            maximum, int64, shape (columns, 2); first and last edge where the reference held no number.
        fences: indices into `edges` per numeric column, rule of `FENCES` and side, int64, shape (columns, 3, 2):
            bins up to the first, and bins after the second, hold outliers; -1 where there is no fence.
        vectors: names of vector columns.
        widths: numbers in each vector of those columns; 0 where it is not known yet.
        forest: what finds rows that are outlying over all numeric inputs together, when the model asks for it.
    """

    digest: str
    task: Task
    labels: tuple[str, ...]
    positive: int
    threshold: float
    numbers: tuple[str, ...]
    edges: tuple[NDArray[np.float64], ...]
    deciles: tuple[NDArray[np.int64], ...]
    centre: NDArray[np.float64]
    scale: NDArray[np.float64]
    categories: tuple[str, ...]
    levels: tuple[tuple[str, ...], ...]
    fitted: bool
    ranges: NDArray[np.int64]
    fences: NDArray[np.int64]
    vectors: tuple[str, ...]
    widths: tuple[int, ...]
    forest: Forest | None = None
