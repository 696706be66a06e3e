"""Domain classifier: can rows of the window be told from rows of the reference?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtr

from anchorwatch.core.schema import Kind
from anchorwatch.drift.joint import Pair, over_rows, over_vectors
from anchorwatch.profile.measure import Family, measure
from anchorwatch.stats.combine import cauchy
from anchorwatch.stats.trees import Forest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from anchorwatch.core.results import Results
    from anchorwatch.profile.profile import Profile

    Bools = NDArray[np.bool_]

_SOURCE = "Lopez-Paz and Oquab 2017; trees: Geurts, Ernst and Wehenkel 2006"


@measure(
    "Domain classifier's ROC AUC",
    Family.DRIFT,
    needs=frozenset({"sample"}),
    high=1.0,
    better="lower",
    costly=True,
    source=_SOURCE,
)
def domain_auc(reference: Profile | None, current: Profile) -> Results:
    """How well a classifier tells whole rows of inputs in the window from those of the reference.

    A forest of random trees learns on half of the sampled rows and is asked about the other half, and the other way
    round; the area under its ROC curve, `P(score of a current row > score of a reference row)`, is averaged. 0 to 1,
    best 0.5, 1 when every row is recognised. Each half's p-value is that of the rank test (the trees never saw the
    rows they are asked about, so it is exact), and Cauchy's rule combines the two. Sees every change that trees
    can see, also between columns.

    Missing without a reference, without sampled rows (private models, segments), with fewer than 50 of them on either
    side, and for a model of one column. Takes a hundred times as long as other measures, so windows have it only when a
    rule asks for it. Source: Lopez-Paz and Oquab 2017.

    >>> from anchorwatch.profile.example import pair
    >>> ups, downs = list(range(200)), list(range(199, -1, -1))
    >>> domain_auc(*pair({"x": ups, "y": ups}, {"x": ups, "y": downs}))[""].value > 0.9
    True
    """
    return over_rows("domain_auc", reference, current, _test)


@measure(
    "Domain classifier's ROC AUC of a vector",
    Family.DRIFT,
    kinds=frozenset({Kind.VECTOR}),
    needs=frozenset({"sample"}),
    high=1.0,
    better="lower",
    costly=True,
    source=_SOURCE,
)
def vector_domain_auc(reference: Profile | None, current: Profile) -> Results:
    """How well a classifier tells a window's vectors from the reference's, per vector column.

    As `domain_auc`, on the 16 leading principal components of wide vectors. 0 to 1, best 0.5, with a p-value. Missing
    without a reference and with fewer than 50 sampled vectors on either side. Source: Lopez-Paz and Oquab 2017.

    >>> from anchorwatch.profile.example import inputs
    >>> len(vector_domain_auc(None, inputs({"x": [1.0]})))  # a model without vector columns
    0
    """
    return over_vectors("vector_domain_auc", reference, current, _test)


def _test(pair: Pair) -> tuple[float, float]:
    rows = np.concatenate([pair.codes, pair.current_codes])
    current = np.arange(len(rows)) >= len(pair.codes)
    # Samples are in the order of a hash, so every other row is a random half.
    even = np.concatenate([np.arange(len(part)) % 2 == 0 for part in (pair.codes, pair.current_codes)])
    found = [_half(rows, current, half) for half in (even, ~even)]
    return float(np.mean([area for area, _ in found])), float(cauchy([p for _, p in found]))


def _half(rows: NDArray[np.int64], current: Bools, learn: Bools) -> tuple[float, float]:
    forest = Forest.grow(rows[learn], current[learn])
    return _ranked(forest.score(rows[~learn]), current[~learn])


def _ranked(scores: NDArray[np.float64], current: Bools) -> tuple[float, float]:
    """Area under the curve, and the one-sided p-value of the rank test, ties counted."""
    _, place, ties = np.unique(scores, return_inverse=True, return_counts=True)
    ends = np.cumsum(ties)
    ranks = (ends - (ties - 1) / 2)[place]
    n, m = int(current.sum()), int((~current).sum())
    area = float((ranks[current].sum() - n * (n + 1) / 2) / (n * m))
    total = n + m
    tied = float((ties.astype(np.float64) ** 3 - ties).sum()) / (total * (total - 1))
    error = np.sqrt((total + 1 - tied) / (12 * n * m))
    return area, float(ndtr(-(area - 0.5) / error)) if error > 0 else 1.0
