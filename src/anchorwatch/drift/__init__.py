"""How far a window has moved from its reference: two profiles to results, one file per test.

A new test is one file here and one line in the list below.
"""

from anchorwatch.drift import (
    anderson_darling,
    chi_square,
    cramer_von_mises,
    cramers_v,
    domain_auc,
    drift,
    energy,
    fisher,
    g_test,
    hellinger,
    jensen_shannon,
    kl,
    ks,
    l_infinity,
    missing_shift,
    mmd,
    pca_error,
    psi,
    psi_classic,
    total_variation,
    volume_change,
    wasserstein,
)

__all__ = [
    "anderson_darling",
    "chi_square",
    "cramer_von_mises",
    "cramers_v",
    "domain_auc",
    "drift",
    "energy",
    "fisher",
    "g_test",
    "hellinger",
    "jensen_shannon",
    "kl",
    "ks",
    "l_infinity",
    "missing_shift",
    "mmd",
    "pca_error",
    "psi",
    "psi_classic",
    "total_variation",
    "volume_change",
    "wasserstein",
]
