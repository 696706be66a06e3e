from __future__ import annotations

import logging
from typing import Any

import pytest
from tests.channels.services import PNG, AppriseService, message, wired

from anchorwatch.channels import Apprise, read_channel
from anchorwatch.core.errors import ChannelError
from anchorwatch.core.messages import MessageKind
from anchorwatch.core.secret import Secret


def test_kinds_and_charts_are_theirs() -> None:
    """A resolve is a success; the chart comes along where the service takes files."""
    service = AppriseService()
    with wired(service) as wire:
        made = read_channel("x", f"json://{wire.place}/s3cr3t-path")
        made.deliver(message(chart=PNG))
        made.deliver(message(MessageKind.RESOLVED))
        made.deliver(message(MessageKind.DIGEST))
        assert not wire.faults
    assert [body["type"] for body in service.taken] == ["failure", "success", "info"]
    assert [len(body["attachments"]) for body in service.taken] == [1, 0, 0]
    assert service.taken[0]["title"] == "[page] Firing: flights: PSI of dep_delay is 0.41"


class Chatty:
    """A service that gives its address away as it fails."""

    service_name = "Chatty"

    def notify(self, **_: Any) -> bool:
        """Say no."""
        logging.getLogger("apprise").warning("no to chatty://tok3n-of-mine/room9: tok3n-of-mine")
        return False


def test_what_apprise_says_of_a_failure_is_told_without_secrets() -> None:
    """Its warnings are the only reason there is."""
    made = Apprise(name="x", url=Secret("chatty://tok3n-of-mine/room9"), service=Chatty())
    with pytest.raises(ChannelError, match="Chatty by Apprise did not take it: no to") as caught:
        made.deliver(message())
    assert "tok3n" not in str(caught.value)
    assert "room9" not in str(caught.value)
