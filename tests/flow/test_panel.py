"""Results of windows as bytes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anchorwatch.core.errors import CorruptError
from anchorwatch.core.results import Missing, Results, Value
from anchorwatch.flow.panel import Sheet, decode_panel, encode_panel, halves

SINGLE = st.floats(-1e6, 1e6, width=32)
NUMBER = st.floats(-1e300, 1e300)


@st.composite
def results(draw: st.DrawFn, measure: str, subjects: tuple[str, ...]) -> Results:
    """One measure, with or without intervals, p-values and reasons."""
    count = len(subjects)

    def numbers(one: st.SearchStrategy[float]) -> list[float]:
        return draw(st.lists(one, min_size=count, max_size=count))

    reasons = draw(
        st.lists(st.none() | st.sampled_from(["no rows", "é ü", ""]), min_size=count, max_size=count)
    )
    return Results.of(
        measure,
        subjects,
        numbers(NUMBER),
        n=draw(st.lists(st.integers(0, 2**60), min_size=count, max_size=count)),
        reasons=reasons,
        low=numbers(SINGLE) if draw(st.booleans()) else None,
        high=numbers(SINGLE) if draw(st.booleans()) else None,
        p=numbers(SINGLE) if draw(st.booleans()) else None,
    )


SUBJECTS = st.lists(st.text(max_size=5), max_size=4, unique=True).map(tuple)


@st.composite
def panels(draw: st.DrawFn) -> list[Results]:
    """Measures of one window."""
    names = draw(st.lists(st.sampled_from("abcdef"), unique=True, max_size=4))
    return [draw(results(name, draw(SUBJECTS))) for name in names]


@given(panel=panels())
def test_a_panel_survives(panel: list[Results]) -> None:
    """Every value, count, reason, interval and p-value is read back as it was."""
    back = decode_panel(*encode_panel(panel))
    assert [(item.measure, dict(item)) for item in back] == [(item.measure, dict(item)) for item in panel]


@given(panel=panels(), wanted=st.sets(st.sampled_from("abcdef")))
def test_only_what_is_wanted_is_read(panel: list[Results], wanted: set[str]) -> None:
    """A part of a panel is the same as that part of the whole."""
    keys, blob = encode_panel(panel)
    some = {item.measure: dict(item) for item in decode_panel(keys, blob, wanted)}
    assert some == {item.measure: dict(item) for item in panel if item.measure in wanted}


@given(panel=panels())
def test_a_block_says_what_the_panel_says(panel: list[Results]) -> None:
    """One measure out of many like panels, by its bytes alone, agrees with reading them whole."""
    keys, blob = encode_panel(panel)
    for item in decode_panel(keys, blob):
        sheet = Sheet(keys, [blob, blob])
        block = sheet.block(item.measure)
        if not item.subjects:
            assert block is None
            continue
        assert block is not None
        assert block.subjects == item.subjects
        for row in range(2):
            for name in ("value", "n", "low", "high", "p"):
                np.testing.assert_array_equal(getattr(block, name)[row], getattr(item, name))
            codes = block.reason[row].tolist()
            assert tuple(sheet.reason(row, code) for code in codes) == item.reasons


def test_a_measure_that_is_not_there() -> None:
    """Nothing is made up for it."""
    keys, blob = encode_panel([Results.of("mae", [""], 1.0, n=1)])
    assert Sheet(keys, [blob]).block("psi") is None


def test_like_panels_have_one_layout() -> None:
    """The layout's text does not depend on the numbers, so that a store keeps it once."""
    one, other = (encode_panel([Results.of("mae", [""], value, n=1)]) for value in (1.0, 2.0))
    assert one[0] == other[0]
    assert one[1] != other[1]


def test_a_cut_panel_is_damaged() -> None:
    """Bytes shorter than their layout are told, not read."""
    keys, blob = encode_panel([Results.of("mae", [""], 1.0, n=1)])
    with pytest.raises(CorruptError, match="is shorter than its layout"):
        decode_panel(keys, blob[:-1])


def test_reasons_beyond_a_byte() -> None:
    """More reasons than codes lose their words, never that there was one."""
    subjects = [f"s{index}" for index in range(300)]
    panel = [Results.of("m", subjects, np.nan, n=0, reasons=[f"why {name}" for name in subjects])]
    (back,) = decode_panel(*encode_panel(panel))
    assert back["s7"] == Missing("why s7", 0)
    assert all(isinstance(found, Missing) for _, found in back)
    assert not any(isinstance(found, Value) for _, found in back)


@given(counts=st.lists(st.integers(0, 2**40), min_size=1, max_size=5))
def test_counts_take_four_bytes_where_they_fit(counts: list[int]) -> None:
    """And eight where one of them does not; they are read back as they were either way."""
    subjects = [f"s{index}" for index in range(len(counts))]
    keys, blob = encode_panel([Results.of("m", subjects, 1.0, n=counts)])
    block = Sheet(keys, [blob]).block("m")
    assert block is not None
    assert block.n.tolist() == [counts]
    assert len(blob) == len(counts) * (8 + 1 + (8 if max(counts) >= 2**32 else 4))


@given(panel=panels())
def test_a_panel_is_halved_by_its_subjects(panel: list[Results]) -> None:
    """Measures of the whole model go into the one half, all others into the other; none is lost."""
    heads, tails = halves(panel)
    assert {item.subjects for item in heads} <= {("",)}
    assert ("",) not in {item.subjects for item in tails}
    assert sorted(map(id, heads + tails)) == sorted(map(id, panel))


@pytest.mark.parametrize("count", [1, 400])
def test_a_cut_panel_on_a_sheet_is_damaged(count: int) -> None:
    """Small panels and large ones are told to be too short, whichever way they are read."""
    subjects = [f"s{index}" for index in range(count)]
    keys, blob = encode_panel([Results.of("m", subjects, 1.0, n=1)])
    with pytest.raises(CorruptError, match="is shorter than its layout"):
        Sheet(keys, [blob, blob[: len(blob) // 3]]).block("m")
