from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anchorwatch.core.errors import InputError
from anchorwatch.core.types import Incident, IncidentState, Severity
from anchorwatch.flow.receive import CAUSE, MOST, causes, heard, read_alerts

NOW = datetime(2026, 1, 10, 12, tzinfo=UTC)


def alert(status: str = "firing", **changes: Any) -> dict[str, Any]:
    """One alert, as Alertmanager 0.25 sends it."""
    labels = {"alertname": "Slow", "model": "fares", "severity": "critical", "zone": "a"}
    usual = {
        "status": status,
        "labels": labels | changes.pop("labels", {}),
        "annotations": {"summary": "p99 is\n2 s"},
        "startsAt": "2026-01-10T11:00:00.123456789Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus:9090/graph",
        "fingerprint": "c1f0",
    }
    return usual | changes


def delivery(*alerts: dict[str, Any]) -> dict[str, Any]:
    """A whole delivery."""
    return {"version": "4", "groupKey": "{}:{}", "status": "firing", "receiver": "x", "alerts": list(alerts)}


def say(
    incident: Incident | None, *alerts: dict[str, Any], at: datetime = NOW
) -> tuple[Incident | None, list[str]]:
    """The incident after a delivery, and what changed."""
    stepped = heard(incident, read_alerts(delivery(*alerts)), at)
    return stepped.incident, [str(each.change) for each in stepped.transitions]


def later(minutes: float) -> datetime:
    """After so many minutes."""
    return NOW + timedelta(minutes=minutes)


def test_an_alert_is_read() -> None:
    """Name, model, severity, the labels that tell it from others, and what its annotations say."""
    found = read_alerts(delivery(alert()))[0]
    assert (found.name, found.model, found.severity) == ("Slow", "fares", Severity.PAGE)
    assert (found.labels, found.text) == ("zone=a", "p99 is 2 s")
    assert found.since == datetime(2026, 1, 10, 11, 0, 0, 123456, tzinfo=UTC)
    other = read_alerts(
        delivery(alert(labels={"ml_model": "x", "severity": "odd"}, annotations={})), "ml_model"
    )[0]
    assert (other.model, other.severity, other.text) == ("x", Severity.WARN, "the alert Slow fires")


BAD: list[Any] = [
    None,
    [],
    {},
    {"version": "4"},
    {"version": "3", "alerts": []},
    delivery(alert("pending")),
    delivery({**alert(), "status": ["firing"]}),
    delivery(alert(labels={"alertname": " "})),
    delivery(alert(labels={"zone": 3})),
    delivery(alert(startsAt="yesterday")),
    delivery(alert(startsAt=None)),
    delivery(alert(annotations=[1])),
    {"version": "4", "alerts": [3]},
    delivery(*[alert()] * (MOST + 1)),
]


@pytest.mark.parametrize("body", BAD, ids=range(len(BAD)))
def test_what_is_no_delivery_is_refused(body: Any) -> None:
    """With what was wrong, never with a crash."""
    with pytest.raises(InputError):
        read_alerts(body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["version", "alerts", "status", "labels", "startsAt", "x"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(JSON, st.lists(JSON, max_size=3))
def test_any_json_is_read_or_refused(body: Any, items: list[Any]) -> None:
    """Nothing but `InputError` comes of it."""
    for given_body in (body, {"version": "4", "alerts": items}):
        try:
            read_alerts(given_body)
        except InputError:
            continue


def test_an_alert_opens_and_resolves() -> None:
    """It fires at once, says it once, and is over when it says so."""
    incident, changes = say(None, alert())
    assert incident is not None
    assert changes == ["opened", "fired"]
    assert (incident.cause, incident.severity, incident.summary) == (
        f"{CAUSE}Slow",
        Severity.PAGE,
        "p99 is 2 s",
    )
    incident, changes = say(incident, alert(), at=later(1))
    assert changes == []
    incident, changes = say(incident, alert("resolved"), at=later(2))
    assert incident is not None
    assert (changes, incident.state) == (["resolved"], IncidentState.RESOLVED)
    incident, changes = say(incident, alert("resolved"), at=later(3))
    assert changes == []


def test_alerts_of_one_name_share_an_incident() -> None:
    """It is over when all of them are, whichever delivery told of which."""
    zone_b = alert(labels={"zone": "b", "severity": "warning"})
    incident, _ = say(None, zone_b)
    assert incident is not None
    assert incident.severity is Severity.WARN
    incident, changes = say(incident, alert(), at=later(1))
    assert changes == ["escalated"]
    incident, changes = say(incident, alert("resolved"), at=later(2))
    assert incident is not None
    assert (changes, incident.state) == ([], IncidentState.FIRING)
    incident, changes = say(incident, zone_b | {"status": "resolved"}, at=later(3))
    assert changes == ["resolved"]


def test_a_late_resolve_is_not_heard() -> None:
    """An alert that began again since stays."""
    incident, _ = say(None, alert(startsAt="2026-01-10T11:30:00Z"))
    incident, changes = say(incident, alert("resolved", startsAt="2026-01-10T10:00:00Z"), at=later(1))
    assert changes == []
    assert incident is not None
    assert incident.state is IncidentState.FIRING


def test_an_alert_that_comes_back_soon_opens_it_again() -> None:
    """Within seven hours it is the same incident, later a new one."""
    incident, _ = say(None, alert())
    incident, _ = say(incident, alert("resolved"), at=later(1))
    assert incident is not None
    soon, changes = say(incident.evolve(id=7), alert(), at=later(60))
    assert soon is not None
    assert (soon.id, changes) == (7, ["refired"])
    late, changes = say(incident.evolve(id=7), alert(), at=later(60 * 9))
    assert late is not None
    assert (late.id, changes) == (0, ["opened", "fired"])


def test_a_resolve_of_nothing_is_nothing() -> None:
    """No incident is made only to be over."""
    assert say(None, alert("resolved")) == (None, [])


@given(st.permutations([("a", "firing"), ("b", "firing"), ("c", "resolved"), ("d", "firing")]))
def test_the_order_within_a_delivery_does_not_matter(order: list[tuple[str, str]]) -> None:
    """The incident is the same."""
    told = [alert(status, labels={"zone": zone}) for zone, status in order]
    assert say(None, *told) == say(None, *sorted(told, key=lambda item: str(item["labels"]["zone"])))


def test_alerts_are_told_apart_by_model_and_name() -> None:
    """Each pair has its own incident."""
    told = [alert(), alert(labels={"model": "x"}), alert(labels={"alertname": "Wrong"}), alert("resolved")]
    found = causes(read_alerts(delivery(*told)))
    assert {key: len(some) for key, some in found.items()} == {
        ("fares", "alert: Slow"): 2,
        ("x", "alert: Slow"): 1,
        ("fares", "alert: Wrong"): 1,
    }
