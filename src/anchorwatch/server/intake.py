"""The way of a batch from a request's body to its receipt.

Batches are looked over in a small pool of threads and wait for the disk without one. Single events that arrive
at the same time travel together: what gathers while one group is on its way to the disk makes up the next.
"""

from __future__ import annotations

import asyncio
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from anchorwatch.core.types import OnError, Receipt
from anchorwatch.flow.take import (
    Batch,
    RefusedError,
    Terms,
    take_arrow,
    take_events,
    take_json,
    take_ndjson,
)
from anchorwatch.flow.take_batch import KEPT_REJECTIONS
from anchorwatch.server.bodies import decompressed
from anchorwatch.server.problems import UnsupportedError

if TYPE_CHECKING:
    from concurrent.futures import Future

    from anchorwatch.app.watch import Watch
    from anchorwatch.core.clock import Clock
    from anchorwatch.core.types import EventKind
    from anchorwatch.server.options import ServerOptions

READERS = {
    "application/json": take_json,
    "application/x-ndjson": take_ndjson,
    "application/jsonl": take_ndjson,
    "application/vnd.apache.arrow.stream": take_arrow,
}
"""What a body may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """A body as it was sent."""

    model: str
    kind: EventKind
    media: str
    body: bytes
    encoding: str = ""
    key: str = ""
    on_error: OnError = OnError.KEEP


@dataclass(frozen=True, slots=True, eq=False)
class _Single:
    """An event that waits for company."""

    event: Any
    size: int
    on_error: OnError
    receipt: asyncio.Future[Receipt]


class Intake:
    """Takes batches and single events; used from one event loop."""

    def __init__(self, watch: Watch, clock: Clock, options: ServerOptions) -> None:
        self._watch = watch
        self._clock = clock
        self._options = options
        self._pool = _pool(options.workers)
        self._waiting: dict[tuple[str, EventKind], list[_Single]] = {}
        self._carriers: set[asyncio.Task[None]] = set()

    async def take(self, parcel: Parcel) -> Receipt:
        """Take a whole body; it is on disk when this returns.

        Raises `BusyError` before it looks at the body when the inbox is full: the worker has better use for the time.
        """
        self._watch.inbox.room()
        loop = asyncio.get_running_loop()
        written = await loop.run_in_executor(self._pool, self._look_over, parcel)
        return await asyncio.wrap_future(written)

    async def take_one(self, parcel: Parcel, event: Any) -> Receipt:
        """Take one event, together with others of its kind that came meanwhile."""
        place = (parcel.model, parcel.kind)
        future: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()
        single = _Single(event, len(parcel.body), parcel.on_error, future)
        if place in self._waiting:
            self._waiting[place].append(single)
        else:
            self._waiting[place] = [single]
            carrier = asyncio.create_task(self._carry(place))
            self._carriers.add(carrier)
            carrier.add_done_callback(self._carriers.discard)
        return await future

    def close(self) -> None:
        """Let go of the threads; whoever comes after all gets new ones."""
        ended, self._pool = self._pool, _pool(self._options.workers)
        ended.shutdown()

    def _look_over(self, parcel: Parcel) -> Future[Receipt]:
        spec = self._watch.spec(parcel.model)
        limits = self._options.limits
        reader = READERS.get(parcel.media)
        if reader is None:
            raise UnsupportedError(
                f"Content-Type {parcel.media!r} is not spoken here; send one of {', '.join(READERS)}"
            )
        body = decompressed(parcel.body, parcel.encoding, limits.bytes, self._options)
        terms = Terms(
            id=parcel.key or uuid.uuid4().hex, now=self._clock.now(), on_error=parcel.on_error, limits=limits
        )
        return self._watch.submit(reader(spec, parcel.kind, body, terms))

    async def _carry(self, place: tuple[str, EventKind]) -> None:
        """Carry groups to the disk until nothing waits at this place."""
        while waiting := self._waiting[place]:
            group, self._waiting[place] = waiting[:KEPT_REJECTIONS], waiting[KEPT_REJECTIONS:]
            (batch,) = await asyncio.gather(self._ship(place, group), return_exceptions=True)
            if isinstance(batch, BaseException):
                _fail(group, batch)
            else:
                _answer(group, batch)
        del self._waiting[place]

    async def _ship(self, place: tuple[str, EventKind], group: list[_Single]) -> Batch:
        loop = asyncio.get_running_loop()
        batch, written = await loop.run_in_executor(self._pool, self._look_over_group, place, group)
        await asyncio.wrap_future(written)
        return batch

    def _look_over_group(
        self, place: tuple[str, EventKind], group: list[_Single]
    ) -> tuple[Batch, Future[Receipt]]:
        model, kind = place
        terms = Terms(id=uuid.uuid4().hex, now=self._clock.now(), limits=self._options.limits)
        events = [single.event for single in group]
        longest = max(single.size for single in group)
        batch = take_events(self._watch.spec(model), kind, events, terms, longest=longest)
        return batch, self._watch.submit(batch)


def _pool(workers: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(workers, thread_name_prefix="anchorwatch-take")


def _answer(group: list[_Single], batch: Batch) -> None:
    """To each its own receipt, as if it had come alone."""
    rejected = {item.row: replace(item, row=0) for item in batch.rejections}
    for row, single in enumerate(group):
        if single.receipt.done():
            continue
        bad = rejected.get(row)
        if bad is None:
            single.receipt.set_result(Receipt(batch.id, 1))
        elif single.on_error is OnError.KEEP:
            single.receipt.set_result(Receipt(batch.id, 0, (bad,), 1))
        else:
            single.receipt.set_exception(RefusedError((bad,), 1))


def _fail(group: list[_Single], problem: BaseException) -> None:
    for single in group:
        if not single.receipt.done():
            single.receipt.set_exception(problem)
