"""What an incident says of itself: the worst finding first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anchorwatch import drift, metrics, quality  # noqa: F401 - importing them registers the measures
from anchorwatch.rules.persistence import Key
from anchorwatch.rules.sentence import subject_text, title

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anchorwatch.core.types import Finding


def worst(findings: Sequence[Finding]) -> Finding:
    """The most severe finding, then the one farthest beyond its limit, then by name."""
    return _ranked(findings)[0]


def affected(findings: Sequence[Finding]) -> tuple[str, ...]:
    """Columns (or `""`, the whole model) that the findings are about, each once, the worst first.

    Segments and versions are left out; a column that is bad in five segments is one column.
    """
    return tuple(dict.fromkeys(finding.subject for finding in _ranked(findings)))


def summary(findings: Sequence[Finding]) -> str:
    """One sentence: the worst finding, and what else is affected."""
    first = worst(findings)
    subjects = [subject for subject in affected(findings) if subject not in {first.subject, ""}]
    measures = [title(name) for name in sorted({finding.measure for finding in findings} - {first.measure})]
    said = first.reason
    places = {(finding.version, finding.segment) for finding in findings}
    if subjects:
        return f"{said}; also {_list([subject_text(subject) for subject in subjects], 'columns')}"
    if measures:
        return f"{said}; also {_list(measures, 'measures')}"
    if len(places) > 1:
        return f"{said}; {len(places)} slices in all"
    return said


def _list(names: Sequence[str], what: str) -> str:
    if len(names) > 3:
        return f"{names[0]}, {names[1]} and {len(names) - 2} more {what}"
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _ranked(findings: Sequence[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda finding: (-finding.severity.rank, -_excess(finding), Key.of(finding)))


def _excess(finding: Finding) -> float:
    """How far beyond the limit, in units of the limit; a value that is not known counts as just beyond."""
    if finding.value is None or finding.limit is None:
        return 0.0
    return abs(finding.value - finding.limit) / (abs(finding.limit) or 1.0)
