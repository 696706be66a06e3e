"""Distances between two sets of counts of the same cells, as plain numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import rel_entr

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

FLOOR = 1e-4
"""Least share of a cell in the stability index, so that one empty cell cannot make it infinite."""

HALF = 0.5
"""Rows added to each cell before the Kullback–Leibler divergence is taken."""


def psi(reference: Floats, current: Floats) -> float:
    """`Σ (q - p) ln(q/p)`, shares at least 1e-4.

    >>> round(psi(np.array([50.0, 50.0]), np.array([65.0, 35.0])), 4)
    0.0929
    """
    p, q = (np.maximum(counts / counts.sum(), FLOOR) for counts in (reference, current))
    return float(np.sum((q - p) * np.log(q / p)))


def jensen_shannon(reference: Floats, current: Floats) -> float:
    """`√(½ KL(p ‖ m) + ½ KL(q ‖ m))`, `m = (p + q)/2`, logarithms to base 2."""
    p, q = reference / reference.sum(), current / current.sum()
    middle = (p + q) / 2
    divergence = float(np.sum(rel_entr(p, middle) + rel_entr(q, middle))) / (2 * np.log(2))
    return float(np.sqrt(min(max(divergence, 0.0), 1.0)))


def hellinger(reference: Floats, current: Floats) -> float:
    """`√(½ Σ (√p - √q)²)`."""
    p, q = reference / reference.sum(), current / current.sum()
    return min(float(np.sqrt(np.sum((np.sqrt(p) - np.sqrt(q)) ** 2) / 2)), 1.0)


def total_variation(reference: Floats, current: Floats) -> float:
    """`½ Σ |q - p|`."""
    return min(float(np.abs(current / current.sum() - reference / reference.sum()).sum()) / 2, 1.0)


def l_infinity(reference: Floats, current: Floats) -> float:
    """`max |q - p|`."""
    return float(np.abs(current / current.sum() - reference / reference.sum()).max())


def kl(reference: Floats, current: Floats) -> float:
    """`Σ q ln(q/p)` with half a row added to each cell."""
    p, q = (counts + HALF for counts in (reference, current))
    return max(float(np.sum(rel_entr(q / q.sum(), p / p.sum()))), 0.0)
