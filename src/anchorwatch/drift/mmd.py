"""Maximum mean discrepancy of whole rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from anchorwatch.core.schema import Kind
from anchorwatch.drift.joint import Pair, over_rows, over_vectors
from anchorwatch.profile.measure import Family, measure
from anchorwatch.stats.mmd import crossed

if TYPE_CHECKING:
    from anchorwatch.core.results import Results
    from anchorwatch.profile.profile import Profile

ROWS = 1024
"""Sampled rows of each side that are compared, all with all."""

_SOURCE = "Gretton et al. 2012; its test: Shekhar, Kim and Ramdas 2022"


@measure(
    "Maximum mean discrepancy",
    Family.DRIFT,
    needs=frozenset({"sample"}),
    high=float(np.sqrt(2)),
    better="lower",
    costly=True,
    symmetric=True,
    source=_SOURCE,
)
def mmd(reference: Profile | None, current: Profile) -> Results:
    """Maximum mean discrepancy of whole rows of inputs: how far their joint distribution has moved.

    `MMD² = E k(x, x') + E k(y, y') - 2 E k(x, y)` with a Gaussian kernel as wide as the median distance, on sampled
    rows whose numbers are places among the reference's quantiles and whose categories have a coordinate per level.
    The root is given, 0 where the unbiased estimate is negative: 0 to 1.41, best 0, with the p-value of the
    cross test. Sees what changed between columns while each stayed as it was.

    Missing without a reference, without sampled rows (private models, segments), with fewer than 50 of them on either
    side, and for a model of one column. Takes tens of milliseconds, so windows have it only when a rule asks for it.
    Source: Gretton et al. 2012; Shekhar, Kim and Ramdas 2022.

    >>> from anchorwatch.profile.example import pair
    >>> ups, downs = list(range(200)), list(range(199, -1, -1))
    >>> mmd(*pair({"x": ups, "y": ups}, {"x": ups, "y": downs}))[""].p < 1e-6
    True
    """
    return over_rows("mmd", reference, current, _test)


@measure(
    "Maximum mean discrepancy of a vector",
    Family.DRIFT,
    kinds=frozenset({Kind.VECTOR}),
    needs=frozenset({"sample"}),
    high=float(np.sqrt(2)),
    better="lower",
    costly=True,
    symmetric=True,
    source=_SOURCE,
)
def vector_mmd(reference: Profile | None, current: Profile) -> Results:
    """Maximum mean discrepancy of each vector column: embeddings, flattened images.

    As `mmd`, of the sampled vectors as they are. 0 to 1.41, best 0, with a p-value. Missing without a reference and
    with fewer than 50 sampled vectors on either side. Source: as `mmd`.

    >>> from anchorwatch.profile.example import inputs
    >>> len(vector_mmd(None, inputs({"x": [1.0]})))  # a model without vector columns
    0
    """
    return over_vectors("vector_mmd", reference, current, _test)


def _test(pair: Pair) -> tuple[float, float]:
    found = crossed(pair.reference[:ROWS], pair.current[:ROWS])
    return float(np.sqrt(max(found.squared, 0.0))), found.p
