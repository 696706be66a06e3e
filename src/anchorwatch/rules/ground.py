"""What a measure is held against: the reference as a whole, and how its own windows vary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from anchorwatch.rules.band import FEWEST
from anchorwatch.stats.deviates import squared

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from anchorwatch.core.results import Value
    from anchorwatch.rules.band import ReferenceBand

_LEAST = 0.25


@dataclass(frozen=True, slots=True)
class Inflation:
    """How much more the reference's own windows differ from the rest of it than independent rows would.

    Rows of a day or of an hour are alike, so p-values that take them for independent are too small. Read as squared
    normal deviates, p-values of the reference's windows average `factor`, which is 1 when rows are independent.

    Attributes:
        factor: 1 or more.
        freedom: degrees of freedom of that estimate: its windows; infinite when none is needed.
        rows: rows of those windows on average; 0 when not known.

    >>> Inflation.of([0.5, 0.3, 0.7, 0.2, 0.9, 0.4]).factor
    1.0
    >>> round(Inflation.of([1e-6, 1e-3, 1e-9, 0.02, 0.1]).factor, 1)
    15.9
    """

    factor: float = 1.0
    freedom: float = float("inf")
    rows: float = 0.0

    @classmethod
    def of(cls, p: Sequence[float], rows: Sequence[int] = ()) -> Inflation:
        """From the p-value of each of the reference's windows against the rest; NaN (not known) is left out.

        They come in the order of time: where a window is like the one before, fewer of them tell something of their
        own, and the reference as a whole has wandered with them.

        Of fewer than five windows nothing can be said: rows are taken for independent.
        """
        given = np.asarray(p, dtype=np.float64)
        held = np.isfinite(given)
        if held.sum() < FEWEST:
            return cls()
        usual = float(np.asarray(rows, dtype=np.float64)[held].mean()) if len(rows) else 0.0
        deviates = squared(given[held])
        windows, every = _apart(deviates), float(deviates.size)
        wandered = (windows + 1) / max(windows - 1, _LEAST) if windows < every else 1.0
        freedom = max(windows - 1, 1.0) if windows < every else every
        return cls(max(float(deviates.mean()) * wandered, 1.0), freedom, usual)

    def at(self, rows: int) -> float:
        """The factor of a window of so many rows: what rows of a window share counts the more, the more they are.

        `1 + (factor - 1) · rows / usual rows`, the design effect of clusters. Source: Kish 1965.

        >>> Inflation(5.0, 30, 100).at(200)
        9.0
        """
        return 1 + (self.factor - 1) * (rows / self.rows if self.rows else 1.0)


@dataclass(frozen=True, slots=True)
class Ground:
    """What one measure of one subject is held against; each part may be unknown.

    Attributes:
        band: mean and spread over the reference's windows.
        whole: its value over the whole reference.
        inflation: of p-values against the reference.
    """

    band: ReferenceBand | None = None
    whole: Value | None = None
    inflation: Inflation = Inflation()

    @property
    def centre(self) -> float | None:
        """The usual value: the windows' mean, else that of the whole."""
        if self.band is not None:
            return self.band.mean
        return None if self.whole is None else self.whole.value


def _apart(deviates: NDArray[np.float64]) -> float:
    """How many independent windows tell as much as these, by how alike neighbours are.

    Squares of deviates of correlation `r` have correlation `r²`, taken of their ranks; one within its standard error
    is none. `n (1 - r)/(1 + r)`. Source: Bartlett 1946.
    """
    n = deviates.size
    ranks = np.argsort(np.argsort(deviates)) - (n - 1) / 2
    alike = float(ranks[1:] @ ranks[:-1] / (ranks @ ranks)) + 1 / n
    if alike <= n**-0.5:
        return float(n)
    memory = min(alike, 1.0) ** 0.5
    return float(n * (1 - memory) / (1 + memory))
