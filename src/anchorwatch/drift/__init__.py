"""How far a window has moved from its reference: two profiles to results, one file per test.

A new test is one file here and one line in the list below.
"""

from anchorwatch.drift import (
    chi_square,
    drift,
    jensen_shannon,
    ks,
    missing_shift,
    psi,
    wasserstein,
)

__all__ = [
    "chi_square",
    "drift",
    "jensen_shannon",
    "ks",
    "missing_shift",
    "psi",
    "wasserstein",
]
