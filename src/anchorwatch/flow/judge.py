"""Results of closed windows into findings and incidents."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

from anchorwatch.core.calendar import Window
from anchorwatch.core.results import Results
from anchorwatch.core.times import from_micros, span_micros
from anchorwatch.core.types import Stage
from anchorwatch.flow.bands import grounds_of, longest_gap, newest_reference
from anchorwatch.flow.ports import WHOLE, Slice
from anchorwatch.flow.times import window_at
from anchorwatch.flow.unkept import Windows, unkept, worked_out
from anchorwatch.incidents.grouping import group
from anchorwatch.incidents.machine import step as step_incident
from anchorwatch.rules.defaults import SILENCE
from anchorwatch.rules.evaluate import Past, evaluate
from anchorwatch.rules.persistence import State
from anchorwatch.rules.persistence import step as step_state
from anchorwatch.rules.place import Place, history_needed, stage_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from anchorwatch.core.types import Finding, Incident, Rule
    from anchorwatch.flow.books import Judging
    from anchorwatch.flow.ports import Model
    from anchorwatch.incidents.machine import Transition
    from anchorwatch.rules.ground import Ground

IDLE = 60_000_000
"""Microseconds without an event after which the wall clock closes the windows of a model that runs live."""
_LIVE = 86_400_000_000
_SILENT_WINDOWS = 500
_LOOK_BACK = 30

Panel = dict[str, Results]
Grounds = dict[str, Mapping[str, "Ground"]]


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What judging one window led to."""

    incident: Incident
    transitions: tuple[Transition, ...]


@dataclass(frozen=True, slots=True)
class Judged:
    """What a round of judging led to, and how many windows it judged."""

    windows: int
    verdicts: list[Verdicts]


def judge(books: Judging, model: Model, now: int, again: Collection[int] = (), most: int = 32) -> Judged:
    """Judge windows of `model` that have closed since the last time, and those of `again` that were judged.

    No more than `most` newly closed windows per stage, oldest first; call again until none is left. A window
    closes for the predictions when event time (or, for a model that runs live and fell silent, the wall clock
    `now`) is past its end and the model's grace; for the outcomes, when their usual delay is past as well.
    """
    told: list[Verdicts] = []
    count = 0
    for stage in Stage:
        rules = [rule for rule in model.rules if stage_of(rule) is stage]
        late = list(_late(books, model, stage, again))
        due = list(islice(_due(books, model, stage, closes(model, stage, now)), most))
        for window in late + due:
            told += _judge(books, model, Sitting(stage, tuple(rules), window))
        count += len(due)
    return Judged(count, told)


@dataclass(frozen=True, slots=True)
class Sitting:
    """One window, judged by the rules of one stage."""

    stage: Stage
    rules: tuple[Rule, ...]
    window: tuple[int, int]


def closes(model: Model, stage: Stage, now: int) -> int:
    """Windows that end at or before this moment are closed."""
    spec = model.spec
    reached = model.watermark if stage is Stage.INPUTS else model.reached
    if reached is None or model.arrived_at is None:
        return 0
    live = model.arrived_at - reached <= max(2 * span_micros(spec.window.length), _LIVE)
    if live and now - model.arrived_at >= IDLE:
        reached = max(reached, now)
    patience = spec.grace if stage is Stage.INPUTS else spec.grace + spec.outcome_delay
    return reached - span_micros(patience)


def _late(books: Judging, model: Model, stage: Stage, again: Collection[int]) -> Iterator[tuple[int, int]]:
    """Windows of `again` that had been judged; for their predictions unless that is long ago."""
    spec = model.spec
    last = books.judgements.last(model.id, stage)
    if last is not None:
        floor = last - _LOOK_BACK * span_micros(spec.window.length) if stage is Stage.INPUTS else 0
        for start in sorted(start for start in again if floor <= start <= last):
            yield window_at(start, spec.window.text, spec.timezone)


def _due(books: Judging, model: Model, stage: Stage, limit: int) -> Iterator[tuple[int, int]]:
    """Windows that end by `limit` and were not judged, oldest first; silent ones too, but not for ever."""
    grain, zone = model.spec.window.text, model.spec.timezone
    whole = books.models.slices(model.id).get(Slice("", WHOLE, every=True))
    first = None if whole is None else books.results.first(whole, grain, 0)
    if whole is None or first is None:
        return
    last = books.judgements.last(model.id, stage)
    at = first if last is None else window_at(last, grain, zone)[1]
    while True:
        window = window_at(at, grain, zone)
        if window[1] > limit:
            return
        data = books.results.first(whole, grain, window[0])
        if (data is None or data > window[0]) and _silence(books, whole, grain, window) >= _SILENT_WINDOWS:
            if data is None:
                return
            window = window_at(data, grain, zone)
            if window[1] > limit:
                return
        yield window
        at = window[1]


def _silence(books: Judging, whole: int, grain: str, window: tuple[int, int]) -> int:
    """How many windows ago there was data."""
    before = books.results.latest(whole, grain, window[0])
    return 0 if before is None else (window[0] - before) // (window[1] - window[0])


def _judge(books: Judging, model: Model, sitting: Sitting) -> list[Verdicts]:
    findings = findings_of(books, model, sitting)
    measures = {rule.measure for rule in sitting.rules}
    books.judgements.record(model.id, sitting.window[0], measures, findings)
    books.judgements.judged(model.id, sitting.stage, sitting.window[0])
    return _incidents(books, model, sitting, findings)


def findings_of(books: Judging, model: Model, sitting: Sitting) -> list[Finding]:
    """What the rules of a sitting say of its window, whole model and segments."""
    findings: list[Finding] = []
    slices = {item: number for item, number in books.models.slices(model.id).items() if item.every}
    for column in sorted({rule.segments for rule in sitting.rules}):
        rules = [rule for rule in sitting.rules if rule.segments == column]
        places = [item for item in slices if _covers(column, item.segment)]
        for place in places:
            findings += _findings(books, model, sitting, rules, (place, slices[place], len(places)))
    return findings


def _covers(column: str, segment: str) -> bool:
    return segment.startswith(f"{column}=") if column else segment == WHOLE


def _findings(
    books: Judging,
    model: Model,
    sitting: Sitting,
    rules: Sequence[Rule],
    where: tuple[Slice, int, int],
) -> list[Finding]:
    item, slice_id, beside = where
    start, end = sitting.window
    depth = max(history_needed(rule) for rule in rules)
    measures = frozenset(rule.measure for rule in rules)
    panels = _panels(books, model, _Depth(slice_id, item.segment, start, depth, measures))
    grounds = _grounds(books, model, rules)
    place = Place(
        model=model.spec.name,
        window=Window(from_micros(start), from_micros(end)),
        segment=item.segment,
        slices=beside,
    )
    found: list[Finding] = []
    for rule in _patient(books, model, rules, (slice_id, start, end)):
        results = [panel.get(rule.measure) or _none(rule) for panel in panels]
        needed = history_needed(rule)
        past = Past(results[len(results) - 1 - needed : -1] if needed else (), grounds.get(rule.measure, {}))
        found += evaluate(rule, place, results[-1], past)
    return found


def _patient(
    books: Judging, model: Model, rules: Sequence[Rule], where: tuple[int, int, int]
) -> Iterator[Rule]:
    """The rules, the default one of lost traffic without its patience's end while the reference was silent as long."""
    for rule in rules:
        usual = 0
        if rule == SILENCE and (reference := newest_reference(books, model)) is not None:
            usual = longest_gap(model.spec, reference)
        silent = _silence(books, where[0], model.spec.window.text, where[1:]) if usual else 1
        yield rule if silent > usual else replace(rule, unknown_after=None)


def _none(rule: Rule) -> Results:
    return Results.missing(rule.measure, rule.columns or ("",), "no predictions")


@dataclass(frozen=True, slots=True)
class _Depth:
    """The results rules want to see: of a slice, in a window and so many before it."""

    slice_id: int
    segment: str
    start: int
    windows: int
    measures: frozenset[str]


def _panels(books: Judging, model: Model, depth: _Depth) -> list[Panel]:
    """Oldest first; empty where there was no data."""
    grain, zone = model.spec.window.text, model.spec.timezone
    starts = [depth.start]
    for _ in range(depth.windows):
        starts.append(window_at(starts[-1] - 1, grain, zone)[0])
    kept = books.results.panels(depth.slice_id, grain, starts[-1], depth.start + 1, depth.measures)
    found = {item.start: {results.measure: results for results in item.panel} for item in kept}
    lacking = unkept(model, depth.segment, depth.measures)
    if lacking:  # rules that are tried out ask for what rules in force did not
        slices = books.models.slices(model.id).items()
        parts = [number for each, number in slices if not each.every and each.segment == depth.segment]
        spans = [(item.start, item.finish) for item in kept]
        for at, _, panel in worked_out(books, model, lacking, Windows(parts, grain, spans)):
            found[at] |= {results.measure: results for results in panel}
    return [found.get(at, {}) for at in reversed(starts)]


def _grounds(books: Judging, model: Model, rules: Sequence[Rule]) -> Grounds:
    """What the reference is like, for each measure that a rule holds to it."""
    measures = {rule.measure for rule in rules if _held_to_reference(rule)}
    reference = newest_reference(books, model) if measures else None
    if reference is None:
        return {}
    return {measure: grounds_of(model.spec, reference, measure) for measure in measures}


def _held_to_reference(rule: Rule) -> bool:
    return (rule.band, rule.worse, rule.budget) != (None, None, None)


def _incidents(books: Judging, model: Model, sitting: Sitting, findings: Sequence[Finding]) -> list[Verdicts]:
    key = sitting.stage.value
    kept = books.judgements.state(model.id, key)
    state = State.from_dict(json.loads(kept)) if kept else State()
    persisted = step_state(state, findings, sitting.rules)
    body = json.dumps(persisted.state.to_dict())
    if body != kept:
        books.judgements.keep_state(model.id, key, body)
    latest = {incident.cause: incident for incident in books.judgements.open_incidents(model.id)}
    told = []
    for case in group(persisted, sitting.rules):
        stepped = step_incident(latest.get(case.cause), case)
        if stepped.incident is not None and stepped.incident is not latest.get(case.cause):
            told.append(Verdicts(books.judgements.save_incident(stepped.incident), stepped.transitions))
    return told
