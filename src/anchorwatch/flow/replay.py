"""What rules would have said: the past judged again, in memory, by rules that are not in force."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from anchorwatch.core.calendar import Window
from anchorwatch.core.times import from_micros
from anchorwatch.core.types import IncidentState, Stage, Verdict
from anchorwatch.flow.against import companions
from anchorwatch.flow.bands import grounds_of, newest_reference
from anchorwatch.flow.judge import Sitting, findings_of
from anchorwatch.flow.ports import WHOLE, Slice
from anchorwatch.flow.times import window_at
from anchorwatch.incidents.grouping import group
from anchorwatch.incidents.machine import step as step_incident
from anchorwatch.profile.measure import MEASURES
from anchorwatch.rules.chance import MONTH
from anchorwatch.rules.evaluate import Past, evaluate
from anchorwatch.rules.persistence import State
from anchorwatch.rules.persistence import step as step_state
from anchorwatch.rules.place import Place, history_needed, stage_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anchorwatch.core.results import Results
    from anchorwatch.core.types import Finding, Incident, Rule
    from anchorwatch.flow.against import Pair
    from anchorwatch.flow.books import Judging
    from anchorwatch.flow.ports import Model, Reference


@dataclass(frozen=True, slots=True)
class Firing:
    """An incident that would have fired: when, for how long, and how long after the first window that showed it."""

    incident: Incident
    began: int
    fired: int
    resolved: int | None

    @property
    def delay(self) -> timedelta:
        """From the beginning of the first window that was a breach to the end of the one that fired."""
        return timedelta(microseconds=self.fired - self.began)


@dataclass(frozen=True, slots=True)
class Expected:
    """What one rule would do when nothing changes.

    Attributes:
        rule: which.
        budget: false alarms in 30 days that it allows itself; None when it has no budget.
        windows: windows of the reference it could judge.
        breaches: of them, those it would have called a breach.
        fired: how often that would have lasted long enough for an incident.
    """

    rule: Rule
    budget: float | None
    windows: int
    breaches: int
    fired: int


@dataclass(frozen=True, slots=True)
class Replayed:
    """The past, judged again.

    Attributes:
        start, end: of the windows that were judged, in microseconds.
        windows: how many.
        firings: incidents that would have fired, by time.
        breaches: per rule, windows that would have been a breach of it.
        expected: per rule, what it would do when nothing changes.
    """

    start: int
    end: int
    windows: int
    firings: tuple[Firing, ...]
    breaches: dict[str, int]
    expected: tuple[Expected, ...]

    @property
    def budgeted(self) -> float:
        """False alarms that the budgets allow in so long a time."""
        months = timedelta(microseconds=self.end - self.start) / MONTH
        return months * sum(each.budget or 0.0 for each in self.expected)


def replay(books: Judging, model: Model, rules: Sequence[Rule], start: int, end: int) -> Replayed:
    """Judge all stored windows that start between `start` and `end` (microseconds) by `rules`, without a trace."""
    spans = _spans(books, model, start, end)
    firings: list[Firing] = []
    breaches: dict[str, set[int]] = {rule.name: set() for rule in rules}
    for stage in Stage:
        own = tuple(rule for rule in rules if stage_of(rule) is stage)
        judged = ((span, findings_of(books, model, Sitting(stage, own, span))) for span in spans)
        told = _Told(own, breaches)
        for span, found in judged if own else ():
            told.take(span, found)
        firings += told.firings()
    reference = newest_reference(books, model)
    return Replayed(
        spans[0][0] if spans else start,
        spans[-1][1] if spans else start,
        len(spans),
        tuple(sorted(firings, key=lambda firing: firing.fired)),
        {name: len(found) for name, found in breaches.items()},
        _expectations(model, reference, rules),
    )


def _spans(books: Judging, model: Model, start: int, end: int) -> list[tuple[int, int]]:
    whole = books.models.slices(model.id).get(Slice("", WHOLE, every=True))
    grain, zone = model.spec.window.text, model.spec.timezone
    spans: list[tuple[int, int]] = []
    first = None if whole is None else books.results.first(whole, grain, start)
    while whole is not None and first is not None and first < end:
        spans.append(window_at(first, grain, zone))
        first = books.results.first(whole, grain, spans[-1][1])
    return spans


class _Told:
    """Incidents of one stage, stepped in memory."""

    def __init__(self, rules: Sequence[Rule], breaches: dict[str, set[int]]) -> None:
        self._rules = rules
        self._breaches = breaches
        self._state = State()
        self._open: dict[str, Incident] = {}
        self._began: dict[str, int] = {}
        self._fired: list[tuple[str, int, int]] = []
        self._ended: dict[tuple[str, int], tuple[Incident, int | None]] = {}

    def take(self, span: tuple[int, int], findings: Sequence[Finding]) -> None:
        """Step with the findings of the next window."""
        for finding in findings:
            if finding.verdict is Verdict.BREACH:
                self._breaches[finding.rule].add(span[0])
        persisted = step_state(self._state, findings, self._rules)
        self._state = persisted.state
        for case in group(persisted, self._rules):
            before = self._open.get(case.cause)
            after = step_incident(before, case).incident
            if after is None:
                continue
            self._open[case.cause] = after
            self._note(case.cause, before, after, span)

    def _note(self, cause: str, before: Incident | None, after: Incident, span: tuple[int, int]) -> None:
        was = IncidentState.RESOLVED if before is None else before.state
        if was is IncidentState.RESOLVED and after.state is not IncidentState.RESOLVED:
            self._began[cause] = span[0]
        if after.state is IncidentState.FIRING:
            if was is not IncidentState.FIRING:
                self._fired.append((cause, self._began[cause], span[1]))
            self._ended[cause, self._fired_at(cause)] = (after, None)
        elif was is IncidentState.FIRING:
            self._ended[cause, self._fired_at(cause)] = (after, span[1])

    def _fired_at(self, cause: str) -> int:
        return next(fired for name, _, fired in reversed(self._fired) if name == cause)

    def firings(self) -> list[Firing]:
        """All that fired."""
        found = []
        for cause, began, fired in self._fired:
            incident, resolved = self._ended[cause, fired]
            found.append(Firing(incident, began, fired, resolved))
        return found


def _expectations(model: Model, reference: Reference | None, rules: Sequence[Rule]) -> tuple[Expected, ...]:
    """Judge the reference's own windows by each rule; what they are compared with is worked out once for all."""
    if reference is None:
        return tuple(Expected(rule, rule.budget, 0, 0, 0) for rule in rules)
    compared = companions(model.spec, reference)
    return tuple(_expected(model, reference, compared, rule) for rule in rules)


def _expected(model: Model, reference: Reference, compared: Sequence[Pair], rule: Rule) -> Expected:
    """Judge the reference's own windows, each against what it would have been compared with."""
    if rule.segments or rule.measure not in MEASURES:
        return Expected(rule, rule.budget, 0, 0, 0)
    grounds = grounds_of(model.spec, reference, rule.measure)
    pairs = zip(reference.windows, compared, strict=True)
    results = [(start, MEASURES[rule.measure](other, profile)) for (start, _), (profile, other) in pairs]
    state, fired, windows, breaches = State(), 0, 0, 0
    lasted = False
    for place, (start, found) in enumerate(results):
        span = window_at(start, model.spec.window.text, model.spec.timezone)
        past = Past(_before(results, place, history_needed(rule)), grounds)
        where = Place(model=model.spec.name, window=Window(from_micros(span[0]), from_micros(span[1])))
        findings = evaluate(rule, where, found, past)
        persisted = step_state(state, findings, [rule])
        state = persisted.state
        windows += any(finding.verdict is not Verdict.UNKNOWN for finding in findings)
        breaches += any(finding.verdict is Verdict.BREACH for finding in findings)
        fired += bool(persisted.lasting) and not lasted
        lasted = bool(persisted.lasting)
    return Expected(rule, rule.budget, windows, breaches, fired)


def _before(results: Sequence[tuple[int, Results]], place: int, depth: int) -> list[Results]:
    return [found for _, found in results[max(0, place - depth) : place]]
