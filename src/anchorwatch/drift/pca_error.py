"""Reconstruction error by principal components: rows that do not lie where the reference's rows lie."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import stdtr

from anchorwatch.core.schema import Kind
from anchorwatch.drift.joint import REFERENCES, Pair, Rows, over_rows, over_vectors
from anchorwatch.profile.measure import Family, measure
from anchorwatch.stats.principal import Components

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from anchorwatch.core.results import Results
    from anchorwatch.profile.profile import Profile

_SOURCE = "Pearson 1901; as a drift measure: NannyML, 'Data reconstruction with PCA'"


@measure(
    "PCA reconstruction error",
    Family.DRIFT,
    needs=frozenset({"sample"}),
    unit="times the reference's",
    better="lower",
    source=_SOURCE,
)
def pca_error(reference: Profile | None, current: Profile) -> Results:
    """Reconstruction error of whole rows of inputs, as a multiple of the reference's own.

    Components that explain 65 % of the variance are fitted to half of the reference's sampled rows; the mean distance
    of current rows from their projection is divided by that of the other half, `mean |x - x̂| / mean |r - r̂|`. 0 or
    more, best 1, with the p-value of Welch's t test,
    two-sided. Missing without a reference, without sampled rows (private models, segments),
    with fewer than 50 of them on either side, and for a model of one column. Source: Pearson 1901.

    >>> from anchorwatch.profile.example import pair
    >>> ups, downs = list(range(200)), list(range(199, -1, -1))
    >>> pca_error(*pair({"x": ups, "y": ups}, {"x": ups, "y": downs}))[""].p < 1e-6
    True
    """
    return over_rows("pca_error", reference, current, _test)


@measure(
    "PCA reconstruction error of a vector",
    Family.DRIFT,
    kinds=frozenset({Kind.VECTOR}),
    needs=frozenset({"sample"}),
    unit="times the reference's",
    better="lower",
    source=_SOURCE,
)
def vector_pca_error(reference: Profile | None, current: Profile) -> Results:
    """Reconstruction error of each vector column: embeddings, flattened images.

    As `pca_error`, of the sampled vectors as they are. 0 or more, best 1, with a p-value. Missing without a
    reference and with fewer than 50 sampled vectors on either side. Source: Pearson 1901.

    >>> from anchorwatch.profile.example import inputs
    >>> len(vector_pca_error(None, inputs({"x": [1.0]})))  # a model without vector columns
    0
    """
    return over_vectors("vector_pca_error", reference, current, _test)


def _test(pair: Pair) -> tuple[float, float]:
    components, usual = _fitted(pair.before)
    now = components.errors(pair.current)
    least = 1e-9  # distances below it are rounding
    if usual.mean() < least:
        return (1.0, 1.0) if now.mean() < least else (float(now.mean() / least), 0.0)
    return float(now.mean() / usual.mean()), _welch(usual, now)


@lru_cache(maxsize=REFERENCES)
def _fitted(reference: Rows) -> tuple[Components, NDArray[np.float64]]:
    """Components of one half of the reference, and their errors of the other."""
    half = len(reference.values) // 2
    components = Components.of(reference.values[:half])
    return components, components.errors(reference.values[half:])


def _welch(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """p-value of Welch's t test, two-sided."""
    parts = np.array([values.var(ddof=1) / values.size for values in (one, other)])
    error = parts.sum()
    gap = abs(float(one.mean() - other.mean()))
    if error <= 0:
        return 1.0 if gap == 0 else 0.0
    sizes = np.array([one.size - 1, other.size - 1])
    return min(2 * float(stdtr(error**2 / (parts**2 / sizes).sum(), -gap / np.sqrt(error))), 1.0)
