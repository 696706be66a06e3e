from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.channels.services import HandClock, SnsService, TwilioService, Wire, message, wired

from anchorwatch.channels import Sns, Twilio, read_channel
from anchorwatch.channels.say import cleaned, fit, one_line, utf16
from anchorwatch.channels.sigv4 import Credentials, signed
from anchorwatch.channels.sms import parts, sms
from anchorwatch.core.errors import ChannelError, ConfigError
from anchorwatch.core.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

SIZES: list[Callable[[str], int]] = [len, utf16, lambda text: len(text.encode())]


@given(st.text(max_size=80), st.integers(0, 60), st.sampled_from(SIZES))
def test_what_is_cut_fits_and_what_fits_is_not_cut(text: str, most: int, size: Callable[[str], int]) -> None:
    """By any way of counting."""
    text = cleaned(text)
    cut = fit(text, most, size)
    assert size(cut) <= most
    assert (cut == text) == (size(text) <= most)
    assert text.startswith(cut.removesuffix("…"))


@given(st.text())
def test_cleaned_text_can_be_sent(text: str) -> None:
    """It encodes, and holds nothing that terminals obey."""
    found = cleaned(text)
    found.encode()
    assert not {sign for sign in found if sign < " " and sign != "\n"}
    assert cleaned(found) == found
    assert "\n" not in one_line(text)


@given(st.text(max_size=400), st.integers(1, 4))
def test_a_text_never_takes_more_than_it_may(title: str, segments: int) -> None:
    """Whatever the title."""
    text = sms(message(title=title), segments)
    assert parts(text) <= segments
    assert text


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 1),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("æøå" * 53, 1),
        ("🙂" * 35, 1),
        ("🙂" * 36, 2),
    ],
)
def test_segments_are_counted_as_operators_do(text: str, count: int) -> None:
    """By the tables of GSM 03.38 and by UTF-16."""
    assert parts(text) == count


def test_typography_does_not_halve_the_room() -> None:
    """Dashes and quotation marks are written plainly; the link comes along while there is room."""
    text = sms(message(title="Firing: “fares” – PSI ≥ 0.2…"), 1)
    assert text == '[page] Firing: "fares" - PSI >= 0.2... https://watch.example/incidents/3'
    assert "https" not in sms(message(title="x" * 140), 1)


def twilio(wire: Wire, **changes: Any) -> Twilio:
    """A channel to one telephone."""
    usual = {"account": TwilioService.ACCOUNT, "token": Secret(TwilioService.TOKEN), "sender": "+4712345678"}
    settings: dict[str, Any] = usual | {"to": "+4787654321", "address": wire.address, "clock": HandClock()}
    return Twilio(name="sms", **(settings | changes))


def test_twilio_is_spoken() -> None:
    """A text from a number or a messaging service; a wrong number is for good and not shown."""
    service = TwilioService()
    with wired(service) as wire:
        assert twilio(wire).deliver(message()) == f"SM{1:032d}"
        twilio(wire, sender="MG0123").deliver(message())
        assert [sorted(text) for text in service.texts] == [
            ["Body", "From", "To"],
            ["Body", "MessagingServiceSid", "To"],
        ]
        with pytest.raises(ChannelError, match="21211") as caught:
            twilio(wire, to="12345-secret").deliver(message())
        assert caught.value.permanent
        assert "12345-secret" not in str(caught.value)
        with pytest.raises(ChannelError, match="20003"):
            twilio(wire, token=Secret("wrong")).deliver(message())
        assert not wire.faults


def sns(wire: Wire, **changes: Any) -> Sns:
    """A channel to one telephone."""
    usual: dict[str, Any] = {
        "key": SnsService.KEY,
        "secret": Secret(SnsService.SECRET),
        "region": SnsService.REGION,
    }
    settings = usual | {"to": "+4787654321", "address": wire.address, "clock": HandClock()}
    return Sns(name="sns", **(settings | changes))


def test_sns_is_spoken() -> None:
    """A text to a telephone, all of it to a topic, once by id to one that keeps order."""
    service = SnsService()
    with wired(service) as wire:
        sns(wire).deliver(message())
        sns(wire, to="arn:aws:sns:eu-north-1:1:t", session=Secret("temp")).deliver(message(title="é" * 200))
        sns(wire, to="arn:aws:sns:eu-north-1:1:t.fifo").deliver(message(text="🙂" * 90_000))
        assert not wire.faults
        text, topic, queue = service.published
        assert text["MessageAttributes.entry.1.Value.StringValue"] == "Transactional"
        assert "Likely cause" in topic["Message"]
        assert queue.keys() >= {"MessageGroupId", "MessageDeduplicationId"}
        with pytest.raises(ChannelError, match="SignatureDoesNotMatch") as caught:
            sns(wire, secret=Secret("wrong")).deliver(message())
        assert caught.value.permanent
        wire.service = lambda _: SnsService.refused("Throttling", 400)
        with pytest.raises(ChannelError) as caught:
            sns(wire).deliver(message())
        assert not caught.value.permanent


@pytest.mark.parametrize(
    ("session", "mark"),
    [
        (None, "c1e8cb784c43e95f1d90396c899bc1ad51308b99821170cfd8017e59a94d4be2"),
        ("FwoGZXIvYXdzEXAMPLE//", "e7104823dbc6d302048b3e1288cfd0a247861774081a4cb71ce9e4170dea676a"),
    ],
)
def test_signatures_are_amazons(session: str | None, mark: str) -> None:
    """Those that botocore 1.4x makes of the same request."""
    who = Credentials(SnsService.KEY, Secret(SnsService.SECRET), Secret(session) if session else None)
    at = datetime(2026, 1, 10, 12, tzinfo=UTC)
    url, body = "https://sns.eu-north-1.amazonaws.com/", b"Action=Publish&Message=a+%F0%9F%99%82"
    headers = signed(who, url, body, at, region="eu-north-1", service="sns")
    assert headers["authorization"].endswith(f"Signature={mark}")


def test_urls_are_read() -> None:
    """One telephone to a URL, so that each is told once."""
    made: Any = read_channel("t", "twilio://AC1:to%2Fken@+4712345678/+4787654321")
    assert (made.account, made.token, made.sender, made.to) == (
        "AC1",
        Secret("to/ken"),
        "+4712345678",
        "+4787654321",
    )
    with pytest.raises(ConfigError, match="one URL per number"):
        read_channel("t", "twilio://AC1:t@+471/+472/+473")
    topic: Any = read_channel("t", "sns://AKIA:se%2Fcret@cn-north-1/arn:aws-cn:sns:cn-north-1:1:topic")
    assert (topic.secret, topic.to) == (Secret("se/cret"), "arn:aws-cn:sns:cn-north-1:1:topic")
    assert topic.address == "https://sns.cn-north-1.amazonaws.com.cn"
    with pytest.raises(ConfigError, match="region"):
        read_channel("t", "sns://AKIA:s@evil.example%2F/+47")
