"""How many rows were refused when they came."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from anchorwatch.core.results import Results
from anchorwatch.core.schema import Kind
from anchorwatch.profile.measure import Family, measure
from anchorwatch.quality import columns

if TYPE_CHECKING:
    from anchorwatch.profile.profile import Profile

_SOURCE = "count of refused rows; interval: Wilson 1927"
_WHY = "refused rows are counted for the whole model only"


@measure(
    "Rejected share",
    Family.QUALITY,
    needs=frozenset({"refused"}),
    unit="share",
    high=1.0,
    better="lower",
    source=_SOURCE,
)
def rejected_share(_reference: Profile | None, current: Profile) -> Results:
    """Share of the rows sent that were refused: of a wrong type, without an id, with a column nobody declared.

    `refused / (refused + taken)`. A share, 0 to 1, best 0, with Wilson's 95 % interval. Refused rows count in
    the window of most rows of their batch; those of a batch of which none was taken when it came. Missing for
    segments and when nothing was sent. Source: Wilson 1927.

    >>> from anchorwatch.profile.example import inputs
    >>> from anchorwatch.profile.profile import Profile
    >>> from anchorwatch.profile.refused import Refused
    >>> taken = inputs({"x": [1.0, 2.0, 3.0]})
    >>> rejected_share(None, taken + Profile(taken.grid, refused=Refused.of({"x": 1})))[""]
    Value(value=0.25, n=4, low=0.05, high=0.70, p=None)
    """
    if current.refused is None:
        return Results.missing("rejected_share", [""], _WHY)
    n = np.array([current.refused.rows + current.events])
    return columns.shares("rejected_share", [""], np.array([current.refused.rows]), n)


@measure(
    "Schema breaks",
    Family.QUALITY,
    kinds=frozenset({Kind.NUMBER, Kind.CATEGORY, Kind.VECTOR}),
    needs=frozenset({"refused"}),
    unit="share",
    high=1.0,
    better="lower",
    source=_SOURCE,
)
def schema_breaks(_reference: Profile | None, current: Profile) -> Results:
    """Share of the rows sent that were refused because of a column: a text where a number should be, or a new column.

    `refused for this column / (refused + taken)`, a row counting for the first column at fault. A share, 0 to 1,
    best 0, with Wilson's 95 % interval. Columns that nobody declared are told by name where rows had them. Missing
    for segments and when nothing was sent. Source: Wilson 1927.

    >>> from anchorwatch.profile.example import inputs
    >>> from anchorwatch.profile.profile import Profile
    >>> from anchorwatch.profile.refused import Refused
    >>> taken = inputs({"x": [1.0, 2.0, 3.0]})
    >>> found = schema_breaks(None, taken + Profile(taken.grid, refused=Refused.of({"y": 1})))
    >>> found["x"].value, found["y"].value
    (0.0, 0.25)
    """
    chosen = columns.watched(current.grid)
    declared = (*chosen.number_names, *chosen.category_names, *current.grid.vectors)
    refused = current.refused
    if refused is None:
        return Results.missing("schema_breaks", declared, _WHY)
    subjects = (*declared, *sorted(set(refused.columns) - set(declared)))
    count = np.array([refused.columns.get(name, 0) for name in subjects], np.int64)
    n = np.full(count.size, refused.rows + current.events)
    return columns.shares("schema_breaks", subjects, count, n)
