"""Rules under test: made-up series in, findings and incidents out, held against what was expected."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from anchorwatch.core.results import Results
from anchorwatch.core.types import Incident, Verdict
from anchorwatch.incidents.grouping import group
from anchorwatch.incidents.machine import step as live
from anchorwatch.rules.evaluate import Past, evaluate
from anchorwatch.rules.ground import Ground
from anchorwatch.rules.persistence import State
from anchorwatch.rules.persistence import step as persist
from anchorwatch.rules.place import Place, history_needed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anchorwatch.core.schema import ModelSpec
    from anchorwatch.core.types import Finding, Rule
    from anchorwatch.rules.band import ReferenceBand

NONE = "none"
"""What is expected of a cause that has no incident."""

_BEGIN = datetime(2024, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Given:
    """One subject's made-up values, p-values (None: it has none) and row counts, each per window."""

    value: Sequence[float | None]
    p: Sequence[float | None]
    n: Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Expected:
    """What a window (from 1) should say: verdicts by rule and subject, incident states by cause.

    Subject `None` stands for all of a rule's subjects: the worst of their verdicts. A cause that is not named
    must not be firing, where `incidents` is given at all.
    """

    window: int
    findings: Mapping[tuple[str, str | None], str] = field(default_factory=dict)
    incidents: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """One test: its series by measure and subject, the reference's bands, and what to expect."""

    name: str
    series: Mapping[str, Mapping[str, Given]]
    windows: int
    expected: Sequence[Expected]
    bands: Mapping[str, Mapping[str, ReferenceBand]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Frame:
    """What one window said: its findings, and the incident of each cause after it."""

    findings: tuple[Finding, ...]
    incidents: Mapping[str, Incident]


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Where a window did not say what was expected, and why it said what it said."""

    window: int
    what: str
    expected: str
    got: str
    reason: str


def play(spec: ModelSpec, rules: Sequence[Rule], trial: Trial) -> tuple[Frame, ...]:
    """Judge every window of the trial with those of `rules` that it gives series for.

    A rule on segments sees the series as one segment's.
    """
    frames = []
    asked = [rule for rule in rules if rule.measure in trial.series]
    state, incidents = State(), dict[str, Incident]()
    window = spec.window.window(_BEGIN, spec.timezone)
    for index in range(trial.windows):
        place = Place(model=spec.name, window=window)
        found = [finding for rule in asked for finding in _judge(rule, place, trial, index)]
        persisted = persist(state, found, asked)
        state = persisted.state
        for case in group(persisted, asked):
            incident = live(incidents.get(case.cause), case).incident
            if incident is not None:
                incidents[case.cause] = incident
        frames.append(Frame(persisted.findings, dict(incidents)))
        window = spec.window.window(window.end + timedelta(microseconds=1), spec.timezone)
    return tuple(frames)


def compare(trial: Trial, frames: Sequence[Frame]) -> list[Mismatch]:
    """Everything that differs from what was expected, in order of windows."""
    wrong = []
    for expected in trial.expected:
        frame = frames[expected.window - 1]
        for (rule, subject), verdict in expected.findings.items():
            got, reason = _verdict(frame, rule, subject)
            if got != verdict:
                what = rule if subject is None else f"{rule}, {subject}"
                wrong.append(Mismatch(expected.window, what, verdict, got, reason))
        wrong += _incidents(expected, frame)
    return wrong


def _judge(rule: Rule, place: Place, trial: Trial, index: int) -> list[Finding]:
    first = max(0, index - history_needed(rule))
    bands = trial.bands.get(rule.measure, {})
    past = Past(
        [_results(rule, trial, earlier) for earlier in range(first, index)],
        {subject: Ground(band) for subject, band in bands.items()},
    )
    return evaluate(rule, place, _results(rule, trial, index), past)


def _results(rule: Rule, trial: Trial, index: int) -> Results:
    given = trial.series[rule.measure]
    values = [one.value[index] for one in given.values()]
    return Results.of(
        rule.measure,
        tuple(given),
        [float("nan") if value is None else value for value in values],
        n=[int(one.n[index] or 0) for one in given.values()],
        reasons=["the test gives no value" if value is None else None for value in values],
        p=[float("nan") if p is None else p for p in (one.p[index] for one in given.values())],
    )


def _verdict(frame: Frame, rule: str, subject: str | None) -> tuple[str, str]:
    found = [item for item in frame.findings if item.rule == rule and subject in (None, item.subject)]
    if not found:
        return NONE, "the test gives no series that it looks at"
    order = (Verdict.BREACH, Verdict.UNKNOWN, Verdict.OK)
    worst = min(found, key=lambda item: order.index(item.verdict))
    return worst.verdict.value, worst.reason


def _incidents(expected: Expected, frame: Frame) -> list[Mismatch]:
    if expected.incidents is None:
        return []
    states = {cause: incident.state.value for cause, incident in frame.incidents.items()}
    wanted = dict(expected.incidents)
    wanted |= {
        cause: f"not {state}" for cause, state in states.items() if state == "firing" and cause not in wanted
    }
    return [
        Mismatch(expected.window, f"incident {cause}", state, states.get(cause, NONE), _why(frame, cause))
        for cause, state in wanted.items()
        if states.get(cause, NONE) != state
    ]


def _why(frame: Frame, cause: str) -> str:
    incident = frame.incidents.get(cause)
    return incident.timeline[-1].text if incident else "no breach so far"
