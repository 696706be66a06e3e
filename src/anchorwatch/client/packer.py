"""From buffered events to compressed batches, without being felt by the threads that serve.

Python runs one thread at a time. A sender that encodes a thousand events in one go keeps the interpreter
for ten milliseconds, and every serving thread that wakes meanwhile waits for it. So the packer works in
slices of `SLICE` seconds and *sleeps* `PAUSE` between them: merely offering the interpreter (`sleep(0)`) does
not do, since the packer would have it back before another thread wakes. Slices grow, up to `LONGEST`, as the
buffer fills: a short stall is better than a lost event. Compression lets the interpreter go by itself.
"""

from __future__ import annotations

import os
import time
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from anchorwatch.client.encode import line
from anchorwatch.client.tally import Drop, Reason, Tally
from anchorwatch.client.transport import Outgoing
from anchorwatch.core.errors import InputError
from anchorwatch.core.types import EventKind, OnError

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchorwatch.client.buffer import Buffer, Event
    from anchorwatch.client.options import ClientOptions

SLICE = 40e-6
LONGEST = 1e-3
PAUSE = 50e-6
CALM = 0.05
"""The share of the buffer that may be filled before slices grow."""

BATCH_BYTES = 2 << 20
"""A batch is sent when its lines reach this size; an event larger than this is dropped."""

_CHUNK = 512
"""Lines joined in one go (0.05 ms). With fewer, the interpreter would change hands more often than it need."""


@dataclass(slots=True)
class _Open:
    """A batch that may still grow."""

    since: float
    lines: list[bytes] = field(default_factory=list)
    size: int = 0


class Packer:
    """Encodes events and seals batches: one per model and kind, full or `linger` seconds old."""

    def __init__(
        self,
        buffer: Buffer,
        options: ClientOptions,
        *,
        seal: Callable[[Outgoing], None],
        lose: Callable[[Drop], None],
        nap: Callable[[float], None] = time.sleep,
    ) -> None:
        self._buffer = buffer
        self._options = options
        self._seal = seal
        self._lose = lose
        self._nap = nap
        self._open: dict[tuple[Tally, EventKind], _Open] = {}

    @property
    def idle(self) -> bool:
        """Whether no batch is open."""
        return not self._open

    def turn(self, *, everything: bool = False, clock: Callable[[], float] = time.perf_counter) -> None:
        """Pack the events that are here now; seal what is due, or `everything`."""
        left = len(self._buffer.queue)
        while left > 0:
            left -= self._slice(left, clock)
            self._nap(PAUSE)
        now = clock()
        for key, batch in list(self._open.items()):
            if everything or now - batch.since >= self._options.linger:
                self._close(key)

    def _slice(self, most: int, clock: Callable[[], float]) -> int:
        """Pack for as long as one slice lasts; how many events went in."""
        queue = self._buffer.queue
        done, start = 0, clock()
        end = start + slice_seconds(len(queue) / self._buffer.bound)
        while done < most:
            try:
                event = queue.popleft()
            except IndexError:  # `log()` gave up the oldest
                return most
            self._add(event, start)
            done += 1
            if clock() >= end:
                break
        return done

    def _add(self, event: Event, now: float) -> None:
        tally: Tally = event[0]
        try:
            text = line(event)
        except InputError as problem:
            self._lose(Drop(tally.model, Reason.INVALID, 1, str(problem)))
            return
        if len(text) > BATCH_BYTES:
            self._lose(Drop(tally.model, Reason.TOO_LARGE, 1, f"an event of {len(text)} bytes"))
            return
        key = (tally, event[1])
        batch = self._open.get(key)
        if batch is not None and batch.size + len(text) > BATCH_BYTES:
            self._close(key)
            batch = None
        if batch is None:
            batch = self._open[key] = _Open(now)
        batch.lines.append(text)
        batch.size += len(text)
        if len(batch.lines) >= self._options.batch_events:
            self._close(key)

    def _close(self, key: tuple[Tally, EventKind]) -> None:
        lines = self._open.pop(key).lines
        compress = self._options.compress
        self._seal(
            Outgoing(
                model=key[0].model,
                kind=key[1],
                key=os.urandom(16).hex(),
                body=_gzip(lines) if compress else b"".join(lines),
                rows=len(lines),
                encoding="gzip" if compress else "identity",
                on_error=OnError(self._options.on_error),
            )
        )


def slice_seconds(fill: float) -> float:
    """How long to keep the interpreter, for a buffer filled to the share `fill`.

    >>> [round(slice_seconds(fill) * 1e6) for fill in (0.0, 0.05, 0.5, 1.0)]
    [40, 40, 495, 1000]
    """
    return SLICE + (LONGEST - SLICE) * min(1.0, max(0.0, fill - CALM) / (1 - CALM))


def _gzip(lines: list[bytes]) -> bytes:
    """Gzip in small joins, each followed by a compression that lets other threads run."""
    press = zlib.compressobj(1, zlib.DEFLATED, 31)
    parts = [press.compress(b"".join(lines[at : at + _CHUNK])) for at in range(0, len(lines), _CHUNK)]
    return b"".join([*parts, press.flush()])
