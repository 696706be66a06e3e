"""The decision as it is made: default rules, measures of profiles, grounds of the reference, findings, incidents."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from anchorwatch.core.calendar import Window
from anchorwatch.core.results import Results
from anchorwatch.core.schema import Column, Kind, ModelSpec, Task
from anchorwatch.core.types import Rule, Verdict
from anchorwatch.flow.bands import grounds_of
from anchorwatch.incidents.grouping import group
from anchorwatch.incidents.machine import Change
from anchorwatch.incidents.machine import step as step_incident
from anchorwatch.profile.measure import MEASURES
from anchorwatch.rules.chance import level
from anchorwatch.rules.defaults import default_rules
from anchorwatch.rules.evaluate import Past, evaluate
from anchorwatch.rules.persistence import State
from anchorwatch.rules.persistence import step as step_state
from anchorwatch.rules.place import Place
from anchorwatch.stats.intervals import wilson

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from anchorwatch.core.types import Finding
    from anchorwatch.flow.ports import Reference
    from anchorwatch.profile.profile import Profile

START = datetime(2013, 7, 1, tzinfo=UTC)
COLUMNS = (Column("x", Kind.NUMBER), Column("c", Kind.CATEGORY))
SPEC = ModelSpec(name="calibration", task=Task.REGRESSION, columns=COLUMNS)
BINARY = ModelSpec(name="calibration", task=Task.BINARY, columns=COLUMNS, labels=("0", "1"))


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """A reference and the windows after it, of many models at once: each block of `width` columns is a model.

    With `width` 0 the profiles are those of one model as a whole, such as its errors.
    """

    reference: Reference
    windows: Sequence[Profile]
    length: timedelta = timedelta(days=1)
    width: int = 1
    spec: ModelSpec = SPEC


@dataclass(slots=True)
class Tally:
    """What a rule said: windows judged, breaches of each model, alarms."""

    level: float
    budget: float
    windows: int = 0
    days: float = 0.0
    breaches: list[int] = field(default_factory=list)
    alarms: list[int] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Breaches per window."""
        return sum(self.breaches) / max(self.windows, 1)

    @property
    def rate_bounds(self) -> tuple[float, float]:
        """95 % bounds of it; windows of one model, which share a reference, count as less when they err together."""
        each = self.windows / max(len(self.breaches), 1)
        plain = self.rate * (1 - self.rate) * each
        effect = max(float(np.var(self.breaches)) / plain, 1.0) if plain else 1.0
        low, high = wilson(self.rate * self.windows / effect, self.windows / effect)
        return float(low), float(high)

    @property
    def monthly(self) -> float:
        """Alarms per model in 30 days."""
        return sum(self.alarms) / max(self.days / 30, 1e-9)

    @property
    def monthly_bounds(self) -> tuple[float, float]:
        """95 % bounds of it, by the models that had any."""
        models = len(self.alarms)
        alarmed = sum(count > 0 for count in self.alarms)
        low, high = wilson(alarmed, models)
        scale = self.monthly / (alarmed / models) if alarmed else models / (self.days / 30)
        return float(low) * scale, float(high) * scale

    @property
    def over(self) -> bool:
        """Whether alarms are over their budget, for sure."""
        return self.monthly_bounds[0] > self.budget

    @property
    def loose(self) -> bool:
        """Whether single windows are called more often than their level, for sure."""
        return self.rate_bounds[0] > self.level

    def add(self, other: Tally) -> None:
        """Count another run of the same rule in."""
        self.windows += other.windows
        self.days += other.days
        self.breaches += other.breaches
        self.alarms += other.alarms


def rule_of(spec: ModelSpec, measure: str, budget: float = 1.0) -> Rule:
    """The default rule that judges a measure."""
    return next(rule for rule in default_rules(spec, budget) if rule.measure == measure)


def judged(world: World, measure: str, budget: float = 1.0) -> Tally:
    """What the default rule about `measure` says of every window and model of a world."""
    rule = rule_of(world.spec, measure, budget)
    grounds = grounds_of(world.spec, world.reference, measure)
    item = MEASURES[measure]
    found = [item(world.reference.profile, profile) for profile in world.windows]
    blocks = _blocks(found[0].subjects, world.width)
    tally = Tally(level(rule, _window(world, 0)) or 1.0, rule.budget or 0.0)
    for block in blocks:
        findings = _findings(world, rule, [(results, block) for results in found], Past(grounds=grounds))
        tally.windows += len(found)
        tally.days += len(found) * world.length / timedelta(days=1)
        breaches = sum(any(one.verdict is Verdict.BREACH for one in window) for window in findings)
        tally.breaches.append(breaches)
        tally.alarms.append(len(alarms(rule, findings)) if breaches >= rule.count else 0)
    return tally


def alarms(rule: Rule, findings: Iterable[Sequence[Finding]]) -> list[int]:
    """In which windows an incident fired, from the findings of each window."""
    state, incident, fired = State(), None, []
    for place, window in enumerate(findings):
        persisted = step_state(state, window, [rule])
        state = persisted.state
        for case in group(persisted, [rule]):
            stepped = step_incident(incident, case)
            incident = stepped.incident
            told = {transition.change for transition in stepped.transitions}
            if told & {Change.FIRED, Change.REFIRED}:
                fired.append(place)
    return fired


def _blocks(subjects: tuple[str, ...], width: int) -> list[slice]:
    size = width or len(subjects)
    return [slice(begin, begin + size) for begin in range(0, len(subjects), size)]


def _findings(
    world: World, rule: Rule, found: Sequence[tuple[Results, slice]], past: Past
) -> list[list[Finding]]:
    """Findings of one model's windows; when none of them is material, one empty list each, which says the same."""
    if rule.above is not None and not any(
        (results.value[block] > rule.above).any() for results, block in found
    ):
        return [[] for _ in found]
    return [
        evaluate(rule, Place(model=world.spec.name, window=_window(world, at)), _part(results, block), past)
        for at, (results, block) in enumerate(found)
    ]


def _window(world: World, place: int) -> Window:
    return Window(START + place * world.length, START + (place + 1) * world.length)


def _part(results: Results, block: slice) -> Results:
    return Results(
        results.measure,
        results.subjects[block],
        results.value[block],
        results.n[block],
        results.reasons[block],
        results.low[block],
        results.high[block],
        results.p[block],
    )
