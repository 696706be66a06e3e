"""Outside calls with an end: a thread that may hang is left behind, its noise is caught."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import Future
from concurrent.futures import TimeoutError as OverError
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, TypeVar

from anchorwatch.core.errors import ChannelError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")

_HEARD: ContextVar[list[str] | None] = ContextVar("anchorwatch_heard", default=None)


def within(seconds: float, call: Callable[[], T], what: str, stop: Callable[[], object] | None = None) -> T:
    """What `call` returns or raises, within `seconds` whatever it hangs in.

    Socket timeouts alone bound each read, not a server that sends a byte now and then, nor a name that resolves
    slowly. A call that is over time goes on in its thread, until `stop` has closed what it waits for.

    >>> within(1.0, lambda: 2 + 2, "arithmetic")
    4
    """
    told: Future[T] = Future()
    threading.Thread(target=_run, args=(told, call), name=f"anchorwatch {what}", daemon=True).start()
    try:
        return told.result(seconds)
    except OverError:
        if told.done():  # it was the call's own, or came at the last moment
            return told.result()
    if stop is not None:
        stop()
    raise ChannelError(f"{what} did not answer within {seconds:g} s")


def _run(told: Future[T], call: Callable[[], T]) -> None:
    try:
        told.set_result(call())
    except BaseException as problem:  # noqa: BLE001 - raised again in the thread that asked
        told.set_exception(problem)


class _Hush(logging.Filter):
    """Keeps records of a library to ourselves while we call it."""

    def filter(self, record: logging.LogRecord) -> bool:
        heard = _HEARD.get()
        if heard is None:
            return True
        if record.levelno >= logging.WARNING:
            heard.append(record.getMessage())
        return False


_HUSH = _Hush()


@contextmanager
def hushed(*loggers: str) -> Iterator[list[str]]:
    """What these loggers say within the block, in this thread, is caught instead of logged: it may hold addresses.

    Yields the warnings they gave.
    """
    for name in loggers:
        logger = logging.getLogger(name)
        if _HUSH not in logger.filters:
            logger.addFilter(_HUSH)
    heard: list[str] = []
    token = _HEARD.set(heard)
    try:
        yield heard
    finally:
        _HEARD.reset(token)
