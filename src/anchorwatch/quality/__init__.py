"""What is wrong with a window's data by itself: a profile to results, one file per check.

A new check is one file here and one line in the list below.
"""

from anchorwatch.quality import (
    constant,
    infinite_share,
    missing_share,
    out_of_range_share,
    unseen_share,
)

__all__ = [
    "constant",
    "infinite_share",
    "missing_share",
    "out_of_range_share",
    "unseen_share",
]
