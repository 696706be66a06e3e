"""The life of an incident: pending, firing, resolved, and firing again.

```
         breach            it lasts          keep windows without
  (none) ──────▶ pending ────────────▶ firing ────────────────────▶ resolved
                   │  ▲                  ▲                             │
                   │  └── breach ────────┼─────────────────────────────┤  within the horizon,
                   │                     └── breach that lasts ────────┘  else a new incident
                   └── keep windows without ──▶ resolved
```

The laws, each under test:

- A window that is unknown changes nothing.
- Judging the newest window again with the same findings changes nothing; with others it replaces what the
  window said. What was told is not untold: an incident that fired stays firing until `keep` windows have no
  breach, and one that this window resolved fires again only for a breach.
- A breach in a window older than the newest one that could be judged adds no more than a note to an open
  incident's timeline, where it shows that the trouble began before the incident was opened.
- The order of findings within a window does not matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from anchorwatch.core.types import Incident, IncidentState, Severity, Step, Verdict
from anchorwatch.incidents.summary import summary
from anchorwatch.rules.persistence import Key
from anchorwatch.rules.sentence import windows

if TYPE_CHECKING:
    from datetime import datetime

    from anchorwatch.incidents.grouping import Case

HORIZON = 7
"""Windows after its resolution within which an incident opens again instead of a new one."""


class Change(StrEnum):
    """What happened to an incident; the `what` of its timeline."""

    OPENED = "opened"
    FIRED = "fired"
    REFIRED = "refired"
    ESCALATED = "escalated"
    RESOLVED = "resolved"
    PASSED = "passed"
    NOTED = "noted"
    ACKNOWLEDGED = "acknowledged"
    SILENCED = "silenced"


TELLING = frozenset({Change.FIRED, Change.REFIRED, Change.ESCALATED, Change.RESOLVED})
"""Changes that people are told of, unless the incident is muted."""


@dataclass(frozen=True, slots=True)
class Transition:
    """One change, in a sentence; `at` is event time where a window made it, wall time where a person did."""

    change: Change
    at: datetime
    text: str
    who: str = ""


@dataclass(frozen=True, slots=True)
class Stepped:
    """An incident after a window or an act, and what changed; None where there is still nothing."""

    incident: Incident | None
    transitions: tuple[Transition, ...] = ()


def step(incident: Incident | None, case: Case, horizon: int = HORIZON) -> Stepped:
    """Take one window's case of the same model and cause.

    `incident` is the latest one of that cause, resolved or not; a new one comes back with id 0 where the old
    one was resolved `horizon` windows ago or more.
    """
    if case.late and not case.breaches:
        return _note(incident, case, horizon)
    if incident is None or _over(incident, case, horizon):
        return _open(case) if case.breaches else Stepped(incident)
    if incident.state is IncidentState.RESOLVED:
        return _reopen(incident, case) if case.breaches else Stepped(incident)
    again = incident.updated_at == case.window.end
    before = incident.evolve(ok_windows=incident.ok_before) if again else incident
    moved = before.evolve(updated_at=case.window.end, ok_before=before.ok_windows)
    if case.breaches:
        return _worsen(moved, case)
    unknown = _unknown(incident, case) or case.window.end < incident.updated_at
    return Stepped(before) if unknown else _mend(moved, case)


def changed(incident: Incident, *transitions: Transition) -> Stepped:
    """The incident with what changed written into its timeline."""
    entries = [Step(at=each.at, what=each.change.value, text=each.text, who=each.who) for each in transitions]
    return Stepped(incident.evolve(timeline=(*incident.timeline, *entries)), transitions)


def _over(incident: Incident, case: Case, horizon: int) -> bool:
    if incident.state is not IncidentState.RESOLVED or incident.resolved_at is None:
        return False
    length = case.window.end - case.window.start
    return case.window.start - incident.resolved_at >= horizon * length


def _open(case: Case) -> Stepped:
    at = case.window.end
    new = Incident(
        model=case.model,
        cause=case.cause,
        state=IncidentState.PENDING,
        opened_at=at,
        updated_at=at,
        severity=_severity(case),
        summary=summary(case.breaches),
        findings=case.breaches,
    )
    opened = Transition(Change.OPENED, at, new.summary)
    return _fire(new, case, opened) if case.lasting_breaches else changed(new, opened)


def _reopen(incident: Incident, case: Case) -> Stepped:
    """A resolved incident that breaks again soon goes on, and nobody has looked at it yet."""
    again = incident.evolve(
        state=IncidentState.PENDING,
        updated_at=case.window.end,
        resolved_at=None,
        severity=_severity(case),
        summary=summary(case.breaches),
        findings=case.breaches,
        ok_windows=0,
        ok_before=incident.ok_before if incident.updated_at == case.window.end else 0,
        acknowledged_by="",
    )
    if case.lasting_breaches or _withdrawn(incident, case):
        return _fire(again, case)
    return changed(again, Transition(Change.OPENED, case.window.end, again.summary))


def _withdrawn(incident: Incident, case: Case) -> bool:
    """Whether it was firing until this very window was first judged."""
    told = [entry.what for entry in incident.timeline if entry.what in {Change.RESOLVED, Change.PASSED}]
    return incident.resolved_at == case.window.end == incident.updated_at and told[-1:] == [Change.RESOLVED]


def _fire(incident: Incident, case: Case, *earlier: Transition) -> Stepped:
    firing = incident.evolve(
        state=IncidentState.FIRING,
        fired_at=incident.fired_at or case.window.end,
        severity=_severity(case),
        summary=summary(case.lasting_breaches or case.breaches),
    )
    change = Change.REFIRED if incident.fired_at else Change.FIRED
    return changed(firing, *earlier, Transition(change, case.window.end, firing.summary))


def _worsen(incident: Incident, case: Case) -> Stepped:
    """A window with breaches: pending may fire, firing may escalate."""
    seen = incident.evolve(findings=case.breaches, ok_windows=0)
    if incident.state is IncidentState.PENDING:
        if case.lasting_breaches:
            return _fire(seen, case)
        return Stepped(seen.evolve(severity=_severity(case), summary=summary(case.breaches)))
    said = seen.evolve(summary=summary(case.lasting_breaches or case.breaches))
    severity = _severity(case)
    if not case.lasting_breaches or severity.rank <= incident.severity.rank:
        return Stepped(said)
    worse = said.evolve(severity=severity, acknowledged_by="")
    text = f"from {incident.severity} to {severity}: {worse.summary}"
    return changed(worse, Transition(Change.ESCALATED, case.window.end, text))


def _mend(incident: Incident, case: Case) -> Stepped:
    """A window that is known to have no breach counts towards resolving."""
    ok = incident.ok_before + 1
    mended = incident.evolve(ok_windows=ok)
    if ok < case.keep:
        return Stepped(mended)
    fired = incident.state is IncidentState.FIRING
    text = f"no breach for {windows(ok)}" + ("" if fired else "; it did not last")
    resolved = mended.evolve(state=IncidentState.RESOLVED, resolved_at=case.window.end)
    return changed(resolved, Transition(Change.RESOLVED if fired else Change.PASSED, case.window.end, text))


def _unknown(incident: Incident, case: Case) -> bool:
    """Whether what was wrong cannot be said to be right: one of its subjects is unknown, or all are."""
    wrong = {Key.of(finding) for finding in incident.findings}
    silent = {Key.of(finding) for finding in case.findings if finding.verdict is Verdict.UNKNOWN}
    return bool(wrong & silent) or len(silent) == len(case.findings)


def _note(incident: Incident | None, case: Case, horizon: int) -> Stepped:
    """Late data showed a breach in an old window: news, once, where that is before the incident was opened."""
    if incident is None or incident.state is IncidentState.RESOLVED:
        return Stepped(incident)
    length = case.window.end - case.window.start
    if not incident.opened_at - (horizon + 1) * length <= case.window.start < incident.opened_at - length:
        return Stepped(incident)
    text = f"it began earlier: late data for the window of {case.window.start:%Y-%m-%d %H:%M}"
    if any(entry.text.startswith(text) for entry in incident.timeline):
        return Stepped(incident)
    return changed(incident, Transition(Change.NOTED, incident.updated_at, f"{text}: {summary(case.late)}"))


def _severity(case: Case) -> Severity:
    return max(
        (finding.severity for finding in case.lasting_breaches or case.breaches), key=lambda one: one.rank
    )
