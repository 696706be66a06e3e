"""What the rest of the house needs of the world: the lake, where rows of events are kept for good, and channels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import date, datetime, timedelta

    import polars as pl

    from anchorwatch.core.messages import Message
    from anchorwatch.core.types import EventKind

FILTERS: Final = ("=", "!=", "<", "<=", ">", ">=", "contains")
"""How a column can be compared; `=` and `!=` also with `None`, `contains` for text."""


@dataclass(frozen=True, slots=True)
class RowFilter:
    """Rows whose `column` compares to `value` by one of `FILTERS`."""

    column: str
    op: str
    value: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class RowQuery:
    """Which predictions to show, newest first.

    Args:
        start: event time from which …
        end: … and before which.
        version: of this model version only.
        id: of this event only.
        filters: all of these hold; `_outcome` is a column like any other.
        limit: rows of a page.
        after: the token of the page before.
        horizon: outcomes later than this after their prediction's window are not looked for; `None`: all are.
    """

    start: datetime | None = None
    end: datetime | None = None
    version: str | None = None
    id: str | None = None
    filters: tuple[RowFilter, ...] = ()
    limit: int = 100
    after: str | None = None
    horizon: timedelta | None = None


@dataclass(frozen=True, slots=True, eq=False)
class RowPage:
    """Rows, and the token that gets the next ones; `None`: there are no more.

    A page may be short, even empty, though there are more: a search ends after many rows, to be gone on with.
    """

    rows: pl.DataFrame
    next: str | None


@dataclass(frozen=True, slots=True)
class Compacted:
    """Small files that became few large ones."""

    removed: int = 0
    added: int = 0


@dataclass(frozen=True, slots=True)
class LakeFiles:
    """How much a table holds, without what awaits being vacuumed."""

    files: int = 0
    rows: int = 0
    bytes: int = 0


class LakeReader(Protocol):
    """Reads rows of events. Times are aware; ranges include `start` and exclude `end`."""

    def scan_predictions(
        self, model: str, start: datetime | None, end: datetime | None, columns: Sequence[str] | None = None
    ) -> pl.DataFrame:
        """Predictions of a range of event time; columns that older rows did not have are null there."""
        ...

    def scan_outcomes(
        self, model: str, start: datetime | None, end: datetime | None, columns: Sequence[str] | None = None
    ) -> pl.DataFrame:
        """Outcomes that came in a range of time, those that were corrected later among them."""
        ...

    def joined(
        self,
        model: str,
        start: datetime,
        end: datetime,
        columns: Sequence[str] | None = None,
        horizon: timedelta | None = None,
        days: Collection[date] = (),
    ) -> pl.DataFrame:
        """Predictions of a range of event time with the latest outcome of each as `_outcome`, null without.

        Outcomes are looked for from a day before `start` until `horizon` after `end`, and on `days`.
        """
        ...

    def outcomes_of(self, model: str, ids: pl.Series) -> pl.DataFrame:
        """The outcome that arrived last for each of `ids` that has one: `_id`, `_outcome` and its `_at`."""
        ...

    def explore(self, model: str, query: RowQuery) -> RowPage:
        """A page of predictions, newest first, each with its latest outcome as `_outcome`."""
        ...

    def files(self, model: str, kind: EventKind) -> LakeFiles:
        """How much is kept."""
        ...


class LakeWriter(Protocol):
    """Keeps rows of events for good, each once."""

    def append(
        self, model: str, kind: EventKind, frame: pl.DataFrame, *, upto: int, late: bool = False
    ) -> bool:
        """Append rows of inbox batches up to sequence number `upto`; they are on disk when this returns.

        Rows of batches that had been appended before are left out. False when all had been. A `late` one is the
        batch `upto` alone, appended once whatever has been appended since.
        """
        ...

    def applied(self, model: str, kind: EventKind) -> int:
        """Up to which sequence number has been appended; 0 at first."""
        ...

    def compact(self, model: str, kind: EventKind) -> Compacted:
        """Merge small files; rows and readers are not disturbed."""
        ...

    def expire(self, model: str, before: datetime) -> int:
        """Drop predictions and outcomes of days that ended by `before`; how many rows."""
        ...

    def vacuum(self, model: str) -> int:
        """Delete files that no reader needs any more; how many."""
        ...


class Lake(LakeReader, LakeWriter, Protocol):
    """Both."""


class Channel(Protocol):
    """A way to people: a thin sender that never retries, keeps no state and shows no secret."""

    @property
    def name(self) -> str:
        """What the configuration calls it."""
        ...

    def deliver(self, message: Message) -> str:
        """Say `message` within a bounded time; a handle that updates it, `""` where there is none.

        Raises `ChannelError`.
        """
        ...
