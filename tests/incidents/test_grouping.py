"""From findings to one case per cause."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from anchorwatch.core.calendar import Window
from anchorwatch.core.types import Finding, Rule, Verdict
from anchorwatch.incidents.grouping import group
from anchorwatch.rules.persistence import State, step

START = datetime(2013, 7, 1, tzinfo=UTC)


def finding(rule: str, subject: str, verdict: Verdict, cause: str, day: int = 0) -> Finding:
    """What a rule says of a column on a day."""
    start = START + timedelta(days=day)
    return Finding(
        model="m", rule=rule, measure="psi", subject=subject, window=Window(start, start + timedelta(days=1)),
        verdict=verdict, reason="because", cause=cause,
    )  # fmt: skip


RULES = [
    Rule(name="drift", measure="psi", above=0.2, count=2, within=2, keep=2),
    Rule(name="ks", measure="ks", above=0.1, keep=3),
    Rule(name="mae", measure="mae", above=60),
]


def test_findings_gather_by_cause() -> None:
    """Many columns and rules, one case per cause; it keeps as long as its slowest rule."""
    found = [
        finding("drift", "b", Verdict.BREACH, "drift"),
        finding("ks", "a", Verdict.BREACH, "drift"),
        finding("drift", "a", Verdict.OK, "drift"),
        finding("mae", "", Verdict.UNKNOWN, "performance"),
    ]
    drift, performance = group(step(State(), found, RULES), RULES)
    assert (drift.cause, performance.cause) == ("drift", "performance")
    assert (drift.keep, performance.keep) == (3, 1)
    assert [item.subject for item in drift.breaches] == ["b", "a"]
    assert [item.rule for item in drift.lasting_breaches] == ["ks"]
    assert not performance.breaches


def test_a_window_before_the_newest_is_late() -> None:
    """The case says so, for the machine to note it only."""
    first = step(State(), [finding("mae", "", Verdict.OK, "performance", day=3)], RULES)
    again = step(first.state, [finding("mae", "", Verdict.BREACH, "performance", day=1)], RULES)
    assert [(len(case.findings), len(case.late)) for case in group(first, RULES)] == [(1, 0)]
    assert [(len(case.findings), len(case.late)) for case in group(again, RULES)] == [(0, 1)]


def test_windows_that_were_unknown_make_nothing_late() -> None:
    """Outcomes that come for many windows at once are judged as if they had come in time."""
    state = State()
    for day in range(4):
        state = step(state, [finding("mae", "", Verdict.UNKNOWN, "performance", day)], RULES).state
    for day in range(4):
        judged = step(state, [finding("mae", "", Verdict.BREACH, "performance", day)], RULES)
        state = judged.state
        (case,) = group(judged, RULES)
        assert (len(case.lasting_breaches), case.late) == (1, ())


def test_no_findings_make_no_case() -> None:
    """Nothing judged, nothing said."""
    assert group(step(State(), [], RULES), RULES) == ()
