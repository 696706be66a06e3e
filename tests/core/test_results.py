"""What a measure found."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from anchorwatch.core.results import Missing, Results, Value

FLOATS = st.floats(allow_nan=True, allow_infinity=True)


@given(
    values=st.lists(FLOATS, max_size=6), reasons=st.lists(st.none() | st.just("why"), min_size=6, max_size=6)
)
def test_a_number_or_a_reason_and_never_both(values: list[float], reasons: list[str | None]) -> None:
    """NaN stands exactly where a reason does, whatever came in, and no other number is left there."""
    subjects = [f"s{index}" for index in range(len(values))]
    found = Results.of(
        "m", subjects, values, n=7, reasons=reasons[: len(values)], low=values, high=0.0, p=0.5
    )
    for index, (_, item) in enumerate(found):
        if isinstance(item, Missing):
            assert np.isnan([found.value[index], found.low[index], found.high[index], found.p[index]]).all()
            assert item == Missing(reasons[index] or "undefined", 7)
        else:
            assert np.isfinite(item.value)
            assert item == Value(values[index], 7, values[index], 0.0, 0.5)


def test_a_scalar_is_spread() -> None:
    """One number for all subjects, with a count of their own each."""
    found = Results.of("m", ["a", "b"], 1.0, n=[2, 3])
    assert dict(found) == {"a": Value(1.0, 2), "b": Value(1.0, 3)}
    assert len(found) == 2


def test_what_is_handed_in_stays_the_callers() -> None:
    """Changing the arrays afterwards changes no result."""
    value, n = np.array([1.0]), np.array([1])
    found = Results.of("m", [""], value, n=n)
    value[0], n[0] = 9.0, 9
    assert found[""] == Value(1.0, 1)


def test_all_missing() -> None:
    """Every subject for the same reason."""
    assert dict(Results.missing("m", ["a", "b"], "no rows", n=3)) == dict.fromkeys(
        "ab", Missing("no rows", 3)
    )
