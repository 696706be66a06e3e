"""The durable inbox: what is acknowledged is on disk."""

from __future__ import annotations

import json
import queue
import threading
from concurrent.futures import Future
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from anchorwatch.core.errors import AnchorwatchError, BusyError, CorruptError
from anchorwatch.core.types import EventKind, Receipt, Rejection
from anchorwatch.profile.refused import Refused
from anchorwatch.stores.ledger.engine import Database, explain

if TYPE_CHECKING:
    from pathlib import Path

_metadata = sa.MetaData()

_batches = sa.Table(
    "batches",
    _metadata,
    sa.Column("key", sa.String(400), primary_key=True),
    sa.Column("seq", sa.BigInteger),
    sa.Column("at", sa.BigInteger, nullable=False, index=True),
    sa.Column("receipt", sa.Text, nullable=False),
)

_inbox = sa.Table(
    "inbox",
    _metadata,
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("model", sa.String(100), nullable=False),
    sa.Column("kind", sa.String(12), nullable=False),
    sa.Column("rows", sa.Integer, nullable=False),
    sa.Column("bytes", sa.Integer, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("payload", sa.LargeBinary, nullable=False),
    sa.Column("refused", sa.Text),
    sqlite_autoincrement=True,
)

GROUP_BATCHES = 512
GROUP_BYTES = 32 << 20
READ_BYTES = 32 << 20
"""Bytes of one reading, however few rows they are: wide rows would take any amount of memory."""
LOAD_BYTES = 4 << 20
"""Bytes of payloads in memory at a time."""
TRIM_BYTES = 16 << 20
"""Bytes deleted in one transaction: senders wait no longer than that takes."""
_HEADS = 2048
_HEAD = sa.select(*(column for column in _inbox.c if column.name != "payload")).order_by(_inbox.c.seq)


@dataclass(frozen=True, slots=True)
class Entry:
    """A batch on its way into the inbox; `at` in microseconds by the wall clock."""

    batch: str
    model: str
    kind: EventKind
    payload: bytes
    rows: int
    at: int
    rejected: tuple[Rejection, ...] = ()
    rejected_count: int = 0
    refused: Refused | None = None

    @property
    def counts(self) -> bool:
        """Whether there is anything for consumers in it: rows, or rows that were refused."""
        return bool(self.rows or (self.refused and self.kind is EventKind.PREDICTIONS))


@dataclass(frozen=True, slots=True)
class Stored:
    """A batch in the inbox; `seq` grows by arrival and is never given twice."""

    seq: int
    model: str
    kind: EventKind
    rows: int
    at: int
    _payloads: _Payloads = field(compare=False, repr=False)
    refused: Refused | None = field(default=None, compare=False)

    @property
    def payload(self) -> bytes:
        """The rows as an Arrow stream, loaded when asked for; raises `CorruptError` once it was trimmed."""
        return self._payloads.take(self.seq)


@dataclass(frozen=True, slots=True)
class Depth:
    """What waits in the inbox; `oldest` in microseconds, None when it is empty."""

    batches: int
    rows: int
    bytes: int
    oldest: int | None


class _Payloads:
    """Payloads of one model and kind: a few mebibytes in memory at a time, each handed out once and then let go."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sizes: dict[int, int] = {}
        self._loaded: dict[int, bytes] = {}

    def expect(self, seq: int, size: int) -> None:
        """This batch is among them; in order of arrival."""
        self._sizes[seq] = size

    def take(self, seq: int) -> bytes:
        """The payload of a batch, loaded together with those that follow it."""
        if seq not in self._loaded:
            self._loaded = {}
            self._loaded = self._load(seq)
        if seq not in self._loaded:
            raise CorruptError(f"{self._database.path}: batch {seq} is gone; restore it from a backup")
        return self._loaded.pop(seq)

    def _load(self, seq: int) -> dict[int, bytes]:
        wanted: list[int] = []
        total = 0
        for other, size in self._sizes.items():
            if other < seq:
                continue
            total += size
            if wanted and total > LOAD_BYTES:
                break
            wanted.append(other)
        with self._database.read() as connection:
            found = connection.execute(
                sa.select(_inbox.c.seq, _inbox.c.payload).where(_inbox.c.seq.in_(wanted))
            )
            return {row.seq: row.payload for row in found}


class Inbox:
    """An append-only queue in SQLite with group commit: one disk flush for all that wait at once.

    `path` is a file, or None to keep it in memory. Beyond `bound` waiting bytes new batches are refused with
    `BusyError`, so that a consumer that stands still fills the disk no further.
    """

    def __init__(self, path: Path | None, *, bound: int = 8 << 30) -> None:
        self.bound = bound
        self._database = Database(path, page_size=16_384, cache_mib=4)  # what is written once and read once
        with self._database.write() as connection:
            _metadata.create_all(connection)
            _add_refused(connection)
        self._depth_lock = threading.Lock()
        self._depth = self._count()
        self._waiting: queue.SimpleQueue[tuple[Entry, Future[Receipt]] | None] = queue.SimpleQueue()
        self._writer = threading.Thread(target=self._write_groups, name="anchorwatch-inbox", daemon=True)
        self._writer.start()

    def submit(self, entry: Entry) -> Future[Receipt]:
        """Queue a batch; the future's result is there when the batch is on disk."""
        future: Future[Receipt] = Future()
        try:
            self.room()
        except BusyError as problem:
            future.set_exception(problem)
        else:
            self._waiting.put((entry, future))
        return future

    def room(self) -> None:
        """Raise `BusyError` when a batch would be refused now, whatever it is."""
        waiting = self._depth.bytes
        if waiting > self.bound:
            raise BusyError(f"{waiting >> 20} MiB wait in the inbox, over its bound; try again later")
        if not self._writer.is_alive():
            raise BusyError("the store is closed; open it again")

    def read(self, after: int, rows: int) -> list[Stored]:
        """Batches after sequence number `after`, oldest first, up to about `rows` rows (at least one batch).

        Fewer where they are wide: `READ_BYTES` bound them, too. Payloads are loaded when asked for.
        """
        with self._database.read() as connection:
            found = connection.execute(_HEAD.where(_inbox.c.seq > after).limit(_HEADS)).all()
        payloads: dict[tuple[str, str], _Payloads] = {}
        stored: list[Stored] = []
        count = size = 0
        for head in found:
            count, size = count + head.rows, size + head.bytes
            if stored and (count > rows or size > READ_BYTES):
                break
            own = payloads.setdefault((head.model, head.kind), _Payloads(self._database))
            own.expect(head.seq, head.bytes)
            stored.append(
                Stored(head.seq, head.model, EventKind(head.kind), head.rows, head.at, own, _refused(head))
            )
        return stored

    def waiting(self, after: int, upto: int | None = None) -> int:
        """Rows of the batches after sequence number `after`, up to `upto`; their payloads are not read."""
        wanted = sa.select(sa.func.sum(_inbox.c.rows)).where(_inbox.c.seq > after)
        if upto is not None:
            wanted = wanted.where(_inbox.c.seq <= upto)
        with self._database.read() as connection:
            return connection.execute(wanted).scalar() or 0

    def trim(self, upto: int, *, forget_before: int) -> None:
        """Drop batches up to `upto` (all consumers have them) and forget batch ids older than `forget_before`.

        In small transactions, since whoever sends a batch waits for the one under way.
        """
        while self._drop(upto):
            pass
        while self._forget(forget_before):
            pass

    def _drop(self, upto: int) -> bool:
        """Delete the oldest few; whether there may be more."""
        with self._database.read() as connection:
            found = connection.execute(_HEAD.where(_inbox.c.seq <= upto).limit(_HEADS)).all()
        gone: list[Any] = []
        size = 0
        for head in found:
            if gone and size + head.bytes > TRIM_BYTES:
                break
            gone.append(head)
            size += head.bytes
        if not gone:
            return False
        with self._database.write() as connection:
            connection.execute(sa.delete(_inbox).where(_inbox.c.seq <= gone[-1].seq))
            oldest = connection.execute(sa.select(_inbox.c.at).order_by(_inbox.c.seq).limit(1)).scalar()
        with self._depth_lock:
            now = self._depth
            rows = now.rows - sum(head.rows for head in gone)
            self._depth = Depth(now.batches - len(gone), rows, now.bytes - size, oldest)
        return True

    def _forget(self, before: int) -> bool:
        """Delete a few remembered batch ids; whether there may be more."""
        old = sa.select(_batches.c.key).where(_batches.c.at < before).limit(_HEADS)
        with self._database.read() as connection:
            if connection.execute(old.limit(1)).first() is None:
                return False
        with self._database.write() as connection:
            connection.execute(sa.delete(_batches).where(_batches.c.key.in_(old)))
        return True

    def depth(self) -> Depth:
        """What waits."""
        return self._depth

    def last(self) -> int:
        """The newest sequence number in the inbox, 0 when nothing waits."""
        with self._database.read() as connection:
            return connection.execute(sa.select(sa.func.max(_inbox.c.seq))).scalar() or 0

    def close(self) -> None:
        """Write what was submitted, then stop."""
        self._waiting.put(None)
        self._writer.join()
        self._database.close()

    def _count(self) -> Depth:
        with self._database.read() as connection:
            row = connection.execute(
                sa.select(
                    sa.func.count(),
                    sa.func.sum(_inbox.c.rows),
                    sa.func.sum(_inbox.c.bytes),
                    sa.func.min(_inbox.c.at),
                )
            ).one()
        return Depth(row[0], row[1] or 0, row[2] or 0, row[3])

    def _write_groups(self) -> None:
        while True:
            group, closing = self._gather()
            if group:
                self._write(group)
            if closing:
                return

    def _gather(self) -> tuple[list[tuple[Entry, Future[Receipt]]], bool]:
        """All that waits now, up to a bound; waits for the first."""
        group: list[tuple[Entry, Future[Receipt]]] = []
        size = 0
        item = self._waiting.get()
        while item is not None:
            group.append(item)
            size += len(item[0].payload)
            if len(group) >= GROUP_BATCHES or size >= GROUP_BYTES:
                return group, False
            try:
                item = self._waiting.get_nowait()
            except queue.Empty:
                return group, False
        return group, True

    def _write(self, group: list[tuple[Entry, Future[Receipt]]]) -> None:
        try:
            with self._database.write() as connection:
                receipts = _insert(connection, [entry for entry, _ in group])
        except (AnchorwatchError, sa.exc.SQLAlchemyError) as problem:
            told = problem if isinstance(problem, AnchorwatchError) else explain(self._database.path, problem)
            for _, future in group:
                future.set_exception(told)
            return
        self._add_depth(
            [entry for (entry, _), receipt in zip(group, receipts, strict=True) if not receipt.duplicate]
        )
        for (_, future), receipt in zip(group, receipts, strict=True):
            future.set_result(receipt)

    def _add_depth(self, entries: list[Entry]) -> None:
        kept = [entry for entry in entries if entry.counts]
        if not kept:
            return
        with self._depth_lock:
            now = self._depth
            self._depth = Depth(
                now.batches + len(kept),
                now.rows + sum(entry.rows for entry in kept),
                now.bytes + sum(len(entry.payload) for entry in kept),
                now.oldest if now.oldest is not None else kept[0].at,
            )


def _key(entry: Entry) -> str:
    return f"{entry.model}/{entry.kind}/{entry.batch}"


def _insert(connection: sa.Connection, entries: list[Entry]) -> list[Receipt]:
    """Insert what is new; a batch id that was taken before, or twice in the group, answers as it did then."""
    keys = [_key(entry) for entry in entries]
    known: dict[str, Receipt] = {
        row.key: _receipt(json.loads(row.receipt))
        for begin in range(0, len(keys), 400)
        for row in connection.execute(
            sa.select(_batches).where(_batches.c.key.in_(keys[begin : begin + 400]))
        )
    }
    receipts: list[Receipt] = []
    payloads: list[dict[str, Any]] = []
    taken: list[dict[str, Any]] = []
    for key, entry in zip(keys, entries, strict=True):
        if key in known:
            receipts.append(known[key])
            continue
        receipt = Receipt(entry.batch, entry.rows, entry.rejected, entry.rejected_count)
        known[key] = _receipt(asdict(receipt))
        receipts.append(receipt)
        taken.append({"key": key, "at": entry.at, "receipt": json.dumps(asdict(receipt))})
        if entry.counts:
            payloads.append(
                {
                    "model": entry.model,
                    "kind": entry.kind.value,
                    "rows": entry.rows,
                    "bytes": len(entry.payload),
                    "at": entry.at,
                    "payload": entry.payload,
                    "refused": _told(entry.refused),
                }
            )
    if taken:
        connection.execute(sa.insert(_batches), taken)
    if payloads:
        connection.execute(sa.insert(_inbox), payloads)
    return receipts


def _told(refused: Refused | None) -> str | None:
    return json.dumps([refused.rows, dict(refused.columns)]) if refused else None


def _refused(head: Any) -> Refused | None:
    return Refused.read(*json.loads(head.refused)) if head.refused else None


def _add_refused(connection: sa.Connection) -> None:
    """A file that was made before refused rows were carried lacks their column."""
    if "refused" not in {column["name"] for column in sa.inspect(connection).get_columns("inbox")}:
        connection.exec_driver_sql("ALTER TABLE inbox ADD COLUMN refused TEXT")


def _receipt(body: dict[str, Any]) -> Receipt:
    rejected = tuple(Rejection(**item) for item in body["rejected"])
    return Receipt(body["batch"], body["accepted"], rejected, body["rejected_count"], duplicate=True)
