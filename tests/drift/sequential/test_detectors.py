"""Detectors against River's alarms, and the laws they all keep."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.drift.sequential import streams

from anchorwatch.core.errors import ConflictError, CorruptError, InputError
from anchorwatch.drift.sequential import (
    DETECTORS,
    Adwin,
    Ddm,
    Detector,
    Eddm,
    HddmA,
    HddmW,
    Kswin,
    PageHinkley,
    Risk,
    register,
)
from anchorwatch.drift.sequential.risk import Reference
from anchorwatch.stats.sequential import Promise

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

KINDS: dict[str, Detector[Any]] = {
    **{item.name: item.default for item in DETECTORS.values()},
    "hddm_a both ways": HddmA(falls=True),
    "hddm_w both ways": HddmW(falls=True),
    "page_hinkley both ways": PageHinkley(threshold=5.0),
    "adwin often": Adwin(clock=1, delta=0.1),
    "risk of errors": Risk(reference=Reference(20, 100)),
    "risk by run length": Risk(learn=50, promise=Promise.RUN_LENGTH),
}
EACH = pytest.mark.parametrize("detector", KINDS.values(), ids=list(KINDS))


def alarms(detector: Detector[Any], xs: Any) -> list[int]:
    """Of a stream taken in one piece."""
    return detector.run(detector.start(), xs)[1].tolist()


@pytest.mark.parametrize(
    ("detector", "stream", "expected"),
    [
        (Adwin(), streams.s1(), [1023]),
        (Adwin(), streams.choices(12345, 2), [1023]),
        (Adwin(), streams.choices(42, 4), [1023, 2015, 3007]),
        (Ddm(), streams.s2(), [1049]),
        (Ddm(), np.ones(1000), []),
        (Eddm(), streams.s2(), [663, 828, 1007, 1078]),
        (Eddm(threshold=0.8), streams.s2(), [1059]),
        (HddmA(), streams.s2(), [1047]),
        (HddmA(falls=True), streams.s3(), [531, 1015, 1545]),
        (HddmW(), streams.s2(), [1018]),
        (HddmW(falls=True), streams.s3(), [507, 1032, 1508]),
        (PageHinkley(), streams.s1(), [1020, 1397, 1548, 1988]),
        (PageHinkley(), streams.s3(), [588, 1097, 1585]),
        (PageHinkley(falls=False), streams.s3(), [588, 1681]),
    ],
    ids=lambda item: type(item).__name__ if isinstance(item, Detector) else "",
)
def test_alarms_are_river_s(
    detector: Detector[Any], stream: NDArray[np.float64], expected: list[int]
) -> None:
    """On the streams of River's tests, the alarms that River 0.26.1 raises."""
    assert alarms(detector, stream) == expected


def _river() -> dict[str, tuple[Detector[Any], Callable[[], Any], bool]]:
    river = pytest.importorskip("river.drift", reason="River is not installed")
    binary = river.binary
    hddm_a = getattr(binary, "HDDMA", None) or binary.HDDM_A  # as River called them before
    hddm_w = getattr(binary, "HDDMW", None) or binary.HDDM_W
    return {
        "adwin": (Adwin(), river.ADWIN, False),
        "ddm": (Ddm(), binary.DDM, True),
        "eddm": (Eddm(), binary.EDDM, True),
        "hddm_a": (HddmA(), hddm_a, True),
        "hddm_a both ways": (HddmA(falls=True), lambda: hddm_a(two_sided_test=True), True),
        "hddm_w": (HddmW(), hddm_w, True),
        "hddm_w both ways": (HddmW(falls=True), lambda: hddm_w(two_sided_test=True), True),
        "page_hinkley": (PageHinkley(), river.PageHinkley, False),
        "page_hinkley up": (
            PageHinkley(falls=False, threshold=5.0),
            lambda: river.PageHinkley(mode="up", threshold=5.0),
            False,
        ),
    }


@pytest.mark.parametrize(
    "name",
    [
        "adwin", "ddm", "eddm", "hddm_a", "hddm_a both ways", "hddm_w", "hddm_w both ways", "page_hinkley",
        "page_hinkley up",
    ],
)  # fmt: skip
def test_alarms_are_river_s_on_random_streams(name: str) -> None:
    """Wherever River is installed: every alarm the same, on streams of errors and of numbers."""
    ours, theirs, only_errors = _river()[name]
    some = [streams.errors(seed) for seed in range(6)]
    some += [] if only_errors else [streams.numbers(seed) for seed in range(4)]
    for xs in some:
        other, found = theirs(), []
        for at, x in enumerate(xs.tolist()):
            other.update(x)
            found += [at] if other.drift_detected else []
        assert alarms(ours, xs) == found


@EACH
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), cuts=st.lists(st.integers(0, 3000), max_size=6))
def test_a_stream_may_be_cut_anywhere(detector: Detector[Any], seed: int, cuts: list[int]) -> None:
    """One piece or many, each state kept as JSON in between: the same alarms."""
    xs = streams.errors(seed)[:3000]
    state, found = detector.start(), []
    for low, high in zip([0, *sorted(cuts)], [*sorted(cuts), xs.size], strict=True):
        state, some = detector.run(state, xs[low:high])
        found += [low + at for at in some.tolist()]
        state = detector.load(json.loads(json.dumps(state.to_dict(), allow_nan=False)))
    whole, expected = detector.run(detector.start(), xs)
    assert found == expected.tolist()
    if not isinstance(detector, Risk):
        assert state == whole
    else:
        assert np.allclose(state.stakes, whole.stakes, rtol=1e-9)


@EACH
def test_step_is_run_of_one(detector: Detector[Any]) -> None:
    """Item by item, `alarmed` says what `run` lists."""
    xs = streams.s2()[700:1300]
    state, found = detector.start(), []
    for at, x in enumerate(xs.tolist()):
        state = detector.step(state, x)
        found += [at] if state.alarmed else []
    assert found == alarms(detector, xs)


@EACH
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_constant_stream_is_quiet(detector: Detector[Any], value: float) -> None:
    """Nothing changes, so nothing is raised; but for risk, to which all wrong is worse than its reference."""
    expected = isinstance(detector, Risk) and detector.reference is not None and value == 1.0
    assert bool(alarms(detector, np.full(3000, value))) == expected


@EACH
def test_nothing_changes_nothing(detector: Detector[Any]) -> None:
    """An empty stream leaves any state as it was."""
    state, _ = detector.run(detector.start(), streams.s2()[:777])
    assert detector.run(state, [])[0] == state
    assert alarms(detector, []) == []


@EACH
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_refused(detector: Detector[Any], bad: float) -> None:
    """Missing is for the caller to leave out; the item is named."""
    with pytest.raises(InputError, match="item 2 is"):
        detector.run(detector.start(), [0.0, 1.0, bad])


def test_errors_are_zero_to_one() -> None:
    """A detector of errors takes nothing else."""
    for detector in (Ddm(), Eddm(), HddmA(), HddmW(), Risk()):
        with pytest.raises(InputError, match="from 0 to 1"):
            detector.run(detector.start(), [0.0, 2.0])
    assert Risk(bound=5.0).run(Risk(bound=5.0).start(), [0.0, 5.0])[1].size == 0


@EACH
def test_a_foreign_state_is_refused(detector: Detector[Any]) -> None:
    """A state with other names is of another detector, or of another release."""
    with pytest.raises(CorruptError, match="start the detector anew"):
        detector.load({"n": 3})


def test_a_name_is_taken_once() -> None:
    """Names of detectors are registered as everything else is."""
    with pytest.raises(ConflictError, match="'ddm'"):
        register("ddm", Ddm())


@pytest.mark.parametrize(
    ("detector", "most"),
    [
        (Ddm(), 3),
        (Adwin(), 1),
        (HddmA(), 2),
        (HddmW(), 4),
        (PageHinkley(falls=False), 2),
        (Kswin(alpha=1e-4), 2),
    ],
    ids=lambda item: type(item).__name__ if isinstance(item, Detector) else "",
)
def test_unchanged_errors_raise_few_alarms(detector: Detector[Any], most: float) -> None:
    """Errors of a steady rate of 0.2: no more alarms in 10,000 items than River was measured to raise, doubled."""
    xs = (np.random.default_rng(1).random(60_000) < 0.2).astype(float)
    assert len(alarms(detector, xs)) / 6 <= most


@EACH
def test_a_large_change_is_found(detector: Detector[Any]) -> None:
    """From 2 % to 70 % of errors: found within a few hundred items."""
    draws = np.random.default_rng(3).random(3000)
    found = [
        at
        for at in alarms(detector, (draws < np.repeat([0.02, 0.7], [2000, 1000])).astype(float))
        if at >= 2000
    ]
    assert found
    assert found[0] < 2250
