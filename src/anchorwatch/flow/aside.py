"""Batches that a consumer cannot do: found among the others, set aside, and tried again once the cause is mended.

A batch that the roller set aside is in no window and not in the lake; it is done anew as a whole. One that the
archiver set aside is in its windows and missing in the lake; one that the joiner set aside is in the lake, its
outcomes missing in the windows. While either is so, no window of the model is rebuilt, because a rebuild takes
the lake for the whole truth.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from anchorwatch.core.errors import StoreError
from anchorwatch.core.types import EventKind
from anchorwatch.flow.archive import ARCHIVER, without
from anchorwatch.flow.arrivals import stacked
from anchorwatch.flow.join import JOINER, join_frame
from anchorwatch.flow.outliers import flagged, grids_of
from anchorwatch.flow.ports import SetAside
from anchorwatch.flow.roll import ROLLER, roll

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from anchorwatch.core.ports import Lake
    from anchorwatch.flow.books import Books, Ledger
    from anchorwatch.flow.ports import Arrived, Index, Model

log = logging.getLogger("anchorwatch")

PASSING = (StoreError, MemoryError, OSError)
"""What passes, or ails the store as a whole: no batch is to blame."""
MOST = 64
"""Batches set aside at most: when more fail, it is not the batches."""
_ORDER = (ROLLER, ARCHIVER, JOINER)


def narrowed(
    work: Callable[[Sequence[Arrived]], None],
    batches: Sequence[Arrived],
    blame: Callable[[Arrived, Exception], None],
    *,
    suspect: bool = False,
) -> None:
    """Do `work` on `batches`; where it fails, on halves of them, down to the batch that fails alone: `blame` it.

    A batch that is alone from the start has to fail twice. What is `PASSING` is raised.
    """
    try:
        work(batches)
    except PASSING:
        raise
    except Exception as problem:  # noqa: BLE001 - `blame` tells of it, or a half does
        if suspect and len(batches) == 1:
            blame(batches[0], problem)
            return
    else:
        return
    middle = len(batches) // 2
    for half in (batches[:middle], batches[middle:]):
        if half:
            narrowed(work, half, blame, suspect=True)


def set_aside(books: Books, consumer: str, batch: Arrived, problem: Exception, now: int) -> None:
    """Keep the batch and move the consumer past it, in one transaction; raises `StoreError` when too many are."""
    reason = f"{type(problem).__name__}: {problem}"[:2000]
    if len(books.aside.list()) >= MOST:
        raise StoreError(
            f"batch {batch.seq} of {batch.model!r} fails ({reason}) and {MOST} are set aside already; "
            "mend the cause, then `anchorwatch retry-set-aside`"
        )
    books.aside.put(
        SetAside(
            seq=batch.seq,
            consumer=consumer,
            model=batch.model,
            kind=batch.kind,
            rows=batch.rows,
            at=batch.at,
            reason=reason,
            since=now,
            payload=batch.payload,
            dropped=books.work.dropped_rows([batch.seq]).get(batch.seq),
        )
    )
    books.offsets.set(consumer, batch.seq)
    log.error(
        "the %s cannot do batch %d (%d %s of %r): %s; it is set aside, nothing is lost, the others go on",
        *(consumer, batch.seq, batch.rows, batch.kind, batch.model, reason),
        exc_info=problem,
    )


def incomplete(books: Books, model: str) -> bool:
    """Whether lake and windows of a model differ, so that no window may be rebuilt from the lake."""
    return any(item.consumer != ROLLER for item in books.aside.list(model))


def waiting(books: Books) -> list[SetAside]:
    """What is set aside, without payloads, in the order in which to try it again."""
    return sorted(books.aside.list(), key=lambda item: (_ORDER.index(item.consumer), item.seq))


class Again:
    """Does again what was set aside; the lake must hold all that the joiner has joined."""

    def __init__(self, ledger: Ledger, index: Index, lake: Lake) -> None:
        self._ledger = ledger
        self._index = index
        self._lake = lake

    def one(self, head: SetAside) -> str:
        """Try one again; empty when it is done, else why it failed. Raises what is `PASSING`."""
        with self._ledger.read() as books:
            item = books.aside.get(head.seq, head.consumer)
            if head.consumer == JOINER and any(
                other.consumer == ARCHIVER for other in books.aside.list(item.model)
            ):
                return "waits until the lake has what the archiver set aside of this model"
        try:
            if item.consumer == ROLLER:
                item = self._roll(item)
            if item.consumer == ARCHIVER:
                self._archive(item)
            if item.consumer == JOINER:
                self._join(item)
        except PASSING:
            raise
        except Exception as problem:  # noqa: BLE001 - as above: `_failed` tells of it
            return self._failed(item, problem)
        return ""

    def _failed(self, item: SetAside, problem: Exception) -> str:
        reason = f"{type(problem).__name__}: {problem}"[:2000]
        log.warning("batch %d still fails in the %s: %s", item.seq, item.consumer, reason, exc_info=problem)
        with self._ledger.write() as books:
            books.aside.put(replace(item, reason=reason, tries=item.tries + 1))
        return reason

    def _roll(self, item: SetAside) -> SetAside:
        """Fold it; from then on it is the archiver's that is missing, with what turned out to be duplicates."""
        with self._ledger.write() as books:
            stands = books.offsets.get(ROLLER)
            roll(books, self._index, [item])
            books.offsets.set(ROLLER, stands)
            dropped = books.work.dropped_rows([item.seq]).get(item.seq)
            rolled = replace(item, consumer=ARCHIVER, dropped=dropped)
            books.aside.drop(item.seq, ROLLER)
            books.aside.put(rolled)
        return rolled

    def _archive(self, item: SetAside) -> None:
        """Append it under its own number, so that a crash before it is struck off appends nothing twice."""
        dropped = {} if item.dropped is None else {item.seq: item.dropped}
        frame = without(stacked([item]), dropped)
        if item.kind is EventKind.PREDICTIONS:
            with self._ledger.read() as books:
                frame = flagged(frame, grids_of(books, books.models.get(item.model)))
        self._lake.append(item.model, item.kind, frame, upto=item.seq, late=True)
        with self._ledger.write() as books:
            books.aside.drop(item.seq, ARCHIVER)

    def _join(self, item: SetAside) -> None:
        """Join what the lake says came last for each event: outcomes that arrived since may have replaced these."""
        with self._ledger.write() as books:
            model = books.models.get(item.model)
            join_frame(books, self._index, model, self._last(model, item), item.at)
            books.aside.drop(item.seq, JOINER)

    def _last(self, model: Model, item: SetAside) -> pl.DataFrame:
        own = stacked([item]).unique(subset="_id", keep="last", maintain_order=True)
        own = own.select("_id", "_outcome", "_at")
        if item.kind is not EventKind.OUTCOMES:
            return own
        last = self._lake.outcomes_of(model.spec.name, own["_id"])
        missing = own.join(last, on="_id", how="anti", maintain_order="left")
        return pl.concat([last.cast(own.schema), missing]) if last.height else own
