"""Batches that wait to be sent, in order: in memory, and on disk while the server is away."""

from __future__ import annotations

import logging
import threading
from collections import deque
from typing import TYPE_CHECKING

from anchorwatch.client.options import WhenFull
from anchorwatch.client.tally import Drop, Reason
from anchorwatch.core.errors import CorruptError, FullError

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchorwatch.client.spool import Segment, Spool
    from anchorwatch.client.transport import Outgoing

logger = logging.getLogger("anchorwatch.client")


class Outbox:
    """A bounded queue between the packing and the posting thread.

    Memory holds what is newer than the spool, always. Losses are told to `lose` without the lock held.
    """

    def __init__(
        self, spool: Spool | None, *, bound: int, when_full: WhenFull, lose: Callable[[Drop], None]
    ) -> None:
        self.changed = threading.Condition()
        self.closed = False
        self._spool = spool
        self._bound = bound
        self._drop_oldest = when_full is WhenFull.DROP_OLDEST
        self._lose = lose
        self._memory: deque[Outgoing] = deque()
        self._bytes = 0
        self._held: Outgoing | None = None
        self._flying: Outgoing | None = None
        self._from_spool = False
        self._down = False
        self._losses: list[Drop] = []
        self._hurries = 0
        self.entered = self.left = 0

    def put(self, batch: Outgoing) -> None:
        """Take a batch, or drop one by the policy when the bounds are reached."""
        with self.changed:
            self.entered += 1
            self._memory.append(batch)
            self._bytes += len(batch.body)
            if self._spool is not None and (self._down or len(self._spool) or self._bytes > self._bound):
                self._pour(self._spool)
            while self._bytes > self._bound and self._memory:
                victim = self._memory.popleft() if self._drop_oldest else self._memory.pop()
                self._gone(victim, Reason.BUFFER_FULL)
            self.changed.notify_all()
        self._tell()

    def take(self, patience: float | None) -> Outgoing | None:
        """The next batch to send, or `None` when there was none for so many seconds or the outbox closed."""
        with self.changed:
            self.changed.wait_for(lambda: self.closed or self._waiting(), patience)
            batch = None if self.closed else self._next()
            self._flying = batch
        self._tell()
        return batch

    def done(self, batch: Outgoing) -> None:
        """The server took or refused the batch: it is dealt with."""
        with self.changed:
            if batch is not self._flying:  # the outbox was closed meanwhile
                return
            self._flying, self._down = None, False
            adopted = False
            if self._from_spool and self._spool is not None:
                adopted = self._spool.acknowledge(batch)
            else:
                self._bytes -= len(batch.body)
            self.left += not adopted
            self.changed.notify_all()

    def back(self, batch: Outgoing) -> None:
        """The server is away: keep the batch, first in line."""
        with self.changed:
            if batch is not self._flying:
                return
            self._flying, self._down = None, True
            if self._from_spool:
                return
            if self._spool is None or len(self._spool):
                self._held = batch
                return
            self._memory.appendleft(batch)
            self._pour(self._spool)
        self._tell()

    def adopt(self) -> dict[str, int]:
        """Take over spools of processes that are gone; events found, by model."""
        if self._spool is None:
            return {}
        with self.changed:
            return {} if self.closed else self._spool.adopt()

    def spooled(self, model: str) -> int:
        """Events of `model` that wait on disk."""
        with self.changed:
            return 0 if self._spool is None else self._spool.rows(model)

    def pause(self, seconds: float, *, patient: bool) -> None:
        """Wait before the next try; a hurry (unless `patient`) and the end cut it short."""
        with self.changed:
            hurries = self._hurries
            self.changed.wait_for(
                lambda: self.closed or (not patient and self._hurries != hurries), max(0.0, seconds)
            )

    def hurry(self) -> None:
        """Try at once: somebody waits for it."""
        with self.changed:
            self._hurries += 1
            self.changed.notify_all()

    def close(self) -> None:
        """Put what is left on disk, or drop it when there is no spool."""
        with self.changed:
            if self.closed:
                return
            self.closed = True
            for batch in (None if self._from_spool else self._flying, self._held):
                if batch is not None:
                    self._memory.appendleft(batch)
            self._flying = self._held = None
            self._from_spool = False
            if self._spool is not None:
                self._pour(self._spool)
            while self._memory:
                self._gone(self._memory.popleft(), Reason.CLOSED)
            self.changed.notify_all()
        self._tell()

    def leave(self) -> None:
        """Let the spool go, for the next process to find."""
        with self.changed:
            if self._spool is not None:
                self._spool.close()

    # -- under the lock --------------------------------------------------------------------------

    def _waiting(self) -> bool:
        return bool(self._held or self._memory or (self._spool is not None and len(self._spool)))

    def _next(self) -> Outgoing | None:
        self._from_spool = False
        if self._held is not None:
            batch, self._held = self._held, None
            return batch
        while self._spool is not None and len(self._spool):
            try:
                found = self._spool.first()
            except (CorruptError, FileNotFoundError) as problem:
                self._torn(self._spool.discard(), Reason.SPOOL_DAMAGED, str(problem))
                continue
            self._from_spool = True
            return found
        return self._memory.popleft() if self._memory else None

    def _pour(self, spool: Spool) -> None:
        """Move memory to disk as far as it goes."""
        while self._memory:
            try:
                spool.append(self._memory[0])
            except FullError as problem:
                segment = self._make_room(spool)
                if segment is None:
                    return
                self._torn(segment, Reason.SPOOL_FULL, str(problem))
            except OSError as problem:
                logger.warning("the spool cannot be written (%s); batches wait in memory", problem)
                return
            else:
                self._bytes -= len(self._memory.popleft().body)

    def _make_room(self, spool: Spool) -> Segment | None:
        keep_first = self._from_spool and self._flying is not None
        return spool.drop_oldest(keep_first=keep_first) if self._drop_oldest else None

    def _torn(self, segment: Segment, reason: Reason, detail: str) -> None:
        self.left += 0 if segment.adopted else segment.batches
        self._losses += [Drop(model, reason, rows, detail) for model, rows in segment.rows.items() if rows]

    def _gone(self, batch: Outgoing, reason: Reason) -> None:
        self._bytes -= len(batch.body)
        self.left += 1
        self._losses.append(Drop(batch.model, reason, batch.rows))

    def _tell(self) -> None:
        with self.changed:
            losses, self._losses = self._losses, []
        for loss in losses:
            self._lose(loss)
