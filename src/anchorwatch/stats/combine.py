"""Several p-values of one question into one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

HIGHEST = 0.995
"""p-values above it are taken for it: one of exactly 1, as ties and pooled cells make it, would outweigh all others."""

_SMALL = 1e-15
"""Below it the cotangent is 1/(πp) to all digits."""


def cauchy(p: ArrayLike) -> NDArray[np.float64]:
    """Cauchy combination of p-values along the first axis, NaN (no test) left out; NaN where all are.

    `T = mean of cot(πp)`, `p = ½ - atan(T)/π`. Right in its tail whatever the dependence between the tests, so that
    little is lost against the best of them. Source: Liu and Xie 2020.

    Args:
        p: shape (tests, …), each in [0, 1].

    >>> round(float(cauchy([0.001, 0.6])), 5)
    0.002
    >>> float(cauchy([1e-200, 0.5])) < 3e-200, float(cauchy([1e-320, 0.5]))
    (True, 0.0)
    """
    values = np.asarray(p, dtype=np.float64)
    known = ~np.isnan(values)
    held = np.clip(np.where(known, values, 0.5), 0.0, HIGHEST)
    with np.errstate(divide="ignore", over="ignore"):
        terms = np.where(held < _SMALL, 1 / (np.pi * held), 1 / np.tan(np.pi * np.maximum(held, _SMALL)))
        mean = np.where(known, terms, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
        tail = np.where(mean > 1 / _SMALL, 1 / (np.pi * mean), 0.5 - np.arctan(mean) / np.pi)
    return np.where(known.any(axis=0), tail, np.nan)
