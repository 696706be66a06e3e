"""Which runs are merged, and when."""

from __future__ import annotations

import itertools
import random

from hypothesis import given
from hypothesis import strategies as st

from anchorwatch.core.types import EventKind
from anchorwatch.flow.runs import Run, expired, plan

_numbers = itertools.count()


def run(
    day: int, level: int = 0, rows: int = 10, *, model: int = 1, kind: EventKind = EventKind.PREDICTIONS
) -> Run:
    """A run of `day`."""
    return Run(f"{next(_numbers):016}", model, kind, day, level, rows, day, day)


def settled(runs: list[Run]) -> tuple[list[Run], int]:
    """Merge until there is nothing to merge; the runs, and how many rows were written on the way."""
    written = 0
    while groups := plan(runs):
        for group in groups:
            rows = sum(one.rows for one in group)
            written += rows
            made = run(min(one.day for one in group), max(one.level for one in group) + 1, rows)
            runs = [one for one in runs if one not in group] + [made]
    return runs, written


RUNS = st.lists(
    st.builds(
        lambda day, level, rows, model, kind: run(day, level, rows, model=model, kind=kind),
        st.integers(-3, 40),
        st.integers(0, 2),
        st.integers(0, 1000),
        st.integers(1, 2),
        st.sampled_from(EventKind),
    ),
    max_size=60,
)


@given(RUNS)
def test_groups_are_sound(runs: list[Run]) -> None:
    """No run is in two groups, none is alone, and models, kinds and far days are not mixed."""
    groups = plan(runs)
    names = [one.name for group in groups for one in group]
    assert len(names) == len(set(names))
    for group in groups:
        assert len(group) > 1
        assert len({(one.model_id, one.kind) for one in group}) == 1
        assert max(one.day for one in group) - min(one.day for one in group) < 7
        assert len(plan(random.Random(1).sample(runs, len(runs)))) == len(groups)


def test_a_day_of_batches_stays_few_and_cheap() -> None:
    """A thousand batches of one day leave few runs, each row rewritten about once per level."""
    runs: list[Run] = []
    written = 0
    for _ in range(1000):
        runs, more = settled([*runs, run(5)])
        written += more
        assert len(runs) <= 7 * 4 + 1
    assert written <= 4 * 10_000


def test_months_stay_few() -> None:
    """A year of days, with late events among them, leaves few runs."""
    runs: list[Run] = []
    chance = random.Random(4)
    for day in range(365):
        for _ in range(24):
            runs, _ = settled([*runs, run(day, rows=1000)])
        runs, _ = settled([*runs, run(chance.randrange(day + 1), rows=1)])
    assert len(runs) < 250
    assert sum(one.rows for one in runs) == 365 * 24 * 1000 + 365


def test_bound_on_rows() -> None:
    """What would become too large is left as it is."""
    runs = [run(1, rows=100) for _ in range(8)]
    assert plan(runs, most_rows=799) == []
    assert len(plan(runs, most_rows=800)) == 1


def test_expired_by_newest() -> None:
    """A run goes when its newest window does."""
    runs = [Run("a", 1, EventKind.OUTCOMES, 0, 0, 1, 5, 10), Run("b", 1, EventKind.OUTCOMES, 0, 0, 1, 5, 11)]
    assert [one.name for one in expired(runs, 11)] == ["a"]
