"""The figures of a model's newest complete windows as lines of text."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from math import isnan
from typing import TYPE_CHECKING, Any

import numpy as np

from anchorwatch.app.readings import reference_body
from anchorwatch.app.view import view_of
from anchorwatch.core.types import Stage
from anchorwatch.exporters import prometheus_names as names
from anchorwatch.exporters.prometheus_text import escaped, number
from anchorwatch.flow.bands import grounds_of, newest_reference
from anchorwatch.flow.measure import Span, combined, window_profiles
from anchorwatch.profile.measure import MEASURES
from anchorwatch.rules.defaults import main_metric
from anchorwatch.rules.limits import around, beside, fixed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anchorwatch.core.types import Rule
    from anchorwatch.flow.panel import Block
    from anchorwatch.flow.ports import Model
    from anchorwatch.profile.measure import Measure
    from anchorwatch.profile.parts import Service
    from anchorwatch.rules.limits import Limit
    from anchorwatch.stores.ledger.ledger import Transaction
    from anchorwatch.stores.ledger.results import Sheets, Spans

Lines = dict[str, str]
"""Samples by the name of their family, ready to be joined."""
MODEL_STAGES = (Stage.INPUTS, Stage.OUTCOMES)
_PARTS = (("", "value"), ("lower", "low"), ("upper", "high"), ("p_value", "p"))


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """The newest complete window of each stage: what was measured of the whole and of its versions (heads), and of
    its columns and classes (tails). `key` is equal where all of this, and what it is held against, is equal.
    """

    key: tuple[Any, ...]
    starts: Mapping[Stage, int]
    heads: Mapping[tuple[Stage, str], tuple[Spans, Sheets]]
    tails: Mapping[Stage, Sheets]


@dataclass(frozen=True, slots=True, eq=False)
class Rendered:
    """Lines, and what they were made of."""

    key: tuple[Any, ...]
    lines: Lines


def render_windows(books: Transaction, model: Model, windows: Windows) -> Lines:
    """Every figure of a model's newest complete windows."""
    lines: dict[str, list[str]] = defaultdict(list)
    asked = frozenset(rule.measure for rule in model.rules)
    for stage, start in windows.starts.items():
        spans, sheets = windows.heads[stage, ""]
        end = spans.finish[0] / 1e6
        line = names.WINDOW_END.line(end, model=model.spec.name, stage=stage.value)
        lines[names.WINDOW_END.name].append(line)
        for about in names.told(model.spec.task, asked):
            if about.stage is stage:
                block = _block(sheets if about.subjects == "model" else windows.tails[stage], about.name)
                _measured(lines, model, about, block)
        if stage is Stage.INPUTS:
            _service(lines, books, model, (start, spans))
        else:
            line = names.WINDOW_OUTCOMES.line(spans.joined[0], model=model.spec.name)
            lines[names.WINDOW_OUTCOMES.name].append(line)
            _main(lines, model, _block(sheets, main_metric(model.spec)))
    _versions(lines, model, windows)
    _held_against(lines, books, model)
    return {family: "".join(found) for family, found in lines.items()}


def _block(sheets: Sheets, measure: str) -> Block | None:
    return next((block for _, _, block in sheets.blocks(measure)), None)


def _measured(lines: dict[str, list[str]], model: Model, about: Measure, block: Block | None) -> None:
    """Values that are known, with their intervals where they are of the whole, and p-values."""
    if block is None:
        return
    whole = about.subjects == "model"
    label = names.subject_label(about)
    prefix = f'{{model="{escaped(model.spec.name)}"'
    columns = {column.name for column in model.spec.columns[: names.COLUMNS]} if label == "column" else None
    keys = [
        "" if columns is not None and subject not in columns and not subject.startswith("_")
        else f'{prefix},{label}="{escaped(subject)}"}}' if label
        else f"{prefix}}}"
        for subject in block.subjects
    ]  # fmt: skip
    for part, field in _PARTS:
        if part in {"lower", "upper"} and not whole:
            continue
        values: list[float] = getattr(block, field)[0].tolist()
        if all(map(isnan, values)):
            continue
        family = names.of_measure(about.name, part)
        lines[family.name] += [
            f"{family.name}{key} {number(value)}\n"
            for key, value in zip(keys, values, strict=True)
            if key and not isnan(value)
        ]


def _main(lines: dict[str, list[str]], model: Model, block: Block | None) -> None:
    """The main measure once more, under a name that all models share."""
    if block is None:
        return
    fields = ((names.MAIN, block.value), (names.MAIN_LOWER, block.low), (names.MAIN_UPPER, block.high))
    for family, found in fields:
        value = float(found[0, 0])
        if not isnan(value):
            line = family.line(value, model=model.spec.name, measure=main_metric(model.spec))
            lines[family.name].append(line)


def _service(lines: dict[str, list[str]], books: Transaction, model: Model, at: tuple[int, Spans]) -> None:
    """Counts and latencies, out of the window's profile."""
    start, spans = at
    name = model.spec.name
    view = view_of(model)
    parts = view.parts(books)
    profiles = window_profiles(books, model, parts, Span(view.grain, start, start + 1))
    service = combined(list(profiles.values())).service if profiles else None
    lines[names.WINDOW_PREDICTIONS.name].append(names.WINDOW_PREDICTIONS.line(spans.events[0], model=name))
    if service is not None:
        lines[names.WINDOW_ERRORS.name].append(names.WINDOW_ERRORS.line(service.errors, model=name))
        if service.latency.total:
            lines[names.WINDOW_LATENCY.name].append(_histogram(name, service))


def _histogram(model: str, service: Service) -> str:
    """Latencies up to each bound; a cell counts where its middle lies."""
    middles, counts = service.latency.middles(), service.latency.counts.sum(axis=0)
    upto = np.concatenate([[0], np.cumsum(counts)])[np.searchsorted(middles, names.BOUNDS, side="right")]
    family, label = names.WINDOW_LATENCY.name, escaped(model)
    bounds = [*zip(map(str, names.BOUNDS), upto.tolist(), strict=True), ("+Inf", service.latency.total)]
    buckets = "".join(f'{family}_bucket{{model="{label}",le="{bound}"}} {many}\n' for bound, many in bounds)
    total = number(float(service.latency_total))
    return (
        f'{buckets}{family}_gcount{{model="{label}"}} {service.latency.total}\n'
        f'{family}_gsum{{model="{label}"}} {total}\n'
    )


def _versions(lines: dict[str, list[str]], model: Model, windows: Windows) -> None:
    """How the newest versions do beside each other."""
    name, main = model.spec.name, main_metric(model.spec)
    for (stage, version), (spans, sheets) in windows.heads.items():
        if not version or not len(spans):
            continue
        if stage is Stage.INPUTS:
            line = names.VERSION_PREDICTIONS.line(spans.events[0], model=name, version=version)
            lines[names.VERSION_PREDICTIONS.name].append(line)
        family = names.VERSION_ERRORS if stage is Stage.INPUTS else names.VERSION_MAIN
        measure = "error_rate" if stage is Stage.INPUTS else main
        block = _block(sheets, measure)
        if block is None or isnan(block.value[0, 0]):
            continue
        labels = {"measure": main} if family is names.VERSION_MAIN else {}
        line = family.line(float(block.value[0, 0]), model=name, version=version, **labels)
        lines[family.name].append(line)


def _held_against(lines: dict[str, list[str]], books: Transaction, model: Model) -> None:
    """The usual value of what rules watch, and the limits that they set."""
    for measure in dict.fromkeys([main_metric(model.spec), *(rule.measure for rule in model.rules)]):
        if measure not in MEASURES or MEASURES[measure].subjects != "model":
            continue
        body = reference_body(books, model, measure, "") or {}
        usual = body.get("value") if body.get("value") is not None else body.get("mean")
        if usual is not None and measure != "throughput":
            family = names.of_measure(measure, "reference")
            lines[family.name].append(family.line(float(usual), model=model.spec.name))
            if measure == main_metric(model.spec):
                main = names.MAIN_REFERENCE
                lines[main.name].append(main.line(float(usual), model=model.spec.name, measure=measure))
    for rule in model.rules[: names.RULES]:
        if rule.measure in MEASURES and not rule.segments:
            _limits(lines, books, model, rule)


def _limits(lines: dict[str, list[str]], books: Transaction, model: Model, rule: Rule) -> None:
    found: list[Limit] = list(fixed(rule))
    reference = newest_reference(books, model)
    if reference is not None and (rule.band is not None or rule.worse is not None):
        ground = grounds_of(model.spec, reference, rule.measure).get("")
        if ground is not None:
            found += around(rule, ground.band) if ground.band is not None else ()
            found += beside(rule, ground.centre) if ground.centre is not None else ()
    family = names.of_measure(rule.measure, "limit")
    for limit in found:
        side = "above" if limit.upper else "below"
        labels = {"rule": rule.name, "side": side}
        lines[family.name].append(family.line(float(limit.at), model=model.spec.name, **labels))
        if rule.measure == main_metric(model.spec):
            labels = {"measure": rule.measure, **labels}
            line = names.MAIN_LIMIT.line(float(limit.at), model=model.spec.name, **labels)
            lines[names.MAIN_LIMIT.name].append(line)
