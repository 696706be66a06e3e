"""Which measures are shown first, and where the others stand."""

from __future__ import annotations

from collections import Counter

import pytest

import anchorwatch as aw
from anchorwatch.app.groups import FIRST, GROUPS, MAIN, OWN, group_of, is_main, place_of
from anchorwatch.app.readings import measures_of
from anchorwatch.core.schema import Task
from anchorwatch.profile.measure import MEASURES, Family
from anchorwatch.rules.defaults import main_metric

OURS = [item for item in MEASURES.values() if item.function.__module__.startswith("anchorwatch.")]


def test_every_measure_of_ours_stands_under_one_heading() -> None:
    """None is forgotten, none stands twice, and no list names what does not exist."""
    placed = Counter(
        (family, name) for family, headings in GROUPS.items() for names in headings.values() for name in names
    )
    assert set(placed.values()) == {1}
    assert set(placed) == {(item.family, item.name) for item in OURS}


@pytest.mark.parametrize("task", list(Task))
def test_main_measures_are_few_and_apply(task: Task) -> None:
    """From six to eight of performance, each for the task, the one that rules judge among them."""
    names = MAIN[task]
    assert 6 <= len(names) <= 8
    assert all(not MEASURES[name].tasks or task in MEASURES[name].tasks for name in names)
    assert main_metric(aw.ModelSpec(name="m", task=task)) in names
    shown = [item["name"] for item in measures_of(task) if item["family"] == "performance" and item["main"]]
    assert shown == list(names)


def test_first_ones_of_each_family_are_its_own() -> None:
    """Drift leads with the share of rows that moved."""
    assert all(MEASURES[name].family is family for family, names in FIRST.items() for name in names)
    assert FIRST[Family.DRIFT][0] == "drift"


def test_what_somebody_wrote_is_shown_first() -> None:
    """A measure of one's own is in no list, so it is among the main ones, under a heading of its own."""
    mine = next(iter(OURS)).__class__(
        name="approvals", title="Approvals", family=Family.PERFORMANCE, function=OURS[0].function
    )
    assert (group_of(mine), is_main(mine, Task.BINARY)) == (OWN, True)
    assert place_of(mine, Task.BINARY) == (len(MAIN[Task.BINARY]), -1)
