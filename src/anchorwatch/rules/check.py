"""Whether rules make sense for a model; every refusal names the key and the remedy."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

from anchorwatch import drift, metrics, quality  # noqa: F401 - importing them registers the measures
from anchorwatch.core.errors import ConfigError, UnknownError
from anchorwatch.core.registry import unknown
from anchorwatch.core.schema import Task
from anchorwatch.profile.measure import MEASURES
from anchorwatch.rules.place import cause_of, stage_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from anchorwatch.core.schema import ModelSpec
    from anchorwatch.core.types import Rule
    from anchorwatch.profile.measure import Measure

SIDES = ("both", "above", "below")
_COUNTS = ("count", "within", "mean_of", "keep", "min_rows", "unknown_after")


def check_rule(rule: Rule, spec: ModelSpec) -> None:
    """Raise `ConfigError`, as `key: what is wrong and what would do`, for a rule that cannot work."""
    _check_measure(rule, spec)
    _check_condition(rule)
    _check_numbers(rule)
    if rule.segments and rule.segments not in spec.segments:
        known = list(spec.segments) or "none"
        raise ConfigError(
            f"segments: {rule.segments!r} is no declared segment of the model ({known}); "
            f"add it to the model's segments or leave it out"
        )


def check_rules(rules: Iterable[Rule], spec: ModelSpec) -> None:
    """Check each rule, that names are unique, and that one cause is judged at one stage."""
    seen: dict[str, Rule] = {}
    stages: dict[str, Rule] = {}
    for rule in rules:
        check_rule(rule, spec)
        if rule.name in seen:
            raise ConfigError(f"name: two rules are named {rule.name!r}; give one of them another 'name:'")
        other = stages.setdefault(cause_of(rule), rule)
        if stage_of(other) is not stage_of(rule):
            raise ConfigError(
                f"cause: {cause_of(rule)!r} joins {other.name!r} and {rule.name!r}, but one waits for "
                "outcomes and the other does not; give them causes of their own"
            )
        seen[rule.name] = rule


def _check_measure(rule: Rule, spec: ModelSpec) -> None:
    try:
        measure = MEASURES[rule.measure]
    except UnknownError as problem:
        raise ConfigError(f"measure: {problem}") from None
    if measure.tasks and spec.task not in measure.tasks:
        tasks = " or ".join(sorted(task.value for task in measure.tasks))
        raise ConfigError(f"measure: {rule.measure!r} is for {tasks} models, this one is {spec.task.value}")
    known = _subjects(measure, spec)
    if rule.columns and known is not None:
        for column in rule.columns:
            if column not in known:
                raise ConfigError(f"columns: {unknown('column', column, known)}")
        return
    if rule.columns and measure.subjects == "model":
        raise ConfigError(f"columns: {rule.measure!r} is one number for the whole model; leave 'columns' out")


def _subjects(measure: Measure, spec: ModelSpec) -> set[str] | None:
    """Names a rule on this measure may list; None where they are not known beforehand."""
    if measure.subjects != "columns":
        return set(spec.labels) if measure.subjects == "classes" and spec.labels else None
    names = {column.name for column in spec.columns if column.kind in measure.kinds}
    scores = {"_score"} if spec.task is Task.BINARY else {f"_score:{label}" for label in spec.score_labels}
    return names | scores | {"_prediction", "_outcome"}


def _check_condition(rule: Rule) -> None:
    limits = (rule.above, rule.below, rule.band, rule.worse)
    if limits == (None,) * len(limits):
        asked = "alpha" if rule.alpha is not None else "budget" if rule.budget is not None else ""
        if asked:
            raise ConfigError(
                f"{asked}: with much data the smallest change is significant; "
                "add how large it must be, such as 'above: 0.2'"
            )
        if rule.unknown_after is None:
            raise ConfigError(
                "above: a rule needs a limit: 'above:', 'below:', 'band:', 'worse:' or 'unknown_after:'"
            )
    if rule.above is not None and rule.below is not None and rule.above <= rule.below:
        raise ConfigError(
            f"above: {rule.above:g} is not over below: {rule.below:g}, so every value would be a breach"
        )
    if rule.side not in SIDES:
        raise ConfigError(f"side: {unknown('side', rule.side, SIDES)}")
    if rule.side != "both" and rule.band is None:
        raise ConfigError(f"side: belongs to a band; add 'band: 3' or write '{rule.side}:' with a limit")
    _check_level(rule)


def _check_level(rule: Rule) -> None:
    """What says how much chance is allowed, and what worse means."""
    for key in ("alpha", "budget"):
        if getattr(rule, key) is not None and rule.mean_of > 1:
            raise ConfigError(f"{key}: a mean of windows has no p-value; leave out {key!r} or 'mean_of'")
    if rule.alpha is not None and rule.budget is not None:
        raise ConfigError("budget: sets the level that 'alpha' sets as well; leave one of them out")
    if rule.worse is not None and MEASURES[rule.measure].better == "none":
        raise ConfigError(
            f"worse: of {rule.measure} neither more nor less is worse; write 'above:' or 'below:'"
        )


def _check_numbers(rule: Rule) -> None:
    measure = MEASURES[rule.measure]
    for key in ("above", "below", "band", "worse", "alpha", "budget"):
        number = getattr(rule, key)
        if number is not None and not isfinite(number):
            raise ConfigError(f"{key}: a finite number is needed, {number} was given")
    if rule.above is not None and rule.above >= measure.high:
        raise ConfigError(f"above: {rule.measure} is never over {measure.high:g}; take a smaller limit")
    if rule.below is not None and rule.below <= measure.low:
        raise ConfigError(f"below: {rule.measure} is never under {measure.low:g}; take a larger limit")
    _check_positive(rule)
    if rule.alpha is not None and not 0 < rule.alpha < 1:
        raise ConfigError(
            f"alpha: a number between 0 and 1 is needed, such as 0.01; {rule.alpha:g} was given"
        )
    for key in _COUNTS:
        number = getattr(rule, key)
        if number is not None and number < 1:
            name = "for" if key in ("count", "within") else key
            raise ConfigError(f"{name}: 1 or more is needed, {number} was given")
    if rule.count > rule.within:
        raise ConfigError(f"for: {rule.count} of {rule.within} windows can never be; swap the two")


def _check_positive(rule: Rule) -> None:
    for key in ("worse", "budget"):
        number = getattr(rule, key)
        if number is not None and number <= 0:
            raise ConfigError(f"{key}: a number over 0 is needed; {number:g} was given")
    if rule.band is not None and rule.band <= 0:
        raise ConfigError(f"band: standard deviations over 0 are needed, such as 3; {rule.band:g} was given")
