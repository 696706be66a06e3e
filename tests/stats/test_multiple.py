"""Corrections for many tests against SciPy and the definitions."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import false_discovery_control

from anchorwatch.stats.multiple import benjamini_hochberg, bonferroni, holm

PS = arrays(np.float64, st.integers(1, 40), elements=st.floats(0, 1))


@given(PS)
def test_benjamini_hochberg_is_scipys(p: np.ndarray) -> None:
    """Adjusted p-values agree with SciPy's."""
    np.testing.assert_allclose(benjamini_hochberg(p), false_discovery_control(p), rtol=1e-12, atol=1e-300)


@given(PS)
def test_holm_rejects_step_by_step(p: np.ndarray) -> None:
    """At any level, Holm's adjusted values reject what the step-down procedure rejects."""
    adjusted = holm(p)
    for alpha in (0.01, 0.05, 0.2):
        expected = set()
        for step, index in enumerate(np.argsort(p, kind="stable")):
            if p[index] * (p.size - step) > alpha:
                break
            expected.add(int(index))
        assert set(np.flatnonzero(adjusted <= alpha)) == expected


@given(PS)
def test_corrections_are_ordered(p: np.ndarray) -> None:
    """Each is at least the raw value, and Bonferroni at least Holm at least Benjamini–Hochberg."""
    assert (p <= benjamini_hochberg(p) + 1e-15).all()
    assert (benjamini_hochberg(p) <= holm(p) + 1e-15).all()
    assert (holm(p) <= bonferroni(p) + 1e-15).all()


def test_no_test_stays_no_test() -> None:
    """NaN is left out of the count and stays NaN; nothing at all stays nothing."""
    for correct in (bonferroni, holm, benjamini_hochberg):
        some = correct([np.nan, 0.01, np.nan, 0.5])
        assert np.isnan(some[[0, 2]]).all()
        np.testing.assert_allclose(some[[1, 3]], correct([0.01, 0.5]))
        assert correct([]).size == 0
