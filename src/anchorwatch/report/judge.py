"""Two profiles judged once: every measure that applies, on both sides, and what the rules say of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from anchorwatch.core.calendar import Window
from anchorwatch.core.results import Results, Value
from anchorwatch.core.schema import Kind
from anchorwatch.core.types import Finding, Severity, Verdict
from anchorwatch.flow.measure import applicable, measure_all
from anchorwatch.profile.measure import MEASURES, Family
from anchorwatch.rules.evaluate import Past, evaluate
from anchorwatch.rules.ground import Ground
from anchorwatch.rules.place import Place

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence

    from anchorwatch.core.schema import ModelSpec
    from anchorwatch.core.types import Rule
    from anchorwatch.profile.measure import Measure
    from anchorwatch.profile.profile import Profile
    from anchorwatch.report.fit import Misfit

SCHEMA = "schema"
"""The rule and measure of findings about columns themselves."""

ONE_OFF = Window(datetime(1970, 1, 1, tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=1))
"""What budgets of false alarms are counted by: as if such a comparison were made every day."""

BY_ROWS = frozenset({"sample"})
"""Parts of a profile that cost more than all others; made when a rule asks for them."""

_NEEDS_TRAFFIC = {"error_rate": "_error", "latency": "_latency"}


@dataclass(frozen=True, slots=True, eq=False)
class Readings:
    """One measure on both sides; of drift there is no reading of the reference."""

    measure: Measure
    current: Results
    reference: Results | None = None


def by_rows(spec: ModelSpec, rules: Iterable[Rule]) -> frozenset[str]:
    """Measures of whole rows to take: those that a rule judges, and those of vector columns, if there are any."""
    asked = {rule.measure for rule in rules}
    return frozenset(
        item.name
        for item in applicable(spec.task)
        if item.needs & BY_ROWS and (item.name in asked or (spec.vectors and Kind.VECTOR in item.kinds))
    )


def readings(
    spec: ModelSpec, present: Iterable[str], pair: tuple[Profile, Profile], joint: Container[str] = ()
) -> dict[str, Readings]:
    """Every measure that says something of the columns `present`, by name; of those of whole rows only `joint`."""
    subjects = set(present)
    wanted = [
        item
        for item in applicable(spec.task)
        if _applies(item, subjects) and (item.name in joint or not item.needs & BY_ROWS)
    ]
    now = {item.measure: _only(item, subjects) for item in measure_all(wanted, *pair)}
    alone = [item for item in wanted if item.family is not Family.DRIFT]
    before = {item.measure: _only(item, subjects) for item in measure_all(alone, pair[0], pair[0])}
    found = {}
    for item in wanted:
        here, there = now.get(item.name), before.get(item.name)
        if here is not None and any(side is not None and _known(side) for side in (here, there)):
            found[item.name] = Readings(item, here, there)
    return found


def _applies(item: Measure, present: set[str]) -> bool:
    """Whether a table can answer: of the service only errors and latency are in one, if their columns are."""
    if item.family is not Family.SERVICE:
        return True
    return any(item.name.startswith(name) and column in present for name, column in _NEEDS_TRAFFIC.items())


def _known(found: Results) -> bool:
    return any(reason is None for reason in found.reasons)


def _only(found: Results, present: set[str]) -> Results:
    """Without columns that neither table has."""
    if MEASURES[found.measure].subjects != "columns" or present.issuperset(found.subjects):
        return found
    kept = np.array([place for place, name in enumerate(found.subjects) if name in present], np.intp)
    return Results(
        found.measure,
        tuple(found.subjects[place] for place in kept),
        found.value[kept],
        found.n[kept],
        tuple(found.reasons[place] for place in kept),
        found.low[kept],
        found.high[kept],
        found.p[kept],
    )


def judge(
    spec: ModelSpec,
    rules: Sequence[Rule],
    found: Mapping[str, Readings],
    usual: Mapping[str, Mapping[str, Ground]],
) -> list[Finding]:
    """What each rule says, once: rules of measures that do not apply are left out.

    `usual` says how the reference varies by itself, by measure and subject, where that is known.
    """
    place = Place(model=spec.name, window=ONE_OFF)
    findings: list[Finding] = []
    for rule in rules:
        reading = found.get(rule.measure)
        if reading is None or rule.segments:
            continue
        once = replace(rule, count=1, within=1, mean_of=1, unknown_after=None)
        grounds = usual.get(rule.measure) or _grounds(reading)
        findings += evaluate(once, place, reading.current, Past(grounds=grounds))
    return findings


def _grounds(reading: Readings) -> dict[str, Ground]:
    if reading.reference is None:
        return {}
    return {subject: Ground(whole=found) for subject, found in reading.reference if isinstance(found, Value)}


def told(spec: ModelSpec, misfits: Iterable[Misfit], rows: int) -> list[Finding]:
    """Findings about the table itself: its columns, and that it has rows at all."""
    found = [
        _told(spec, item.column, item.text, Severity.WARN if item.needed else Severity.INFO)
        for item in misfits
    ]
    if not rows:
        found.insert(0, _told(spec, "", "the current table has no rows", Severity.PAGE))
    return found


def _told(spec: ModelSpec, subject: str, text: str, severity: Severity) -> Finding:
    return Finding(
        model=spec.name,
        rule=SCHEMA,
        measure=SCHEMA,
        subject=subject,
        window=ONE_OFF,
        verdict=Verdict.BREACH,
        reason=text,
        severity=severity,
        cause=Family.QUALITY.value,
    )


def family(finding: Finding) -> Family:
    """What a finding is about; a table's own shape is a matter of its quality."""
    return MEASURES[finding.measure].family if finding.measure in MEASURES else Family.QUALITY
