"""One process per embedded store."""

from __future__ import annotations

import fcntl
import os
from typing import IO, TYPE_CHECKING

from anchorwatch.core.errors import BusyError, StoreError

if TYPE_CHECKING:
    from pathlib import Path


class StoreLock:
    """Holds the store's folder for this process; the system lets go of it when the process dies, however it dies."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "watch.lock"
        self._file: IO[str] | None = None

    def take(self) -> None:
        """Hold the folder; raises `BusyError` naming the process that holds it already."""
        try:
            file = self._path.open("a+")
        except OSError as problem:
            raise StoreError(
                f"{self._path}: cannot be written ({problem.strerror}); see the folder's rights"
            ) from problem
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            holder = file.read(80).strip() or "another process"
            file.close()
            raise BusyError(
                f"{self._path.parent}: is held by {holder}; stop it, or talk to its server with a URL instead"
            ) from None
        file.truncate(0)
        file.write(f"process {os.getpid()}")
        file.flush()
        self._file = file

    def release(self) -> None:
        """Let go."""
        if self._file is not None:
            self._file.close()
            self._file = None
