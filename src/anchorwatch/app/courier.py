"""Carries one channel's messages: in order, again and again until they are taken, in a thread of its own."""

from __future__ import annotations

import logging
import threading
import traceback
from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING

from anchorwatch.core.errors import ChannelError, StoreError
from anchorwatch.core.times import iso, micros
from anchorwatch.flow.notices import DeliveryState, failed, taken

if TYPE_CHECKING:
    from anchorwatch.app.channels import Setup
    from anchorwatch.core.clock import Clock
    from anchorwatch.core.ports import Channel
    from anchorwatch.flow.notices import Delivery
    from anchorwatch.stores.ledger.ledger import Ledger

log = logging.getLogger("anchorwatch")

BEAT = 0.5
"""Seconds between looks when nothing wakes it."""


@dataclass(frozen=True, slots=True)
class Tried:
    """An attempt whose end is not in the ledger yet."""

    delivery: Delivery
    handle: str | None


class Courier:
    """One channel's messages, in order within a thread; a round at a time, from one thread at a time.

    A message is marked as delivered after the channel took it. A crash in between sends it once more, under the
    same id.
    """

    def __init__(self, channel: Channel, setup: Setup, ledger: Ledger, clock: Clock) -> None:
        self.channel = channel
        self.error = ""
        self.since: int | None = None
        self._setup = setup
        self._ledger = ledger
        self._clock = clock
        self._draw = Random()  # noqa: S311 - spreads attempts, hides nothing
        self._asked_until = float("-inf")
        self._unmarked: Tried | None = None
        self._round = threading.Lock()
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"anchorwatch-{channel.name}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """There may be something to carry."""
        self._wake.set()

    def stop(self, patience: float) -> None:
        """End after the attempt under way; one that hangs for longer than `patience` seconds is left behind."""
        self._stop.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(patience)

    def round(self) -> int:
        """Try everything whose time has come; how many attempts. Raises `StoreError` where the ledger fails."""
        with self._round:
            self._mark()
            tried = 0
            while not self._stop.is_set() and self._clock.monotonic() >= self._asked_until:
                due = self._due()
                if not due:
                    break
                for delivery in due:
                    tried += 1
                    self._try(delivery)
                    if self._stop.is_set() or self._clock.monotonic() < self._asked_until:
                        break
            return tried

    def _due(self) -> list[Delivery]:
        now = micros(self._clock.now())
        beyond = now + int((self._setup.patience.asked + self._setup.patience.longest) * 2e6)
        with self._ledger.read() as books:
            found = books.deliveries.due(self.channel.name, now, beyond, 1)
            handles = {item.thread: books.threads.get(item.thread).handle for item in found if item.thread}
        return [
            replace(item, said=replace(item.said, handle=handles.get(item.thread, "")))
            for item in found
            if item.said is not None
        ]

    def _try(self, delivery: Delivery) -> None:
        if delivery.said is None:
            return
        self.since = micros(self._clock.now())
        try:
            handle = self.channel.deliver(delivery.said)
        except ChannelError as problem:
            self._fail(delivery, problem)
        except Exception as surprise:  # noqa: BLE001 - `_fail` tells of it, veiled, and it is tried again
            told = ChannelError(f"{type(surprise).__name__}: {surprise}")
            if self._setup.veil.over(str(told)) != self.error:
                trace = self._setup.veil.over(traceback.format_exc())
                log.error("channel %s failed in a way it should not:\n%s", self.channel.name, trace)  # noqa: TRY400 - `exception` would tell the trace unveiled
            self._fail(delivery, told)
        else:
            if self.error:
                log.info("channel %s delivers again", self.channel.name)
            self.error = ""
            self._unmarked = Tried(taken(delivery, micros(self._clock.now())), handle)
        self.since = None
        self._mark()

    def _fail(self, delivery: Delivery, problem: ChannelError) -> None:
        text = self._setup.veil.over(str(problem))
        veiled = ChannelError(text, retry_after=problem.retry_after, permanent=problem.permanent)
        if text != self.error and not problem.permanent:
            log.warning("channel %s: %s; nothing is lost, it is tried again", self.channel.name, text)
        self.error = text
        if problem.retry_after is not None:
            pause = min(problem.retry_after, self._setup.patience.asked)
            self._asked_until = self._clock.monotonic() + pause
        now = micros(self._clock.now())
        after = failed(delivery, veiled, now, self._draw.random(), self._setup.patience)
        if after.state is DeliveryState.DEAD:
            log.error("message %d to %s is a dead letter: %s", delivery.id, self.channel.name, text)
        self._unmarked = Tried(after, None)

    def _mark(self) -> None:
        """Note the end of the last attempt; what cannot be noted now is noted before anything else is tried."""
        if self._unmarked is None:
            return
        with self._ledger.write() as books:
            delivery, handle = self._unmarked.delivery, self._unmarked.handle
            books.deliveries.save(delivery)
            if handle and delivery.thread:
                thread = books.threads.get(delivery.thread)
                if not thread.handle:
                    books.threads.save(replace(thread, handle=handle))
        self._unmarked = None

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.round()
            except StoreError as problem:
                log.warning("channel %s waits for the ledger: %s", self.channel.name, problem)
            except Exception:  # the loop must outlive whatever a round trips over
                log.exception("a round of channel %s failed; it goes on", self.channel.name)
            self._wake.wait(BEAT)
            self._wake.clear()

    def state(self) -> dict[str, str | None]:
        """What it last tripped over, and since when an attempt is under way."""
        return {"error": self.error or None, "trying_since": None if self.since is None else iso(self.since)}
