"""What an incident says of itself: the worst finding first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anchorwatch.rules.persistence import Key
from anchorwatch.rules.sentence import subject_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anchorwatch.core.types import Finding


def worst(findings: Sequence[Finding]) -> Finding:
    """The most severe finding, then the one farthest beyond its limit, then by name."""
    return min(findings, key=lambda finding: (-finding.severity.rank, -_excess(finding), Key.of(finding)))


def affected(findings: Sequence[Finding]) -> tuple[str, ...]:
    """Columns (or `""`, the whole model) that the findings are about, each once, the worst first.

    Segments and versions are left out; a column that is bad in five segments is one column.
    """
    ranked = sorted(
        findings, key=lambda finding: (-finding.severity.rank, -_excess(finding), Key.of(finding))
    )
    return tuple(dict.fromkeys(finding.subject for finding in ranked))


def summary(findings: Sequence[Finding]) -> str:
    """One sentence: the worst finding, and how much else is affected."""
    first = worst(findings)
    others = [subject for subject in affected(findings) if subject not in {first.subject, ""}]
    if others:
        shown = ", ".join(subject_text(subject) for subject in others[:2])
        more = f" and {len(others) - 2} more columns" if len(others) > 3 else ""
        more = f" and {subject_text(others[2])}" if len(others) == 3 else more
        return f"{first.reason}; also {shown}{more}"
    slices = {(finding.version, finding.segment) for finding in findings} - {(first.version, first.segment)}
    measures = {finding.measure for finding in findings} - {first.measure}
    if measures:
        return f"{first.reason}; also {', '.join(sorted(measures))}"
    if slices:
        return f"{first.reason}; also in {len(slices)} other slice" + ("" if len(slices) == 1 else "s")
    return first.reason


def _excess(finding: Finding) -> float:
    """How far beyond the limit, in units of the limit; a value that is not known counts as just beyond."""
    if finding.value is None or finding.limit is None:
        return 0.0
    return abs(finding.value - finding.limit) / (abs(finding.limit) or 1.0)
