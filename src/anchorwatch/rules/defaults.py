"""The rules a model has when nobody wrote any."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from anchorwatch.core.schema import Task
from anchorwatch.core.types import Rule, Severity

if TYPE_CHECKING:
    from anchorwatch.core.schema import ModelSpec

ENOUGH = 30
"""Rows that a window must have before a default rule speaks of it."""

BUDGET = 1.0
"""False alarms in 30 days that all default rules of a model may raise together."""

MOVED = 0.1
"""A column has drifted when every tenth row lies where it would not have been: a shift by a quarter of its spread."""

WORSE_SHARE = 0.05
"""How much a score between 0 and 1 must fall: five points."""

WORSE_ERROR = 0.1
"""How much an error must grow: by a tenth."""


def main_metric(spec: ModelSpec) -> str:
    """The number that says how well a model does: `mae`, `roc_auc`, or `accuracy` where there is no score.

    >>> from anchorwatch.core.schema import ModelSpec, Task
    >>> main_metric(ModelSpec(name="fares", task=Task.REGRESSION))
    'mae'
    """
    if spec.task is Task.REGRESSION:
        return "mae"
    return "roc_auc" if spec.task is Task.BINARY and spec.fields.score else "accuracy"


def default_rules(spec: ModelSpec, budget: float = BUDGET) -> tuple[Rule, ...]:
    """Performance against the reference, drift, data quality, service and volume, without anyone setting a number.

    All but the last share `budget` false alarms in 30 days evenly: each breaches only when it is material and, at the
    level its share allows, not chance. Each takes two of three windows to fire and two good ones to resolve; lost
    traffic takes three in a row more than the reference itself was ever silent. Performance pages, the rest warns.
    """
    rules = (*_performance(spec), *_drift(spec), *_quality(spec), *_service())
    shared = tuple(replace(rule, budget=round(budget / len(rules), 4)) for rule in rules)
    return (*shared, SILENCE)


def _performance(spec: ModelSpec) -> tuple[Rule, ...]:
    regression = spec.task is Task.REGRESSION
    measures = dict.fromkeys([main_metric(spec), "mae" if regression else "accuracy"])
    worse = WORSE_ERROR if regression else WORSE_SHARE
    return tuple(
        _rule(f"{measure} worse than its reference", measure, worse=worse, severity=Severity.PAGE)
        for measure in measures
    )


def _drift(spec: ModelSpec) -> tuple[Rule, ...]:
    """Of each column, of the outcome, and of what lies between columns where rows may be sampled."""
    away = {"above": 1 + MOVED, "below": 1 - MOVED}
    between = not spec.private and len(spec.numbers) + len(spec.categories) > 1
    joint = (_rule("drift between columns", "pca_error", **away),) if between else ()
    vectors = (
        (_rule("drift of vectors", "vector_pca_error", **away),) if spec.vectors and not spec.private else ()
    )
    return (
        _rule("drift", "drift", above=MOVED),
        *joint,
        *vectors,
        _rule("target drift", "target_drift", above=MOVED),
    )


def _quality(spec: ModelSpec) -> tuple[Rule, ...]:
    unseen = (_rule("unseen categories", "unseen_share", above=0.05),) if spec.categories else ()
    ranges = (_rule("out of range", "out_of_range_share", above=0.05),) if spec.numbers else ()
    missing = _rule("missing values", "missing_shift", above=0.05, cause="quality")
    rejected = _rule("rejected rows", "rejected_share", above=0.05)
    return (missing, *unseen, *ranges, rejected)


def _service() -> tuple[Rule, ...]:
    return (
        _rule("errors", "error_rate", above=0.05),
        _rule("slow", "latency_p95", worse=0.5),
    )


def _rule(name: str, measure: str, **settings: object) -> Rule:
    shared: dict[str, object] = {"count": 2, "within": 3, "keep": 2, "min_rows": ENOUGH}
    return Rule(name=name, measure=measure, **(shared | settings))  # type: ignore[arg-type]


SILENCE = Rule(name="no predictions", measure="throughput", unknown_after=1, count=3, within=3)
"""Lost traffic. Where the reference has times, windows count from the longest gap it has itself: nights are quiet."""
