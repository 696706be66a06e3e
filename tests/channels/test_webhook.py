from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.channels.services import NOW, PNG, HandClock, HookService, Seen, message, wired

from anchorwatch.channels import Webhook, read_channel
from anchorwatch.channels.webhook import signature, verify
from anchorwatch.core.errors import ConfigError, DeniedError
from anchorwatch.core.secret import Secret

SECRET = HookService.SECRET
BODY = b'{"id": "a1"}'
STAMP = int(NOW.timestamp())
MARK = signature(Secret(SECRET), STAMP, BODY)
HEADERS = {"Anchorwatch-Signature": f"t={STAMP},v1={MARK}"}


def sent(**changes: Any) -> Seen:
    """What a receiver gets."""
    with wired(HookService()) as wire:
        url = Secret(wire.address + HookService.PATH)
        made: dict[str, Any] = {"url": url, "secret": Secret(SECRET), "clock": HandClock()}
        Webhook(name="hook", **(made | changes)).deliver(message(chart=PNG))
        assert not wire.faults
        return wire.seen[0]


def test_a_receiver_has_all_of_it() -> None:
    """Every field of the message, the chart too."""
    seen = sent()
    body = json.loads(seen.body)
    assert base64.b64decode(body["chart"]) == PNG
    assert (body["id"], body["thread"]) == ("flights/drift/3#1", "flights/drift/3")
    assert (body["kind"], body["state"], body["severity"]) == ("firing", "firing", "page")
    assert body["links"] == [{"label": "Open incident", "url": "https://watch.example/incidents/3"}]
    assert seen.headers["anchorwatch-id"] == body["id"]


def test_sent_again_it_has_the_same_id_and_a_fresh_stamp() -> None:
    """A receiver tells a repetition by the id; an old stamp alone would not let it in."""
    service = HookService()
    with wired(service) as wire:
        clock = HandClock()
        hook = Webhook(
            name="hook", url=Secret(wire.address + HookService.PATH), secret=Secret(SECRET), clock=clock
        )
        hook.deliver(message())
        clock.at = NOW + timedelta(seconds=200)
        hook.deliver(message())
        stamps = {seen.headers["anchorwatch-signature"].partition(",")[0] for seen in wire.seen}
    assert (len(service.taken), service.again, len(stamps)) == (1, 1, 2)


def test_two_secrets_while_receivers_change_over() -> None:
    """Either verifies, a third does not."""
    new = "another-secret-of-many-characters"
    seen = sent(secret=Secret(new), previous=Secret(SECRET))
    for secret in (SECRET, new, Secret(new)):
        assert verify(secret, seen.headers, seen.body, NOW) == "flights/drift/3#1"
    with pytest.raises(DeniedError, match="another secret"):
        verify("a-third-secret-of-many-characters", seen.headers, seen.body, NOW)


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({}, "is needed"),
        ({"Anchorwatch-Signature": ""}, "is needed"),
        ({"Anchorwatch-Signature": f"v1={MARK}"}, "is needed"),
        ({"Anchorwatch-Signature": f"t={STAMP}"}, "is needed"),
        ({"Anchorwatch-Signature": f"t={STAMP},t=1,v1={MARK}"}, "is needed"),
        ({"Anchorwatch-Signature": f"t=-{STAMP},v1={MARK}"}, "is needed"),
        ({"Anchorwatch-Signature": f"t={STAMP + 1},v1={MARK}"}, "another secret"),
        ({"Anchorwatch-Signature": f"t={STAMP},v1={MARK[:-1]}"}, "another secret"),
        ({"Anchorwatch-Signature": f"t={STAMP},v0={MARK},v1=00"}, "another secret"),
    ],
)
def test_what_is_not_ours_is_denied(headers: dict[str, str], why: str) -> None:
    """Unsigned, half signed, signed for another time."""
    with pytest.raises(DeniedError, match=why):
        verify(SECRET, headers, BODY, NOW)


def test_old_and_future_requests_are_denied() -> None:
    """A replay has five minutes, unless the receiver says otherwise."""
    assert verify(SECRET, HEADERS, BODY, NOW + timedelta(seconds=300)) == "a1"
    for away in (301, -301):
        with pytest.raises(DeniedError, match="s old"):
            verify(SECRET, HEADERS, BODY, NOW + timedelta(seconds=away))
    assert verify(SECRET, HEADERS, BODY, NOW + timedelta(hours=1), tolerance=3600) == "a1"


@given(st.binary(max_size=40))
def test_a_changed_body_is_denied(body: bytes) -> None:
    """Whatever it was changed to."""
    if body == BODY:
        return
    with pytest.raises(DeniedError):
        verify(SECRET, HEADERS, body, NOW)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"\xff"])
def test_a_signed_body_without_an_id_is_denied(body: bytes) -> None:
    """It could be replayed."""
    headers = {"anchorwatch-signature": f"t={STAMP},v1={signature(Secret(SECRET), STAMP, body)}"}
    with pytest.raises(DeniedError, match="has no id"):
        verify(SECRET, headers, body, NOW)


def test_settings() -> None:
    """A URL form, and secrets that are none."""
    made: Any = read_channel("h", f"webhook://{SECRET}@hooks.example.com:8443/a/b?timeout=3")
    assert (made.url, made.secret) == (Secret("https://hooks.example.com:8443/a/b"), Secret(SECRET))
    for given_url in ("ftp://x/y", "https://", "https://u:p@h/x", "nonsense"):
        with pytest.raises(ConfigError, match=r"^url:") as caught:
            read_channel("h", {"kind": "webhook", "url": given_url, "secret": SECRET})
        assert given_url not in str(caught.value) or given_url == "https://"
    with pytest.raises(ConfigError, match="secret: it is too short"):
        read_channel("h", {"kind": "webhook", "url": "https://h/x", "secret": "short"})
