"""What a rule says of one window."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anchorwatch.core.calendar import Window
from anchorwatch.core.results import Results
from anchorwatch.core.types import Rule, Verdict
from anchorwatch.rules.band import ReferenceBand
from anchorwatch.rules.evaluate import Past, evaluate
from anchorwatch.rules.ground import Ground
from anchorwatch.rules.place import Place

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

START = datetime(2013, 7, 1, tzinfo=UTC)
PLACE = Place(model="bikes", window=Window(START, START + timedelta(days=1)))
BAND = ReferenceBand(22.94, 10.69, 31)


def rule(**settings: Any) -> Rule:
    """A rule on mae."""
    return Rule(**{"name": "r", "measure": "mae", **settings})


def mae(value: float | None, n: int = 400, p: Any = None) -> Results:
    """One number for the whole model."""
    if value is None:
        return Results.missing("mae", [""], "no outcomes yet")
    return Results.of("mae", [""], value, n=n, p=p)


def judge(
    a_rule: Rule,
    value: float | None,
    past: Sequence[float | None] = (),
    band: ReferenceBand | None = None,
    **result: Any,
) -> tuple[str, str]:
    """Verdict and reason of one number."""
    bands = {"": Ground(band)} if band else {}
    (finding,) = evaluate(a_rule, PLACE, mae(value, **result), Past([mae(item) for item in past], bands))
    return finding.verdict.value, finding.reason


CASES = [
    (rule(above=55), 57.31, {}, "breach", "Mean absolute error 57.3 is over its limit 55.0"),
    (rule(above=55), 55.0, {}, "ok", "Mean absolute error 55.0 is within its limit 55.0"),
    (rule(above=55), 55.01, {}, "breach", "Mean absolute error 55.01 is over its limit 55"),
    (rule(below=0.8), 0.5, {}, "breach", "Mean absolute error 0.500 is under its limit 0.800"),
    (rule(above=9, below=2), 1, {}, "breach", "Mean absolute error 1.00 is under its limit 2.00"),
    (rule(above=9, below=2), 5, {}, "ok", "Mean absolute error 5.00 is within its limit 2.00"),
    (rule(above=55), None, {}, "unknown", "Mean absolute error is not known: no outcomes yet"),
    (
        rule(above=55, min_rows=30),
        60,
        {"n": 29},
        "unknown",
        "Mean absolute error is not known: 29 rows, fewer than the 30 it takes",
    ),
    (
        rule(band=3),
        57.3,
        {"band": BAND},
        "breach",
        "Mean absolute error 57.3 is over its limit 55.0 (reference 22.9 ± 10.7)",
    ),
    (
        rule(band=2, side="below"),
        57.3,
        {"band": BAND},
        "ok",
        "Mean absolute error 57.3 is within its limit 1.56 (reference 22.9 ± 10.7)",
    ),
    (
        rule(band=2),
        0.5,
        {"band": BAND},
        "breach",
        "Mean absolute error 0.500 is under its limit 1.56 (reference 22.9 ± 10.7)",
    ),
    (
        rule(band=3),
        57.3,
        {},
        "unknown",
        "Mean absolute error 57.3 has no reference windows to be held against",
    ),
    # Conditions join: over a fixed limit and outside the band.
    (rule(band=3, above=60), 57.3, {"band": BAND}, "ok", "Mean absolute error 57.3 is within its limit 60.0"),
    (
        rule(band=3, above=50),
        57.3,
        {"band": BAND},
        "breach",
        "Mean absolute error 57.3 is over its limit 55.0 (reference 22.9 ± 10.7)",
    ),
    (rule(band=3, above=60), 57.3, {}, "ok", "Mean absolute error 57.3 is within its limit 60.0"),
    (
        rule(above=0.2, alpha=0.01),
        0.3,
        {"p": 0.001},
        "breach",
        "Mean absolute error 0.300 is over its limit 0.200 (p 0.001)",
    ),
    (
        rule(above=0.2, alpha=0.01),
        0.3,
        {"p": 0.02},
        "ok",
        "Mean absolute error 0.300 is over its limit 0.200, but that may be chance (p 0.02, not under 0.01)",
    ),
    (
        rule(above=0.2, alpha=0.01),
        0.3,
        {},
        "unknown",
        "Mean absolute error 0.300 is over its limit 0.200, but it has no p-value to rule out chance",
    ),
    (rule(above=0.2, alpha=0.01), 0.1, {}, "ok", "Mean absolute error 0.100 is within its limit 0.200"),
    (
        rule(band=3, mean_of=7, side="above"),
        84.0,
        {"past": [50.0] * 6, "band": BAND},
        "ok",
        "Mean absolute error 54.9 is within its limit 55.0 (mean of 7 windows; reference 22.9 ± 10.7)",
    ),
    (
        rule(band=3, mean_of=7, side="above"),
        101.1,
        {"past": [50.0] * 6, "band": BAND},
        "breach",
        "Mean absolute error 57.3 is over its limit 55.0 (mean of 7 windows; reference 22.9 ± 10.7)",
    ),
    (
        rule(above=55, mean_of=3),
        60,
        {"past": [None, 60.0]},
        "breach",
        "Mean absolute error 60.0 is over its limit 55.0 (mean of 3 windows)",
    ),
    (
        rule(above=55, mean_of=3),
        60,
        {"past": [60.0]},
        "unknown",
        "Mean absolute error is not known: only 2 of 3 windows so far",
    ),
    (
        rule(above=55, mean_of=3),
        60,
        {"past": [None, None]},
        "unknown",
        "Mean absolute error is not known: only 1 of the last 3 windows have a value",
    ),
    (
        rule(above=55, mean_of=3),
        None,
        {"past": [60.0, 60.0]},
        "unknown",
        "Mean absolute error is not known: no outcomes yet",
    ),
    (
        rule(above=55, unknown_after=3),
        None,
        {"past": [1.0, None]},
        "unknown",
        "Mean absolute error is not known: no outcomes yet",
    ),
    (
        rule(above=55, unknown_after=3),
        None,
        {"past": [None]},
        "unknown",
        "Mean absolute error is not known: no outcomes yet",
    ),
    (
        rule(above=55, unknown_after=3),
        None,
        {"past": [1.0, None, None]},
        "breach",
        "Mean absolute error has not been known for 3 windows: no outcomes yet",
    ),
    (rule(unknown_after=1), None, {}, "breach", "Mean absolute error is not known: no outcomes yet"),
    (rule(unknown_after=1), 7.0, {}, "ok", "Mean absolute error 7.00 is known"),
]


@pytest.mark.parametrize(("a_rule", "value", "more", "verdict", "reason"), CASES)
def test_each_condition_is_judged_with_its_reason(
    a_rule: Rule, value: float | None, more: dict[str, Any], verdict: Any, reason: str
) -> None:
    """Limit, band, chance, mean, too few rows, silence: verdict and sentence."""
    assert judge(a_rule, value, **more) == (verdict, reason)


def test_a_p_value_at_alpha_may_be_chance() -> None:
    """Under alpha is asked for, not at it."""
    assert judge(rule(above=0.2, alpha=0.01), 0.3, p=0.01)[0] == "ok"


def psi(values: Any, p: Any) -> Results:
    """Three columns."""
    return Results.of("psi", ["a", "b", "c"], values, n=1000, p=p)


def test_p_values_are_corrected_for_the_columns_that_could_be_judged() -> None:
    """A missing column is no test; the two others share alpha."""
    drift = Rule(name="drift", measure="psi", above=0.2, alpha=0.01)
    found = evaluate(drift, PLACE, psi([0.3, 0.3, float("nan")], [0.004, 0.006, 0.001]))
    assert [finding.verdict.value for finding in found] == ["breach", "ok", "unknown"]
    assert (
        found[0].reason
        == "Population stability index of a 0.300 is over its limit 0.200 (p 0.004 times 2 is 0.008)"
    )


def test_segments_judged_side_by_side_share_alpha() -> None:
    """Ten segments of the same rule are ten times as many chances."""
    drift = Rule(name="drift", measure="psi", above=0.2, alpha=0.01)
    alone = Place(model="m", window=PLACE.window, segment="carrier=AA")
    among = Place(model="m", window=PLACE.window, segment="carrier=AA", slices=10)
    result = psi([0.3, 0.1, 0.1], [0.001, 0.5, 0.5])
    assert evaluate(drift, alone, result)[0].verdict is Verdict.BREACH
    assert evaluate(drift, among, result)[0].verdict is Verdict.OK
    assert evaluate(drift, alone, result)[0].reason.startswith(
        "Population stability index of a in carrier=AA 0.300"
    )


def test_named_columns_are_judged_even_when_nothing_measured_them() -> None:
    """A column that a rule names and a window lacks is unknown, not forgotten."""
    drift = Rule(name="drift", measure="psi", above=0.2, columns=("b", "z"))
    found = evaluate(drift, PLACE, psi([0.1, 0.3, 0.1], None))
    assert [(item.subject, item.verdict.value) for item in found] == [("b", "breach"), ("z", "unknown")]
    assert found[1].reason == "Population stability index of z is not known: it was not measured"


def test_a_silent_window_does_not_make_the_windows_before_it_silent() -> None:
    """A window without data names no columns; those before it that had values count as known."""
    patient = Rule(name="r", measure="psi", above=0.2, unknown_after=2)
    silent = Results.missing("psi", [""], "no predictions")
    assert evaluate(patient, PLACE, silent, Past([psi([0.1] * 3, None)]))[0].verdict is Verdict.UNKNOWN
    assert evaluate(patient, PLACE, silent, Past([silent]))[0].verdict is Verdict.BREACH


def test_a_finding_carries_where_it_is_from() -> None:
    """Model, rule, cause, window, slice, value and limit come along."""
    place = Place(model="bikes", window=PLACE.window, version="3", segment="hub=north")
    (found,) = evaluate(rule(above=55, cause="errors"), place, mae(60))
    assert (found.model, found.rule, found.cause, found.version, found.segment) == (
        "bikes", "r", "errors", "3", "hub=north",
    )  # fmt: skip
    assert (found.value, found.limit, found.window) == (60, 55, PLACE.window)
    assert found.reason == "Mean absolute error in hub=north (version 3) 60.0 is over its limit 55.0"


def test_a_constant_reference_tolerates_rounding_and_nothing_else() -> None:
    """With no spread, only a real difference is outside the band."""
    band = ReferenceBand.of([0.1] * 5)
    assert judge(rule(band=3), 0.1 + 1e-17, band=band)[0] == "ok"
    assert judge(rule(band=3), 0.1001, band=band)[0] == "breach"


def test_few_reference_windows_make_no_band() -> None:
    """Four windows say nothing of spread; values that are not known are left out."""
    assert ReferenceBand.of([1.0, 2.0, 3.0, 4.0]) is None
    assert ReferenceBand.of([1.0, 2.0, 3.0, 4.0, float("nan")]) is None


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.integers(1, 50), st.integers(0, 100))
def test_a_verdict_agrees_with_its_definition(
    value: float | None, limit: float, min_rows: int, n: int
) -> None:
    """Breach exactly when known from enough rows and over the limit."""
    (found,) = evaluate(rule(above=limit, min_rows=min_rows), PLACE, mae(value, n=n))
    expected = Verdict.UNKNOWN if n < min_rows else Verdict.BREACH if value > limit else Verdict.OK
    if abs(value - limit) > 1e-9 * (1 + abs(limit)):  # rounding is no breach
        assert found.verdict is expected
    assert found.reason


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=8), st.randoms())
def test_the_order_of_columns_does_not_matter(columns: list[tuple[float, float]], random: Random) -> None:
    """Shuffled columns get the same verdicts."""
    drift = Rule(name="drift", measure="psi", above=0.2, alpha=0.05)
    names = [f"c{index}" for index in range(len(columns))]
    order = random.sample(range(len(columns)), len(columns))

    def judged(indices: Sequence[int]) -> dict[str, tuple[Verdict, str]]:
        values, ps = zip(*[columns[index] for index in indices], strict=True)
        found = evaluate(drift, PLACE, Results.of("psi", [names[i] for i in indices], values, n=100, p=ps))
        return {item.subject: (item.verdict, item.reason) for item in found}

    assert judged(range(len(columns))) == judged(order)
