"""How much of a sample lies elsewhere than another, and how much would by chance alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import gammaln, xlog1py, xlogy

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from anchorwatch.drift.cells import Cells

    Floats = NDArray[np.float64]


def moved(cells: Cells) -> Floats:
    """Share of rows that would have to move to make the current sample the reference, chance taken off; per column.

    `√max(V² - E², 0)` with the total variation `V = ½ Σ |q - p|` over the cells and `E`, what two samples of these
    sizes from one distribution differ by on average, given the cells' totals. 0 to 1.

    >>> from anchorwatch.drift.cells import Cells
    >>> moved(Cells.of([[500, 500], [3, 2]], [[750, 250], [1, 4]])).round(3).tolist()
    [0.249, 0.314]
    """
    return np.sqrt(np.maximum(apart(cells) ** 2 - noise(cells) ** 2, 0))


def apart(cells: Cells) -> Floats:
    """Total variation `½ Σ |q - p|` of each column's shares, chance included.

    >>> from anchorwatch.drift.cells import Cells
    >>> apart(Cells.of([[50, 50]], [[65, 35]])).round(3).tolist()
    [0.15]
    """
    p, q = cells.shares()
    return cells.sums(np.abs(q - p)) / 2


def noise(cells: Cells) -> Floats:
    """Total variation that is expected between two samples of one distribution, given the totals of the cells.

    Of the `t` rows a cell holds on both sides, hypergeometrically many are current ones: their mean absolute deviation
    is taken as that of Binomial(t, π = n/(n+m)), `2 k C(t, k) π^k (1-π)^(t-k+1)` with `k = ⌊tπ⌋ + 1`, times
    `√((n+m-t)/(n+m-1))`. Source: De Moivre 1730; Diaconis and Zabell 1991.

    >>> from anchorwatch.drift.cells import Cells
    >>> noise(Cells.of([[50, 50]], [[50, 50]])).round(4).tolist()
    [0.0563]
    """
    m, n = cells.sums(cells.reference)[cells.column], cells.sums(cells.current)[cells.column]
    with np.errstate(divide="ignore", invalid="ignore"):
        share, total = n / (n + m), cells.reference + cells.current
        rank = np.minimum(np.floor(total * share) + 1, total)
        log = (
            gammaln(total + 1)
            - gammaln(rank + 1)
            - gammaln(total - rank + 1)
            + xlogy(rank, share)
            + xlog1py(total - rank + 1, -share)
        )
        deviation = np.where(total > 0, 2 * rank * np.exp(log), 0)
        finite = np.sqrt(np.maximum(n + m - total, 0) / np.maximum(n + m - 1, 1))
        return cells.sums(deviation * finite * (1 / n + 1 / m)) / 2
