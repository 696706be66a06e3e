"""For tests, ours and yours: a clock that stands still, a watch that leaves nothing behind, a check of measures."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anchorwatch.app.channels import Setup
from anchorwatch.app.embedded import Embedded, EmbeddedTransport
from anchorwatch.app.watch import Stores, Watch
from anchorwatch.client.model import Model
from anchorwatch.client.options import ClientOptions
from anchorwatch.core.errors import UnknownError
from anchorwatch.flow.tell import Plan
from anchorwatch.incidents.routing import Route
from anchorwatch.metrics.checks import faults
from anchorwatch.profile.measure import MEASURES, Measure
from anchorwatch.stores.inbox import Inbox
from anchorwatch.stores.index import RunStore
from anchorwatch.stores.ledger.ledger import Ledger
from anchorwatch.stores.lock import StoreLock
from anchorwatch.stores.memory_lake import MemoryLake

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from anchorwatch.client.sender import Sender
    from anchorwatch.core.messages import Message
    from anchorwatch.profile.measure import MeasureFunction

    At = datetime | float | str | None


class FrozenClock:
    """Tells the time it was told; `advance` moves it.

    >>> clock = FrozenClock(datetime(2013, 7, 1, tzinfo=UTC))
    >>> clock.advance(hours=2)
    >>> clock.now().hour
    2
    """

    def __init__(self, at: datetime) -> None:
        self._at = at.astimezone(UTC)
        self._ticks = 0.0

    def now(self) -> datetime:
        """The wall clock, in UTC."""
        return self._at

    def monotonic(self) -> float:
        """Seconds since it was made; stepping the wall clock back does not step this back."""
        return self._ticks

    def advance(self, **span: float) -> None:
        """Move on by so much, as `timedelta` takes it; the wall clock may be moved back."""
        step = timedelta(**span)
        self._at += step
        self._ticks += max(step.total_seconds(), 0.0)


class CaptureChannel:
    """A channel that keeps what it is told; `problems` are raised first, one per attempt.

    >>> channel = CaptureChannel("chat")
    >>> channel.name, channel.said
    ('chat', [])
    """

    def __init__(self, name: str, problems: Iterable[Exception] = ()) -> None:
        self.name = name
        self.said: list[Message] = []
        self.attempts = 0
        self._problems = iter(problems)

    def deliver(self, message: Message) -> str:
        """Keep it, or raise the next problem; the handle counts from 1."""
        self.attempts += 1
        problem = next(self._problems, None)
        if problem is not None:
            raise problem
        self.said.append(message)
        return f"{self.name}-{len(self.said)}"


def capturing(*channels: CaptureChannel, routes: tuple[Route, ...] = (), **plan: Any) -> Setup:
    """A setup that tells these channels, each under its name; without routes all of them hear everything."""
    names = tuple(channel.name for channel in channels)
    chosen = Plan(
        routes=routes or (Route(name="all", to=names),),
        members={name: (name,) for name in names},
        **plan,
    )
    return Setup(plan=chosen, channels={channel.name: channel for channel in channels}, charts=False)


class _Model(Model):
    """Logs by the frozen clock where no time is given."""

    __slots__ = ("_clock",)

    def __init__(self, name: str, sender: Sender, clock: FrozenClock) -> None:
        super().__init__(name, sender)
        self._clock = clock

    def log(self, features: Mapping[str, Any], *, at: At = None, **told: Any) -> str:
        return super().log(features, at=self._clock.now() if at is None else at, **told)

    def outcome(self, id: str, value: Any, at: At = None) -> None:  # noqa: A002 - the field's own name
        super().outcome(id, value, self._clock.now() if at is None else at)


class _Embedded(Embedded):
    """Hands out models on the frozen clock."""

    def __init__(self, transport: EmbeddedTransport, clock: FrozenClock) -> None:
        super().__init__(transport, ClientOptions())
        self._clock = clock

    def model(self, name: str) -> Model:
        return _Model(name, self._sender, self._clock)


@contextmanager
def memory_watch(at: datetime, notify: Setup | None = None) -> Iterator[tuple[Embedded, FrozenClock]]:
    """A watch in memory on a frozen clock, which its client logs by as well; nothing moves but in `settle()`.

    >>> with memory_watch(datetime(2013, 7, 1, tzinfo=UTC)) as (watch, clock):
    ...     watch.models()
    []
    """
    clock = FrozenClock(at)
    with tempfile.TemporaryDirectory() as folder:
        lock = StoreLock(Path(folder))
        lock.take()
        stores = Stores(
            Ledger(None, clock), Inbox(None), RunStore(Path(folder) / "index"), MemoryLake(), lock
        )
        watch = _Embedded(EmbeddedTransport(Watch(stores, clock, notify=notify), "memory", clock), clock)
        with watch:
            yield watch, clock


def check_measure(measure: Measure | MeasureFunction | str) -> None:
    """Put a measure through windows of every awkward kind; raises `AssertionError` that tells all its faults.

    Empty windows, one row, constants, one class, all missing, infinities, labels never seen, no outcomes: a value
    within the declared range and its own limits, or a reason. Nothing may depend on the order of rows or on how they
    were split. Give the measure, the decorated function or the name.

    >>> import anchorwatch as aw
    >>> worth = aw.cost_measure("worth", {("1", "1"): 20, ("0", "1"): -3}, tasks={"binary"})
    >>> check_measure(worth)
    """
    if callable(measure) and not isinstance(measure, Measure):
        found = next((item for item in MEASURES.values() if item.function is measure), None)
        if found is None:
            raise UnknownError(
                "this function is not registered; decorate it with aw.metric, aw.loss or aw.measure"
            )
    else:
        found = MEASURES[measure] if isinstance(measure, str) else measure
    told = faults(found)
    if told:
        raise AssertionError(f"{found.name} has faults:\n" + "\n".join(told))
