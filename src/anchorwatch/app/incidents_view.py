"""Incidents as plain JSON types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anchorwatch.core.times import iso, micros
from anchorwatch.core.types import Verdict

if TYPE_CHECKING:
    from datetime import datetime

    from anchorwatch.core.types import Finding, Incident


def brief(incident: Incident) -> dict[str, Any]:
    """A line of the list."""
    return {
        "id": incident.id,
        "model": incident.model,
        "cause": incident.cause,
        "state": incident.state.value,
        "severity": incident.severity.value,
        "summary": incident.summary,
        "opened_at": _iso(incident.opened_at),
        "fired_at": _iso(incident.fired_at),
        "resolved_at": _iso(incident.resolved_at),
        "updated_at": _iso(incident.updated_at),
        "acknowledged_by": incident.acknowledged_by,
        "silenced_until": _iso(incident.silenced_until),
        "findings": len(incident.findings),
    }


def full(incident: Incident, likely: dict[str, Any]) -> dict[str, Any]:
    """All of it, with what is `likely` its cause; findings worst first."""
    findings = sorted(incident.findings, key=_weight, reverse=True)
    return {
        **brief(incident),
        "findings": [_finding(item) for item in findings],
        "timeline": [
            {"at": _iso(step.at), "what": step.what, "text": step.text, "who": step.who}
            for step in incident.timeline
        ],
        **likely,
        "affected": list(dict.fromkeys(_affected(item) for item in findings)),
    }


def _weight(item: Finding) -> float:
    if item.value is None or not item.limit:
        return 0.0
    return abs(item.value / item.limit)


def _affected(item: Finding) -> str:
    return " ".join(part for part in (item.subject or item.measure, item.segment) if part)


def _finding(item: Finding) -> dict[str, Any]:
    return {
        "rule": item.rule,
        "measure": item.measure,
        "subject": item.subject,
        "version": item.version,
        "segment": item.segment,
        "window": {"start": _iso(item.window.start), "end": _iso(item.window.end)},
        "value": item.value,
        "limit": item.limit,
        "verdict": item.verdict.value,
        "reason": item.reason,
        "severity": item.severity.value,
        "breach": item.verdict is Verdict.BREACH,
    }


def _iso(at: datetime | None) -> str | None:
    return None if at is None else iso(micros(at))
