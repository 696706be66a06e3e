"""Distinct whole numbers and where each is among them."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from anchorwatch.stats.codes import distinct, paired

LISTS = st.lists(st.integers(0, 50), max_size=40) | st.lists(st.integers(-(2**62), 2**61), max_size=40)


@given(numbers=LISTS)
def test_distinct_is_unique(numbers: list[int]) -> None:
    """As `numpy.unique`, near together or far apart."""
    values, places = distinct(np.array(numbers, np.int64))
    wanted, inverse = np.unique(np.array(numbers, np.int64), return_inverse=True)
    np.testing.assert_array_equal(values, wanted)
    np.testing.assert_array_equal(places, inverse)


@given(pairs=st.lists(st.tuples(st.integers(0, 5), st.integers(-(2**50), 2**50)), max_size=30))
def test_pairs_are_found_again(pairs: list[tuple[int, int]]) -> None:
    """Each entry's pair is the one at its place, and no pair comes twice."""
    one, other = (np.array([pair[side] for pair in pairs], np.int64) for side in (0, 1))
    firsts, seconds, places = paired(one, other)
    found = list(zip(firsts.tolist(), seconds.tolist(), strict=True))
    assert [found[place] for place in places.tolist()] == pairs
    assert found == sorted(set(pairs))


def test_the_whole_range_of_a_64_bit_number() -> None:
    """Numbers as far apart as there are do not overflow."""
    ends = np.array([np.iinfo(np.int64).max, np.iinfo(np.int64).min], np.int64)
    values, places = distinct(ends)
    assert values.tolist() == sorted(ends.tolist())
    assert places.tolist() == [1, 0]
