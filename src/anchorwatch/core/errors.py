"""The tree of errors.

```
AnchorwatchError
├── ConfigError        a declaration is wrong; names file, line and key
├── InputError         data that was handed in is wrong; names row and column
│   └── TooLargeError  data is beyond a stated bound
├── UnknownError       a name that does not exist; suggests near ones
├── ConflictError      the request contradicts what is stored
├── DeniedError        no token, or a token without the scope
├── ChannelError       a message could not be delivered; says whether and when to try again
└── StoreError         the ledger or the lake cannot do what was asked
    ├── BusyError      another process holds the store, or it is locked
    ├── FullError      no room is left; nothing was acknowledged
    └── CorruptError   stored bytes are not what was written
```

A message says what was wrong, what was given, and what would do.
"""

from __future__ import annotations


class AnchorwatchError(Exception):
    """Anything this package raises on purpose."""


class ConfigError(AnchorwatchError):
    """A declaration is wrong.

    `where` is `file:line`, when known; the message names the key and the remedy.
    """

    def __init__(self, message: str, *, where: str | None = None) -> None:
        super().__init__(f"{where}: {message}" if where else message)
        self.where = where


class InputError(AnchorwatchError):
    """Data that was handed in is wrong; `row` (from 0) and `column` say where, when known."""

    def __init__(self, message: str, *, row: int | None = None, column: str | None = None) -> None:
        super().__init__(message)
        self.row = row
        self.column = column


class TooLargeError(InputError):
    """Data is beyond a stated bound."""


class UnknownError(AnchorwatchError):
    """A name that does not exist."""


class ConflictError(AnchorwatchError):
    """The request contradicts what is stored."""


class DeniedError(AnchorwatchError):
    """No token, or a token without the scope."""


class ChannelError(AnchorwatchError):
    """A message could not be delivered.

    `retry_after` is how many seconds the receiver asks to wait, when it said; `permanent` says that trying again
    will not help (a wrong address, a refused secret).
    """

    def __init__(self, message: str, *, retry_after: float | None = None, permanent: bool = False) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.permanent = permanent


class StoreError(AnchorwatchError):
    """The ledger or the lake cannot do what was asked."""


class BusyError(StoreError):
    """Another process holds the store, or it is locked."""


class FullError(StoreError):
    """No room is left; nothing was acknowledged."""


class CorruptError(StoreError):
    """Stored bytes are not what was written."""
