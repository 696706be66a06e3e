"""n of m windows."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anchorwatch.core.calendar import Window
from anchorwatch.core.types import Finding, Rule, Verdict
from anchorwatch.rules.persistence import Key, State, progress, step

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

START = datetime(2013, 7, 1, tzinfo=UTC)
LETTERS = {"o": Verdict.OK, "B": Verdict.BREACH, "?": Verdict.UNKNOWN}


def finding(day: int, letter: str, subject: str = "", rule: str = "r") -> Finding:
    """What rule `r` says of a day."""
    start = START + timedelta(days=day)
    return Finding(
        model="m", rule=rule, measure="mae", subject=subject, window=Window(start, start + timedelta(days=1)),
        verdict=LETTERS[letter], reason="because",
    )  # fmt: skip


def rule(count: int, within: int) -> Rule:
    """N of m."""
    return Rule(name="r", measure="mae", above=1, count=count, within=within)


def play(letters: Sequence[str], count: int, within: int, state: State | None = None) -> tuple[str, State]:
    """Which days' breaches last, as a string of `!` and `.`."""
    state = state or State()
    said = ""
    for day, letter in enumerate(letters):
        persisted = step(state, [finding(day, letter)], [rule(count, within)])
        state = persisted.state
        said += "!" if persisted.lasting else "."
    return said, state


@pytest.mark.parametrize(
    ("letters", "count", "within", "said"),
    [
        ("oBoBB", 1, 1, ".!.!!"),
        ("BoBBoB", 2, 2, "...!.."),
        ("BoBooBB", 2, 3, "..!...!"),
        ("B?B", 2, 2, "..!"),  # what is not known counts neither for nor against
        ("B?o?B", 2, 2, "....."),
        ("B???????B", 2, 3, "........!"),
        ("ooo", 1, 3, "..."),
        ("BBBo", 3, 3, "..!."),
    ],
)
def test_breaches_last_from_the_nth_of_m_windows_on(
    letters: Sequence[str], count: int, within: int, said: str
) -> None:
    """A table of sequences."""
    assert play(letters, count, within)[0] == said


def test_each_column_persists_by_itself() -> None:
    """A breach in one column today and in another tomorrow are not two of one."""
    rules = [rule(2, 2)]
    first = step(State(), [finding(0, "B", "x"), finding(0, "o", "y")], rules)
    second = step(first.state, [finding(1, "o", "x"), finding(1, "B", "y")], rules)
    assert not second.lasting
    third = step(second.state, [finding(2, "B", "x"), finding(2, "B", "y")], rules)
    assert third.lasting == {Key("r", "y", "", "")}


def test_progress_says_how_far_a_breach_has_come() -> None:
    """For the page of a pending incident."""
    _, state = play("oB", 2, 3)
    assert progress(state, Key("r", "", "", ""), rule(2, 3)) == "1 of the last 3 windows, 2 needed"
    assert progress(state, Key("r", "", "", ""), rule(2, 2)) == "1 of 2 windows in a row"


def test_findings_of_rules_that_are_gone_are_left_out() -> None:
    """A rule that was taken away says nothing any more."""
    assert step(State(), [finding(0, "B", rule="gone")], [rule(1, 1)]).findings == ()


WINDOWS = st.lists(st.sampled_from("oB?"), min_size=1, max_size=12)
N_OF_M = st.integers(1, 4).flatmap(lambda within: st.tuples(st.integers(1, within), st.just(within)))


@given(WINDOWS, N_OF_M, st.integers(0, 12))
def test_a_restart_continues_exactly(letters: Sequence[str], n_of_m: tuple[int, int], cut: int) -> None:
    """The state survives JSON at any moment and the rest goes on as if nothing had happened."""
    whole = play(letters, *n_of_m)
    said, state = play(letters[:cut], *n_of_m)
    stored = State.from_dict(json.loads(json.dumps(state.to_dict())))
    assert stored == state
    for day, letter in list(enumerate(letters))[cut:]:
        persisted = step(stored, [finding(day, letter)], [rule(*n_of_m)])
        stored, said = persisted.state, said + ("!" if persisted.lasting else ".")
    assert (said, stored) == whole


@given(WINDOWS, N_OF_M, st.randoms())
def test_windows_in_any_order_leave_the_same_state(
    letters: Sequence[str], n_of_m: tuple[int, int], random: Random
) -> None:
    """Late windows end where windows in order would have."""
    state = State()
    for day in random.sample(range(len(letters)), len(letters)):
        state = step(state, [finding(day, letters[day])], [rule(*n_of_m)]).state
    assert state == play(letters, *n_of_m)[1]


@given(WINDOWS, N_OF_M, st.sampled_from("oB?"))
def test_judging_the_newest_window_again_replaces_it(
    letters: Sequence[str], n_of_m: tuple[int, int], again: str
) -> None:
    """It is as if the window had been judged once; the same twice is the same once."""
    _, state = play(letters, *n_of_m)
    day = len(letters)
    first = step(state, [finding(day, "o")], [rule(*n_of_m)])
    once = step(state, [finding(day, again)], [rule(*n_of_m)])
    twice = step(once.state, [finding(day, again)], [rule(*n_of_m)])
    assert twice == once
    replaced = step(first.state, [finding(day, again)], [rule(*n_of_m)])
    assert not replaced.late
    if again != "?":
        assert (replaced.lasting, replaced.state) == (once.lasting, once.state)


@given(WINDOWS, N_OF_M)
def test_only_windows_before_the_newest_are_late(letters: Sequence[str], n_of_m: tuple[int, int]) -> None:
    """The newest window is never late; one before a window that could be judged is."""
    _, state = play(letters, *n_of_m)
    assert not step(state, [finding(len(letters) - 1, "B")], [rule(*n_of_m)]).late
    known = any(letter != "?" for letter in letters)
    assert step(state, [finding(-1, "B")], [rule(*n_of_m)]).late == ({"r"} if known else set())
