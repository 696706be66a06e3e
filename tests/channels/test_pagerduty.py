from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.channels.services import HandClock, PagerDutyService, Wire, message, wired

from anchorwatch.channels import PagerDuty, read_channel
from anchorwatch.channels.pagerduty import dedup_key
from anchorwatch.core.errors import ChannelError, ConfigError
from anchorwatch.core.messages import MessageKind
from anchorwatch.core.secret import Secret
from anchorwatch.core.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def service() -> PagerDutyService:
    """PagerDuty."""
    return PagerDutyService()


@pytest.fixture
def wire(service: PagerDutyService) -> Iterator[Wire]:
    """PagerDuty on this machine; nothing it was asked may have been wrong."""
    with wired(service) as made:
        yield made
        assert not made.faults


def pager(wire: Wire, key: str = PagerDutyService.KEY) -> PagerDuty:
    """A channel to it."""
    return PagerDuty(name="pd", key=Secret(key), address=wire.address, clock=HandClock())


def test_an_alert_lives_as_its_incident(service: PagerDutyService, wire: Wire) -> None:
    """Triggered, acknowledged, not woken up by what follows, resolved; one alert all along."""
    handle = pager(wire).deliver(message())
    assert service.alerts == {handle: "triggered"}
    assert handle == "flights/drift/3"
    pager(wire).deliver(message(MessageKind.ACKNOWLEDGED, handle=handle))
    pager(wire).deliver(message(MessageKind.UPDATE, handle=handle))
    assert service.alerts == {handle: "acknowledged"}
    pager(wire).deliver(message(MessageKind.RESOLVED))
    assert service.alerts == {handle: "resolved"}


def test_severities_and_links_are_theirs(service: PagerDutyService, wire: Wire) -> None:
    """`page` is critical; the incident's page is the client's address."""
    for severity in Severity:
        pager(wire).deliver(message(severity=severity))
    assert [event["payload"]["severity"] for event in service.events] == ["info", "warning", "critical"]
    assert service.events[0]["client_url"] == "https://watch.example/incidents/3"
    assert service.events[0]["payload"]["custom_details"]["Likely cause"] == "dep_delay moved by 20 min"


def test_a_digest_wakes_nobody_and_a_test_is_over_at_once(service: PagerDutyService, wire: Wire) -> None:
    """Neither leaves an alert behind."""
    pager(wire).deliver(message(MessageKind.DIGEST))
    assert service.events == []
    pager(wire).deliver(message(MessageKind.TEST, thread="test"))
    assert service.alerts == {"test": "resolved"}
    assert service.events[0]["payload"]["severity"] == "info"


def test_a_wrong_key_is_for_good(service: PagerDutyService, wire: Wire) -> None:
    """And not shown."""
    with pytest.raises(ChannelError, match="answered 400") as caught:
        pager(wire, "short-key").deliver(message())
    assert caught.value.permanent
    assert "short-key" not in str(caught.value)


@given(st.text(max_size=600))
def test_keys_fit(thread: str) -> None:
    """Any thread has a key that the service takes, the same each time."""
    assert 0 < len(dedup_key(thread)) <= 255
    assert dedup_key(thread) == dedup_key(thread)
    assert dedup_key(thread).isprintable()


def test_regions_and_urls() -> None:
    """Europe has a server of its own."""
    made: Any = read_channel("pd", f"pagerduty://{PagerDutyService.KEY}?region=eu")
    assert made.address == "https://events.eu.pagerduty.com"
    with pytest.raises(ConfigError, match="region: 'mars'"):
        read_channel("pd", "pagerduty://k?region=mars")
