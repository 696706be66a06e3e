"""What people do to incidents."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from anchorwatch.core.errors import ConflictError, InputError
from anchorwatch.core.types import Incident, IncidentState
from anchorwatch.incidents.acts import acknowledge, muted, resolve, silence
from anchorwatch.incidents.machine import Change

NOW = datetime(2013, 7, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
FIRING = Incident(
    id=4, model="m", cause="drift", state=IncidentState.FIRING, opened_at=NOW, updated_at=NOW, fired_at=NOW
)


def test_acknowledging_mutes_and_says_who() -> None:
    """Once, with a step in the timeline."""
    done = acknowledge(FIRING, "ann", NOW)
    assert muted(done.incident, NOW) == "acknowledged by ann"
    assert (done.incident.timeline[-1].what, done.incident.timeline[-1].who) == ("acknowledged", "ann")
    assert not acknowledge(done.incident, "ann", NOW).transitions
    assert acknowledge(done.incident, "bob", NOW).incident.acknowledged_by == "bob"


def test_silence_ends_by_itself() -> None:
    """Muted before the moment, heard from it on."""
    done = silence(FIRING, NOW + HOUR, "ann", NOW)
    assert muted(done.incident, NOW) == "silenced until 2013-07-01 01:00 UTC"
    assert muted(done.incident, NOW + HOUR) is None
    assert not silence(done.incident, NOW + HOUR, "ann", NOW).transitions
    with pytest.raises(InputError, match="would be over already; it is 2013-07-01 00:00 UTC"):
        silence(FIRING, NOW, "ann", NOW)


def test_a_person_can_resolve_an_open_incident() -> None:
    """A resolved one can be neither resolved nor acknowledged."""
    done = resolve(FIRING, "ann", NOW + HOUR)
    assert (done.incident.state, done.incident.resolved_at) == (IncidentState.RESOLVED, NOW + HOUR)
    assert [transition.change for transition in done.transitions] == [Change.RESOLVED]
    for act in (resolve, acknowledge):
        with pytest.raises(ConflictError, match="incident 4 is resolved already"):
            act(done.incident, "bob", NOW)


def test_a_pending_incident_is_not_told_of() -> None:
    """Only what lasted is worth telling."""
    assert muted(FIRING, NOW) is None
    assert muted(FIRING.evolve(state=IncidentState.PENDING), NOW).startswith("pending")
