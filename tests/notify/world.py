"""A model that does well or badly by the hour, and whoever is told of it."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from anchorwatch.app.embedded import Embedded, EmbeddedTransport
from anchorwatch.app.watch import Watch
from anchorwatch.client.options import ClientOptions
from anchorwatch.core.calendar import Grain
from anchorwatch.core.schema import Column, Kind, ModelSpec, Task
from anchorwatch.core.types import Rule, Severity
from anchorwatch.testing import FrozenClock, memory_watch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from anchorwatch.app.channels import Setup
START = datetime(2026, 1, 5, 12, tzinfo=UTC)
SPEC = ModelSpec(
    name="load",
    task=Task.REGRESSION,
    columns=(Column("x", Kind.NUMBER),),
    window=Grain("1h"),
    grace=timedelta(0),
)
RULES = (
    Rule(name="mae", measure="mae", above=5.0, severity=Severity.PAGE),
    Rule(name="volume", measure="throughput", above=50.0, cause="volume"),
)


class World:
    """A watch on a frozen clock; `hour(error)` is an hour of events with that error, judged."""

    def __init__(self, watching: Any, clock: Any) -> None:
        self.watching, self.watch, self.clock = watching, watching.watch, clock
        self.notifier = watching.watch.notifier

    def hour(self, error: float, *, rows: int = 10, model: str = "load") -> None:
        """Predictions that are off by `error`, then the next hour begins."""
        handle = self.watching.model(model)
        for place in range(rows):
            number = handle.log({"x": 1.0}, prediction=10.0, at=self.clock.now() + timedelta(seconds=place))
            handle.outcome(number, 10.0 + error, at=self.clock.now() + timedelta(minutes=1))
        now = self.clock.now()
        self.clock.advance(seconds=3600 - (now.timestamp() % 3600))
        handle.log({"x": 1.0}, prediction=10.0, at=self.clock.now())
        self.watching.flush(None)
        self.watch.worker.settle()

    def run(self, seconds: float = 2.0) -> None:
        """Let so much time pass, and have everybody do their work."""
        self.clock.advance(seconds=seconds)
        self.work()

    def work(self) -> None:
        """A round of the teller and of each courier."""
        self.notifier.round()
        for courier in self.notifier.couriers.values():
            courier.round()

    def incidents(self) -> list[Any]:
        """All, oldest first."""
        with self.watch.ledger.read() as books:
            return sorted(books.incidents.list(), key=lambda one: one.id)

    def deliveries(self) -> list[Any]:
        """All, oldest first."""
        with self.watch.ledger.read() as books:
            return list(reversed(books.deliveries.list(limit=10_000)))

    def decisions(self) -> list[Any]:
        """All, oldest first."""
        with self.watch.ledger.read() as books:
            return list(reversed(books.decisions.list(limit=10_000)))


@contextmanager
def world_on_disk(folder: Path, setup: Setup, rules: tuple[Rule, ...] = RULES) -> Iterator[World]:
    """A watch with one model in a folder, whose ledger threads can share."""
    clock = FrozenClock(START)
    watch = Watch.open(folder, clock=clock, start=False, notify=setup)
    with Embedded(EmbeddedTransport(watch, "here", clock), ClientOptions()) as watching:
        watching.register(SPEC, rules=rules)
        yield World(watching, clock)


@contextmanager
def world(setup: Setup, rules: tuple[Rule, ...] = RULES, at: datetime = START) -> Iterator[World]:
    """A watch with one model, in memory."""
    with memory_watch(at, notify=setup) as (watching, clock):
        watching.register(SPEC, rules=rules)
        yield World(watching, clock)
