"""What goes wrong on disk, told as the package's own errors: what, where, and the remedy."""

from __future__ import annotations

import errno
import os
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from anchorwatch.core.errors import FullError, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_REFUSED = {errno.EACCES, errno.EPERM, errno.EROFS}
_CODE = re.compile(r"os error (\d+)")


@contextmanager
def told(doing: str, where: Path) -> Iterator[None]:
    """Re-raise `OSError` as `StoreError`, or `FullError` when no room is left."""
    try:
        yield
    except OSError as problem:
        raise explained(problem, doing, where) from problem


def explained(problem: Exception, doing: str, where: Path) -> StoreError:
    """The error of ours that says what could not be done, where, and what would help.

    Libraries in Rust tell an operating system's error by a text such as `(os error 28)` only.
    """
    code = problem.errno if isinstance(problem, OSError) else None
    if code is None and (found := _CODE.search(str(problem))):
        code = int(found[1])
    if code in _FULL:
        return FullError(f"cannot {doing} in {where}: no room is left; free some space, it goes on by itself")
    if code in _REFUSED:
        return StoreError(f"cannot {doing} in {where}: it is not allowed; give this user permission to write")
    why = os.strerror(code) if code is not None else str(problem)
    return StoreError(f"cannot {doing} in {where}: {why}; see that the folder is there and can be written")


def sync_folder(folder: Path) -> None:
    """Make names that were added to `folder` or removed from it survive a power cut."""
    sync_file(folder)


def sync_file(path: Path) -> None:
    """Make a file that somebody else wrote survive a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
