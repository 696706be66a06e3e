"""Registries."""

from __future__ import annotations

import pytest

from anchorwatch.core.errors import ConflictError, UnknownError
from anchorwatch.core.registry import Registry, unknown


@pytest.fixture
def colours() -> Registry[int]:
    """Two colours."""
    made = Registry[int]("colour")
    made.add("red", 1)
    made.add("blue", 2)
    return made


def test_things_are_found_in_order(colours: Registry[int]) -> None:
    """By name, and all in order of registration."""
    assert colours["blue"] == 2
    assert "red" in colours
    assert list(colours) == ["red", "blue"]
    assert colours.values() == [1, 2]
    assert len(colours) == 2


def test_a_name_is_taken_once(colours: Registry[int]) -> None:
    """A second thing of one name is refused and changes nothing."""
    with pytest.raises(ConflictError, match="a colour named 'red' is registered already"):
        colours.add("red", 3)
    assert colours["red"] == 1


@pytest.mark.parametrize(("name", "told"), [("rd", "did you mean 'red'"), ("xyz", "known: blue, red")])
def test_near_names_are_told(colours: Registry[int], name: str, told: str) -> None:
    """A near name when there is one, else those there are."""
    with pytest.raises(UnknownError, match=told):
        colours[name]


def test_long_lists_are_cut() -> None:
    """A dozen names are enough; none is said so."""
    assert unknown("thing", "?", [f"n{index:02}" for index in range(20)]).endswith("n11 …")
    assert unknown("thing", "?", []).endswith("known: none yet")
