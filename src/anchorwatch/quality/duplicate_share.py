"""How many rows say what another one says already: a retry with a new id, a join gone wrong, a stuck source."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from anchorwatch.core.results import Results
from anchorwatch.profile.measure import Family, measure
from anchorwatch.quality import columns

if TYPE_CHECKING:
    from anchorwatch.profile.contents import Contents
    from anchorwatch.profile.profile import Profile

_Z = 1.959963984540054


@measure(
    "Duplicate share",
    Family.QUALITY,
    needs=frozenset({"contents"}),
    unit="share",
    high=1.0,
    better="lower",
    source="Beyer et al. 2007, bottom-k sketches; interval: delta method",
)
def duplicate_share(_reference: Profile | None, current: Profile) -> Results:
    """Share of rows all of whose inputs are those of another row of the window, the first of each left out.

    `1 - contents / rows`. Exact while a window has at most 256 different contents. Beyond that it is `1 - 1/c`, with
    `c` the rows per content among the 256 of smallest hash; where single contents hold so many rows that this
    contradicts the number of contents estimated from the hashes themselves, the latter counts, `(k - 1)/h` with `h`
    the largest hash kept. A share, 0 to 1, best 0; compare with the reference, for few inputs repeat by chance.
    95 % interval by the delta method where it is estimated. Missing when the window has no rows, when the model
    has no inputs, and for segments and private models. Source: Beyer, Haas, Reinwald, Sismanis & Gemulla 2007.

    >>> from anchorwatch.profile.example import inputs
    >>> duplicate_share(None, inputs({"x": [1.0, 1.0, 2.0, 3.0], "c": ["a", "a", "a", "b"]}))[""].value
    0.25
    """
    contents = current.contents
    if contents is None or not contents.rows:
        return Results.missing("duplicate_share", [""], "no contents were kept of this window")
    return columns.whole("duplicate_share", *_share(contents))


def _share(contents: Contents) -> tuple[float, int, tuple[float, float] | None]:
    """The share, the rows, and an interval unless it is exact."""
    n, kept = contents.rows, contents.keys.size
    if contents.exact:
        return 1 - kept / n, n, None
    mean = float(contents.counts.mean())
    error = _Z * float(contents.counts.std(ddof=1)) / np.sqrt(kept) / mean**2
    share = 1 - 1 / mean
    different = (kept - 1) / (float(contents.keys[-1]) / 2.0**64)
    spread = np.exp(_Z / np.sqrt(kept - 2))
    low, high = (max(1 - different * by / n, 0.0) for by in (spread, 1 / spread))
    if low > share + error:
        return max(1 - different / n, 0.0), n, (low, high)
    return share, n, (max(share - error, 0.0), min(share + error, 1.0))
