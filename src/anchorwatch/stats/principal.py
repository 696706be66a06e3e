"""Principal components: which directions a sample varies in, and what they leave unexplained of another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

EXPLAINED = 0.65
"""Share of the variance that the components kept must explain."""

_ALONE = 2**17
"""Multiplications of a product that BLAS does by itself; for larger ones it wakes threads, which wait by spinning."""


@dataclass(frozen=True, slots=True, eq=False)
class Components:
    """Fitted components: rows are centred, scaled, and projected on `axes`, shape (components, columns)."""

    centre: Floats
    scale: Floats
    axes: Floats

    @classmethod
    def of(cls, rows: Floats, explained: float = EXPLAINED) -> Components:
        """Fit to rows, shape (n, columns), none missing: as few components as explain the share of variance.

        A column that never varies is left as it is, so that its first change shows.

        >>> found = Components.of(np.array([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]]))
        >>> found.axes.shape
        (1, 2)
        """
        centre = rows.mean(axis=0)
        spread = rows.std(axis=0)
        scale = np.where(spread > 0, spread, 1.0)
        variances, axes = _axes((rows - centre) / scale)
        power = np.cumsum(variances)
        count = (
            0 if not power.size or power[-1] <= 0 else int(np.searchsorted(power / power[-1], explained)) + 1
        )
        return cls(centre, scale, axes[: min(count, len(axes))])

    def errors(self, rows: Floats) -> Floats:
        """Distance of each row from what the components make of it, shape (n,); in standard deviations, 0 is best.

        >>> found = Components.of(np.array([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]]))
        >>> found.errors(np.array([[5.0, 5.0], [1.0, 2.0]])).round(3).tolist()
        [0.0, 0.866]
        """
        found = np.empty(len(rows))
        step = max(_ALONE // max(self.axes.size, 1), 1)
        for begin in range(0, len(rows), step):
            scaled = (rows[begin : begin + step] - self.centre) / self.scale
            left = scaled - scaled @ self.axes.T @ self.axes
            found[begin : begin + step] = np.linalg.norm(left, axis=1)
        return found


def _axes(rows: Floats) -> tuple[Floats, Floats]:
    """Variances, largest first, and the directions they belong to, one per row; of many rows by their covariance."""
    if len(rows) <= rows.shape[1]:
        _, singular, axes = np.linalg.svd(rows, full_matrices=False)
        return singular**2, axes
    variances, columns = np.linalg.eigh(rows.T @ rows)
    return np.maximum(variances[::-1], 0), columns.T[::-1]
