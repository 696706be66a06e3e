"""Evidence by betting: against its definition, and by the rates of its errors."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from anchorwatch.drift.sequential import Risk
from anchorwatch.drift.sequential.risk import Reference
from anchorwatch.stats.sequential import (
    NONE,
    Promise,
    bets,
    evidence,
    evidence_of_sums,
    mean_at_most,
    share_at_most,
)

LOSSES = st.lists(st.floats(0, 1), min_size=1, max_size=60)
MEANS = st.sampled_from([0.01, 0.2, 0.5, 0.95])


def by_definition(xs: list[float], mean: float, promise: Promise, clock: int) -> list[float]:
    """The sum over every start of a bet, of its stake times all that came since; at each look."""
    found = []
    for end in range(clock, len(xs) + 1, clock):
        total = 0.0
        for bet in bets(mean):
            for look in range(end // clock):
                stake = 1.0
                if promise is Promise.EVER:
                    stake = 1 / np.log(np.e + look) - 1 / np.log(np.e + look + 1)
                total += stake * np.prod([1 + bet * (x - mean) for x in xs[look * clock : end]])
        left = 1 / np.log(np.e + end // clock) if promise is Promise.EVER else 0.0
        found.append(total / bets(mean).size + left)
    return found


@settings(max_examples=60, deadline=None)
@given(xs=LOSSES, mean=MEANS, promise=st.sampled_from(list(Promise)), clock=st.sampled_from([1, 3, 8]))
def test_evidence_is_what_its_definition_says(
    xs: list[float], mean: float, promise: Promise, clock: int
) -> None:
    """Every bet begun before every look, each with its stake."""
    path, _ = evidence(xs, mean, promise=promise, clock=clock)
    assert np.allclose(path, by_definition(xs, mean, promise, clock), rtol=1e-9)


@settings(max_examples=60, deadline=None)
@given(xs=LOSSES, cut=st.integers(0, 60), mean=MEANS, clock=st.sampled_from([1, 7]))
def test_evidence_may_be_cut_anywhere(xs: list[float], cut: int, mean: float, clock: int) -> None:
    """Two pieces give the looks of one."""
    first, begun = evidence(xs[:cut], mean, clock=clock)
    second, after = evidence(xs[cut:], mean, begun, clock=clock)
    whole, end = evidence(xs, mean, clock=clock)
    assert np.allclose(np.concatenate([first, second]), whole, rtol=1e-9)
    assert np.allclose(after.stakes, end.stakes, rtol=1e-9)
    assert after.n == end.n == len(xs)


@settings(max_examples=60, deadline=None)
@given(xs=st.lists(st.floats(0, 1), min_size=8, max_size=64), mean=MEANS)
def test_sums_never_say_more_than_their_items(xs: list[float], mean: float) -> None:
    """Windows of eight: equal for losses of 0 and 1, no more for others."""
    xs = xs[: len(xs) // 8 * 8]
    counts = [8] * (len(xs) // 8)
    for items, exact in ((np.round(xs), True), (np.array(xs), False)):
        of_items, _ = evidence(items, mean, clock=8)
        of_sums, _ = evidence_of_sums(items.reshape(-1, 8).sum(axis=1), counts, mean)
        assert (of_sums <= of_items * (1 + 1e-9)).all()
        assert not exact or np.allclose(of_sums, of_items, rtol=1e-9)


def test_huge_windows_stay_finite() -> None:
    """A million losses in one window are evidence enough, and no overflow."""
    path, after = evidence_of_sums([900_000, 10, 0, 900_000], [1_000_000, 10**6, 0, 10**6], 0.2)
    assert np.isfinite(path).all()
    assert np.isfinite(after.stakes).all()
    assert path[0] > 1e200
    assert path[1] < 1


@pytest.mark.parametrize("mean", [0.02, 0.3, 0.9])
def test_bets_gain_nothing_on_average(mean: float) -> None:
    """At the boundary evidence is exactly 1 on average, over all streams of ten: what makes the promise true."""
    streams = np.array(list(product([0.0, 1.0], repeat=10)))
    chances = np.prod(np.where(streams == 1, mean, 1 - mean), axis=1)
    for look in (1, 5, 10):
        ends = np.array([evidence(row[:look], mean)[0][-1] for row in streams])
        assert float(chances @ ends) == pytest.approx(1, abs=1e-9)


def first_alarms(
    draws: np.ndarray, level: float, mean: float, promise: Promise, clock: int = 1
) -> np.ndarray:
    """Item of the first alarm of each row; the length where there is none."""
    found = []
    for row in draws:
        hits = np.flatnonzero(evidence(row, mean, promise=promise, clock=clock)[0] >= level)
        found.append((hits[0] + 1) * clock if hits.size else len(row))
    return np.array(found)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mean", "kind"), [(0.05, "errors"), (0.3, "errors"), (0.3, "shares"), (0.3, "dependent")]
)
def test_false_alarms_under_continuous_looking_are_within_alpha(mean: float, kind: str) -> None:
    """At the boundary, looked at after every item for 2,000 items: at most alpha = 10 % of 300 streams alarm."""
    draw = np.random.default_rng([7, int(mean * 100)])
    shape = (300, 2000)
    if kind == "shares":
        streams = draw.beta(3, 7, shape)
    elif kind == "dependent":
        # Each error makes the next stretch's coin no worse than the mean, as the promise asks.
        streams = (draw.random(shape) < mean).astype(float)
        streams[:, 1:] *= 1 - 0.5 * streams[:, :-1]
    else:
        streams = (draw.random(shape) < mean).astype(float)
    alarmed = (first_alarms(streams, 10.0, mean, Promise.EVER) < 2000).mean()
    assert alarmed <= 0.1 + 3 * np.sqrt(0.1 * 0.9 / 300)


@pytest.mark.slow
def test_the_run_length_is_at_least_what_is_promised() -> None:
    """At the boundary, 1/alpha = 200: on average at least 200 looks before an alarm."""
    draws = (np.random.default_rng(5).random((300, 6000)) < 0.2).astype(float)
    assert first_alarms(draws, 200.0, 0.2, Promise.RUN_LENGTH).mean() >= 200


@pytest.mark.parametrize(("risk", "most"), [(0.3, 1600), (0.4, 350), (0.6, 130)])
def test_a_worsening_is_found_within(risk: float, most: int) -> None:
    """Reference 0.2 of 5,000, 20,000 good items before: the median delay, over 40 streams, is as stated, none early."""
    delays = []
    for seed in range(40):
        draws = np.random.default_rng(seed).random(24_000)
        errors = (draws < np.repeat([0.2, risk], [20_000, 4_000])).astype(float)
        detector = Risk(reference=Reference(1000, 5000))
        found = detector.run(detector.start(), errors)[1]
        delays.append(int(found[0]) - 20_000 if found.size else 4_000)
    assert min(delays) >= 0
    assert np.median(delays) <= most


def test_a_worsening_within_the_tolerance_is_let_be() -> None:
    """2 % against a reference of 20 % that tolerates a tenth: no alarm in 40 streams of 20,000."""
    for seed in range(40):
        errors = (np.random.default_rng(seed).random(20_000) < 0.22).astype(float)
        detector = Risk(reference=Reference(1000, 5000))
        assert not detector.run(detector.start(), errors)[1].size


@pytest.mark.slow
def test_the_reference_s_own_chance_is_counted() -> None:
    """References of 200 items drawn anew, risk exactly at true risk plus tolerance: at most alpha of 400 alarm."""
    alarmed = 0
    for seed in range(400):
        draw = np.random.default_rng([9, seed])
        reference = Reference(float((draw.random(200) < 0.2).sum()), 200)
        detector = Risk(reference=reference, tolerance=0.0, least=0.02, alpha=0.1)
        alarmed += detector.run(detector.start(), (draw.random(4000) < 0.22).astype(float))[1].size > 0
    assert alarmed / 400 <= 0.1 + 3 * np.sqrt(0.1 * 0.9 / 400)


def test_risk_learns_its_reference_from_the_first_items() -> None:
    """Without a reference the first thousand say what is usual; an alarm does not unlearn it."""
    detector = Risk()
    state, found = detector.run(detector.start(), np.tile([0, 0, 0, 1.0], 250))
    assert (found.size, state.learned, state.learned_n) == (0, 250.0, 1000)
    assert detector.limit(detector.start()) is None
    assert detector.limit(state) == pytest.approx(share_at_most(250, 1000, 0.005) + 0.025)
    after, found = detector.run(state, np.ones(400))
    assert found.size > 1
    assert (after.learned, after.learned_n) == (250.0, 1000)


def test_windows_of_losses_are_watched_too() -> None:
    """Daily sums of bounded losses: quiet while they are as usual, an alarm when they are not; state goes on."""
    detector = Risk(reference=Reference(1000.0, 5000, errors=False), bound=1.0)
    state, found = detector.run_sums(detector.start(), [20.0] * 30, [100] * 30)
    assert not found.size
    state, found = detector.run_sums(state, [40.0] * 10, [100] * 10)
    assert found.tolist()[:1] == [2]
    assert not Risk().run_sums(Risk().start(), [9.0], [10])[1].size  # nothing to be held against


def test_a_limit_that_nothing_can_pass_raises_nothing() -> None:
    """A reference that is always wrong, or empty, cannot be worsened upon."""
    for reference in (Reference(10, 10), Reference(0, 0)):
        detector = Risk(reference=reference)
        assert detector.limit(detector.start()) == 1.0
        assert not detector.run(detector.start(), np.ones(500))[1].size


@pytest.mark.parametrize(("count", "n"), [(0, 1), (0, 50), (3, 50), (49, 50), (50, 50), (200, 10_000)])
@pytest.mark.parametrize("alpha", [0.05, 0.005])
def test_the_share_s_bound_is_scipy_s(count: int, n: int, alpha: float) -> None:
    """Clopper and Pearson, one-sided."""
    expected = binomtest(count, n, alternative="less").proportion_ci(1 - alpha, "exact").high
    assert share_at_most(count, n, alpha) == pytest.approx(expected, abs=1e-12)


def test_the_mean_s_bound_is_the_root_it_claims_and_covers() -> None:
    """It solves n KL(share, bound) = ln 1/alpha, is never under Clopper's, and covers as often as promised."""
    share, n, alpha = 0.2, 300, 0.05
    bound = mean_at_most(share * n, n, alpha)
    apart = share * np.log(share / bound) + (1 - share) * np.log((1 - share) / (1 - bound))
    assert n * apart == pytest.approx(-np.log(alpha), rel=1e-9)
    assert bound >= share_at_most(share * n, n, alpha)
    assert mean_at_most(0.0, 0, alpha) == mean_at_most(5.0, 5, alpha) == 1.0
    assert mean_at_most(0.0, 100, alpha) == pytest.approx(1 - alpha ** (1 / 100), abs=1e-9)
    draws = np.random.default_rng(2).beta(1, 4, (500, 100)).sum(axis=1)
    assert np.mean([mean_at_most(total, 100, alpha) < 0.2 for total in draws]) <= alpha


def test_no_items_are_no_evidence() -> None:
    """Nothing in, nothing out."""
    path, after = evidence([], 0.2)
    assert path.size == 0
    assert after == NONE
