"""What is wrong with a window's data by itself: a profile to results, one file per check.

A new check is one file here and one line in the list below.
"""

from anchorwatch.quality import (
    almost_constant,
    constant,
    duplicate_share,
    freshness,
    infinite_share,
    missing_share,
    out_of_range_share,
    outlier_share_forest,
    outlier_share_iqr,
    outlier_share_robust_z,
    outlier_share_z,
    rejected_share,
    unseen_share,
)

__all__ = [
    "almost_constant",
    "constant",
    "duplicate_share",
    "freshness",
    "infinite_share",
    "missing_share",
    "out_of_range_share",
    "outlier_share_forest",
    "outlier_share_iqr",
    "outlier_share_robust_z",
    "outlier_share_z",
    "rejected_share",
    "unseen_share",
]
