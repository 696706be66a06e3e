"""Kolmogorov–Smirnov on bins against SciPy on the raw values."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp

from anchorwatch.drift.ks import ks, target_ks
from anchorwatch.profile.example import pair, values

SMALL = st.lists(st.integers(-20, 20), min_size=1, max_size=80)


def distance(before: list[float], after: list[float]) -> float:
    """The definition, at every value."""
    at = sorted({*before, *after})
    return max(abs(np.mean(np.array(before) <= x) - np.mean(np.array(after) <= x)) for x in at)


@given(SMALL, SMALL)
@settings(deadline=None)
def test_values_with_bins_of_their_own_are_exact(before: list[int], after: list[int]) -> None:
    """On the reference's own values the distance is SciPy's; others lie between edges and can only be nearer."""
    reference = [float(x) for x in before]
    exact = [float(x) for x in after if x in before] or reference
    found = ks(*pair({"x": reference}, {"x": exact}))["x"]
    assert found.value == pytest.approx(distance(reference, exact), abs=1e-12)
    loose = ks(*pair({"x": reference}, {"x": [float(x) for x in after]}))["x"]
    assert loose.value <= distance(before, after) + 1e-12


@pytest.mark.parametrize("shift", [0.0, 0.1, 1.0])
def test_distance_is_within_a_bin_of_the_raw_one(shift: float) -> None:
    """Never over SciPy's, and under it by no more than the largest share in one bin."""
    rng = np.random.default_rng(3)
    before, after = rng.normal(size=5000), rng.normal(shift, 1, 4000)
    reference, current = pair({"x": before}, {"x": after})
    raw, found = ks_2samp(before, after, method="asymp"), ks(reference, current)["x"]
    counts = current.numbers.counts[0], reference.numbers.counts[0]
    most = max(count.max() / count.sum() for count in counts)
    assert raw.statistic - most <= found.value <= raw.statistic + 1e-12
    assert found.p >= raw.pvalue * 0.9
    assert found.n == 4000


def test_level_is_held_and_not_wasted() -> None:
    """On unchanged continuous data between 2 and 6 % of the tests fall under 5 %, at sizes from 100 to 5000."""
    rng = np.random.default_rng(4)
    for m, n in ((100, 100), (1000, 1000), (5000, 100), (800, 5000)):
        before, after = rng.normal(size=(400, m)), rng.normal(size=(400, n))
        p = ks(*pair(*({f"x{i}": row for i, row in enumerate(rows)} for rows in (before, after)))).p[:400]
        assert 0.02 < np.mean(p < 0.05) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 400), (m, n)


@pytest.mark.parametrize("k", [3, 10, 50])
def test_ties_make_it_conservative(k: int) -> None:
    """With k distinct values the test alarms at most as often as it says."""
    rng = np.random.default_rng(k)
    before, after = rng.integers(0, k, size=(2, 500, 1000)).astype(float)
    p = ks(*pair(*({f"x{i}": row for i, row in enumerate(rows)} for rows in (before, after)))).p[:500]
    assert np.mean(p < 0.05) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 500)


def test_reasons() -> None:
    """What cannot be compared says which side has nothing."""
    nothing = [None, None]
    table = {"x": [1.0, 2.0], "y": [1.0, 2.0]}
    assert ks(*pair(table, {**table, "x": nothing}))["x"].reason == "no numbers in this window"
    assert (
        ks(*pair({**table, "x": np.array([np.nan, np.nan])}, table))["x"].reason
        == "no numbers in the reference"
    )
    assert target_ks(*values([1.0], [1.0], [1.0], [1.0]))["_outcome"].value == 0
    assert target_ks(None, pair(table, table)[1]).reasons == ("no reference",)
    assert target_ks(*pair(table, table)).reasons == ("no outcomes yet",)
