"""The background of a client: one thread packs events, another posts batches and tries again.

Both are daemons, started by the first event of a process, so that `connect()` before a fork costs nothing.
A forked child starts empty: its parent sends what it had logged, once.
"""

from __future__ import annotations

import atexit
import logging
import os
import random
import sys
import threading
import time
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from anchorwatch.client.buffer import Buffer
from anchorwatch.client.options import SpoolSync, WhenFull
from anchorwatch.client.outbox import Outbox
from anchorwatch.client.packer import Packer
from anchorwatch.client.spool import LOOK_EVERY, Spool
from anchorwatch.client.tally import Drop, Reason, Reporter, Stats, Tally
from anchorwatch.client.transport import Refused, TransportDown

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from anchorwatch.client.options import ClientOptions
    from anchorwatch.client.transport import Outgoing, Transport

logger = logging.getLogger("anchorwatch.client")

TICK = 0.05
"""Seconds between two looks at the buffer while events come."""

_JOIN = 0.2


class Sender:
    """Sends what is put into `buffer` through a transport, and answers for what became of it."""

    def __init__(self, transport: Transport, options: ClientOptions) -> None:
        self.transport = transport
        self.options = options
        self.buffer = Buffer(options.buffer_events, WhenFull(options.when_full), self._rouse)
        self._tallies: dict[str, Tally] = {}
        self._owner = os.getpid()
        self._begin()
        _senders.add(self)

    def _begin(self) -> None:
        options = self.options
        self._reporter = Reporter(options.on_drop)
        self._spool = self._make_spool()
        self._outbox = Outbox(
            self._spool, bound=options.buffer_bytes, when_full=WhenFull(options.when_full), lose=self._lose
        )
        self._packer = Packer(self.buffer, options, seal=self._outbox.put, lose=self._lose)
        self._random = random.Random(options.seed)  # noqa: S311 - jitter, no secret
        self._threads = tuple(
            threading.Thread(target=self._work, args=(step,), name=f"anchorwatch-{name}", daemon=True)
            for name, step in (("pack", self._pack), ("post", self._post))
        )
        self._starting = threading.Lock()
        self._asked = self._sealed = 0
        self._stopping = False

    def _make_spool(self) -> Spool | None:
        if self.options.spool is None:
            return None
        folder: Path = self.options.spool  # type: ignore[assignment]  # the options made it a Path
        return Spool(
            folder,
            self.transport.address,
            bound=self.options.spool_bytes,
            sync=SpoolSync(self.options.spool_sync),
        )

    # -- called by serving threads ---------------------------------------------------------------

    def tally(self, model: str) -> Tally:
        """The one tally of a model."""
        found = self._tallies.get(model)
        return found if found is not None else self._tallies.setdefault(model, Tally(model))

    def stats(self, model: str) -> Stats:
        """What became of a model's events."""
        return self.tally(model).stats(self._outbox.spooled(model))

    def flush(self, timeout: float | None = 10.0) -> bool:
        """Send all that was logged before this call; whether it was dealt with in time. Blocks."""
        if not self._running() and (self.buffer.queue or self._spool is not None):
            self._start()
        if not self._running():
            return not self.buffer.queue
        outbox = self._outbox
        end = None if timeout is None else time.monotonic() + timeout
        with outbox.changed:
            self._asked += 1
            asked = self._asked
        self.buffer.bell.ring()
        outbox.hurry()
        with outbox.changed:
            outbox.changed.wait_for(lambda: self._sealed >= asked or outbox.closed, _left(end))
            entered = outbox.entered
            outbox.changed.wait_for(lambda: outbox.left >= entered or outbox.closed, _left(end))
            return self._sealed >= asked and outbox.left >= entered

    def close(self, timeout: float | None = None) -> bool:
        """Send what is left within `timeout` (default: `exit_timeout`), keep the rest on disk or drop it."""
        if self.buffer.closed:
            return True
        self.buffer.close()
        patience = self.options.exit_timeout if timeout is None else timeout
        flushed = self.flush(patience) if self.buffer.queue or self._running() else True
        self._stopping = True
        self._outbox.close()
        self.buffer.bell.ring()
        for thread in self._threads:
            if thread.is_alive() and thread is not threading.current_thread():
                thread.join(_JOIN)
        self._drop_rest()
        self._outbox.leave()
        self.transport.close()
        return flushed

    def _drop_rest(self) -> None:
        """What no thread could pack any more."""
        while self.buffer.queue:
            with suppress(IndexError):
                self._lose(Drop(self.buffer.queue.popleft()[0].model, Reason.CLOSED, 1))
        self._tell()

    def _rouse(self) -> None:
        if self._running():
            self.buffer.bell.ring()
        else:
            self._start()

    def _running(self) -> bool:
        return all(thread.ident is not None for thread in self._threads)

    def _start(self) -> None:
        if not self._starting.acquire(blocking=False):
            return
        try:
            for thread in self._threads:
                if thread.ident is None:
                    thread.start()
            _flush_with_process(self)
        except RuntimeError:  # no more threads now; the next event tries again
            self.buffer.asleep = True
        finally:
            self._starting.release()

    # -- background ------------------------------------------------------------------------------

    def _work(self, step: Any) -> None:
        while not self._stopping:
            try:
                step()
            except Exception:  # the worker must outlive what nobody foresaw; told, and tried again
                logger.exception("the sender of %r stumbled", self.transport.address)
                self._outbox.pause(1.0, patient=True)

    def _pack(self) -> None:
        """One turn of the packing thread, and its sleep."""
        asked = self._asked
        everything = asked != self._sealed
        self._packer.turn(everything=everything)
        self._tell()
        if everything:
            with self._outbox.changed:
                self._sealed = asked
                self._outbox.changed.notify_all()
        if not self._packer.idle or self.buffer.queue:
            self.buffer.bell.wait(TICK if self._asked == self._sealed else 0)
            return
        self.buffer.asleep = True
        if self.buffer.queue or self._asked != self._sealed or self._stopping:
            self.buffer.asleep = False
            return
        self.buffer.bell.wait(None)
        self.buffer.asleep = False

    def _post(self) -> None:
        """One batch of the posting thread: sent, refused or tried again until it is."""
        for model, rows in self._outbox.adopt().items():
            self.tally(model).add(adopted=rows)
        batch = self._outbox.take(None if self._spool is None else LOOK_EVERY)
        failures = 0
        while batch is not None and not self._stopping:
            try:
                receipt = self.transport.send(batch)
            except Refused as problem:
                self._lose(Drop(batch.model, Reason.REFUSED, batch.rows, str(problem)))
                self._outbox.done(batch)
                return
            except TransportDown as problem:
                self._reporter.down(self.transport.address, str(problem))
                self._outbox.back(batch)
                wait = backoff(failures, self.options, self._random, problem.retry_after)
                self._outbox.pause(wait, patient=problem.retry_after is not None)
                failures += 1
                batch = self._outbox.take(0)
            except Exception:  # a transport's own mistake must not cost the batch; re-raised to be told
                self._outbox.back(batch)
                raise
            else:
                self._taken(batch, receipt)
                return

    def _taken(self, batch: Outgoing, receipt: Mapping[str, Any]) -> None:
        count = receipt.get("rejected_count")
        rejected = min(count, batch.rows) if isinstance(count, int) else 0
        self.tally(batch.model).add(sent=batch.rows - rejected, rejected=rejected)
        if rejected:
            self._reporter.rejected(batch.model, rejected, _first_rejection(receipt))
        self._outbox.done(batch)

    def _lose(self, drop: Drop) -> None:
        self.tally(drop.model).drop(drop.reason, drop.events)
        self._reporter.drop(drop)

    def _tell(self) -> None:
        """Tell of what `log()` dropped without a word."""
        for tally in list(self._tallies.values()):
            for drop in tally.news():
                self._reporter.drop(drop)

    # -- life of the process ---------------------------------------------------------------------

    def start_anew(self) -> None:
        """In a forked child: leave everything to the parent, and begin empty."""
        if self._owner == os.getpid():
            return
        self._owner = os.getpid()
        self.transport.reset()
        if self._spool is not None:
            self._spool.forget()
        closed = self.buffer.closed
        self.buffer.reset()
        self.buffer.closed = closed
        for tally in self._tallies.values():
            tally.reset()
        self._begin()


def backoff(failures: int, options: ClientOptions, chance: random.Random, retry_after: float | None) -> float:
    """Seconds until the next try: full jitter, or what the server asked for and a little jitter on top.

    Source: M. Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog, 2015.
    """
    if retry_after is not None:
        return retry_after + chance.uniform(0.0, min(options.backoff, retry_after))
    return chance.uniform(0.0, min(options.backoff_cap, options.backoff * 2.0 ** min(failures, 60)))


def _first_rejection(receipt: Mapping[str, Any]) -> str:
    rows = receipt.get("rejected")
    first = rows[0] if isinstance(rows, list) and rows else None
    return f"column {first.get('column')!r}: {first.get('reason')}" if isinstance(first, dict) else ""


def _left(end: float | None) -> float | None:
    return None if end is None else max(0.0, end - time.monotonic())


_senders: weakref.WeakSet[Sender] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    for sender in list(_senders):
        sender.close()


def _start_all_anew() -> None:
    for sender in list(_senders):
        sender.start_anew()


def _flush_with_process(sender: Sender) -> None:
    """Workers of `multiprocessing` (Uvicorn's too) end without `atexit`; they run finalizers instead."""
    process: Any = sys.modules.get("multiprocessing.process")
    if process is not None and process.parent_process() is not None:
        from multiprocessing.util import Finalize  # noqa: PLC0415 - only where it is loaded already

        Finalize(None, sender.close, exitpriority=100)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_all_anew)
