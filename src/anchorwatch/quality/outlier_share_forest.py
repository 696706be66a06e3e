"""How many rows are outlying over all numbers together, each of which may be ordinary by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from anchorwatch.core.results import Results
from anchorwatch.profile.measure import Family, measure
from anchorwatch.quality import columns

if TYPE_CHECKING:
    from anchorwatch.profile.profile import Profile


@measure(
    "Outlier share (isolation forest)",
    Family.QUALITY,
    needs=frozenset({"isolated"}),
    unit="share",
    high=1.0,
    better="lower",
    source="Liu, Ting & Zhou 2008, Isolation Forest; interval: Wilson 1927",
)
def outlier_share_forest(_reference: Profile | None, current: Profile) -> Results:
    """Share of rows that the isolation forest of the model's reference finds outlying.

    `#{2^(-mean path / c(256)) > t} / rows`, over 64 trees of 256 rows each, with `t` the score that 0.5 % of the
    reference's rows exceed; a missing number counts as the reference's median. A share, 0 to 1, best 0, about 0.005
    without outliers, with Wilson's 95 % interval. Missing unless the model is declared with `forest: true` and a
    reference was seen, and when the window has no rows. Source: Liu, Ting & Zhou 2008.

    >>> from anchorwatch.profile.example import inputs
    >>> outlier_share_forest(None, inputs({"x": [1.0]}))[""]
    Missing(reason='the model has no forest', n=0)
    """
    name = "outlier_share_forest"
    if current.isolated is None:
        why = "the model has no forest" if current.grid.forest is None else "no rows in this window"
        return Results.missing(name, [""], why)
    count, n = (np.array([number]) for number in (current.isolated.outlying, current.isolated.rows))
    return columns.shares(name, [""], count, n)
