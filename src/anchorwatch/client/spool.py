"""Batches on this machine's disk while the server is away.

```
<spool>/<digest of the server's address>-<random>/
    lock           held (flock) by the process that owns the folder
    00000001.seg   "AWSPOOL1", offset of the next record to send, records
record:            length, CRC-32, {"model": …} line feed, body
```

Segments are appended to and deleted whole. The offset in a segment's head moves when the server has
acknowledged a record, so that a restart goes on where the last process stopped; a record that was sent but
not yet marked is sent again under its first key, which the server knows. A folder whose lock is free
belonged to a process that is gone: whoever finds it adopts its segments, oldest first. A torn record at the
end of a segment (the process was killed, the machine stopped) ends the segment.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import struct
import time
import zlib
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from anchorwatch.client.options import SpoolSync
from anchorwatch.client.transport import Outgoing
from anchorwatch.core.errors import CorruptError, FullError
from anchorwatch.core.types import EventKind, OnError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from io import FileIO
    from pathlib import Path

logger = logging.getLogger("anchorwatch.client")

_MAGIC = b"AWSPOOL1"
_HEAD = struct.Struct("<8sQ")
_RECORD = struct.Struct("<II")
SEGMENT_BYTES = 4 << 20
LOOK_EVERY = 60.0
"""Seconds between two searches for folders without an owner."""


@dataclass(slots=True, eq=False)
class Segment:
    """A file of records, those before `next` acknowledged; `rows` counts the others by model."""

    path: Path
    next: int = _HEAD.size
    size: int = _HEAD.size
    batches: int = 0
    adopted: bool = False
    rows: dict[str, int] = field(default_factory=dict)


class Spool:
    """A bounded queue of batches on disk, in order. Not safe under threads: the outbox holds a lock."""

    def __init__(
        self,
        folder: Path,
        address: str,
        *,
        bound: int,
        sync: SpoolSync = SpoolSync.SECOND,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        # Here and not in the background: see `transport._network`.
        import fcntl  # noqa: F401, PLC0415 - POSIX only; the client without a spool runs anywhere
        import hashlib  # noqa: PLC0415 - 3 ms that only spools cost

        self._folder = folder
        self._mark = hashlib.sha256(address.encode()).hexdigest()[:12]
        self._bound = bound
        self._sync = sync
        self._clock = clock
        self._segments: deque[Segment] = deque()
        self._own: Path | None = None
        self._locks: dict[Path, int] = {}
        self._tail: FileIO | None = None
        self._number = 0
        self._step = 0
        self._synced = self._looked = -LOOK_EVERY

    def __len__(self) -> int:
        return sum(segment.batches for segment in self._segments)

    def rows(self, model: str) -> int:
        """Events of `model` that wait here."""
        return sum(segment.rows.get(model, 0) for segment in self._segments)

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(segment.size for segment in self._segments)

    def append(self, batch: Outgoing) -> None:
        """Keep a batch; raises `FullError` when it does not fit, `OSError` when the disk says no."""
        record = _pack(batch)
        if self.size + len(record) + _HEAD.size > self._bound:
            raise FullError(f"the spool holds {self.size} of {self._bound} bytes")
        tail = self._tail_for(len(record))
        segment = self._segments[-1]
        try:
            _write(tail, record)
            self._settle(tail)
        except OSError:
            with suppress(OSError):  # leave no half of a record before the next one
                tail.truncate(segment.size)
                tail.seek(segment.size)
            raise
        segment.size += len(record)
        segment.batches += 1
        segment.rows[batch.model] = segment.rows.get(batch.model, 0) + batch.rows

    def first(self) -> Outgoing | None:
        """The oldest batch; raises `CorruptError` when its bytes are damaged (then `discard` it)."""
        if not self._segments:
            return None
        segment = self._segments[0]
        with segment.path.open("rb") as file:
            file.seek(segment.next)
            head = file.read(_RECORD.size)
            if len(head) == _RECORD.size:
                length, check = _RECORD.unpack(head)
                payload = file.read(min(length, segment.size))
                if len(payload) == length and zlib.crc32(payload) == check:
                    self._step = _RECORD.size + length
                    return _unpack(payload)
        raise CorruptError(f"{segment.path}: the record at byte {segment.next} is damaged")

    def acknowledge(self, batch: Outgoing) -> bool:
        """The oldest batch, `batch`, is dealt with; whether it was adopted."""
        segment = self._segments[0]
        segment.next += self._step
        segment.batches -= 1
        segment.rows[batch.model] -= batch.rows
        if segment.batches:
            # Unmarked, it is sent once more after a restart, under the same key: no reason to fail.
            with suppress(OSError), segment.path.open("r+b") as file:
                file.write(_HEAD.pack(_MAGIC, segment.next))
        else:
            self.discard()
        return segment.adopted

    def discard(self, index: int = 0) -> Segment:
        """Delete a segment (by default the oldest) with all that is in it, and return what it was."""
        segment = self._segments[index]
        if segment is self._segments[-1]:
            self._end_tail()
        del self._segments[index]
        with suppress(OSError):
            segment.path.unlink(missing_ok=True)
        if segment.adopted and all(other.path.parent != segment.path.parent for other in self._segments):
            self._give_up(segment.path.parent)
        return segment

    def drop_oldest(self, *, keep_first: bool) -> Segment | None:
        """Make room: delete the oldest segment, or the next while a batch of the first is under way."""
        index = 1 if keep_first else 0
        return self.discard(index) if len(self._segments) > index else None

    def adopt(self) -> dict[str, int]:
        """Take over what processes that are gone left for this server; events found, by model."""
        if self._clock() - self._looked < LOOK_EVERY:
            return {}
        self._looked = self._clock()
        found: dict[str, int] = {}
        segments = [segment for folder in self._orphans() for segment in self._inherit(folder)]
        for segment in segments:
            for model, rows in segment.rows.items():
                found[model] = found.get(model, 0) + rows
        self._segments.extendleft(reversed(segments))
        return found

    def forget(self) -> None:
        """Let go without touching the disk, as a forked child must: all of it is the parent's."""
        for handle in self._locks.values():
            os.close(handle)
        if self._tail is not None:
            self._tail.close()
            self._tail = None
        self._locks, self._own = {}, None
        self._segments.clear()
        self._looked = -LOOK_EVERY

    def close(self) -> None:
        """Leave what is here to the next process; raises nothing."""
        self._end_tail()
        for folder in list(self._locks):
            if any(segment.path.parent == folder for segment in self._segments):
                os.close(self._locks.pop(folder))
            else:
                self._give_up(folder)
        self._segments.clear()
        self._own = None

    # -- writing ---------------------------------------------------------------------------------

    def _tail_for(self, length: int) -> FileIO:
        limit = min(SEGMENT_BYTES, max(self._bound // 8, 1))
        if self._tail is not None and self._segments[-1].size + length > limit:
            self._end_tail()
        if self._tail is None:
            if self._own is None:
                self._own = self._settle_in()
            self._number += 1
            path = self._own / f"{self._number:08d}.seg"
            tail = open(path, "w+b", buffering=0, opener=_private)  # noqa: SIM115 - Path.open has no opener
            try:
                _write(tail, _HEAD.pack(_MAGIC, _HEAD.size))
            except OSError:
                with suppress(OSError):
                    tail.close()
                path.unlink(missing_ok=True)
                raise
            self._tail = tail
            self._segments.append(Segment(path))
        return self._tail

    def _settle(self, tail: FileIO) -> None:
        now = self._clock()
        if self._sync is SpoolSync.EACH or (self._sync is SpoolSync.SECOND and now - self._synced >= 1.0):
            os.fsync(tail.fileno())
            self._synced = now

    def _end_tail(self) -> None:
        if self._tail is not None:
            with suppress(OSError):
                if self._sync is not SpoolSync.NEVER:
                    os.fsync(self._tail.fileno())
                self._tail.close()
            self._tail = None

    # -- folders and their owners ----------------------------------------------------------------

    def _settle_in(self) -> Path:
        """Make a folder of our own; it gets its name only when it is locked."""
        name = f"{self._mark}-{os.urandom(6).hex()}"
        making = self._folder / f".making-{name}"
        making.mkdir(mode=0o700)
        lock = _lock(making)
        own = making.rename(self._folder / name)
        if lock is not None:
            self._locks[own] = lock
        return own

    def _orphans(self) -> Iterator[Path]:
        for folder in sorted(self._folder.glob(f"{self._mark}-*"), key=_age):
            if folder in self._locks:
                continue
            lock = _lock(folder)
            if lock is not None:
                self._locks[folder] = lock
                yield folder

    def _inherit(self, folder: Path) -> list[Segment]:
        segments = []
        for path in sorted(folder.glob("*.seg")):
            segment = _scan(path)
            if segment.batches:
                segments.append(segment)
            else:
                path.unlink(missing_ok=True)
        if not segments:
            self._give_up(folder)
        return segments

    def _give_up(self, folder: Path) -> None:
        """Remove an empty folder, then its lock: nobody can lock it in between and find something."""
        with suppress(OSError):
            (folder / "lock").unlink(missing_ok=True)
            folder.rmdir()
        handle = self._locks.pop(folder, None)
        if handle is not None:
            os.close(handle)
        if folder == self._own:
            self._own = None


def _write(file: FileIO, data: bytes) -> None:
    """Unbuffered, so that a fork finds nothing half written; a disk that fills up takes less than given."""
    if file.write(data) != len(data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _age(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except OSError:
        return 0.0


def _lock(folder: Path) -> int | None:
    """Lock the folder for the life of this process; `None` when somebody else has it."""
    import fcntl  # noqa: PLC0415 - as above

    try:
        handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:  # its owner removed it just now
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return None
    return handle


def _pack(batch: Outgoing) -> bytes:
    meta = {
        "model": batch.model,
        "kind": batch.kind.value,
        "key": batch.key,
        "rows": batch.rows,
        "type": batch.content_type,
        "encoding": batch.encoding,
        "on_error": batch.on_error.value,
    }
    payload = json.dumps(meta, separators=(",", ":")).encode() + b"\n" + batch.body
    return _RECORD.pack(len(payload), zlib.crc32(payload)) + payload


def _unpack(payload: bytes) -> Outgoing:
    head, _, body = payload.partition(b"\n")
    meta: dict[str, Any] = json.loads(head)
    return Outgoing(
        model=meta["model"],
        kind=EventKind(meta["kind"]),
        key=meta["key"],
        body=body,
        rows=meta["rows"],
        content_type=meta["type"],
        encoding=meta["encoding"],
        on_error=OnError(meta["on_error"]),
    )


def _scan(path: Path) -> Segment:
    """Read a segment of somebody who is gone, up to its first damaged record."""
    data = path.read_bytes()
    segment = Segment(path, adopted=True)
    if len(data) < _HEAD.size:
        return segment
    magic, segment.next = _HEAD.unpack_from(data)
    place = segment.next
    while magic == _MAGIC and place + _RECORD.size <= len(data):
        length, check = _RECORD.unpack_from(data, place)
        payload = data[place + _RECORD.size : place + _RECORD.size + length]
        if len(payload) < length or zlib.crc32(payload) != check:
            break
        batch = _unpack(payload)
        segment.batches += 1
        segment.rows[batch.model] = segment.rows.get(batch.model, 0) + batch.rows
        place += _RECORD.size + length
    if place != len(data):
        logger.warning("%s: what comes after byte %d is damaged and cannot be sent", path, place)
    segment.size = place
    return segment
