"""The life of an incident, as a table and as laws."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anchorwatch.core.calendar import Window
from anchorwatch.core.types import Finding, Incident, IncidentState, Rule, Severity, Verdict
from anchorwatch.incidents import form
from anchorwatch.incidents.grouping import Case, group
from anchorwatch.incidents.machine import Change, step
from anchorwatch.incidents.summary import summary
from anchorwatch.rules.persistence import Key, State
from anchorwatch.rules.persistence import step as persist

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

START = datetime(2013, 7, 1, tzinfo=UTC)
LETTERS = {"o": Verdict.OK, "B": Verdict.BREACH, "?": Verdict.UNKNOWN}


def window(day: int) -> Window:
    """A day."""
    return Window(START + timedelta(days=day), START + timedelta(days=day + 1))


def finding(
    day: int,
    verdict: str,
    subject: str = "x",
    *,
    rule: str = "r",
    severity: Severity = Severity.WARN,
    value: float | None = 1.0,
) -> Finding:
    """What a rule says of one column on one day."""
    return Finding(
        model="m", rule=rule, measure="psi", subject=subject, window=window(day), verdict=LETTERS[verdict],
        reason=f"Population stability index of {subject} {value:g} is over its limit 0.2",
        value=value, limit=0.2, severity=severity,
        cause="drift",
    )  # fmt: skip


def case(
    day: int,
    letters: Sequence[str],
    *,
    lasting: bool = True,
    keep: int = 1,
    late: bool = False,
    severity: Severity = Severity.WARN,
) -> Case:
    """One letter per column `a`, `b` …: what the window says."""
    found = tuple(finding(day, letter, "abcdefgh"[i], severity=severity) for i, letter in enumerate(letters))
    breaches = tuple(item for item in found if item.verdict is Verdict.BREACH)
    keys = frozenset(Key.of(item) for item in breaches) if lasting else frozenset()
    return Case(
        model="m",
        cause="drift",
        window=window(day),
        findings=() if late else found,
        lasting=keys,
        keep=keep,
        late=breaches if late else (),
    )


def play(days: Sequence[str], keep: int = 1, horizon: int = 7) -> tuple[str, Incident | None, list[Change]]:
    """A letter per day (`b`: a breach that does not last): state letters, incident and all transitions."""
    incident, said, told = None, "", []
    for day, letter in enumerate(days):
        seen = case(day, letter.upper() if letter == "b" else letter, lasting=letter == "B", keep=keep)
        stepped = step(incident, seen, horizon)
        incident = stepped.incident
        told += [transition.change for transition in stepped.transitions]
        said += "." if incident is None else incident.state.value[0]
    return said, incident, told


O, F, R, P, X = Change.OPENED, Change.FIRED, Change.RESOLVED, Change.PASSED, Change.REFIRED  # noqa: E741


@pytest.mark.parametrize(
    ("days", "keep", "states", "changes"),
    [
        ("oo?o", 1, "....", []),
        ("oB", 1, ".f", [O, F]),
        ("ob", 1, ".p", [O]),
        ("bB", 1, "pf", [O, F]),
        ("bbB", 1, "ppf", [O, F]),
        ("bo", 1, "pr", [O, P]),
        ("boo", 2, "ppr", [O, P]),
        ("Bo", 1, "fr", [O, F, R]),
        ("Boo", 2, "ffr", [O, F, R]),
        ("BoBoo", 2, "ffffr", [O, F, R]),  # a breach begins the count anew
        ("B?o?o", 2, "ffffr", [O, F, R]),  # unknown neither counts nor begins anew
        ("B????", 1, "fffff", [O, F]),
        ("b????", 1, "ppppp", [O]),
        ("Bbo", 1, "ffr", [O, F, R]),  # one that fired does not go back to pending
        ("BoB", 1, "frf", [O, F, R, X]),
        ("Bob", 1, "frp", [O, F, R, O]),
        ("BobB", 1, "frpf", [O, F, R, O, X]),
        ("boB", 1, "prf", [O, P, F]),
        ("BooooooB", 1, "frrrrrrf", [O, F, R, X]),  # six windows after: the same incident
    ],
)
def test_states_and_changes_of_a_life(
    days: Sequence[str], keep: int, states: str, changes: list[Change]
) -> None:
    """A table of lives."""
    said, _, told = play(days, keep)
    assert (said, told) == (states, changes)


def test_beyond_the_horizon_a_new_incident_opens() -> None:
    """Seven whole windows after its resolution, an incident is history."""
    _, old, _ = play("Bo")
    again = step(old.evolve(id=7), case(8, "B"))
    assert again.incident.id == 7
    later = step(old.evolve(id=7), case(9, "B"))
    assert later.incident.id == 0
    assert [transition.change for transition in later.transitions] == [O, F]


def test_moments_are_ends_of_windows() -> None:
    """Opened, fired and resolved when the window that decided was over; reopening clears the resolution."""
    _, incident, _ = play("bBoo", keep=2)
    ends = [window(day).end for day in range(4)]
    assert (incident.opened_at, incident.fired_at, incident.resolved_at) == (ends[0], ends[1], ends[3])
    again = step(incident, case(4, "B", keep=2)).incident
    assert (again.resolved_at, again.fired_at, again.ok_windows) == (None, ends[1], 0)


def test_a_worse_rule_escalates_once_and_undoes_the_acknowledgement() -> None:
    """Somebody said they look after a warning; now it is a page."""
    _, incident, _ = play("B")
    known = incident.evolve(acknowledged_by="ann")
    worse = step(known, case(1, "B", severity=Severity.PAGE))
    assert [transition.change for transition in worse.transitions] == [Change.ESCALATED]
    assert (worse.incident.severity, worse.incident.acknowledged_by) == (Severity.PAGE, "")
    assert worse.transitions[0].text.startswith("from warn to page: Population stability index of a")
    assert not step(worse.incident, case(2, "B", severity=Severity.PAGE)).transitions
    assert step(worse.incident, case(2, "B")).incident.severity is Severity.PAGE


def test_a_worse_breach_that_does_not_last_does_not_escalate() -> None:
    """Persistence holds for escalation too."""
    _, incident, _ = play("B")
    assert not step(incident, case(1, "B", lasting=False, severity=Severity.PAGE)).transitions


def test_a_column_that_went_unknown_is_not_well_again() -> None:
    """The others being fine does not resolve what was wrong with this one."""
    incident = step(None, case(0, "Bo")).incident
    assert step(incident, case(1, "?o")).incident.state is IncidentState.FIRING
    assert step(incident, case(1, "o?")).incident.state is IncidentState.RESOLVED
    assert step(incident, case(1, "oo")).incident.state is IncidentState.RESOLVED


def test_the_summary_names_the_worst_and_how_many_more() -> None:
    """One incident for many columns; its sentence leads with the worst."""
    found = [
        finding(0, "B", name, value=size) for name, size in (("a", 0.3), ("b", 4.0), ("c", 1.0), ("d", 0.5))
    ]
    keys = frozenset(Key.of(item) for item in found)
    many = Case(model="m", cause="drift", window=window(0), findings=tuple(found), lasting=keys)
    assert (
        step(None, many).incident.summary
        == "Population stability index of b 4 is over its limit 0.2; also c, d and a"
    )
    assert summary([*found, finding(0, "B", "e", value=0.4)]).endswith("also c, d and 2 more columns")
    assert summary(found[:1]) == "Population stability index of a 0.3 is over its limit 0.2"


def test_a_late_breach_before_the_incident_adds_one_note_and_nothing_else() -> None:
    """Late data shows that it began earlier: said once, changing nothing."""
    _, incident, _ = play("oooB")
    assert incident is not None
    noted = step(incident, case(1, "B", late=True)).incident
    assert noted is not None
    assert noted.timeline[-1].text.startswith(
        "it began earlier: late data for the window of 2013-07-02 00:00: Population"
    )
    assert noted == incident.evolve(timeline=noted.timeline)
    assert step(noted, case(1, "B", late=True)).incident == noted
    assert step(incident, case(1, "o", late=True)).incident == incident
    assert step(None, case(1, "B", late=True)).incident is None


def test_a_late_breach_that_is_no_news_adds_nothing() -> None:
    """Within the incident's own time, or long before it, late data says nothing of it."""
    _, incident, _ = play("oooooooooooBBBB")
    for day in (13, 11, 2):
        assert step(incident, case(day, "B", late=True)).incident == incident
    resolved = step(incident, case(15, "o")).incident
    assert step(resolved, case(9, "B", late=True)).incident == resolved


def test_the_newest_window_judged_again_replaces_what_it_said() -> None:
    """Late data turned a breach into none and back, before anything was resolved or after."""
    _, incident, _ = play("BB", keep=2)
    assert incident.ok_windows == 0
    mended = step(incident, case(1, "o", keep=2)).incident
    assert (mended.state, mended.ok_windows) == (IncidentState.FIRING, 1)
    assert step(mended, case(1, "o", keep=2)).incident == mended
    resolved = step(mended, case(2, "o", keep=2)).incident
    assert resolved.state is IncidentState.RESOLVED
    back = step(resolved, case(2, "B", keep=2))
    assert [transition.change for transition in back.transitions] == [Change.REFIRED]
    assert step(back.incident, case(2, "o", keep=2)).incident.state is IncidentState.RESOLVED


def test_an_incident_survives_being_stored() -> None:
    """JSON and back is the same, with findings, timeline and moments."""
    _, incident, _ = play("bBoB")
    full = incident.evolve(silenced_until=START, acknowledged_by="ann", id=3)
    assert form.from_dict(form.to_dict(full)) == full


LIVES = st.lists(st.sampled_from("oBb?"), min_size=1, max_size=14)
KEEPS = st.integers(1, 3)


@given(LIVES, KEEPS)
def test_an_incident_is_never_in_two_states(days: Sequence[str], keep: int) -> None:
    """Resolved has an end and no other state has; firing has fired; the timeline is in order."""
    for length in range(1, len(days) + 1):
        _, incident, _ = play(days[:length], keep)
        if incident is None:
            continue
        assert (incident.state is IncidentState.RESOLVED) == (incident.resolved_at is not None)
        assert incident.state is not IncidentState.FIRING or incident.fired_at is not None
        assert [entry.at for entry in incident.timeline] == sorted(entry.at for entry in incident.timeline)


@given(LIVES, KEEPS)
def test_resolved_needs_keep_windows_without_breach(days: Sequence[str], keep: int) -> None:
    """At the resolution the last `keep` known windows had no breach, and the one before had."""
    said, _, _ = play(days, keep)
    for day in range(1, len(days)):
        if said[day] == "r" and said[day - 1] != "r":
            known = [letter for letter in days[: day + 1] if letter != "?"]
            assert known[-keep:] == ["o"] * keep
            assert known[-keep - 1] != "o"


@given(LIVES, KEEPS)
def test_unknown_neither_opens_nor_resolves(days: Sequence[str], keep: int) -> None:
    """Taking unknown windows in or out changes no state."""
    said, _, told = play(days, keep, horizon=1000)
    for day, letter in enumerate(days):
        if letter == "?":
            assert said[day] == (said[day - 1] if day else ".")
    assert told == play([letter for letter in days if letter != "?"], keep, horizon=1000)[2]


@given(LIVES, KEEPS)
def test_judging_a_window_again_with_the_same_findings_changes_nothing(
    days: Sequence[str], keep: int
) -> None:
    """Every window twice is every window once, to the last field."""
    incident = None
    for day, letter in enumerate(days):
        seen = case(day, letter.upper() if letter == "b" else letter, lasting=letter == "B", keep=keep)
        once = step(incident, seen)
        twice = step(once.incident, seen)
        assert twice.incident == once.incident
        assert not twice.transitions
        incident = once.incident


@given(LIVES, KEEPS, st.sampled_from("oBb?"), st.sampled_from("oBb?"))
def test_judging_the_newest_window_again_replaces_its_say(
    days: Sequence[str], keep: int, first: str, second: str
) -> None:
    """Count and state are those of what was said last; only what people were told of stays."""
    _, before, _ = play(days, keep)
    day = len(days)

    def seen(letter: str) -> Case:
        return case(day, letter.upper() if letter == "b" else letter, lasting=letter == "B", keep=keep)

    direct = step(before, seen(second)).incident
    replaced = step(step(before, seen(first)).incident, seen(second)).incident
    if before is None or before.state is IncidentState.RESOLVED or (first == "o" and second == "?"):
        return
    assert replaced.ok_windows == direct.ok_windows
    fired = first == "B"
    assert replaced.state is direct.state or (fired and direct.state is IncidentState.PENDING)


@given(
    st.lists(st.sampled_from(["oo", "BB", "Bo", "oB", "?B", "o?", "??"]), min_size=1, max_size=6),
    st.randoms(),
)
def test_the_order_of_findings_within_a_window_does_not_matter(days: Sequence[str], random: Random) -> None:
    """Through persistence, grouping and the machine, shuffled findings live the same life."""
    rules = [Rule(name="r", measure="psi", above=0.2, count=2, within=3, keep=2)]

    def live(shuffled: bool) -> Incident | None:
        state, incident = State(), None
        for day, letters in enumerate(days):
            found = list(case(day, letters).findings)
            if shuffled:
                random.shuffle(found)
            persisted = persist(state, found, rules)
            state = persisted.state
            for each in group(persisted, rules):
                incident = step(incident, each).incident
        return incident

    assert live(shuffled=True) == live(shuffled=False)


def test_a_resolution_that_late_data_takes_back_fires_again_even_for_a_breach_that_does_not_last() -> None:
    """It was firing until this very window; one that had only been pending stays pending."""
    _, resolved, _ = play("Bo")
    assert resolved is not None
    again = step(resolved, case(1, "B", lasting=False))
    assert [transition.change for transition in again.transitions] == [Change.REFIRED]
    _, passed, _ = play("bo")
    assert [item.change for item in step(passed, case(1, "B", lasting=False)).transitions] == [Change.OPENED]


def test_an_older_window_that_becomes_known_late_does_not_resolve() -> None:
    """A rule whose outcomes come late may still open an incident for an old window, not close one."""
    _, incident, _ = play("ooooB")
    assert incident is not None
    assert step(incident, case(2, "o")).incident == incident
    found = step(incident, case(2, "B")).incident
    assert found is not None
    assert found.state is IncidentState.FIRING


def test_the_most_severe_finding_is_the_worst_however_small() -> None:
    """A page comes before a warning that is farther over its limit."""
    small = finding(0, "B", "a", value=0.3, severity=Severity.PAGE)
    large = finding(0, "B", "b", value=9.0)
    assert summary([large, small]).startswith("Population stability index of a 0.3")
