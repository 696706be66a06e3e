"""A watch: one store with all that happens in it. The composition root."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from anchorwatch.app.channels import Setup
from anchorwatch.app.notify import Notifier
from anchorwatch.app.queries import Queries
from anchorwatch.app.standing import set_aside_body
from anchorwatch.app.worker import Worker
from anchorwatch.core.clock import SystemClock
from anchorwatch.core.errors import ConfigError, ConflictError, StoreError, UnknownError
from anchorwatch.core.schema import ModelSpec, Task
from anchorwatch.core.times import from_micros, micros
from anchorwatch.core.types import IncidentState
from anchorwatch.flow.detect import check_detectors
from anchorwatch.flow.judge import Verdicts
from anchorwatch.flow.ports import Model, Version
from anchorwatch.flow.pump import Pace, Places, Pump
from anchorwatch.flow.receive import CAUSE
from anchorwatch.flow.reference import profile_reference
from anchorwatch.flow.take import payload
from anchorwatch.incidents import acts
from anchorwatch.profile.build import build_grid
from anchorwatch.rules.defaults import default_rules
from anchorwatch.rules.place import cause_of
from anchorwatch.stores.inbox import Entry, Inbox
from anchorwatch.stores.index import RunStore
from anchorwatch.stores.lake import DeltaLake
from anchorwatch.stores.ledger.ledger import Ledger
from anchorwatch.stores.lock import StoreLock

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future
    from types import TracebackType

    from anchorwatch.core.clock import Clock
    from anchorwatch.core.ports import Lake
    from anchorwatch.core.types import Incident, Receipt, Rule
    from anchorwatch.flow.take import Batch
    from anchorwatch.incidents.machine import Stepped
    from anchorwatch.stores.ledger.ledger import Transaction


@dataclass(frozen=True, slots=True)
class Stores:
    """Where a watch keeps things."""

    ledger: Ledger
    inbox: Inbox
    index: RunStore
    lake: Lake
    lock: StoreLock


class Watch:
    """Models under watch, in one store.

    Use `Watch.open(folder)`. Everything acknowledged is on disk; a background thread folds, joins, archives,
    measures and judges it. Close it, or use it as a context manager.
    """

    def __init__(
        self, stores: Stores, clock: Clock, pace: Pace | None = None, notify: Setup | None = None
    ) -> None:
        self._stores = stores
        self._clock = clock
        self._models: dict[str, Model] = {}
        places = Places(stores.ledger, stores.inbox, stores.index, stores.lake)
        self.pump = Pump(places, clock, pace)
        self.notifier = Notifier(stores.ledger, clock, notify or Setup())
        self.pump.attend(self.notifier.witness)
        self.worker = Worker(self.pump)
        self.ledger = stores.ledger
        self.inbox = stores.inbox
        self.lake = stores.lake
        self.queries = Queries(stores.ledger, stores.inbox, stores.lake, self.pump, clock)

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        clock: Clock | None = None,
        start: bool = True,
        pace: Pace | None = None,
        notify: Setup | None = None,
    ) -> Watch:
        """Open the store in folder `path`, made when it is not there; people are told of incidents with `notify`.

        With `start=False` nothing moves but in `settle`. Raises `BusyError` when another process holds the store.
        """
        folder = Path(path)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            raise StoreError(
                f"{folder}: cannot be made ({problem.strerror}); choose a folder that may be written"
            ) from None
        lock = StoreLock(folder)
        lock.take()
        try:
            told = clock or SystemClock()
            ledger = Ledger(folder / "ledger.db", told)
            with ledger.write() as books:
                seed = int(books.meta("seed", str(secrets.randbits(63))))
                live = books.runs.names()
            index = RunStore(folder / "index", seed=seed)
            index.sweep(live)
            stores = Stores(ledger, Inbox(folder / "inbox.db"), index, DeltaLake(folder / "lake"), lock)
        except BaseException:
            lock.release()
            raise
        watch = cls(stores, told, pace, notify)
        if start:
            watch.worker.start()
            watch.notifier.start()
        return watch

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Write what was taken, finish the round, let go of the store."""
        self._stores.inbox.close()
        self.worker.stop()
        self.notifier.stop()
        self._stores.ledger.close()
        self._stores.lock.release()

    def now(self) -> int:
        """The wall clock, in microseconds."""
        return micros(self._clock.now())

    def spec(self, name: str) -> ModelSpec:
        """The model's declaration; raises `UnknownError` with near names."""
        if name not in self._models:
            with self.ledger.read() as books:
                self._models[name] = books.models.get(name)
        return self._models[name].spec

    def apply(self, spec: ModelSpec, rules: tuple[Rule, ...] | None = None, *, who: str = "") -> ModelSpec:
        """Make or change a model; without `rules` it keeps those it has, or gets the default ones.

        Raises `ConflictError` for a change that would make kept figures wrong.
        """
        with self.ledger.write() as books:
            spec = self._apply(books, spec, rules, who)
        self._models.pop(spec.name, None)
        return spec

    def _apply(
        self, books: Transaction, spec: ModelSpec, rules: tuple[Rule, ...] | None, who: str
    ) -> ModelSpec:
        spec = labelled(spec)
        check_detectors(spec)
        try:
            old: Model | None = books.models.get(spec.name)
        except UnknownError:
            old = None
        if old is not None:
            agree(old.spec, spec)
            rules = old.rules if rules is None else rules
        model = books.models.save(spec, default_rules(spec) if rules is None else rules, self.now())
        self._let_go(books, model)
        if old is not None and old.spec.columns != spec.columns:
            grid_id = books.grids.put(model.id, build_grid(spec, None))
            for version in books.models.versions(model.id):
                if version.grid_id is not None and not books.grids.get(version.grid_id).fitted:
                    books.models.touch(model.id, replace(version, grid_id=grid_id, events=0))
        books.audit(self.now(), who, "apply", spec.name, json.dumps(spec.to_dict()))
        return spec

    def _let_go(self, books: Transaction, model: Model) -> None:
        """Resolve incidents of causes that no rule watches any more: nothing else would, but alerts from elsewhere."""
        watched = {cause_of(rule) for rule in model.rules}
        for incident in books.judgements.open_incidents(model.id):
            foreign = incident.cause.startswith(CAUSE)
            if incident.cause not in watched and not foreign and incident.state is not IncidentState.RESOLVED:
                stepped = acts.resolve(incident, "the change of rules", self._clock.now())
                kept = books.incidents.save(stepped.incident or incident)
                self.notifier.witness(books, Verdicts(kept, stepped.transitions))

    def register(
        self,
        spec: ModelSpec,
        reference: Any = None,
        *,
        version: str = "",
        rules: tuple[Rule, ...] | None = None,
        who: str = "",
    ) -> ModelSpec:
        """Make or change a model and, when given, profile its reference for `version`, all or nothing."""
        profiled = None if reference is None else profile_reference(labelled(spec), reference)
        with self.ledger.write() as books:
            spec = self._apply(books, spec, rules, who)
            if profiled is not None:
                model = books.models.get(spec.name)
                grid_id = books.grids.put(model.id, profiled.grid)
                books.grids.put_reference(grid_id, profiled.whole, profiled.windows)
                books.models.touch(model.id, Version(version, grid_id, None, None, 0))
                books.audit(self.now(), who, "reference", spec.name, version)
        self._models.pop(spec.name, None)
        return spec

    def set_reference(self, name: str, reference: Any, *, version: str = "", who: str = "") -> None:
        """Profile a reference once and keep it with `version`; windows begun before stay on theirs."""
        self.register(self.spec(name), reference, version=version, who=who)

    def submit(self, batch: Batch) -> Future[Receipt]:
        """Queue a batch; the future's result is there when the batch is on disk."""
        entry = Entry(
            batch=batch.id,
            model=batch.model,
            kind=batch.kind,
            payload=payload(batch.frame) if batch.frame.height else b"",
            rows=batch.frame.height,
            at=self.now(),
            rejected=batch.rejections,
            rejected_count=batch.rejected_count,
            refused=batch.refused if batch.refused.rows else None,
        )
        future = self.inbox.submit(entry)
        future.add_done_callback(lambda _: self.worker.wake())
        return future

    def take(self, batch: Batch) -> Receipt:
        """Take a batch; it is on disk when this returns."""
        return self.submit(batch).result()

    def settle(self) -> None:
        """Fold, join, archive, measure and judge all that was taken, and tell of it, now."""
        self.worker.settle()
        self.notifier.flush()

    def retry_set_aside(self, *, who: str = "") -> list[dict[str, Any]]:
        """Do again the batches that were set aside; each with its `problem`, `None` when it is done."""
        with self.worker.lock:
            done = self.pump.retry()
        with self.ledger.write() as books:
            for item, problem in done:
                books.audit(self.now(), who, "retry", f"batch {item.seq} of {item.model}", problem)
        self.worker.wake()
        return [{**set_aside_body(item), "problem": problem or None} for item, problem in done]

    def acknowledge(self, number: int, who: str) -> Incident:
        """`who` looks after the incident."""
        return self._act(
            number, who, "acknowledge", lambda one: acts.acknowledge(one, who, self._clock.now())
        )

    def silence(self, number: int, until: int, who: str) -> Incident:
        """Nobody is told of the incident before `until` (microseconds)."""
        end = from_micros(until)
        return self._act(number, who, "silence", lambda one: acts.silence(one, end, who, self._clock.now()))

    def resolve(self, number: int, who: str) -> Incident:
        """`who` says it is over."""
        return self._act(number, who, "resolve", lambda one: acts.resolve(one, who, self._clock.now()))

    def _act(self, number: int, who: str, act: str, change: Callable[[Incident], Stepped]) -> Incident:
        with self.ledger.write() as books:
            stepped = change(books.incidents.get(number))
            if stepped.incident is None:
                raise ConflictError(f"incident {number} is no more")
            books.audit(self.now(), who, act, f"incident {number}")
            kept = books.incidents.save(stepped.incident)
            self.notifier.witness(books, Verdicts(kept, stepped.transitions))
            return kept


def labelled(spec: ModelSpec) -> ModelSpec:
    """A classifier's labels are fixed before its first event, since codes of labels are kept for ever."""
    if spec.labels or spec.task is Task.REGRESSION:
        return spec
    if spec.task is Task.BINARY and spec.positive == "1":
        return spec.evolve(labels=("0", "1"))
    raise ConfigError(
        f"labels: a {spec.task} model"
        + ("" if spec.task is Task.MULTICLASS else f" with positive {spec.positive!r}")
        + " needs its classes declared, such as labels: [cat, dog], or infer them: ModelSpec.infer(…, reference)"
    )


def agree(old: ModelSpec, new: ModelSpec) -> None:
    """Refuse a change that would make kept figures wrong."""
    for name in ("task", "window", "timezone", "positive"):
        was, now = getattr(old, name), getattr(new, name)
        if was != now:
            shown = [getattr(item, "text", str(item)) for item in (was, now)]
            raise ConflictError(
                f"{name}: model {old.name!r} is kept with {shown[0]!r}; {shown[1]!r} needs a new model"
            )
    kinds = {column.name: column.kind for column in old.columns}
    for column in new.columns:
        if kinds.get(column.name, column.kind) is not column.kind:
            raise ConflictError(
                f"columns.{column.name}: is kept as a {kinds[column.name]}; to watch it as a {column.kind} "
                "give it another name"
            )
    if new.labels[: len(old.labels)] != old.labels:
        raise ConflictError(
            f"labels: {list(old.labels)} may be appended to, not reordered or dropped; {list(new.labels)} was given"
        )
