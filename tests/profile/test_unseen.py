from __future__ import annotations

from collections import Counter
from itertools import chain

from hypothesis import given
from hypothesis import strategies as st

from anchorwatch.profile.unseen import UNSEEN_KEPT, merge_names


@given(st.lists(st.lists(st.integers(0, 300).map(str), max_size=200), max_size=5))
def test_names_kept_are_exact_whatever_the_path(parts: list[list[str]]) -> None:
    """Merging parts, however bracketed, keeps the names that the whole keeps, with their exact counts."""
    whole = merge_names([Counter(chain(*parts))])
    kept = [merge_names([Counter(part)]) for part in parts]
    left: dict[str, int] = {}
    for part in kept:
        left = merge_names([left, part])
    assert left == whole == merge_names(kept)
    assert list(left) == list(whole)


def test_no_more_than_so_many_are_kept() -> None:
    """The bound holds, and counts are those of the rows."""
    found = merge_names([{str(number): number + 1 for number in range(1000)}])
    assert len(found) == UNSEEN_KEPT
    assert all(count == int(name) + 1 for name, count in found.items())


def test_the_choice_never_changes() -> None:
    """The hash is part of the stored format: profiles of years apart must agree on whom they keep."""
    found = merge_names([dict.fromkeys(map(str, range(1000)), 1)])
    assert list(found)[:5] == ["91", "193", "565", "933", "14"]
