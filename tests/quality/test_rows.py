"""Quality of rows as wholes, of their times and of outliers, against plain counting."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from anchorwatch.core.results import Missing
from anchorwatch.drift.volume_change import volume_change
from anchorwatch.profile.example import inputs, pair, timed
from anchorwatch.quality.almost_constant import almost_constant
from anchorwatch.quality.duplicate_share import duplicate_share
from anchorwatch.quality.freshness import freshness
from anchorwatch.quality.outlier_share_iqr import outlier_share_iqr
from anchorwatch.quality.outlier_share_robust_z import outlier_share_robust_z
from anchorwatch.quality.outlier_share_z import outlier_share_z

OUTLIERS = {"z": outlier_share_z, "robust_z": outlier_share_robust_z, "iqr": outlier_share_iqr}


@pytest.mark.parametrize("rule", OUTLIERS)
def test_planted_outliers_are_found(rule: str) -> None:
    """Five in a hundred far out on both sides, beside hardly any others; infinities are left out."""
    rng = np.random.default_rng(1)
    rows = np.concatenate([rng.uniform(-1, 1, 95), [30.0, -30.0, 99.0, -99.0, 1e300, np.inf]])
    found = OUTLIERS[rule](*pair({"x": rng.normal(size=2_000)}, {"x": rows}))["x"]
    assert (found.value, found.n) == (0.05, 100)
    assert found.low < 0.05 < found.high


@pytest.mark.parametrize("rule", OUTLIERS)
def test_outliers_need_fences(rule: str) -> None:
    """No reference, no numbers in it, no spread in it, no rows: a reason each."""
    share = OUTLIERS[rule]
    assert share(None, inputs({"x": [1.0]}))["x"] == Missing("no reference")
    assert share(*pair({"x": [np.nan]}, {"x": [1.0]}))["x"].reason == "no numbers in the reference"
    assert "no spread" in share(*pair({"x": [1.0, 1.0]}, {"x": [9.0]}))["x"].reason
    assert share(*pair({"x": [1.0, 2.0]}, {"x": [np.nan]}))["x"].reason == "no numbers in this window"


def test_duplicates_are_exact_while_contents_are_few() -> None:
    """Rows less different rows, over rows."""
    rng = np.random.default_rng(2)
    table = {"x": rng.integers(0, 5, 400).astype(float), "c": rng.choice(["a", "b"], 400).tolist()}
    different = len(set(zip(table["x"].tolist(), table["c"], strict=True)))
    assert duplicate_share(None, inputs(table))[""].value == 1 - different / 400


@pytest.mark.parametrize(("twice", "stuck"), [(0, 0), (2_000, 0), (0, 9_000), (1_000, 3_000)])
def test_duplicates_of_many_contents_are_estimated(twice: int, stuck: int) -> None:
    """Rows that came twice, and one row that came thousands of times, which no small sample of contents would meet."""
    rng = np.random.default_rng(3)
    plain = rng.normal(size=10_000)
    x = np.concatenate([plain, plain[:twice], np.full(stuck, 0.5)])
    found = duplicate_share(None, inputs({"x": x}))[""]
    expected = 1 - (10_000 + (stuck > 0)) / x.size
    assert found.value == pytest.approx(expected, abs=0.08)
    if not twice and not stuck:
        assert found.value == 0


def test_duplicate_intervals_hold_the_truth_as_often_as_they_say() -> None:
    """Of 150 windows with rows that came twice, about nineteen in twenty."""
    rng = np.random.default_rng(4)
    held = 0
    for _ in range(150):
        plain = rng.normal(size=2_000)
        found = duplicate_share(None, inputs({"x": np.concatenate([plain, plain[:500]])}))[""]
        held += found.low <= 0.2 <= found.high
    assert held >= 134


def test_duplicates_need_contents() -> None:
    """Segments and private models have none."""
    profile = replace(inputs({"x": [1.0, 1.0]}), contents=None)
    assert duplicate_share(None, profile)[""].reason.startswith("no contents")
    assert duplicate_share(None, inputs({"x": np.empty(0)}))[""].reason.startswith("no contents")


def test_the_mode_is_counted() -> None:
    """Atoms of the reference, categories, constants whatever they are; not what shares a bin with others."""
    base = {"x": [0.0] * 50 + [1.0] * 50, "y": np.arange(100.0), "c": ["a", "b"] * 50}
    found = almost_constant(*pair(base, {"x": [0.0, 0.0, 0.0, 1.0], "y": [7.0] * 4, "c": list("zzza")}))
    assert (found["x"].value, found["y"].value, found["c"].value) == (0.75, 1.0, 0.75)
    assert almost_constant(None, inputs({"x": [None, None]}))["x"].reason == "no values in this window"


def test_freshness_is_the_silence_at_the_end() -> None:
    """Up to the last window's end; nothing to say without events."""
    assert freshness(*timed([5], [61, 100, 130]))[""].value == 50.0
    assert freshness(*timed([5], [179]))[""].value == 1.0
    assert isinstance(freshness(None, inputs({"x": [1.0]}))[""], Missing)


def test_volume_is_compared_per_time() -> None:
    """Six events in two windows of the reference against one window; empty stretches between do not count."""
    found = volume_change(*timed([0, 1, 2, 3_600, 3_601, 3_602], [7_200] * 12))[""]
    assert found.value == pytest.approx(3.0)
    assert found.low < 3.0 < found.high
    assert volume_change(None, timed([0], [0])[1])[""] == Missing("no reference")
    reference, current = timed([0], [60])
    assert volume_change(replace(reference, extent=None), current)[""].reason == "the reference has no times"


def test_volume_intervals_hold_the_truth() -> None:
    """Poisson counts of one rate: about nineteen of twenty intervals hold no change."""
    rng = np.random.default_rng(5)
    held = 0
    for old, new in rng.poisson(40, (300, 2)):
        found = volume_change(*timed([0] * old, [60] * new))[""]
        held += found.low <= 0 <= found.high
    assert held >= 272
