"""From the findings of a window to one case per cause."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from anchorwatch.core.types import Verdict
from anchorwatch.rules.persistence import Key

if TYPE_CHECKING:
    from collections.abc import Iterable

    from anchorwatch.core.calendar import Window
    from anchorwatch.core.types import Finding, Rule
    from anchorwatch.rules.persistence import Persisted


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What one window says of one cause: the evidence an incident is stepped with.

    `findings` are sorted, so that their order never matters. `lasting` are the breaches whose rule's
    persistence is met, `keep` the windows without a breach it takes to resolve, `late` the breaches of rules
    that could judge a newer window before: they are history, and not among `findings`.
    """

    model: str
    cause: str
    window: Window
    findings: tuple[Finding, ...]
    lasting: frozenset[Key] = frozenset()
    keep: int = 1
    late: tuple[Finding, ...] = ()

    @property
    def breaches(self) -> tuple[Finding, ...]:
        """Findings that are breaches."""
        return tuple(finding for finding in self.findings if finding.verdict is Verdict.BREACH)

    @property
    def lasting_breaches(self) -> tuple[Finding, ...]:
        """Breaches that have lasted long enough for the incident to fire."""
        return tuple(finding for finding in self.breaches if Key.of(finding) in self.lasting)


def group(persisted: Persisted, rules: Iterable[Rule]) -> tuple[Case, ...]:
    """The cases of one window of one model, by cause; a cause's `keep` is the longest of its rules."""
    keep = {rule.name: rule.keep for rule in rules}
    by_cause: dict[tuple[str, str], list[Finding]] = defaultdict(list)
    for finding in sorted(persisted.findings, key=Key.of):
        by_cause[finding.model, finding.cause].append(finding)
    return tuple(
        Case(
            model=model,
            cause=cause,
            window=findings[0].window,
            findings=tuple(finding for finding in findings if finding.rule not in persisted.late),
            lasting=persisted.lasting & {Key.of(finding) for finding in findings},
            keep=max(keep[finding.rule] for finding in findings),
            late=tuple(
                finding
                for finding in findings
                if finding.rule in persisted.late and finding.verdict is Verdict.BREACH
            ),
        )
        for (model, cause), findings in sorted(by_cause.items())
    )
