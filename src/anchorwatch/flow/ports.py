"""What the arrows need of whatever keeps things: small Protocols, met by `stores`.

Times are integers, microseconds since 1970 in UTC. All methods act within one transaction of the ledger.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Iterable, Sequence
    from contextlib import AbstractContextManager

    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    from anchorwatch.core.results import Results
    from anchorwatch.core.schema import ModelSpec
    from anchorwatch.core.types import EventKind, Finding, Incident, Rule, Stage
    from anchorwatch.flow.runs import Run
    from anchorwatch.profile.grid import Grid
    from anchorwatch.profile.profile import Profile

WHOLE = ""
"""The segment that is no segment: the whole model."""


@dataclass(frozen=True, slots=True)
class Model:
    """A model as the ledger knows it.

    `watermark` is the newest time of a prediction, `outcomes_until` that of an outcome, and `arrived_at` when, by the
    wall clock, the newest of both came.
    """

    id: int
    spec: ModelSpec
    rules: tuple[Rule, ...]
    watermark: int | None
    outcomes_until: int | None
    arrived_at: int | None

    @property
    def reached(self) -> int | None:
        """The newest time of any event."""
        return max((at for at in (self.watermark, self.outcomes_until) if at is not None), default=None)


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a model that was seen or declared; `grid_id` is None until rows or a reference came."""

    version: str
    grid_id: int | None
    first_at: int | None
    last_at: int | None
    events: int


@dataclass(frozen=True, slots=True)
class Slice:
    """What a window is about: a version (`every`: all together) and a segment such as `carrier=AA`."""

    version: str
    segment: str = WHOLE
    every: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """A profile where it belongs."""

    slice_id: int
    start: int
    stage: Stage
    grid_id: int
    profile: Profile


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """All results of one slice and window."""

    slice_id: int
    grain: str
    start: int
    finish: int
    events: int
    joined: int
    panel: tuple[Results, ...]


@dataclass(frozen=True, slots=True)
class Touched:
    """A window of a model that changed since it was measured; `rebuild`: its outcomes must be folded anew."""

    start: int
    finish: int
    rebuild: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """What windows are held against; `windows` are the reference's own, when it has a time order."""

    grid_id: int
    profile: Profile
    windows: tuple[tuple[int, Profile], ...]


class Offsets(Protocol):
    """Where each consumer of the inbox stands."""

    def get(self, consumer: str) -> int:
        """The last sequence number that `consumer` has done with; 0 at first."""
        ...

    def set(self, consumer: str, seq: int) -> None:
        """`consumer` has done with all up to `seq`."""
        ...


class Models(Protocol):
    """Models, their versions and their slices."""

    def get(self, name: str) -> Model:
        """Raises `UnknownError` with near names."""
        ...

    def all(self) -> list[Model]:
        """Every model, by name."""
        ...

    def seen(self, model_id: int, kind: EventKind, until: int, arrived_at: int) -> None:
        """Events of a kind have come up to `until` at least."""
        ...

    def versions(self, model_id: int) -> list[Version]:
        """In order of first appearance."""
        ...

    def touch(self, model_id: int, version: Version) -> None:
        """Widen a version's first and last, and add its events; make it when it is new."""
        ...

    def slices(self, model_id: int) -> dict[Slice, int]:
        """All slices of a model with their ids."""
        ...

    def slice_ids(self, model_id: int, wanted: Iterable[Slice]) -> dict[Slice, int]:
        """Ids of `wanted`, made where they are new."""
        ...


class Grids(Protocol):
    """Grids and references."""

    def get(self, grid_id: int) -> Grid:
        """The grid of that id."""
        ...

    def put(self, model_id: int, grid: Grid) -> int:
        """Its id; the same content has the same id."""
        ...

    def reference(self, grid_id: int) -> Reference | None:
        """The reference profiled on that grid, None where the grid came from no reference."""
        ...


class Profiles(Protocol):
    """Profiles of windows."""

    def add(self, grain: str, kept: Sequence[Kept]) -> None:
        """Add each to what is there."""
        ...

    def replace(self, grain: str, kept: Sequence[Kept]) -> None:
        """Put each in place of what is there."""
        ...

    def drop(self, slice_ids: Collection[int], grain: str, start: int, stage: Stage) -> None:
        """Forget one stage of one window."""
        ...

    def grids(
        self, slice_ids: Collection[int], grain: str, starts: Collection[int]
    ) -> dict[tuple[int, int], int]:
        """Grid ids of windows that exist, by (slice, start)."""
        ...

    def load(self, slice_ids: Collection[int], grain: str, start: int, end: int) -> list[Kept]:
        """All with `start` <= window start < `end`, by start."""
        ...


class Outcomes(Protocol):
    """Outcomes that came before their predictions."""

    def hold(self, model_id: int, keys: NDArray[np.uint64], values: NDArray[np.float64], at: int) -> None:
        """Keep outcomes until their predictions come; a newer one replaces an older one."""
        ...

    def claim(self, model_id: int, keys: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Positions in `keys` that have an outcome waiting, and the outcomes; they wait no longer."""
        ...

    def expire(self, model_id: int, before: int) -> int:
        """Forget those that came before `before`; how many."""
        ...


class Work(Protocol):
    """What is to be measured and judged."""

    def mark(self, model_id: int, touched: Iterable[Touched]) -> None:
        """These windows changed."""
        ...

    def touched(self, model_id: int) -> list[Touched]:
        """Windows that changed since they were measured, by start."""
        ...

    def done(self, model_id: int, starts: Collection[int]) -> None:
        """These windows have been measured."""
        ...

    def rebuilt(self, model_id: int, start: int) -> None:
        """This window's outcomes have been folded anew."""
        ...

    def drop_rows(self, seq: int, rows: NDArray[np.int32]) -> None:
        """Rows of an inbox batch that are duplicates and must not reach the lake."""
        ...

    def dropped_rows(self, seqs: Collection[int]) -> dict[int, NDArray[np.int32]]:
        """What `drop_rows` noted, by sequence number."""
        ...

    def forget_dropped(self, upto: int) -> None:
        """The archiver has done with all up to `upto`."""
        ...


class ResultBook(Protocol):
    """Measured windows."""

    def save(self, measured: Sequence[Measured]) -> None:
        """Put each in place of what is there."""
        ...

    def first(self, slice_id: int, grain: str, start: int) -> int | None:
        """Start of the first window at or after `start`."""
        ...

    def latest(self, slice_id: int, grain: str, before: int) -> int | None:
        """Start of the last window that starts before `before`."""
        ...

    def panels(
        self, slice_id: int, grain: str, start: int, end: int, wanted: Container[str] | None = None
    ) -> list[Measured]:
        """The measures `wanted` (or all) of all windows with `start` <= window start < `end`, by start."""
        ...


class Judgements(Protocol):
    """Findings, incidents, and what had been judged when."""

    def last(self, model_id: int, stage: Stage) -> int | None:
        """Start of the newest window judged at `stage`."""
        ...

    def judged(self, model_id: int, stage: Stage, start: int) -> None:
        """This window has been judged."""
        ...

    def state(self, model_id: int, key: str) -> str | None:
        """What `keep_state` kept."""
        ...

    def keep_state(self, model_id: int, key: str, body: str) -> None:
        """Keep the state of sequential things as text."""
        ...

    def record(
        self, model_id: int, start: int, stage_measures: Collection[str], found: Sequence[Finding]
    ) -> None:
        """Replace the breaches kept for one window and these measures."""
        ...

    def open_incidents(self, model_id: int) -> list[Incident]:
        """The latest incident of each cause, resolved ones included (they may fire again)."""
        ...

    def save_incident(self, incident: Incident) -> Incident:
        """Store it; a new one gets its id."""
        ...


class RunBook(Protocol):
    """Which runs of the join index are live."""

    def list(self, model_id: int, kind: EventKind) -> list[Run]:
        """Live runs, newest first."""
        ...

    def add(self, run: Run) -> None:
        """From this transaction's commit on, the run is live."""
        ...

    def remove(self, names: Collection[str]) -> None:
        """From this transaction's commit on, these are not."""
        ...


class Index(Protocol):
    """Sorted runs on disk that find a prediction, or its latest outcome, by event id."""

    def keys(self, ids: pl.Series) -> NDArray[np.uint64]:
        """128-bit keys of event ids, shape (n, 2)."""
        ...

    def write(self, model_id: int, kind: EventKind, day: int, level: int, records: NDArray[np.void]) -> Run:
        """A new run, on disk; live when the ledger lists it."""
        ...

    def find(
        self, runs: Sequence[Run], keys: NDArray[np.uint64]
    ) -> tuple[NDArray[np.bool_], NDArray[np.void]]:
        """Which keys are there, and the newest record of each that is."""
        ...

    def contains(self, runs: Sequence[Run], keys: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Which keys are there."""
        ...

    def merge(self, runs: Sequence[Run], level: int) -> Run:
        """One run in place of several, on disk."""
        ...

    def remove(self, names: Collection[str]) -> None:
        """Delete the files of runs that are live no more."""
        ...


class Books(Protocol):
    """A transaction of the ledger."""

    @property
    def offsets(self) -> Offsets:
        """Where each consumer stands."""
        ...

    @property
    def models(self) -> Models:
        """Models, versions, slices."""
        ...

    @property
    def grids(self) -> Grids:
        """Grids and references."""
        ...

    @property
    def profiles(self) -> Profiles:
        """Profiles of windows."""
        ...

    @property
    def outcomes(self) -> Outcomes:
        """Outcomes that wait for their predictions."""
        ...

    @property
    def work(self) -> Work:
        """What is to be measured."""
        ...

    @property
    def results(self) -> ResultBook:
        """Measured windows."""
        ...

    @property
    def judgements(self) -> Judgements:
        """Findings and incidents."""
        ...

    @property
    def runs(self) -> RunBook:
        """Live runs of the join index."""
        ...


class Ledger(Protocol):
    """Opens transactions."""

    def write(self) -> AbstractContextManager[Books]:
        """Committed at the end of the block, undone when it raises."""
        ...

    def read(self) -> AbstractContextManager[Books]:
        """A consistent view."""
        ...


class Inbox(Protocol):
    """What was acknowledged and not yet done with."""

    def read(self, after: int, rows: int) -> Sequence[Arrived]:
        """Batches after a sequence number, oldest first."""
        ...

    def trim(self, upto: int, *, forget_before: int) -> None:
        """All consumers have done with what came up to `upto`."""
        ...


class Arrived(Protocol):
    """A batch in the inbox."""

    @property
    def seq(self) -> int:
        """Its place in the order of arrival."""
        ...

    @property
    def model(self) -> str:
        """Whose events they are."""
        ...

    @property
    def kind(self) -> EventKind:
        """Predictions or outcomes."""
        ...

    @property
    def payload(self) -> bytes:
        """The rows as an Arrow stream."""
        ...

    @property
    def rows(self) -> int:
        """How many rows."""
        ...

    @property
    def at(self) -> int:
        """When it arrived, in microseconds."""
        ...
