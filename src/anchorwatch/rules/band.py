"""The reference's own windows, as mean and spread."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from statistics import fmean, stdev
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

FEWEST = 5
"""Windows that a reference must have before its spread says anything."""


@dataclass(frozen=True, slots=True)
class ReferenceBand:
    """Mean and standard deviation of a measure over `n` windows of the reference; frozen with it.

    >>> ReferenceBand.of([20.0, 24.0, 22.0, 26.0, 18.0])
    ReferenceBand(mean=22.0, sd=3.162..., n=5)
    """

    mean: float
    sd: float
    n: int

    @classmethod
    def of(cls, values: Iterable[float]) -> ReferenceBand | None:
        """From one value per window (those that are not finite are left out); None of fewer than `FEWEST`."""
        known = [value for value in values if isfinite(value)]
        return cls(fmean(known), stdev(known), len(known)) if len(known) >= FEWEST else None
