"""Tells people: composes what was decided, has couriers carry it, and answers for both."""

from __future__ import annotations

import logging
import secrets
import threading
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from anchorwatch.app.courier import Courier
from anchorwatch.app.story import Teller
from anchorwatch.core.errors import ChannelError, ConflictError, InputError, StoreError, UnknownError
from anchorwatch.core.messages import Message, MessageKind
from anchorwatch.core.registry import unknown
from anchorwatch.core.times import from_micros, micros
from anchorwatch.core.types import Severity
from anchorwatch.flow.notices import Delivery, DeliveryState, taken
from anchorwatch.flow.speak import daily, look, restless, rouse, speak
from anchorwatch.flow.tell import tell
from anchorwatch.incidents.mute import Silence, moment

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from anchorwatch.app.channels import Setup
    from anchorwatch.core.clock import Clock
    from anchorwatch.core.ports import Channel
    from anchorwatch.flow.judge import Verdicts
    from anchorwatch.flow.notices import Telling
    from anchorwatch.incidents.routing import Match
    from anchorwatch.stores.ledger.ledger import Ledger

log = logging.getLogger("anchorwatch")

BEAT = 0.5
"""Seconds between rounds when nothing wakes the teller."""
PATIENCE = 2.0
"""Seconds that closing waits for an attempt under way."""
KEEP = timedelta(days=90)
"""How long the record of what was said is kept."""
TIDY = 3600.0
"""Seconds between rounds of forgetting."""


class Notifier:
    """Decides within the ledger's transactions, composes in a thread of its own, delivers in one per channel."""

    def __init__(self, ledger: Ledger, clock: Clock, setup: Setup) -> None:
        self._ledger = ledger
        self._clock = clock
        with ledger.write() as books:
            store = books.meta("store", secrets.token_hex(4))
            self._since = int(books.meta("digests_since", str(micros(clock.now()))))
        self.setup = replace(setup, plan=replace(setup.plan, store=store))
        self._teller = Teller(setup.plan.base_url, charts=setup.charts)
        self.couriers = {
            name: Courier(channel, setup, ledger, clock) for name, channel in setup.channels.items()
        }
        self._tidied = clock.monotonic()
        self._turn = threading.Lock()
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="anchorwatch-teller", daemon=True)

    def witness(self, books: Telling, verdicts: Verdicts) -> None:
        """Decide who is told of what changed, in the transaction that changes it."""
        tell(books, self.setup.plan, verdicts.incident, verdicts.transitions, self._clock.now())
        self._wake.set()

    def start(self) -> None:
        """Begin."""
        if not self.couriers:
            return
        self._thread.start()
        for courier in self.couriers.values():
            courier.start()

    def stop(self) -> None:
        """End after the attempts under way; what was not delivered is when the store is opened again."""
        self._stop.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()
        for courier in self.couriers.values():
            courier.stop(PATIENCE)

    def round(self, slack: timedelta = timedelta(0)) -> int:
        """Compose what is due, or will be within `slack`; remind, escalate, write digests; how many messages."""
        with self._turn:
            now = self._clock.now()
            with self._ledger.read() as books:
                dues = look(books, self.setup.plan, now + slack, self._teller)
                restive = restless(books.threads.live(), now)
            spoken = 0
            if dues or restive:
                with self._ledger.write() as books:
                    spoken = speak(books, dues, now)
                    rouse(books, self.setup.plan, now)
            self._digests()
            self._tidy()
        if spoken:
            for courier in self.couriers.values():
                courier.wake()
        return spoken

    def flush(self) -> None:
        """Compose what is gathering and try all that is due, once, in the calling thread."""
        slack = max((route.wait for route in self.setup.plan.routes), default=timedelta(seconds=1))
        while self.round(slack):
            pass
        for courier in self.couriers.values():
            courier.round()

    def retry(self, numbers: Iterable[int] | None = None, *, who: str = "") -> list[Delivery]:
        """Have dead letters wait again: those of `numbers`, or all; raises `ConflictError` for one that is not dead."""
        now = micros(self._clock.now())
        with self._ledger.write() as books:
            if numbers is None:
                found = list(books.deliveries.list(states=[DeliveryState.DEAD], limit=10_000))
            else:
                found = [books.deliveries.get(number) for number in numbers]
            for item in found:
                if item.state is not DeliveryState.DEAD:
                    raise ConflictError(
                        f"notification {item.id} is {item.state}; only a dead letter can be sent again"
                    )
            again = [
                books.deliveries.save(replace(item, state=DeliveryState.WAITING, tries=0, due_at=now))
                for item in found
            ]
            books.audit(now, who, "retry", f"{len(again)} dead letters")
        for courier in self.couriers.values():
            courier.wake()
        return again

    def test(self, name: str, *, who: str = "") -> list[Delivery]:
        """Send a test message to a channel, or to each that the name stands for, now and once; what became of it."""
        members = self.setup.plan.members.get(name, (name,))
        known = [*self.setup.plan.members, *self.setup.channels]
        for member in members:
            if member not in self.setup.channels:
                raise UnknownError(unknown("channel", name, dict.fromkeys(known)))
        return [self._test(self.setup.channels[member], who) for member in members]

    def _test(self, channel: Channel, who: str) -> Delivery:
        now = self._clock.now()
        message = trial(channel.name, f"anchorwatch-{self.setup.plan.store}-test-{micros(now)}", now, who)
        delivery = Delivery(
            channel=channel.name,
            kind=MessageKind.TEST,
            state=DeliveryState.DEAD,
            at=micros(now),
            due_at=micros(now),
            said=message,
        )
        after = attempt(channel, delivery, self.setup)
        with self._ledger.write() as books:
            books.audit(micros(now), who, "notify test", channel.name)
            return books.deliveries.save(after)

    def silence(self, match: Match, until: int, *, who: str, reason: str = "") -> Silence:
        """Tell nobody of incidents that match before `until` (microseconds)."""
        now = self._clock.now()
        if from_micros(until) <= now:
            raise InputError(
                f"until: {moment(from_micros(until))} is over; it is {moment(now)}", column="until"
            )
        with self._ledger.write() as books:
            made = Silence(match=match, author=who, reason=reason, start=now, until=from_micros(until))
            kept = books.silences.save(made)
            books.audit(micros(now), who, "silence", match.text[:300], reason)
            return kept

    def unsilence(self, number: int, *, who: str) -> Silence:
        """End a silence now; what it held back is looked at again."""
        now = self._clock.now()
        with self._ledger.write() as books:
            silence = books.silences.get(number)
            if silence.until <= now:
                raise ConflictError(f"silence {number} is over already")
            ended = replace(silence, until=max(now, silence.start))
            books.silences.save(ended)
            for held in books.deliveries.held():
                books.deliveries.save(replace(held, due_at=min(held.due_at, micros(now))))
            books.audit(micros(now), who, "unsilence", f"silence {number}")
        self._wake.set()
        return ended

    def _digests(self) -> None:
        plan, now = self.setup.plan, self._clock.now()
        if plan.digest is None or plan.digest.last(now) <= from_micros(self._since):
            return
        due = plan.digest.last(now)
        with self._ledger.read() as books:
            names = {one for name in plan.digest.to for one in plan.members.get(name, (name,))}
            latest = [books.deliveries.latest(name, MessageKind.DIGEST) for name in names]
            if all(one is not None and one.at >= micros(due) for one in latest):
                return
            incidents = books.incidents.list(limit=1000)
        with self._ledger.write() as books:
            daily(books, plan, now, self._since, incidents)
        for courier in self.couriers.values():
            courier.wake()

    def _tidy(self) -> None:
        if self._clock.monotonic() - self._tidied < TIDY:
            return
        self._tidied = self._clock.monotonic()
        with self._ledger.write() as books:
            books.deliveries.forget(micros(self._clock.now() - KEEP))

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.round()
            except StoreError as problem:
                log.warning("messages wait for the ledger: %s", problem)
            except Exception:  # the loop must outlive whatever a round trips over
                log.exception("a round of the teller failed; it goes on")
            self._wake.wait(BEAT)
            self._wake.clear()


def attempt(channel: Channel, delivery: Delivery, setup: Setup) -> Delivery:
    """One try of a test message: delivered, or dead with its reason, veiled."""
    if delivery.said is None:
        return delivery
    try:
        channel.deliver(delivery.said)
    except ChannelError as problem:
        return replace(delivery, reason=setup.veil.over(str(problem)), tries=1)
    except Exception as surprise:  # noqa: BLE001 - told as the reason, veiled
        return replace(delivery, reason=setup.veil.over(f"{type(surprise).__name__}: {surprise}"), tries=1)
    return taken(delivery, delivery.at)


def trial(channel: str, key: str, at: datetime, who: str = "") -> Message:
    """What `notify test` sends."""
    by = f" by {who}" if who else ""
    return Message(
        id=key,
        kind=MessageKind.TEST,
        thread=key,
        model="",
        incident=0,
        severity=Severity.INFO,
        state=None,
        title=f"Test: Anchorwatch reaches {channel}",
        text=f"This message was sent{by} to try the channel {channel!r}. Nothing is wrong.",
        facts=(("Channel", channel),),
        at=at,
    )
