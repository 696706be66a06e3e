"""What the arrows need of whatever keeps things: small Protocols, met by `stores`; the ledger's are in `books`.

Times are integers, microseconds since 1970 in UTC.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    from anchorwatch.core.results import Results
    from anchorwatch.core.schema import ModelSpec
    from anchorwatch.core.types import EventKind, Rule, Stage
    from anchorwatch.flow.runs import Run
    from anchorwatch.profile.profile import Profile
    from anchorwatch.profile.refused import Refused
    from anchorwatch.rules.ground import Ground

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
class Came:
    """Outcomes (codes of labels, or values) and their own times, one of each per event."""

    values: NDArray[np.float64]
    at: NDArray[np.int64]

    def __getitem__(self, where: Any) -> Came:
        return Came(self.values[where], self.at[where])


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class SetAside:
    """A batch that `consumer` could not do, as the inbox had it; lists leave its payload out.

    `at` is when it arrived, `since` when it was set aside, `dropped` the rows that are duplicates where that was
    known, `tries` how often it failed.
    """

    seq: int
    consumer: str
    model: str
    kind: EventKind
    rows: int
    at: int
    reason: str
    since: int
    tries: int = 1
    payload: bytes = b""
    dropped: NDArray[np.int32] | None = None
    refused: Refused | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """What windows are held against; `windows` are the reference's own, when it has a time order.

    `grounds` remembers what `flow.bands` worked out of them, by measure and subject.
    """

    grid_id: int
    profile: Profile
    windows: tuple[tuple[int, Profile], ...]
    grounds: dict[str, dict[str, Ground]] = field(default_factory=dict)


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


class Inbox(Protocol):
    """What was acknowledged and not yet done with."""

    def read(self, after: int, rows: int) -> Sequence[Arrived]:
        """Batches after a sequence number, oldest first."""
        ...

    def waiting(self, after: int, upto: int | None = None) -> int:
        """Rows of the batches after a sequence number, up to another."""
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

    @property
    def refused(self) -> Refused | None:
        """Rows of it that were refused; None when there were none. A batch of which no row was taken has only these."""
        ...
