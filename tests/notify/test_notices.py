"""From a window that closed to people who know: what is said, to whom, when, and what is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest
from tests.notify.world import RULES, START, world

from anchorwatch.core.errors import ChannelError, ConflictError, UnknownError
from anchorwatch.core.messages import MessageKind
from anchorwatch.core.times import micros
from anchorwatch.core.types import IncidentState, Rule, Severity
from anchorwatch.flow.notices import DeliveryState
from anchorwatch.incidents.digest import Digest
from anchorwatch.incidents.mute import Quiet
from anchorwatch.incidents.routing import Match, Route, Rung
from anchorwatch.testing import CaptureChannel, capturing

PAGE = Match(severities=(Severity.PAGE,))


def kinds(channel: CaptureChannel) -> list[str]:
    """What a channel heard."""
    return [message.kind.value for message in channel.said]


def test_incidents_that_change_together_are_one_message() -> None:
    """Of a model, in one channel, led by the worst; with all that a person needs."""
    chat = CaptureChannel("chat")
    with world(capturing(chat, base_url="https://watch.example.com")) as it:
        it.hour(1.0)
        it.hour(9.0, rows=100)
        it.run()
        assert len(it.incidents()) == 2
        (message,) = chat.said
        assert message.severity is Severity.PAGE
        assert message.state is IncidentState.FIRING
        assert message.title == "Firing: load: Mean absolute error 9.00 is over its limit 5.00 (and 1 more)"
        for part in (
            "What: Throughput",
            "Since: 2026-01-05 14:00",
            "How bad: page",
            "Affects:",
            "Done so far",
        ):
            assert part in message.text
        assert ("Open incident", "https://watch.example.com/incidents/2") in message.links


def test_an_incident_is_told_once_then_its_acknowledgement_then_its_end() -> None:
    """Later messages carry the handle and thread of the first; windows in between say nothing."""
    chat = CaptureChannel("chat")
    with world(capturing(chat), RULES[:1]) as it:
        it.hour(9.0)
        it.run()
        it.hour(9.0)
        it.run()
        it.watch.acknowledge(1, "ann")
        it.run()
        it.hour(1.0)
        it.run()
        assert kinds(chat) == ["firing", "acknowledged", "resolved"]
        assert [message.handle for message in chat.said] == ["", "chat-1", "chat-1"]
        assert len({message.thread for message in chat.said}) == 1
        assert len({message.id for message in chat.said}) == 3
        assert "acknowledged by ann" in chat.said[1].text
        assert chat.said[2].state is IncidentState.RESOLVED


def test_an_incident_that_comes_back_has_a_thread_of_its_own() -> None:
    """A receiver that closed the first opens another."""
    chat = CaptureChannel("chat")
    with world(capturing(chat), RULES[:1]) as it:
        for error in (9.0, 1.0, 9.0):
            it.hour(error)
            it.run()
        assert kinds(chat) == ["firing", "resolved", "firing"]
        assert chat.said[0].thread == chat.said[1].thread != chat.said[2].thread


def test_what_was_over_before_anybody_was_told_is_not_told() -> None:
    """Of a past that is judged at once nobody is woken; the decision says so."""
    chat = CaptureChannel("chat")
    with world(capturing(chat), RULES[:1]) as it:
        it.hour(9.0)
        it.hour(1.0)
        it.run()
        assert chat.said == []
        assert it.decisions()[-1].reason == "it was over before anybody was told"
        assert [item.state for item in it.deliveries()] == [DeliveryState.DROPPED]


def test_routes_choose_by_severity_and_go_on() -> None:
    """A page reaches the pager and the chat, a warning the chat alone."""
    pager, chat = CaptureChannel("pager"), CaptureChannel("chat")
    routes = (Route(name="urgent", to=("pager",), match=PAGE, go_on=True), Route(name="all", to=("chat",)))
    with world(capturing(pager, chat, routes=routes)) as it:
        it.hour(1.0, rows=100)
        it.run()
        assert (len(pager.said), len(chat.said)) == (0, 1)
        it.hour(9.0)
        it.run()
        assert kinds(pager) == ["firing"]


def test_a_rule_names_its_channel_itself() -> None:
    """Instead of routes; a name that is no channel is told as such."""
    pager, chat = CaptureChannel("pager"), CaptureChannel("chat")
    routes = (Route(name="all", to=("chat",)),)
    rule = replace(RULES[0], notify=("pager", "lost"))
    with world(capturing(pager, chat, routes=routes), (rule,)) as it:
        it.hour(9.0)
        it.run()
        assert (kinds(pager), kinds(chat)) == (["firing"], [])
        assert any("no channel is named 'lost'" in item.reason for item in it.decisions() if not item.told)


def test_quiet_hours_hold_a_warning_until_the_morning_and_let_a_page_through() -> None:
    """The decision says until when."""
    chat = CaptureChannel("chat")
    night = Quiet(name="night", start=time(22), end=time(7))
    routes = (Route(name="all", to=("chat",), quiet=("night",)),)
    late = datetime(2026, 1, 5, 23, tzinfo=UTC)
    with world(capturing(chat, routes=routes, quiets={"night": night}), RULES, late) as it:
        it.hour(1.0, rows=100)
        it.run()
        assert chat.said == []
        assert it.decisions()[-1].reason == "quiet hours 'night' until 2026-01-06 07:00 UTC"
        it.hour(9.0, rows=100)
        it.run()
        assert [message.severity for message in chat.said] == [Severity.PAGE]
        it.clock.advance(hours=6)
        it.work()
        assert [message.severity for message in chat.said] == [Severity.PAGE, Severity.WARN]


def test_a_silence_holds_what_matches_and_after_it_what_still_fires_is_told() -> None:
    """With author and reason in the decision; ended early it lets go at once."""
    chat = CaptureChannel("chat")
    with world(capturing(chat), RULES[:1]) as it:
        until = micros(START + timedelta(hours=5))
        it.notifier.silence(Match(models=("lo*",)), until, who="ann", reason="deploying")
        it.hour(9.0)
        it.run()
        assert chat.said == []
        assert (
            "silence 1 of ann (model lo*) until 2026-01-05 17:00 UTC: deploying" in it.decisions()[-1].reason
        )
        it.notifier.unsilence(1, who="ann")
        it.run(0)
        assert kinds(chat) == ["firing"]
        with pytest.raises(ConflictError, match="over already"):
            it.notifier.unsilence(1, who="ann")


def test_an_incident_that_is_silenced_is_not_told_before_then() -> None:
    """Silencing the incident itself, before anybody was told."""
    chat = CaptureChannel("chat")
    with world(capturing(chat), RULES[:1]) as it:
        it.hour(9.0)
        it.watch.silence(1, micros(it.clock.now() + timedelta(hours=2)), "ann")
        it.run()
        assert chat.said == []
        it.clock.advance(hours=2)
        it.work()
        assert kinds(chat) == ["firing"]


def test_reminders_follow_until_somebody_looks_after_it() -> None:
    """Every `repeat`; none after the acknowledgement."""
    chat = CaptureChannel("chat")
    routes = (Route(name="all", to=("chat",), repeat=timedelta(hours=4)),)
    with world(capturing(chat, routes=routes), RULES[:1]) as it:
        it.hour(9.0)
        it.run()
        for _ in range(9):
            it.clock.advance(hours=1)
            it.work()
        it.run()
        assert kinds(chat) == ["firing", "reminder", "reminder"]
        it.watch.acknowledge(1, "ann")
        it.clock.advance(hours=12)
        it.work()
        it.run()
        assert kinds(chat) == ["firing", "reminder", "reminder", "acknowledged"]


def escalating() -> tuple[CaptureChannel, CaptureChannel, CaptureChannel, tuple[Route, ...]]:
    """A pager, and whom to wake after it."""
    rungs = (Rung(timedelta(minutes=15), ("lead",)), Rung(timedelta(minutes=30), ("boss",)))
    routes = (Route(name="all", to=("pager",), repeat=None, escalate=rungs),)
    return CaptureChannel("pager"), CaptureChannel("lead"), CaptureChannel("boss"), routes


def test_nobody_acknowledges_and_the_next_is_woken() -> None:
    """Step by step; those who were woken hear the end as well."""
    pager, lead, boss, routes = escalating()
    with world(capturing(pager, lead, boss, routes=routes), RULES[:1]) as it:
        it.hour(9.0)
        it.run()
        for minutes in (14, 2, 1):
            it.clock.advance(minutes=minutes)
            it.work()
        it.run()
        assert (kinds(pager), kinds(lead), kinds(boss)) == (["firing"], ["escalation"], [])
        assert "nobody acknowledged it within 15 min" in lead.said[0].text
        it.clock.advance(minutes=15)
        it.work()
        it.run()
        assert kinds(boss) == ["escalation"]
        it.hour(1.0)
        it.run()
        assert [kinds(one)[-1] for one in (pager, lead, boss)] == ["resolved"] * 3


def test_an_acknowledgement_ends_the_escalation() -> None:
    """Nobody else is woken."""
    pager, lead, boss, routes = escalating()
    with world(capturing(pager, lead, boss, routes=routes), RULES[:1]) as it:
        it.hour(9.0)
        it.run()
        it.watch.acknowledge(1, "ann")
        it.clock.advance(hours=2)
        it.work()
        it.run()
        assert (kinds(pager), kinds(lead)) == (["firing", "acknowledged"], [])


def test_an_incident_that_gets_worse_is_told_again() -> None:
    """To whom knows of it as an update, to whom a page concerns as news."""
    pager, chat = CaptureChannel("pager"), CaptureChannel("chat")
    routes = (Route(name="urgent", to=("pager",), match=PAGE, go_on=True), Route(name="all", to=("chat",)))
    rules = (
        Rule(name="mild", measure="mae", above=2.0),
        Rule(name="wild", measure="mae", above=5.0, severity=Severity.PAGE),
    )
    with world(capturing(pager, chat, routes=routes), rules) as it:
        it.hour(3.0)
        it.run()
        it.hour(9.0)
        it.run()
        it.run()
        assert (kinds(pager), kinds(chat)) == (["firing"], ["firing", "update"])


def test_the_digest_comes_every_morning_once() -> None:
    """With what fired, what is over and what was held back; never for days before it was asked for."""
    mail = CaptureChannel("mail")
    with world(
        capturing(
            mail,
            routes=(Route(name="none", to=("mail",), match=Match(models=("other",))),),
            digest=Digest(to=("mail",), at=time(8)),
        ),
        RULES[:1],
    ) as it:
        it.work()
        assert mail.said == []
        it.hour(9.0)
        it.clock.advance(hours=20)
        it.work()
        it.work()
        assert kinds(mail) == ["digest"]
        assert mail.said[0].title == "Daily digest: 1 firing, 0 over (load)"
        assert "Still firing: load: Mean absolute error 9.00" in mail.said[0].text
        it.clock.advance(days=1)
        it.work()
        assert kinds(mail) == ["digest", "digest"]


@pytest.mark.slow
def test_ten_thousand_findings_are_a_handful_of_messages() -> None:
    """One per model and channel, and short enough to read."""
    chat = CaptureChannel("chat")
    rules = tuple(
        Rule(name=f"r{place}", measure="mae", above=2.0 + place / 1e4, cause=f"cause-{place % 50}")
        for place in range(10_000)
    )
    with world(capturing(chat), rules) as it:
        it.hour(9.0)
        it.run()
        assert sum(len(one.findings) for one in it.incidents()) == 10_000
        (message,) = chat.said
        assert "(and 49 more)" in message.title
        assert "10,000 findings in all" in message.text
        assert len(message.text) < 2000


def test_a_test_message_says_what_became_of_it() -> None:
    """Delivered, or dead with its reason; a name that is none suggests near ones."""
    chat, broken = CaptureChannel("chat"), CaptureChannel("broken", [ChannelError("no route to host")])
    with world(capturing(chat, broken)) as it:
        assert [item.state for item in it.notifier.test("chat", who="ann")] == [DeliveryState.DELIVERED]
        (item,) = it.notifier.test("broken")
        assert (item.state, item.reason) == (DeliveryState.DEAD, "no route to host")
        with pytest.raises(UnknownError, match="did you mean 'chat'"):
            it.notifier.test("chad")
        assert chat.said[0].kind is MessageKind.TEST


def test_the_first_message_says_what_was_known_when_it_was_sent() -> None:
    """Attempts after the first say the same, under the same id."""
    chat = CaptureChannel("chat", [ChannelError("down")])
    with world(capturing(chat), RULES[:1]) as it:
        it.hour(9.0)
        it.run()
        first = it.deliveries()[0].said
        it.watch.acknowledge(1, "ann")
        it.run(5)
        it.run(5)
        assert first is not None
        assert chat.said[0].id == first.id
        assert chat.said[0].text == first.text
        assert kinds(chat) == ["firing", "acknowledged"]


def test_all_of_a_message_must_be_over_before_it_is() -> None:
    """One of two incidents that ends is held; the end of the last one is told, once."""
    chat = CaptureChannel("chat")
    with world(capturing(chat)) as it:
        it.hour(9.0, rows=100)
        it.run()
        it.hour(9.0)
        it.run()
        assert kinds(chat) == ["firing"]
        assert it.decisions()[-1].reason == "1 more of the same message still firing"
        it.hour(1.0)
        it.run()
        it.run()
        assert kinds(chat) == ["firing", "resolved"]


def test_nothing_of_a_thread_overtakes_what_waits_to_be_tried_again() -> None:
    """The end of an incident is not told to somebody who has not heard of its beginning."""
    chat = CaptureChannel("chat", [ChannelError("down")] * 7)
    with world(capturing(chat), RULES[:1]) as it:
        it.hour(9.0)
        for _ in range(7):
            it.clock.advance(minutes=2)
            it.work()
        assert chat.attempts == 7
        it.watch.acknowledge(1, "ann")
        it.run(1)
        it.run(1)
        assert chat.said == []
        it.clock.advance(minutes=3)
        it.work()
        assert kinds(chat) == ["firing", "acknowledged"]
