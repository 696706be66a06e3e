"""Profiles of windows in the ledger, what is to be done with them, and where consumers stand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert as upsert

from anchorwatch.core.types import Stage
from anchorwatch.flow.ports import Came, Kept, Touched
from anchorwatch.profile.codec import decode, encode
from anchorwatch.stores.ledger import tables
from anchorwatch.stores.ledger.statements import chunks, put

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from numpy.typing import NDArray

    from anchorwatch.profile.grid import Grid

_SLICES: sa.BindParameter[Any] = sa.bindparam("slices", expanding=True)
_OF_SPAN = sa.select(tables.profiles).where(
    tables.profiles.c.slice_id.in_(_SLICES),
    tables.profiles.c.grain == sa.bindparam("grain"),
    tables.profiles.c.start >= sa.bindparam("start"),
    tables.profiles.c.start < sa.bindparam("end"),
)
_OF_STARTS = sa.select(tables.profiles).where(
    tables.profiles.c.slice_id.in_(_SLICES),
    tables.profiles.c.grain == sa.bindparam("grain"),
    tables.profiles.c.start.in_(sa.bindparam("starts", expanding=True)),
)
_TOUCHED = (
    sa.select(tables.dirty)
    .where(tables.dirty.c.model_id == sa.bindparam("model"))
    .order_by(tables.dirty.c.start)
)


class SqlOffsets:
    """`flow.books.Offsets` on SQL."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def get(self, consumer: str) -> int:
        """The last sequence number that `consumer` has done with; 0 at first."""
        found = self._connection.execute(
            sa.select(tables.offsets.c.seq).where(tables.offsets.c.consumer == consumer)
        ).scalar()
        return found or 0

    def set(self, consumer: str, seq: int) -> None:
        """`consumer` has done with all up to `seq`."""
        put(self._connection, tables.offsets, [{"consumer": consumer, "seq": seq}])


class SqlProfiles:
    """`flow.books.Profiles` on SQL."""

    def __init__(self, connection: sa.Connection, grid: Callable[[int], Grid]) -> None:
        self._connection = connection
        self._grid = grid

    def add(self, grain: str, kept: Sequence[Kept]) -> None:
        """Add each to what is there; a window that began on another grid stays on that one."""
        there = {
            (item.slice_id, item.start, item.stage): item
            for item in self._exactly(grain, {item.slice_id for item in kept}, {item.start for item in kept})
        }
        summed: list[Kept] = []
        for item in kept:
            old = there.get((item.slice_id, item.start, item.stage))
            if old is None:
                summed.append(item)
            else:
                summed.append(
                    Kept(item.slice_id, item.start, item.stage, old.grid_id, old.profile + item.profile)
                )
        self.replace(grain, summed)

    def replace(self, grain: str, kept: Sequence[Kept]) -> None:
        """Put each in place of what is there."""
        rows = [
            {
                "slice_id": item.slice_id,
                "grain": grain,
                "start": item.start,
                "stage": item.stage.value,
                "grid_id": item.grid_id,
                "blob": encode(item.profile),
            }
            for item in kept
        ]
        put(self._connection, tables.profiles, rows)

    def drop(self, slice_ids: Collection[int], grain: str, start: int, stage: Stage) -> None:
        """Forget one stage of one window."""
        column = tables.profiles.c
        for some in chunks(slice_ids):
            self._connection.execute(
                sa.delete(tables.profiles).where(
                    column.slice_id.in_(some),
                    column.grain == grain,
                    column.start == start,
                    column.stage == stage.value,
                )
            )

    def grids(
        self, slice_ids: Collection[int], grain: str, starts: Collection[int]
    ) -> dict[tuple[int, int], int]:
        """Grid ids of windows that exist, by (slice, start)."""
        column = tables.profiles.c
        found: dict[tuple[int, int], int] = {}
        for some in chunks(slice_ids):
            for times in chunks(starts, 400):
                rows = self._connection.execute(
                    sa.select(column.slice_id, column.start, column.grid_id).where(
                        column.slice_id.in_(some), column.grain == grain, column.start.in_(times)
                    )
                )
                found |= {(row.slice_id, row.start): row.grid_id for row in rows}
        return found

    def load(
        self, slice_ids: Collection[int], grain: str, start: int, end: int, *, rows: bool = True
    ) -> list[Kept]:
        """All with `start` <= window start < `end`, by start; on demand without sampled `rows`."""
        found: list[Any] = []
        for some in chunks(slice_ids):
            wanted = {"slices": some, "grain": grain, "start": start, "end": end}
            found += self._connection.execute(_OF_SPAN, wanted)
        return sorted((self._kept(row, rows=rows) for row in found), key=lambda item: item.start)

    def _exactly(self, grain: str, slice_ids: set[int], starts: set[int]) -> list[Kept]:
        found: list[Kept] = []
        for some in chunks(slice_ids):
            for times in chunks(starts, 400):
                wanted = {"slices": some, "grain": grain, "starts": times}
                found += [self._kept(row) for row in self._connection.execute(_OF_STARTS, wanted)]
        return found

    def _kept(self, row: Any, *, rows: bool = True) -> Kept:
        profile = decode(row.blob, self._grid(row.grid_id), rows=rows)
        return Kept(row.slice_id, row.start, Stage(row.stage), row.grid_id, profile)


class SqlWork:
    """`flow.books.Work` on SQL."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def mark(self, model_id: int, touched: Iterable[Touched]) -> None:
        """These windows changed."""
        rows = [
            {"model_id": model_id, "start": item.start, "finish": item.finish, "rebuild": int(item.rebuild)}
            for item in touched
        ]
        if rows:
            statement = upsert(tables.dirty)
            wanted = sa.func.max(tables.dirty.c.rebuild, statement.excluded.rebuild)
            self._connection.execute(
                statement.on_conflict_do_update(
                    index_elements=["model_id", "start"], set_={"rebuild": wanted}
                ),
                rows,
            )

    def touched(self, model_id: int) -> list[Touched]:
        """Windows that changed since they were measured, by start."""
        rows = self._connection.execute(_TOUCHED, {"model": model_id})
        return [Touched(row.start, row.finish, bool(row.rebuild)) for row in rows]

    def done(self, model_id: int, starts: Collection[int]) -> None:
        """These windows have been measured (one that waits for a rebuild stays)."""
        column = tables.dirty.c
        for some in chunks(starts):
            self._connection.execute(
                sa.delete(tables.dirty).where(
                    column.model_id == model_id, column.start.in_(some), column.rebuild == 0
                )
            )

    def rebuilt(self, model_id: int, start: int) -> None:
        """This window's outcomes have been folded anew."""
        column = tables.dirty.c
        self._connection.execute(
            sa.update(tables.dirty)
            .where(column.model_id == model_id, column.start == start)
            .values(rebuild=0)
        )

    def drop_rows(self, seq: int, rows: NDArray[np.int32]) -> None:
        """Rows of an inbox batch that are duplicates and must not reach the lake."""
        put(self._connection, tables.dropped, [{"seq": seq, "rows": rows.astype("<i4").tobytes()}])

    def dropped_rows(self, seqs: Collection[int]) -> dict[int, NDArray[np.int32]]:
        """What `drop_rows` noted, by sequence number."""
        found: dict[int, NDArray[np.int32]] = {}
        for some in chunks(seqs):
            rows = self._connection.execute(sa.select(tables.dropped).where(tables.dropped.c.seq.in_(some)))
            found |= {row.seq: np.frombuffer(row.rows, dtype="<i4") for row in rows}
        return found

    def forget_dropped(self, upto: int) -> None:
        """The archiver has done with all up to `upto`."""
        self._connection.execute(sa.delete(tables.dropped).where(tables.dropped.c.seq <= upto))


class SqlOutcomes:
    """`flow.books.Outcomes` on SQL."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def hold(self, model_id: int, keys: NDArray[np.uint64], came: Came, at: int) -> None:
        """Keep outcomes until their predictions come; a newer one replaces an older one."""
        values = _pieces(came.values.astype("<f8"), 8)
        rows = [
            {"model_id": model_id, "key": key, "outcome": value, "at": at, "came": when}
            for key, value, when in zip(_texts(keys), values, came.at.tolist(), strict=True)
        ]
        put(self._connection, tables.orphans, rows)

    def claim(self, model_id: int, keys: NDArray[np.uint64]) -> tuple[NDArray[np.int64], Came]:
        """Positions in `keys` that have an outcome waiting, and the outcomes; they wait no longer."""
        mine = tables.orphans.c.model_id == model_id
        if self._connection.execute(sa.select(tables.orphans.c.at).where(mine).limit(1)).first() is None:
            return np.empty(0, np.int64), Came(np.empty(0, np.float64), np.empty(0, np.int64))
        place = {key: index for index, key in enumerate(_texts(keys))}
        found: dict[bytes, tuple[bytes, int]] = {}
        when = sa.func.coalesce(tables.orphans.c.came, tables.orphans.c.at).label("came")
        for some in chunks(place):
            here = mine & tables.orphans.c.key.in_(some)
            rows = self._connection.execute(
                sa.select(tables.orphans.c.key, tables.orphans.c.outcome, when).where(here)
            )
            found |= {bytes(row.key): (row.outcome, row.came) for row in rows}
            self._connection.execute(sa.delete(tables.orphans).where(here))
        positions = np.array([place[key] for key in found], dtype=np.int64)
        values = np.frombuffer(b"".join(value for value, _ in found.values()), dtype="<f8")
        return positions, Came(values, np.array([at for _, at in found.values()], dtype=np.int64))

    def expire(self, model_id: int, before: int) -> int:
        """Forget those that came before `before`; how many."""
        gone = self._connection.execute(
            sa.delete(tables.orphans).where(
                tables.orphans.c.model_id == model_id, tables.orphans.c.at < before
            )
        )
        return gone.rowcount

    def note_days(self, model_id: int, pairs: Iterable[tuple[int, int]]) -> None:
        """Outcomes came on these days (since 1970) for predictions of windows that start then."""
        rows = [{"model_id": model_id, "start": start, "day": day} for start, day in pairs]
        if rows:
            self._connection.execute(upsert(tables.outcome_days).on_conflict_do_nothing(), rows)

    def days(self, model_id: int, start: int) -> list[int]:
        """What `note_days` noted for one window, in order."""
        column = tables.outcome_days.c
        wanted = sa.select(column.day).where(column.model_id == model_id, column.start == start)
        return list(self._connection.execute(wanted.order_by(column.day)).scalars())


def _texts(keys: NDArray[np.uint64]) -> list[bytes]:
    return _pieces(np.ascontiguousarray(keys), 16)


def _pieces(array: NDArray[Any], size: int) -> list[bytes]:
    raw = array.tobytes()
    return [raw[begin : begin + size] for begin in range(0, len(raw), size)]
