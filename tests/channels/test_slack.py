from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest
from tests.channels.services import PNG, HandClock, Reply, SlackService, Wire, message, wired

from anchorwatch.channels import Slack, read_channel
from anchorwatch.core.errors import ChannelError, ConfigError
from anchorwatch.core.messages import MessageKind
from anchorwatch.core.secret import Secret
from anchorwatch.core.types import IncidentState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.channels.services import Seen


@pytest.fixture
def service() -> SlackService:
    """Slack."""
    return SlackService()


@pytest.fixture
def wire(service: SlackService) -> Iterator[Wire]:
    """Slack on this machine; nothing it was asked may have been wrong."""
    with wired(service) as made:
        service.address = made.address
        yield made
        assert not made.faults


def bot(wire: Wire, token: str = SlackService.TOKEN) -> Slack:
    """A bot in the channel `ml`."""
    address = f"{wire.address}/api"
    return Slack(name="team", token=Secret(token), channel="ml", address=address, clock=HandClock())


def test_a_resolve_is_said_in_the_thread_and_on_its_first_message(service: SlackService, wire: Wire) -> None:
    """Whoever looks at the channel sees how things stand, whoever follows the thread what happened."""
    handle = bot(wire).deliver(message())
    assert handle == "C0ML:1700000000.000000"
    over = message(
        MessageKind.RESOLVED, title="Resolved: flights", handle=handle, state=IncidentState.RESOLVED
    )
    assert bot(wire).deliver(over) == handle
    first, reply = service.messages.values()
    assert first["edited"]
    assert first["blocks"][0]["text"]["text"] == "Resolved: flights"
    assert reply["thread_ts"] == "1700000000.000000"
    assert reply["reply_broadcast"] is False


def test_an_escalation_is_shown_to_all(service: SlackService, wire: Wire) -> None:
    """A reply in a thread alone would wake nobody."""
    handle = bot(wire).deliver(message())
    bot(wire).deliver(message(MessageKind.ESCALATION, handle=handle))
    assert list(service.messages.values())[-1]["reply_broadcast"] is True


def test_a_deleted_first_message_begins_a_new_thread(service: SlackService, wire: Wire) -> None:
    """What is gone cannot be updated; the message is said all the same."""
    handle = bot(wire).deliver(message(MessageKind.UPDATE, handle="C0ML:1600000000.000000"))
    assert handle == "C0ML:1700000000.000000"
    assert "thread_ts" not in service.messages["1700000000.000000"]


def test_the_chart_is_shown_in_the_thread(service: SlackService, wire: Wire) -> None:
    """Uploaded as Slack wants it since 2025, without the token where none belongs."""
    bot(wire).deliver(message(chart=PNG))
    (file,) = service.files.values()
    assert file == {"length": len(PNG), "state": "shown", "thread": "1700000000.000000"}


@pytest.mark.parametrize("broken", ["files.getUploadURLExternal", "upload", "files.completeUploadExternal"])
def test_a_chart_that_fails_is_left_out(
    service: SlackService, wire: Wire, broken: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The words are what matters; they are said once, and the log tells of the chart."""

    def partly(seen: Seen) -> Reply:
        return (
            Reply.json({"ok": False, "error": "missing_scope"}, 403)
            if broken in seen.path.split("/")[1:3]
            else service(seen)
        )

    wire.service = partly
    with caplog.at_level(logging.WARNING):
        assert bot(wire).deliver(message(chart=PNG)) == "C0ML:1700000000.000000"
    assert len(service.messages) == 1
    assert "the chart was left out" in caplog.text


def test_an_upload_elsewhere_in_the_clear_is_refused(service: SlackService, wire: Wire) -> None:
    """An address that is not https is not sent to."""
    service.address = "http://files.example"
    bot(wire).deliver(message(chart=PNG))
    assert len(service.messages) == 1


@pytest.mark.parametrize(("error", "permanent"), [("invalid_auth", True), ("internal_error", False)])
def test_a_no_in_the_body_is_a_no(wire: Wire, error: str, permanent: bool) -> None:
    """Slack says 200 to most mistakes."""
    wire.service = lambda _: Reply.json({"ok": False, "error": error})
    with pytest.raises(ChannelError, match=f"refused chat.postMessage: {error}") as caught:
        bot(wire).deliver(message())
    assert caught.value.permanent is permanent


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b'{"x":1}', b"null"])
def test_an_answer_that_is_none_is_tried_again(wire: Wire, body: bytes) -> None:
    """A proxy's page is no refusal."""
    wire.service = lambda _: Reply(200, body)
    with pytest.raises(ChannelError) as caught:
        bot(wire).deliver(message())
    assert not caught.value.permanent


def test_a_webhook_speaks_only(service: SlackService, wire: Wire) -> None:
    """No thread, no chart, no handle; its address is the secret."""
    hook = Slack(name="team", url=Secret(wire.address + SlackService.HOOK), clock=HandClock())
    assert hook.deliver(message(chart=PNG)) == ""
    assert len(service.hooked) == 1
    wire.service = lambda seen: Reply(404, f"no_team {seen.path}".encode())
    with pytest.raises(ChannelError) as caught:
        hook.deliver(message())
    assert "abcdefghijklmnop" not in str(caught.value)


def test_markup_says_itself(service: SlackService, wire: Wire) -> None:
    """Nobody is called by a value that looks like a mention."""
    bot(wire).deliver(message(text="<!channel> a&b *c* dep_delay"))
    (posted,) = service.messages.values()
    text = next(block["text"]["text"] for block in posted["blocks"] if block["type"] == "section")
    assert text.replace("\u200b", "") == "&lt;!channel&gt; a&amp;b *c* dep_delay"
    assert "dep_delay" in text


def test_urls_are_read() -> None:
    """A bot's and a webhook's."""
    made: Any = read_channel("t", "slack://xoxb-1-Ab@C0ML?timeout=3")
    assert (made.token, made.channel, made.timeout) == (Secret("xoxb-1-Ab"), "C0ML", 3.0)
    for url in ("slack://T0A/B0A/xyZ", "https://hooks.slack.com/services/T0A/B0A/xyZ"):
        hook: Any = read_channel("t", url)
        assert hook.url == Secret("https://hooks.slack.com/services/T0A/B0A/xyZ")


@pytest.mark.parametrize(
    "given", [{}, {"token": "x"}, {"channel": "x"}, {"url": "https://h/x", "channel": "x"}]
)
def test_halves_are_refused(given: dict[str, Any]) -> None:
    """A token and a channel, or a webhook."""
    with pytest.raises(ConfigError):
        read_channel("t", {"kind": "slack", **given})
