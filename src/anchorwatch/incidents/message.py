"""What is said: what happened, since when, how bad, what it affects, why, and what was done."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote

from anchorwatch.core.messages import Message, MessageKind
from anchorwatch.core.types import IncidentState, Severity
from anchorwatch.incidents.mute import moment
from anchorwatch.incidents.summary import affected, worst
from anchorwatch.rules.sentence import figure, title

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from anchorwatch.core.types import Finding, Incident

LINES = 4
"""Incidents, findings or acts that are told one by one; of the rest, how many."""
LONGEST = 160
"""Characters of a title."""

OPENING = {
    MessageKind.FIRING: "Firing",
    MessageKind.UPDATE: "Worse",
    MessageKind.RESOLVED: "Resolved",
    MessageKind.ACKNOWLEDGED: "Acknowledged",
    MessageKind.REMINDER: "Still firing",
    MessageKind.ESCALATION: "Nobody has acknowledged",
    MessageKind.DIGEST: "Daily digest",
    MessageKind.TEST: "Test",
}
"""How a title begins."""

_ACTS = frozenset({"acknowledged", "silenced", "escalated", "resolved", "refired", "responded"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What there is to say of incidents that are told together, the first of them leading."""

    incidents: tuple[Incident, ...]
    likely: str = ""
    base_url: str = ""
    chart: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What a message is, whatever it says."""

    id: str
    kind: MessageKind
    thread: str
    reason: str
    at: datetime


def compose(story: Story, envelope: Envelope) -> Message:
    """The message about `story`."""
    lead = leading(story.incidents)
    return Message(
        id=envelope.id,
        kind=envelope.kind,
        thread=envelope.thread,
        model=lead.model,
        incident=lead.id,
        severity=severity(story.incidents),
        state=_state(story.incidents),
        title=_title(story, envelope.kind),
        text="\n".join(_text(story, envelope)),
        facts=tuple(_facts(story)),
        links=links(story.base_url, lead),
        chart=story.chart,
        at=envelope.at,
    )


def leading(incidents: Sequence[Incident]) -> Incident:
    """The one that a message is headed by: the worst that still fires, then the oldest."""
    return min(incidents, key=lambda one: (one.state is not IncidentState.FIRING, -one.severity.rank, one.id))


def severity(incidents: Sequence[Incident]) -> Severity:
    """The worst of those that still fire, or of all where none does."""
    firing = [one for one in incidents if one.state is IncidentState.FIRING]
    return max((one.severity for one in firing or incidents), key=lambda item: item.rank)


def links(base_url: str, incident: Incident) -> tuple[tuple[str, str], ...]:
    """Where to look, and where to acknowledge; none where the public address is not known."""
    base = base_url.rstrip("/")
    if not base:
        return ()
    return (
        ("Open incident", f"{base}/incidents/{incident.id}"),
        ("Open model", f"{base}/models/{quote(incident.model, safe='')}"),
    )


def _state(incidents: Sequence[Incident]) -> IncidentState:
    firing = any(one.state is IncidentState.FIRING for one in incidents)
    return IncidentState.FIRING if firing else IncidentState.RESOLVED


def _title(story: Story, kind: MessageKind) -> str:
    lead = leading(story.incidents)
    more = len(story.incidents) - 1
    also = f" (and {more} more)" if more else ""
    said = f"{OPENING[kind]}: {lead.model}: {lead.summary or lead.cause}"
    room = LONGEST - len(also)
    return (said if len(said) <= room else said[: room - 1].rstrip() + "…") + also


def _text(story: Story, envelope: Envelope) -> list[str]:
    lines = [f"What: {one.summary or one.cause}" for one in story.incidents[:LINES]]
    if len(story.incidents) > LINES:
        lines.append(f"… and {len(story.incidents) - LINES} more incidents of {story.incidents[0].model}")
    lines += [f"{label}: {value}" for label, value in _points(story)]
    done = _done(story.incidents)
    lines.append(f"Done so far: {'; '.join(done) if done else 'nothing yet'}")
    lines.append(f"Why you hear this: {envelope.reason}")
    return lines


def _points(story: Story) -> list[tuple[str, str]]:
    """Since when, how bad, what it affects, why: those that are known."""
    findings = [finding for one in story.incidents for finding in one.findings]
    points = [("Since", _since(story.incidents)), ("How bad", _how_bad(story.incidents, findings))]
    if findings:
        points.append(("Affects", _affects(findings)))
    if story.likely:
        points.append(("Likely cause", story.likely))
    return points


def _facts(story: Story) -> list[tuple[str, str]]:
    lead = leading(story.incidents)
    findings = [finding for one in story.incidents for finding in one.findings]
    facts = [
        ("Model", lead.model),
        ("Severity", severity(story.incidents).value),
        ("Since", moment(lead.fired_at or lead.opened_at)),
        ("Cause", ", ".join(dict.fromkeys(one.cause for one in story.incidents))),
    ]
    if findings:
        first = worst(findings)
        facts.append(("Worst", _finding(first)))
        facts.append(("Findings", f"{len(findings):,}"))
    return facts


def _since(incidents: Sequence[Incident]) -> str:
    begun = min(one.fired_at or one.opened_at for one in incidents)
    over = [one.resolved_at for one in incidents if one.resolved_at is not None]
    if len(over) == len(incidents):
        return f"{moment(begun)}, over at {moment(max(over))}"
    return f"{moment(begun)} (the end of the window that showed it)"


def _how_bad(incidents: Sequence[Incident], findings: Sequence[Finding]) -> str:
    said = severity(incidents).value
    if not findings:
        return said
    count = f"; {len(findings):,} findings in all" if len(findings) > 1 else ""
    return f"{said}; {_finding(worst(findings))}{count}"


def _finding(finding: Finding) -> str:
    name = " of ".join(filter(None, [title(finding.measure), finding.subject]))
    where = f" in {finding.segment}" if finding.segment else ""
    value = "unknown" if finding.value is None else figure(finding.value)
    limit = "" if finding.limit is None else f", limit {figure(finding.limit)}"
    return f"{name}{where} is {value}{limit}"


def _affects(findings: Sequence[Finding]) -> str:
    columns = [name for name in affected(findings) if name]
    segments = sorted({finding.segment for finding in findings if finding.segment})
    parts = [_some(columns, "columns")] if columns else ["the model as a whole"]
    parts += [f"in {_some(segments, 'segments')}"] if segments else []
    return " ".join(parts)


def _some(names: Sequence[str], what: str) -> str:
    if len(names) <= LINES:
        return ", ".join(names)
    return f"{', '.join(names[: LINES - 1])} and {len(names) - LINES + 1:,} more {what}"


def _done(incidents: Sequence[Incident]) -> list[str]:
    steps = [step for one in incidents for step in one.timeline if step.what in _ACTS]
    steps.sort(key=lambda step: step.at)
    return [f"{step.text} ({moment(step.at)})" for step in steps[-LINES:]]
