"""What became of the events of each model, and telling people about those that were lost."""

from __future__ import annotations

import logging
import os
import threading
import time
from dataclasses import dataclass, field
from enum import StrEnum
from operator import length_hint
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

logger = logging.getLogger("anchorwatch.client")

REPORT_EVERY = 60.0
"""Seconds between two log lines of one model and reason."""

_ENDLESS = 1 << 62


class Reason(StrEnum):
    """Why events were dropped."""

    BUFFER_FULL = "buffer_full"
    SPOOL_FULL = "spool_full"
    SPOOL_DAMAGED = "spool_damaged"
    INVALID = "invalid"
    TOO_LARGE = "too_large"
    REFUSED = "refused"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Drop:
    """Events that will never be sent."""

    model: str
    reason: Reason
    events: int
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """What became of a model's events in this process.

    `accepted + adopted = sent + rejected + all dropped + spooled + queued`, at any time.

    Args:
        accepted: events given to `log()` and `outcome()`.
        adopted: events found in the spool of a process that is gone.
        sent: events that the server has on its disk.
        rejected: events that the server would not take, each with a reason in its receipt.
        dropped: events lost, by reason.
        spooled: events that wait on this machine's disk.
        queued: events that wait in memory.
    """

    accepted: int = 0
    adopted: int = 0
    sent: int = 0
    rejected: int = 0
    dropped: Mapping[str, int] = field(default_factory=dict)
    spooled: int = 0
    queued: int = 0


class Count:
    """A counter that threads advance without a lock and without losing a step.

    `take` is the bound `__next__` of an iterator over a range: one call in C, atomic under the GIL.

    >>> count = Count()
    >>> count.take(), count.take(), count.value
    (0, 1, 2)
    """

    __slots__ = ("_numbers", "take")

    def __init__(self) -> None:
        self._numbers = iter(range(_ENDLESS))
        self.take = self._numbers.__next__

    @property
    def value(self) -> int:
        """How often `take` was called."""
        return _ENDLESS - length_hint(self._numbers)


class Tally:
    """Names and counts the events of one model in one process.

    Serving threads touch the lock-free counts only; background threads do the rest under a lock.
    """

    __slots__ = ("_dropped", "_lock", "_told", "accepted", "adopted", "late", "model", "overflowed", "prefix",
                 "rejected", "sent", "take", "unreadable")  # fmt: skip

    def __init__(self, model: str) -> None:
        self.model = model
        self.reset()

    def reset(self) -> None:
        """Begin anew, as a forked child must: nothing counted, and a prefix of its own for ids."""
        self.prefix = os.urandom(12).hex()
        self.accepted, self.overflowed, self.unreadable, self.late = Count(), Count(), Count(), Count()
        self.take = self.accepted.take
        self.sent = self.rejected = self.adopted = 0
        self._dropped: dict[Reason, int] = {}
        self._told: dict[Reason, int] = {}
        self._lock = threading.Lock()

    def add(self, *, sent: int = 0, rejected: int = 0, adopted: int = 0) -> None:
        """Count what the server answered, and what was found."""
        with self._lock:
            self.sent += sent
            self.rejected += rejected
            self.adopted += adopted

    def drop(self, reason: Reason, events: int) -> None:
        """Count events lost in the background."""
        with self._lock:
            self._dropped[reason] = self._dropped.get(reason, 0) + events

    def dropped(self) -> dict[str, int]:
        """Events lost so far, by reason."""
        with self._lock:
            found = dict(self._dropped)
        for reason, count in self._lost_in_log():
            found[reason] = found.get(reason, 0) + count
        return {reason.value: count for reason, count in found.items() if count}

    def news(self) -> list[Drop]:
        """What `log()` itself dropped since this was last asked."""
        drops = []
        for reason, count in self._lost_in_log():
            fresh = count - self._told.get(reason, 0)
            if fresh:
                self._told[reason] = count
                drops.append(Drop(self.model, reason, fresh))
        return drops

    def stats(self, spooled: int = 0) -> Stats:
        """All counts as of now; `spooled` is known to the spool."""
        accepted, dropped = self.accepted.value, self.dropped()
        gone = self.sent + self.rejected + sum(dropped.values()) + spooled
        return Stats(
            accepted=accepted,
            adopted=self.adopted,
            sent=self.sent,
            rejected=self.rejected,
            dropped=dropped,
            spooled=spooled,
            queued=max(0, accepted + self.adopted - gone),
        )

    def _lost_in_log(self) -> tuple[tuple[Reason, int], ...]:
        return (
            (Reason.BUFFER_FULL, self.overflowed.value),
            (Reason.INVALID, self.unreadable.value),
            (Reason.CLOSED, self.late.value),
        )


class Reporter:
    """Tells of losses: each to `on_drop`, and to `logging` once a minute per model and reason."""

    def __init__(
        self, on_drop: Callable[[Drop], None] | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._on_drop = on_drop
        self._clock = clock
        self._waiting: dict[tuple[str, str], int] = {}
        self._next: dict[tuple[str, str], float] = {}

    def drop(self, drop: Drop) -> None:
        """Tell of dropped events."""
        self._say(drop.model, drop.reason, drop.events, "%d events of model %r dropped (%s)%s", drop.detail)
        if self._on_drop is not None:
            try:
                self._on_drop(drop)
            except Exception:  # the user's callback must not stop the sender
                logger.exception("on_drop raised for %r", drop)

    def rejected(self, model: str, events: int, first: str) -> None:
        """Tell of rows that the server would not take."""
        self._say(model, "rejected", events, "%d events of model %r not taken by the server (%s)%s", first)

    def down(self, address: str, problem: str) -> None:
        """Tell that the server cannot be reached."""
        self._say(address, "down", 1, "%d failed requests to %r (%s)%s", problem)

    def _say(self, subject: str, reason: str, count: int, text: str, detail: str) -> None:
        key = (subject, reason)
        count += self._waiting.pop(key, 0)
        now = self._clock()
        if now < self._next.get(key, now):
            self._waiting[key] = count
            return
        self._next[key] = now + REPORT_EVERY
        logger.warning(text, count, subject, reason, f": {detail}" if detail else "")
