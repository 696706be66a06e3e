"""What people do to incidents, and whether one may speak. `at` is wall time here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anchorwatch.core.errors import ConflictError, InputError
from anchorwatch.core.types import IncidentState
from anchorwatch.incidents.machine import Change, Stepped, Transition, changed

if TYPE_CHECKING:
    from datetime import datetime

    from anchorwatch.core.types import Incident


def acknowledge(incident: Incident, who: str, at: datetime) -> Stepped:
    """`who` looks after it: nobody else is told until it gets worse or opens again; twice is once."""
    _must_be_open(incident, "acknowledged")
    if incident.acknowledged_by == who:
        return Stepped(incident)
    transition = Transition(Change.ACKNOWLEDGED, at, f"acknowledged by {who}", who)
    return changed(incident.evolve(acknowledged_by=who), transition)


def silence(incident: Incident, until: datetime, who: str, at: datetime) -> Stepped:
    """Nobody is told of anything before `until`."""
    if until <= at:
        raise InputError(f"silence until {_moment(until)} would be over already; it is {_moment(at)}")
    if incident.silenced_until == until:
        return Stepped(incident)
    transition = Transition(Change.SILENCED, at, f"silenced until {_moment(until)}", who)
    return changed(incident.evolve(silenced_until=until), transition)


def resolve(incident: Incident, who: str, at: datetime) -> Stepped:
    """`who` says it is over; a breach in a later window opens it again."""
    _must_be_open(incident, "resolved")
    transition = Transition(Change.RESOLVED, at, f"resolved by {who}", who)
    over = incident.evolve(state=IncidentState.RESOLVED, resolved_at=at)
    return changed(over, transition)


def muted(incident: Incident, at: datetime) -> str | None:
    """Why nobody is told of this incident at `at`; None when people are."""
    if incident.silenced_until is not None and at < incident.silenced_until:
        return f"silenced until {_moment(incident.silenced_until)}"
    if incident.acknowledged_by:
        return f"acknowledged by {incident.acknowledged_by}"
    if incident.state is IncidentState.PENDING:
        return "pending: it has not lasted long enough yet"
    return None


def _must_be_open(incident: Incident, act: str) -> None:
    if incident.state is IncidentState.RESOLVED:
        raise ConflictError(f"incident {incident.id} is resolved already; only an open one can be {act}")


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M %Z}"
