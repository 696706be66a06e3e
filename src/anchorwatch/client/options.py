"""How the client behaves: bounds, patience, and what to give up first."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anchorwatch.core.errors import ConfigError
from anchorwatch.core.types import OnError

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchorwatch.client.tally import Drop


class WhenFull(StrEnum):
    """What is given up when a bound is reached."""

    DROP_OLDEST = "drop_oldest"
    DROP_NEWEST = "drop_newest"


class SpoolSync(StrEnum):
    """When spooled batches are forced to the disk: each one, once a second, or when the system likes."""

    EACH = "each"
    SECOND = "second"
    NEVER = "never"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientOptions:
    """Settings of a client; every one has a default that suits a model service.

    Args:
        buffer_events: events that wait to be encoded, at most.
        buffer_bytes: encoded and compressed batches that wait in memory, at most.
        batch_events: events of one request, at most.
        linger: seconds an event waits for company before its batch is sent.
        spool: folder that keeps batches while the server is away, also over a restart; `None`: no spool.
        spool_bytes: size of the spool of one process, at most.
        spool_sync: `each`, `second` or `never`: what a machine (not process) crash may cost.
        when_full: `drop_oldest` or `drop_newest`, for buffer and spool alike.
        timeout: seconds a request may be silent.
        backoff: upper bound of the first wait after a failure; doubles with each further failure …
        backoff_cap: … up to this. The wait is drawn evenly from zero to the bound (full jitter).
        seed: of the jitter; `None`: different in each process.
        compress: gzip request bodies.
        on_error: `keep` the good rows of a batch that has bad ones, or `refuse` it.
        raise_errors: raise what is wrong with an event in `log()` itself, for debugging only.
        exit_timeout: seconds that the end of the process may be held up to send what is left.
        on_drop: called in a background thread with each `Drop`.
    """

    buffer_events: int = 100_000
    buffer_bytes: int = 64 << 20
    batch_events: int = 5_000
    linger: float = 1.0
    spool: Path | str | None = None
    spool_bytes: int = 1 << 30
    spool_sync: SpoolSync | str = SpoolSync.SECOND
    when_full: WhenFull | str = WhenFull.DROP_OLDEST
    timeout: float = 10.0
    backoff: float = 0.5
    backoff_cap: float = 30.0
    seed: int | None = None
    compress: bool = True
    on_error: OnError | str = OnError.KEEP
    raise_errors: bool = False
    exit_timeout: float = 5.0
    on_drop: Callable[[Drop], None] | None = None

    def __post_init__(self) -> None:
        for name, low in _WHOLE.items():
            _whole(name, getattr(self, name), low)
        for name in ("linger", "timeout", "backoff", "backoff_cap", "exit_timeout"):
            _seconds(name, getattr(self, name), zero=name in {"linger", "exit_timeout"})
        for name, kind in (("when_full", WhenFull), ("spool_sync", SpoolSync), ("on_error", OnError)):
            object.__setattr__(self, name, _choice(name, kind, getattr(self, name)))
        for name in ("compress", "raise_errors"):
            if not isinstance(getattr(self, name), bool):
                raise ConfigError(f"{name}: True or False is needed, {getattr(self, name)!r} was given")
        if self.on_drop is not None and not callable(self.on_drop):
            raise ConfigError(f"on_drop: a function is needed, {self.on_drop!r} was given")
        if self.spool is not None:
            object.__setattr__(self, "spool", _folder(self.spool))

    @classmethod
    def read(cls, given: dict[str, Any]) -> ClientOptions:
        """From keyword arguments; an unknown name raises `ConfigError` with the nearest known one.

        >>> ClientOptions.read({"lingr": 2})
        Traceback (most recent call last):
        anchorwatch.core.errors.ConfigError: lingr: no option is named 'lingr'; did you mean 'linger'?
        """
        known = [item.name for item in fields(cls)]
        for name in given:
            if name not in known:
                from anchorwatch.core.registry import unknown  # noqa: PLC0415 - only needed to say what is wrong

                raise ConfigError(f"{name}: {unknown('option', name, known)}")
        return cls(**given)


_WHOLE = {"buffer_events": 1, "buffer_bytes": 1, "batch_events": 1, "spool_bytes": 1}


def _whole(name: str, value: Any, low: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < low:
        raise ConfigError(f"{name}: a whole number from {low} is needed, {value!r} was given")


def _seconds(name: str, value: Any, *, zero: bool) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not number or value < 0 or (value == 0 and not zero):
        raise ConfigError(f"{name}: seconds are needed, as a number above zero; {value!r} was given")


def _choice(name: str, kind: type[StrEnum], value: Any) -> StrEnum:
    try:
        return kind(value)
    except ValueError:
        raise ConfigError(f"{name}: one of {', '.join(kind)} is needed, {value!r} was given") from None


def _folder(spool: Path | str) -> Path:
    """Make the folder now, so that a wrong path is loud at the start and not at the first outage."""
    path = Path(spool)
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = path / f".probe-{id(path):x}"
        probe.touch(mode=0o600)
        probe.unlink()
    except OSError as problem:
        raise ConfigError(
            f"spool: cannot write to {str(path)!r} ({problem}); name a folder that can"
        ) from problem
    return path.absolute()
