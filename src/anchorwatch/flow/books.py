"""A transaction of the ledger as the arrows see it: what each of them reads and writes.

Times are integers, microseconds since 1970 in UTC. All methods act within one transaction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from anchorwatch.flow.notices import Telling

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager

    import numpy as np
    from numpy.typing import NDArray

    from anchorwatch.core.types import EventKind, Finding, Incident, Stage
    from anchorwatch.flow.detect import Detection
    from anchorwatch.flow.ports import (
        Came,
        Kept,
        Measured,
        Model,
        Reference,
        SetAside,
        Slice,
        Touched,
        Version,
    )
    from anchorwatch.flow.runs import Run
    from anchorwatch.profile.grid import Grid


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

    def load(
        self, slice_ids: Collection[int], grain: str, start: int, end: int, *, rows: bool = True
    ) -> list[Kept]:
        """All with `start` <= window start < `end`, by start; on demand without sampled `rows`."""
        ...


class Outcomes(Protocol):
    """Outcomes that came before their predictions."""

    def hold(self, model_id: int, keys: NDArray[np.uint64], came: Came, at: int) -> None:
        """Keep outcomes until their predictions come; a newer one replaces an older one."""
        ...

    def claim(self, model_id: int, keys: NDArray[np.uint64]) -> tuple[NDArray[np.int64], Came]:
        """Positions in `keys` that have an outcome waiting, and the outcomes; they wait no longer."""
        ...

    def expire(self, model_id: int, before: int) -> int:
        """Forget those that came before `before`; how many."""
        ...

    def note_days(self, model_id: int, pairs: Iterable[tuple[int, int]]) -> None:
        """Outcomes came on these days (since 1970) for predictions of windows that start then."""
        ...

    def days(self, model_id: int, start: int) -> list[int]:
        """What `note_days` noted for one window, in order."""
        ...


class Aside(Protocol):
    """Batches that a consumer could not do."""

    def put(self, item: SetAside) -> None:
        """Keep it, in place of what is there of that batch and consumer."""
        ...

    def get(self, seq: int, consumer: str) -> SetAside:
        """One with its payload; raises `UnknownError`."""
        ...

    def drop(self, seq: int, consumer: str) -> None:
        """It has been done."""
        ...

    def list(self, model: str | None = None) -> Sequence[SetAside]:
        """All, or those of one model, in order of arrival; without their payloads."""
        ...


class Detections(Protocol):
    """Where sequential detectors stand, and what they raised."""

    def states(self, model_id: int) -> dict[str, str]:
        """What `keep` kept, by detector."""
        ...

    def keep(self, model_id: int, states: Mapping[str, str]) -> None:
        """Keep states as text, in place of those that are there."""
        ...

    def add(self, model_id: int, found: Sequence[Detection]) -> None:
        """Note alarms for ever."""
        ...

    def list(self, model_id: int, start: int, end: int) -> Sequence[Detection]:
        """Alarms of windows with `start` <= window start < `end`, in order."""
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
        self, slice_id: int, grain: str, start: int, end: int, wanted: Collection[str] | None = None
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


class Watched(Protocol):
    """What is watched."""

    @property
    def models(self) -> Models:
        """Models, versions, slices."""
        ...

    @property
    def grids(self) -> Grids:
        """Grids and references."""
        ...


class Folding(Watched, Protocol):
    """What turns events into profiles of windows."""

    @property
    def offsets(self) -> Offsets:
        """Where each consumer stands."""
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
    def runs(self) -> RunBook:
        """Live runs of the join index."""
        ...

    @property
    def aside(self) -> Aside:
        """Batches set aside."""
        ...

    @property
    def detections(self) -> Detections:
        """Sequential detectors."""
        ...

    @property
    def work(self) -> Work:
        """What is to be measured."""
        ...


class Judging(Watched, Protocol):
    """What turns results of windows into findings and incidents."""

    @property
    def profiles(self) -> Profiles:
        """Profiles of windows."""
        ...

    @property
    def results(self) -> ResultBook:
        """Measured windows."""
        ...

    @property
    def judgements(self) -> Judgements:
        """Findings and incidents."""
        ...


class Books(Folding, Judging, Telling, Protocol):
    """A transaction of the ledger, whole."""


class Ledger(Protocol):
    """Opens transactions."""

    def write(self) -> AbstractContextManager[Books]:
        """Committed at the end of the block, undone when it raises."""
        ...

    def read(self) -> AbstractContextManager[Books]:
        """A consistent view."""
        ...
