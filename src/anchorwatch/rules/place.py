"""Where rules look: which window, which stage, which cause, how much of the past."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from anchorwatch.core.types import Stage
from anchorwatch.profile.measure import MEASURES, Family

if TYPE_CHECKING:
    from anchorwatch.core.calendar import Window
    from anchorwatch.core.types import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What results are about: a model's window, for a version (`""`: all) and a segment (`""`: the whole).

    `slices` is how many segments are judged side by side by the same rule; they share its `alpha`.
    """

    model: str
    window: Window
    version: str = ""
    segment: str = ""
    slices: int = 1


def cause_of(rule: Rule) -> str:
    """The cause whose incident this rule's breaches join: its own, else its measure's family.

    Drift that shows only with the outcomes is a cause of its own, `target drift`: it is judged later than
    drift of the inputs, and one incident's windows come in one order.

    >>> from anchorwatch.core.types import Rule
    >>> cause_of(Rule(name="slow", measure="latency_p95", above=1.0, cause="latency"))
    'latency'
    """
    if rule.cause or rule.measure not in MEASURES:
        return rule.cause or rule.measure
    family = MEASURES[rule.measure].family
    late = family is not Family.PERFORMANCE and stage_of(rule) is Stage.OUTCOMES
    return f"target {family.value}" if late else family.value


def stage_of(rule: Rule) -> Stage:
    """When the rule can be judged: with the predictions, or when their outcomes have come."""
    return MEASURES[rule.measure].stage if rule.measure in MEASURES else Stage.INPUTS


def history_needed(rule: Rule) -> int:
    """How many windows before the current one `evaluate` wants to see."""
    return max(rule.mean_of, rule.unknown_after or 1) - 1
