"""Exit codes, and errors as one clear line.

| code | meaning |
|---|---|
| 0 | fine |
| 1 | something wrong was found: a failed check or test, an open incident with `--fail-on` |
| 2 | wrong use, or a configuration that cannot be read |
| 3 | the store or the server cannot be reached or held |
| 4 | data or a change was refused |
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import typer
from typer.core import TyperGroup

from anchorwatch.core import errors

EPILOG = (
    "Exit codes: 0 fine · 1 something wrong was found · 2 wrong use or configuration · "
    "3 store or server out of reach · 4 data or change refused"
)


class Exit(IntEnum):
    """What the shell is told."""

    FINE = 0
    FOUND = 1
    USAGE = 2
    AWAY = 3
    REFUSED = 4


def code_of(problem: errors.AnchorwatchError) -> Exit:
    """The exit code of an error.

    >>> code_of(errors.BusyError("held by another process"))
    <Exit.AWAY: 3>
    """
    from anchorwatch.client.transport import Refused, TransportDown  # noqa: PLC0415 - only errors wait for it

    if isinstance(problem, errors.StoreError | errors.DeniedError | TransportDown):
        return Exit.AWAY
    if isinstance(problem, errors.InputError | errors.ConflictError | Refused):
        return Exit.REFUSED
    return Exit.USAGE


class Verbs(TyperGroup):
    """Commands whose errors are one line on stderr instead of a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; what this package raises on purpose becomes a line and an exit code."""
        try:
            return super().invoke(ctx)
        except errors.AnchorwatchError as problem:
            typer.echo(f"anchorwatch: {problem}", err=True)
            raise typer.Exit(code_of(problem)) from None
