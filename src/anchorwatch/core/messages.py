"""What a channel is asked to say."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from anchorwatch.core.types import IncidentState, Severity


class MessageKind(StrEnum):
    """Why a message is sent."""

    FIRING = "firing"
    UPDATE = "update"
    RESOLVED = "resolved"
    ACKNOWLEDGED = "acknowledged"
    REMINDER = "reminder"
    ESCALATION = "escalation"
    DIGEST = "digest"
    TEST = "test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What a channel is asked to say, whole: a channel keeps no state and asks nobody.

    Args:
        id: stable key of this delivery; the same at every attempt, so that a receiver may drop what it has had.
        kind: why it is sent.
        thread: key of what it is about, the same for all messages about it (PagerDuty's `dedup_key`, the
            references of a mail, a thread in Slack).
        model: whose incident it is; empty for a digest of several and for a test.
        incident: number of the incident, the first one where several changed together; 0 where there is none.
        severity: of the worst incident in it.
        state: of the incidents in it, firing when one of them is; `None` where there is none.
        title: one line.
        text: a few lines: what, since when, how bad, what it affects, the likely cause, what was done.
        facts: pairs of label and value, the same in short.
        links: pairs of label and absolute URL.
        chart: a PNG of the measure and its limit; `None` where it cannot be drawn.
        at: when it was decided.
        handle: what this channel returned for the thread's first message, to update or resolve it.
    """

    id: str
    kind: MessageKind
    thread: str
    model: str
    incident: int
    severity: Severity
    state: IncidentState | None
    title: str
    text: str
    at: datetime
    facts: tuple[tuple[str, str], ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    chart: bytes | None = field(default=None, repr=False)
    handle: str = ""
