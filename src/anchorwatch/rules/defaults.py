"""The rules a model has when nobody wrote any."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anchorwatch.core.schema import Task
from anchorwatch.core.types import Rule, Severity

if TYPE_CHECKING:
    from anchorwatch.core.schema import ModelSpec

ENOUGH = 30
"""Rows that a window must have before a default rule speaks of it."""


def main_metric(spec: ModelSpec) -> str:
    """The number that says how well a model does: `mae`, `roc_auc`, or `accuracy` where there is no score.

    >>> from anchorwatch.core.schema import ModelSpec, Task
    >>> main_metric(ModelSpec(name="fares", task=Task.REGRESSION))
    'mae'
    """
    if spec.task is Task.REGRESSION:
        return "mae"
    return "roc_auc" if spec.task is Task.BINARY and spec.fields.score else "accuracy"


def default_rules(spec: ModelSpec) -> tuple[Rule, ...]:
    """Performance against the reference, drift, data quality, service and volume.

    Each takes two of three windows to fire and two good ones to resolve; lost traffic takes three in a row.
    Performance pages, the rest warns.
    """
    return (*_performance(spec), *_drift(), *_quality(spec), *_service())


def _performance(spec: ModelSpec) -> tuple[Rule, ...]:
    measures = dict.fromkeys([main_metric(spec), "mae" if spec.task is Task.REGRESSION else "accuracy"])
    side = "above" if spec.task is Task.REGRESSION else "below"
    return tuple(
        _rule(f"{measure} off its reference", measure, band=3.0, side=side, severity=Severity.PAGE)
        for measure in measures
    )


def _drift() -> tuple[Rule, ...]:
    return (
        _rule("drift", "psi", above=0.2, alpha=0.01),
        _rule("target drift", "target_psi", above=0.2, alpha=0.01),
    )


def _quality(spec: ModelSpec) -> tuple[Rule, ...]:
    unseen = (_rule("unseen categories", "unseen_share", above=0.05),) if spec.categories else ()
    ranges = (_rule("out of range", "out_of_range_share", above=0.05),) if spec.numbers else ()
    missing = _rule("missing values", "missing_shift", above=0.05, alpha=0.01, cause="quality")
    return (missing, *unseen, *ranges)


def _service() -> tuple[Rule, ...]:
    return (
        _rule("errors", "error_rate", above=0.05),
        _rule("slow", "latency_p95", band=3.0, side="above"),
        Rule(name="no predictions", measure="throughput", unknown_after=1, count=3, within=3),
    )


def _rule(name: str, measure: str, **settings: object) -> Rule:
    shared: dict[str, object] = {"count": 2, "within": 3, "keep": 2, "min_rows": ENOUGH}
    return Rule(name=name, measure=measure, **(shared | settings))  # type: ignore[arg-type]
