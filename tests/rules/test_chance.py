"""Levels, calibrated p-values, and how much worse is worse."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from scipy import stats

from anchorwatch.core.calendar import Window
from anchorwatch.core.results import Missing, Results, Value
from anchorwatch.core.types import Rule, Verdict
from anchorwatch.rules.band import ReferenceBand
from anchorwatch.rules.chance import LOOSEST, calibrated, chance, level
from anchorwatch.rules.evaluate import Past, evaluate
from anchorwatch.rules.ground import Ground, Inflation
from anchorwatch.rules.limits import Limit
from anchorwatch.rules.place import Place
from anchorwatch.stats.deviates import squared

START = datetime(2013, 7, 1, tzinfo=UTC)
WORSE = Rule(name="auc", measure="roc_auc", worse=0.05, budget=1.0)
DRIFT = Rule(name="drift", measure="drift", above=0.1, budget=1.0)


def window(hours: float = 24) -> Window:
    """A window that begins on the first of July."""
    return Window(START, START + timedelta(hours=hours))


@pytest.mark.parametrize(("hours", "expected"), [(1, 1 / 720), (24, 1 / 30), (168, LOOSEST)])
def test_the_level_follows_the_length_of_the_window(hours: float, expected: float) -> None:
    """So that the levels of 30 days add up to the budget; never looser than one in twenty."""
    assert level(DRIFT, window(hours)) == pytest.approx(expected)
    assert level(Rule(name="x", measure="psi", above=1, alpha=0.01), window(hours)) == 0.01
    assert level(Rule(name="x", measure="psi", above=1), window(hours)) is None


def test_independent_rows_are_not_inflated() -> None:
    """Uniform p-values have squared deviates of mean one, whatever their number."""
    uniform = np.random.default_rng(1).uniform(size=2000)
    assert Inflation.of(uniform.tolist()).factor == pytest.approx(1, abs=0.1)
    assert Inflation.of([float("nan")]) == Inflation()
    assert calibrated(0.01, Inflation()) == 0.01


@pytest.mark.parametrize("windows", [6, 30, 200])
@pytest.mark.parametrize("variance", [1.0, 5.0])
def test_calibrated_p_values_keep_their_level(windows: int, variance: float) -> None:
    """Deviates of any variance, estimated from few or many of the reference's own windows."""
    random = np.random.default_rng(windows)
    runs = 4000
    own = 2 * stats.norm.sf(np.abs(random.normal(scale=variance**0.5, size=(runs, windows))))
    new = 2 * stats.norm.sf(np.abs(random.normal(scale=variance**0.5, size=runs)))
    p = np.array([calibrated(one, Inflation.of(row)) for one, row in zip(new, own, strict=True)])
    for alpha in (0.05, 0.01):
        assert np.mean(p < alpha) < alpha * 1.25 + 3 * np.sqrt(alpha / runs)


def test_windows_that_grow_are_held_to_more() -> None:
    """Rows of a day share its mood: its deviate grows with their number, and so does what is usual."""
    random = np.random.default_rng(3)

    def p(rows: int, days: int) -> list[float]:
        mood = random.normal(scale=0.2, size=days)
        means = mood + random.normal(size=days) / np.sqrt(rows)
        return list(2 * stats.norm.sf(np.abs(means) * np.sqrt(rows)))

    usual = Inflation.of(p(100, 400), [100] * 400)
    later = [calibrated(one, usual, 1000) for one in p(1000, 4000)]
    assert np.mean(np.array(later) < 0.05) == pytest.approx(0.05, abs=0.02)
    assert np.mean([calibrated(one, usual) < 0.05 for one in p(1000, 4000)]) > 0.15


def test_calibration_is_a_t_test() -> None:
    """Of the deviate over its estimated scale, with as many degrees of freedom as there were windows."""
    found = calibrated(1e-6, Inflation(4.0, 34.0))
    assert found == pytest.approx(2 * stats.t.sf(np.sqrt(stats.chi2.isf(1e-6, 1) / 4), 34))
    assert squared([1e-6])[0] == pytest.approx(stats.chi2.isf(1e-6, 1))


def test_worse_is_held_against_the_next_window_of_the_reference() -> None:
    """A t test of a new draw against the band, one-sided, on the side that is worse."""
    ground = Ground(ReferenceBand(0.9, 0.02, 10))
    found = chance(WORSE, Value(0.84, 500, p=0.5), ground, None)
    assert found == pytest.approx(stats.t.sf(0.06 / (0.02 * np.sqrt(1.1)), 9))
    assert chance(WORSE, Value(0.96, 500), ground, None) == pytest.approx(
        1 - stats.t.sf(0.06 / (0.02 * np.sqrt(1.1)), 9)
    )


def test_a_noisier_window_is_not_held_to_the_reference_s_spread() -> None:
    """Its own standard error counts where it is the larger."""
    ground = Ground(ReferenceBand(0.9, 0.001, 10))
    sure = chance(WORSE, Value(0.8, 5000, low=0.79, high=0.81), ground, None)
    unsure = chance(WORSE, Value(0.8, 50, low=0.6, high=0.95), ground, None)
    assert isinstance(sure, float)
    assert isinstance(unsure, float)
    assert sure < 1e-6
    assert unsure > 0.1


def test_without_windows_the_intervals_are_compared() -> None:
    """And without an interval nothing can be said."""
    whole = Ground(whole=Value(0.9, 1000, low=0.88, high=0.92))
    found = chance(WORSE, Value(0.8, 500, low=0.76, high=0.84), whole, None)
    error = np.hypot(0.04, 0.08) / (2 * stats.norm.isf(0.025))
    assert found == pytest.approx(stats.norm.sf(0.1 / error))
    assert isinstance(chance(WORSE, Value(0.8, 500), whole, None), Missing)
    assert isinstance(chance(WORSE, Value(0.8, 500), Ground(), None), Missing)


def test_a_limit_is_passed_for_sure_or_not() -> None:
    """With a budget and no p-value of its own, a share's interval says how likely it is really beyond the limit."""
    rule = Rule(name="errors", measure="error_rate", above=0.05, budget=1.0)
    limit = Limit(0.05, upper=True)
    few = chance(rule, Value(0.1, 30, low=0.03, high=0.26), Ground(), limit)
    many = chance(rule, Value(0.1, 3000, low=0.09, high=0.11), Ground(), limit)
    within = chance(rule, Value(0.01, 3000, low=0.008, high=0.012), Ground(), limit)
    assert isinstance(few, float)
    assert isinstance(many, float)
    assert isinstance(within, float)
    assert few > 0.1
    assert many < 1e-9
    assert within > 0.999


def test_material_and_significant_is_a_breach() -> None:
    """Each alone is not: a tiny change that is certain, a large one that may be chance."""
    results = Results.of("drift", ["small", "chance", "real"], [0.02, 0.3, 0.3], n=500, p=[1e-30, 0.04, 1e-9])
    verdicts = {
        finding.subject: finding for finding in evaluate(DRIFT, Place(model="m", window=window()), results)
    }
    assert [verdicts[name].verdict for name in ("small", "chance", "real")] == [
        Verdict.OK,
        Verdict.OK,
        Verdict.BREACH,
    ]
    assert "may be chance (p 0.04, 0.04 among 3, not under 0.033)" in verdicts["chance"].reason


def test_ordinary_variation_of_the_reference_is_no_drift() -> None:
    """The same p-value, of a column whose own windows differ as much."""
    results = Results.of("drift", ["calm", "wavy"], [0.3, 0.3], n=500, p=[1e-9, 1e-9])
    past = Past(grounds={"wavy": Ground(inflation=Inflation(40.0, 34.0))})
    found = evaluate(DRIFT, Place(model="m", window=window()), results, past)
    assert [finding.verdict for finding in found] == [Verdict.BREACH, Verdict.OK]


def test_how_much_worse_is_material() -> None:
    """In points for a share, as a part of the reference's value for an error; with the reference named."""
    place = Place(model="m", window=window())
    error = Rule(name="mae", measure="mae", worse=0.1, budget=1.0)
    ground = {"": Ground(ReferenceBand(20.0, 0.5, 30))}
    found = [
        evaluate(error, place, Results.of("mae", [""], value, n=500), Past(grounds=ground))[0]
        for value in (21.9, 23.0, 15.0)
    ]
    assert [finding.verdict for finding in found] == [Verdict.OK, Verdict.BREACH, Verdict.OK]
    assert found[1].reason == "Mean absolute error 23.0 is over its limit 22.0 (reference 20.0; p 1e-06)"
    unknown = evaluate(error, place, Results.of("mae", [""], 23.0, n=500))[0]
    assert (unknown.verdict, unknown.reason) == (
        Verdict.UNKNOWN,
        "Mean absolute error 23.0 has no reference to be held against",
    )
