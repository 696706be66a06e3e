"""Channels, ledgers and clocks that fail: nobody else waits, and nothing is lost."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import textwrap
import threading
import time as walltime
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from tests.notify.world import RULES, SPEC, world, world_on_disk

from anchorwatch.app.embedded import Embedded, EmbeddedTransport
from anchorwatch.app.watch import Watch
from anchorwatch.client.options import ClientOptions
from anchorwatch.core.clock import SystemClock
from anchorwatch.core.errors import BusyError, ChannelError, ConflictError, StoreError
from anchorwatch.core.messages import MessageKind
from anchorwatch.core.types import Rule, Severity
from anchorwatch.flow.notices import Delivery, DeliveryState, Patience, failed
from anchorwatch.stores.ledger import engine
from anchorwatch.testing import CaptureChannel, capturing

if TYPE_CHECKING:
    from pathlib import Path

    from anchorwatch.core.messages import Message


class Down(CaptureChannel):
    """Fails until `up`, with `problem` each time."""

    def __init__(self, name: str, problem: Exception) -> None:
        super().__init__(name)
        self.up, self.problem = False, problem

    def deliver(self, message: Message) -> str:
        """Fail, or keep it."""
        if not self.up:
            self.attempts += 1
            raise self.problem
        return super().deliver(message)


class Prompt(CaptureChannel):
    """Sets `heard` when it has heard something."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.heard = threading.Event()

    def deliver(self, message: Message) -> str:
        """Keep it."""
        handle = super().deliver(message)
        self.heard.set()
        return handle


class Hanging(Prompt):
    """Answers when it is let go."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.called, self.go = threading.Event(), threading.Event()

    def deliver(self, message: Message) -> str:
        """Wait, then keep it."""
        self.called.set()
        self.go.wait(30)
        return super().deliver(message)


@pytest.mark.slow
@pytest.mark.parametrize("problem", [ChannelError("503"), RuntimeError("a bug")])
def test_a_channel_that_fails_for_a_day_delays_no_other_and_loses_nothing(problem: Exception) -> None:
    """All it missed comes in order when it is back; attempts become rare meanwhile."""
    mail, chat = Down("mail", problem), CaptureChannel("chat")
    with world(capturing(mail, chat), RULES[:1]) as it:
        for hour in range(24):
            it.hour(9.0 if hour % 2 else 1.0)
            it.run()
            assert len(chat.said) == hour
            for _ in range(10):
                it.run(60)
        assert mail.said == []
        assert mail.attempts < 24 * 60
        mail.up = True
        it.clock.advance(minutes=10)
        it.work()
        it.work()
        assert [message.kind for message in mail.said] == [message.kind for message in chat.said]
        assert [message.title for message in mail.said] == [message.title for message in chat.said]
        assert {item.state for item in it.deliveries()} == {DeliveryState.DELIVERED}


def test_a_channel_that_hangs_delays_no_other(tmp_path: Path) -> None:
    """Each has a thread of its own; closing does not wait for it for ever."""
    stuck, chat = Hanging("stuck"), Prompt("chat")
    with world_on_disk(tmp_path, capturing(stuck, chat), RULES[:1]) as it:
        it.notifier.start()
        it.hour(9.0)
        it.clock.advance(seconds=2)
        it.notifier.round()
        assert stuck.called.wait(10)
        assert chat.heard.wait(10)
        assert len(chat.said) == 1
        assert stuck.said == []
        assert it.notifier.couriers["stuck"].state()["trying_since"] is not None
        stuck.go.set()
        assert stuck.heard.wait(10)


def test_retry_after_is_heeded() -> None:
    """The channel is left alone for as long as it asks, whatever else waits."""
    chat = CaptureChannel("chat", [ChannelError("slow down", retry_after=120.0)])
    with world(capturing(chat), RULES[:1]) as it:
        it.hour(9.0)
        it.run()
        it.run(100)
        assert chat.attempts == 1
        it.run(21)
        assert len(chat.said) == 1


def test_what_will_never_be_taken_is_a_dead_letter_that_can_be_sent_again() -> None:
    """At once when the channel says so; the thread's other messages still go."""
    chat = CaptureChannel("chat", [ChannelError("no such room", permanent=True)])
    with world(capturing(chat), RULES[:1]) as it:
        it.hour(9.0)
        it.run()
        (dead,) = it.deliveries()
        assert (dead.state, dead.reason) == (DeliveryState.DEAD, "no such room")
        it.hour(1.0)
        it.run()
        assert [message.kind for message in chat.said] == [MessageKind.RESOLVED]
        (again,) = it.notifier.retry([dead.id], who="ann")
        assert again.state is DeliveryState.WAITING
        it.run()
        assert [message.kind for message in chat.said] == [MessageKind.RESOLVED, MessageKind.FIRING]
        with pytest.raises(ConflictError, match="only a dead letter"):
            it.notifier.retry([dead.id])


def test_what_is_too_old_is_a_dead_letter_not_a_try_for_ever() -> None:
    """After days and several attempts; a clock that jumps ahead alone kills nothing."""
    patience = Patience(keep=86_400.0, tries=5)
    new = Delivery(channel="c", kind=MessageKind.FIRING, state=DeliveryState.WAITING, at=0, due_at=0)
    jumped = failed(new, ChannelError("down"), int(9e13), 0.5, patience)
    assert jumped.state is DeliveryState.WAITING
    for _ in range(4):
        jumped = failed(jumped, ChannelError("down"), int(9e13), 0.5, patience)
    assert jumped.state is DeliveryState.DEAD


def test_a_crash_after_delivery_says_it_again_under_the_same_id() -> None:
    """At least once; the receiver can tell."""
    chat = CaptureChannel("chat")
    with world(capturing(chat), RULES[:1]) as it:
        it.hour(9.0)
        it.clock.advance(seconds=2)
        it.notifier.round()
        courier = it.notifier.couriers["chat"]
        courier._mark = lambda: None  # the process dies before the mark
        courier._try(courier._due()[0])
        del courier._mark
        courier._unmarked = None
        it.work()
        assert len(chat.said) == 2
        assert chat.said[0].id == chat.said[1].id


def test_a_ledger_that_is_locked_while_marking_is_waited_for_and_nothing_is_said_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The end of an attempt is noted before anything else is tried."""
    chat = CaptureChannel("chat")
    with world(capturing(chat), RULES[:1]) as it:
        it.hour(9.0)
        it.clock.advance(seconds=2)
        it.notifier.round()

        def locked() -> None:
            raise BusyError("locked")

        with monkeypatch.context() as patched:
            patched.setattr(it.watch.ledger, "write", locked)
            for _ in range(3):
                with pytest.raises(StoreError):
                    it.notifier.couriers["chat"].round()
        assert len(chat.said) == 1
        it.work()
        assert len(chat.said) == 1
        assert it.deliveries()[0].state is DeliveryState.DELIVERED


def test_a_judgement_that_is_undone_tells_nobody() -> None:
    """Deliveries and incident stand or fall together; the next attempt tells once."""
    chat = CaptureChannel("chat")
    with world(capturing(chat), RULES[:1]) as it:
        real = it.notifier.witness
        calls = []

        def fails_once(books: object, verdicts: object) -> None:
            real(books, verdicts)
            calls.append(verdicts)
            if len(calls) == 1:
                raise sqlite3.OperationalError("database is locked")

        it.watch.pump._witnesses[:] = [fails_once]
        it.hour(9.0)
        assert len(calls) == 2
        it.run()
        assert len(it.incidents()) == len(it.deliveries()) == len(it.decisions()) == len(chat.said) == 1


def test_one_message_is_not_carried_by_two(tmp_path: Path) -> None:
    """Rounds of one channel take turns, whoever calls them."""
    stuck = Hanging("stuck")
    with world_on_disk(tmp_path, capturing(stuck), RULES[:1]) as it:
        it.hour(9.0)
        it.clock.advance(seconds=2)
        it.notifier.round()
        courier = it.notifier.couriers["stuck"]
        threads = [threading.Thread(target=courier.round) for _ in range(4)]
        for thread in threads:
            thread.start()
        assert stuck.called.wait(10)
        stuck.go.set()
        for thread in threads:
            thread.join(10)
        assert len(stuck.said) == 1


def test_a_clock_that_is_set_back_holds_nothing_up() -> None:
    """Attempts that are due tomorrow by a clock that was wrong are made now; reminders follow as usual."""
    chat = CaptureChannel("chat", [ChannelError("down")])
    with world(capturing(chat), RULES[:1]) as it:
        it.hour(9.0)
        it.run()
        it.clock.advance(days=-2)
        it.work()
        assert len(chat.said) == 1
        it.work()
        it.clock.advance(hours=25)
        it.work()
        it.work()
        assert [message.kind for message in chat.said] == [MessageKind.FIRING, MessageKind.REMINDER]


SCRIPT = """
import os, sys
from datetime import UTC, datetime, timedelta
from anchorwatch.app.watch import Watch
from anchorwatch.app.embedded import Embedded, EmbeddedTransport
from anchorwatch.client.options import ClientOptions
from anchorwatch.testing import CaptureChannel, FrozenClock, capturing
from tests.notify.world import RULES, SPEC, START, World

clock = FrozenClock(START)
watch = Watch.open(sys.argv[1], clock=clock, start=False, notify=capturing(CaptureChannel("chat")))
watching = Embedded(EmbeddedTransport(watch, "here", clock), ClientOptions())
watching.register(SPEC, rules=RULES[:1])
World(watching, clock).hour(9.0)
os.kill(os.getpid(), 9)
"""


@pytest.mark.slow
def test_a_process_that_is_killed_between_incident_and_delivery_delivers_when_it_is_back(
    tmp_path: Path,
) -> None:
    """The delivery was written with the incident."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(SCRIPT), str(tmp_path / "store")],
        check=False,
        capture_output=True,
    )
    assert done.returncode == -9, done.stderr.decode()
    chat = CaptureChannel("chat")
    with Watch.open(tmp_path / "store", start=False, notify=capturing(chat)) as watch:
        watch.settle()
        watch.notifier.flush()
    assert [message.kind for message in chat.said] == [MessageKind.FIRING]


@pytest.mark.slow
def test_an_incident_reaches_people_within_five_seconds(tmp_path: Path) -> None:
    """From the last event, which closes the window, to the channel; threads, clock and disk as in service."""
    told = threading.Event()

    class Chat(CaptureChannel):
        def deliver(self, message: Message) -> str:
            told.set()
            return super().deliver(message)

    clock = SystemClock()
    rule = Rule(name="mae", measure="mae", above=5.0, severity=Severity.PAGE)
    watch = Watch.open(tmp_path / "store", notify=capturing(Chat("chat")))
    with Embedded(EmbeddedTransport(watch, "here", clock), ClientOptions()) as watching:
        model = watching.register(SPEC, rules=(rule,))
        begin = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=2)
        for place in range(20):
            number = model.log({"x": 1.0}, prediction=1.0, at=begin + timedelta(seconds=place))
            model.outcome(number, 90.0, begin + timedelta(minutes=1))
        model.outcome("none", 1.0, begin + timedelta(hours=1))
        model.log({"x": 1.0}, prediction=1.0, at=begin + timedelta(hours=1))
        watching.flush(None)
        started = walltime.monotonic()
        assert told.wait(5.0), "nobody was told within five seconds"
        print(f"told after {walltime.monotonic() - started:.2f} s")  # noqa: T201 - the bar, for whoever looks


def test_what_is_long_done_with_is_forgotten_and_what_is_not_stays() -> None:
    """A dead letter keeps its thread, however old, so that it can be sent again."""
    chat = CaptureChannel("chat", [ChannelError("no", permanent=True)])
    with world(capturing(chat), RULES[:1]) as it:
        for error in (9.0, 1.0, 9.0, 1.0):
            it.hour(error)
            it.run()
        it.clock.advance(days=100)
        it.work()
        assert [item.state for item in it.deliveries()] == [DeliveryState.DEAD]
        assert it.decisions() == []
        it.notifier.retry()
        it.run()
        assert chat.said[-1].kind is MessageKind.FIRING


def test_the_store_waits_for_a_writer_before_it_gives_up() -> None:
    """Ten seconds, which is longer than any transaction of ours."""
    assert engine.WAIT_MS >= 10_000
