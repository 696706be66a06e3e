"""The worker: moves what the inbox holds down the road, consumer by consumer."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from anchorwatch.core.errors import StoreError
from anchorwatch.core.times import from_micros, micros, span_micros
from anchorwatch.core.types import EventKind
from anchorwatch.flow.archive import ARCHIVER, archive
from anchorwatch.flow.aside import Again, incomplete, narrowed, set_aside, waiting
from anchorwatch.flow.expire import expire
from anchorwatch.flow.join import JOINER, join
from anchorwatch.flow.judge import Verdicts, judge
from anchorwatch.flow.measure import measure_windows
from anchorwatch.flow.rebuild import rebuild
from anchorwatch.flow.roll import ROLLER, roll
from anchorwatch.flow.runs import plan

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from anchorwatch.core.clock import Clock
    from anchorwatch.core.ports import Lake
    from anchorwatch.flow.books import Books, Ledger
    from anchorwatch.flow.ports import Arrived, Inbox, Index, Model, SetAside, Touched
    from anchorwatch.flow.runs import Run

log = logging.getLogger("anchorwatch")

CONSUMERS = (ROLLER, JOINER, ARCHIVER)
WINDOWS_AT_A_TIME = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How much at a time, and how often.

    Args:
        rows: read from the inbox in one round.
        archive_rows: waiting rows that make the archiver write at once …
        archive_seconds: … else it waits this long, since each write costs the same whatever its size.
        measure_seconds: a window that is still open is measured no more often than this.
        remember_seconds: how long batch ids are remembered, so that a retry counts once.
    """

    rows: int = 200_000
    archive_rows: int = 200_000
    archive_seconds: float = 5.0
    measure_seconds: float = 2.0
    remember_seconds: float = 7 * 86_400.0


@dataclass(slots=True)
class Health:
    """What each consumer last tripped over; empty when all is well. `busy` is how many seconds each has worked."""

    errors: dict[str, str] = field(default_factory=dict)
    busy: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Places:
    """What the worker works on."""

    ledger: Ledger
    inbox: Inbox
    index: Index
    lake: Lake


class Pump:
    """Rolls, joins, archives, measures and judges; one thread at a time may call it."""

    def __init__(self, places: Places, clock: Clock, pace: Pace | None = None) -> None:
        self.places = places
        self.health = Health()
        self._clock = clock
        self._pace = pace or Pace()
        self._archived = clock.monotonic()
        self._measured = clock.monotonic()
        self._listeners: list[Callable[[Verdicts], None]] = []
        self._witnesses: list[Callable[[Books, Verdicts], None]] = []

    def listen(self, listener: Callable[[Verdicts], None]) -> None:
        """Call `listener` with every incident that changed."""
        self._listeners.append(listener)

    def attend(self, witness: Callable[[Books, Verdicts], None]) -> None:
        """Call `witness` with every incident that changed, in the transaction that changes it."""
        self._witnesses.append(witness)

    def step(self, *, settle: bool = False) -> bool:
        """One round; whether there was anything to do. With `settle` nothing is put off."""
        moved = self._try(ROLLER, self._roll)
        moved |= self._try(JOINER, self._join)
        if settle or self._archive_due():
            moved |= self._try(ARCHIVER, self._archive)
        if settle or self._clock.monotonic() - self._measured >= self._pace.measure_seconds:
            self._measured = self._clock.monotonic()
            moved |= self._try("judge", self._judge)
        if moved:
            self._try("index", self._tidy_index)
        self._try("inbox", self._trim)
        return moved

    def settle(self) -> None:
        """Do all there is to do; raises what stands in the way."""
        while self.step(settle=True):
            pass
        if self.health.errors:
            consumer, text = next(iter(self.health.errors.items()))
            raise StoreError(f"{consumer}: {text}")

    def _try(self, name: str, work: Callable[[], bool]) -> bool:
        """Run one consumer; what it trips over is told and tried again, and stops no other."""
        begin = self._clock.monotonic()
        try:
            moved = work()
        except StoreError as problem:
            self._trip(name, str(problem))
            return False
        except Exception as problem:  # noqa: BLE001 - `_trip` tells of it with its trace
            self._trip(name, f"{type(problem).__name__}: {problem}", problem)
            return False
        finally:
            self.health.busy[name] = self.health.busy.get(name, 0.0) + self._clock.monotonic() - begin
        self.health.errors.pop(name, None)
        return moved

    def _trip(self, name: str, text: str, surprise: Exception | None = None) -> None:
        if self.health.errors.get(name) != text:
            log.error(
                "the %s cannot go on: %s; nothing is lost, it tries again", name, text, exc_info=surprise
            )
        self.health.errors[name] = text

    def _offsets(self) -> dict[str, int]:
        with self.places.ledger.read() as books:
            return {consumer: books.offsets.get(consumer) for consumer in CONSUMERS}

    def _roll(self) -> bool:
        batches = self.places.inbox.read(self._offsets()[ROLLER], self._pace.rows)
        if not batches:
            return False
        self._do(ROLLER, batches)
        return True

    def _join(self) -> bool:
        batches = self._behind(JOINER, self._pace.rows)
        if not batches:
            return False
        self._do(JOINER, batches)
        return True

    def _archive(self) -> bool:
        self._archived = self._clock.monotonic()
        batches = self._behind(ARCHIVER, self._pace.archive_rows)
        if not batches:
            return False
        self._do(ARCHIVER, batches)
        return True

    def _do(self, consumer: str, batches: Sequence[Arrived]) -> None:
        """Have `consumer` do `batches`, but for those that it cannot do: they are set aside."""

        def work(some: Sequence[Arrived]) -> None:
            if consumer == ARCHIVER:
                archive(self.places.ledger, self.places.lake, some)
                return
            with self.places.ledger.write() as books:
                (roll if consumer == ROLLER else join)(books, self.places.index, some)

        def blame(batch: Arrived, problem: Exception) -> None:
            with self.places.ledger.write() as books:
                set_aside(books, consumer, batch, problem, micros(self._clock.now()))

        narrowed(work, batches, blame)

    def retry(self) -> list[tuple[SetAside, str]]:
        """Do again all that was set aside, now; each with why it failed once more, empty when it is done.

        Raises `StoreError` where the store itself stands in the way.
        """
        again = Again(self.places.ledger, self.places.index, self.places.lake)
        with self.places.ledger.read() as books:
            heads = waiting(books)
        done = []
        for head in heads:
            if head.consumer == JOINER:
                while self._offsets()[ARCHIVER] < self._offsets()[JOINER]:
                    self._archive()
            done.append((head, again.one(head)))
        return done

    def _behind(self, consumer: str, rows: int) -> list[Arrived]:
        """Batches that the roller has done with and `consumer` has not."""
        offsets = self._offsets()
        if offsets[consumer] >= offsets[ROLLER]:
            return []
        found = self.places.inbox.read(offsets[consumer], rows)
        return [batch for batch in found if batch.seq <= offsets[ROLLER]]

    def _archive_due(self) -> bool:
        if self._clock.monotonic() - self._archived >= self._pace.archive_seconds:
            return True
        offsets = self._offsets()
        rolled = self.places.inbox.waiting(offsets[ARCHIVER], offsets[ROLLER])
        return rolled >= self._pace.archive_rows // 2

    def _judge(self) -> bool:
        """Rebuild, measure and judge every model that changed or whose windows closed."""
        with self.places.ledger.read() as books:
            models = books.models.all()
        moved = False
        for model in models:
            moved |= self._judge_model(model.spec.name)
        return moved

    def _judge_model(self, name: str) -> bool:
        """A few windows per transaction, so that nobody waits long for the ledger.

        A window stays marked until it has been judged again: a crash in between repeats the work and skips none.
        """
        with self.places.ledger.write() as books:
            model = books.models.get(name)
            expire(books, model)
            starts = [window.start for window in books.work.touched(model.id)]
        moved = False
        for begin in range(0, len(starts), WINDOWS_AT_A_TIME):
            moved |= self._measure(name, set(starts[begin : begin + WINDOWS_AT_A_TIME]))
        now = micros(self._clock.now())
        again: list[int] = starts
        while True:
            with self.places.ledger.write() as books:
                model = books.models.get(name)
                judged = judge(books, model, now, again, WINDOWS_AT_A_TIME)
                books.work.done(model.id, again)
                for verdict in judged.verdicts:
                    for witness in self._witnesses:
                        witness(books, verdict)
            for verdict in judged.verdicts:
                for listener in self._listeners:
                    listener(verdict)
            if not judged.windows:
                return moved
            moved, again = True, []

    def _measure(self, name: str, starts: set[int]) -> bool:
        with self.places.ledger.write() as books:
            model = books.models.get(name)
            some = [window for window in books.work.touched(model.id) if window.start in starts]
            touched = self._rebuilt(books, model, some)
            measure_windows(books, model, touched)
        return bool(touched)

    def _rebuilt(self, books: Books, model: Model, touched: list[Touched]) -> list[Touched]:
        """Rebuild what must be, when all consumers stand at one place; what cannot be yet is left for later."""
        together = len({books.offsets.get(consumer) for consumer in CONSUMERS}) == 1
        if together and not incomplete(books, model.spec.name):
            for window in touched:
                if window.rebuild:
                    rebuild(books, self.places.lake, model, window)
            return touched
        return [window for window in touched if not window.rebuild]

    def _tidy_index(self) -> bool:
        """Merge runs that became many; let go of those whose predictions wait for no outcome any more."""
        with self.places.ledger.read() as books:
            models = books.models.all()
            kept = {item.model for item in books.aside.list()}
            runs = {
                (model.id, kind): books.runs.list(model.id, kind) for model in models for kind in EventKind
            }
        gone: list[str] = []
        for model in models:
            for kind in EventKind:
                gone += self._merge(runs[model.id, kind])
                if model.spec.name not in kept:
                    gone += self._forget(model, runs[model.id, kind])
        if gone:
            self.places.index.remove(gone)
        return False

    def _merge(self, runs: Sequence[Run]) -> list[str]:
        gone: list[str] = []
        for several in plan(runs):
            merged = self.places.index.merge(several, max(run.level for run in several) + 1)
            names = [run.name for run in several]
            with self.places.ledger.write() as books:
                books.runs.remove(names)
                books.runs.add(merged)
            gone += names
        return gone

    def _forget(self, model: Model, runs: Sequence[Run]) -> list[str]:
        if model.reached is None:
            return []
        spec = model.spec
        kept = max(span_micros(spec.outcome_horizon), span_micros(spec.dedup_horizon)) + span_micros(
            spec.window.length
        )
        old = [run.name for run in runs if run.newest < model.reached - kept]
        if old:
            with self.places.ledger.write() as books:
                books.runs.remove(old)
        return old

    def _trim(self) -> bool:
        done = min(self._offsets().values())
        now = micros(self._clock.now())
        self.places.inbox.trim(done, forget_before=now - int(self._pace.remember_seconds * 1e6))
        return False

    def upkeep(self) -> None:
        """Compact the lake's small files, enforce each model's retention, and delete what that replaced."""
        self._try("lake", self._upkeep)

    def _upkeep(self) -> bool:
        with self.places.ledger.read() as books:
            models = books.models.all()
        for model in models:
            for kind in EventKind:
                self.places.lake.compact(model.spec.name, kind)
            if model.spec.retention is not None and model.reached is not None:
                kept_from = model.reached - span_micros(model.spec.retention)
                self.places.lake.expire(model.spec.name, from_micros(kept_from))
            self.places.lake.vacuum(model.spec.name)
        return False
