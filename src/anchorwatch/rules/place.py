"""Where rules look: which stage, which cause, which subjects, which past."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from anchorwatch.core.types import Stage
from anchorwatch.profile.measure import MEASURES

if TYPE_CHECKING:
    from anchorwatch.core.calendar import Window
    from anchorwatch.core.results import Results
    from anchorwatch.core.types import Rule

OUTCOME = "_outcome"


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

    >>> from anchorwatch.core.types import Rule
    >>> cause_of(Rule(name="slow", measure="latency_p95", above=1.0, cause="latency"))
    'latency'
    """
    if rule.cause:
        return rule.cause
    return MEASURES[rule.measure].family.value if rule.measure in MEASURES else rule.measure


def stage_of(rule: Rule) -> Stage:
    """When the rule can be judged: with the predictions, or when their outcomes have come."""
    if OUTCOME in rule.columns:
        return Stage.OUTCOMES
    return MEASURES[rule.measure].stage if rule.measure in MEASURES else Stage.INPUTS


def subjects_of(rule: Rule, results: Results) -> tuple[str, ...]:
    """The subjects the rule looks at: those it names, else all; outcomes only once they have come."""
    if rule.columns:
        return rule.columns
    if stage_of(rule) is Stage.OUTCOMES:
        return results.subjects
    return tuple(subject for subject in results.subjects if subject != OUTCOME)


def history_needed(rule: Rule) -> int:
    """How many windows before the current one `evaluate` wants to see."""
    return max(rule.mean_of, rule.unknown_after or 1) - 1
