"""Serve a store: one process, one event loop, until it is told to stop."""

from __future__ import annotations

import gc
import signal
import socket
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import uvicorn

from anchorwatch.app.watch import Watch
from anchorwatch.core.errors import ConfigError
from anchorwatch.server.app import create_app

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import FrameType

    from fastapi import FastAPI

    from anchorwatch.app.channels import Setup
    from anchorwatch.server.options import ServerOptions

GRACE = 30
"""Seconds that requests under way have to finish when the server stops."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen; port 0 takes a free one."""

    host: str = "127.0.0.1"
    port: int = 8321


def serve(
    path: str | Path,
    address: Address | None = None,
    *,
    options: ServerOptions | None = None,
    ready: Callable[[str, Watch], None] | None = None,
    notify: Setup | None = None,
) -> None:
    """Serve the store in folder `path` until SIGINT or SIGTERM, then finish what is under way and close it.

    People are told of incidents with `notify`. `ready` is called with the server's URL once it listens. Raises
    `BusyError` when another process holds the store, `ConfigError` when the address cannot be had.
    """
    before = {number: signal.signal(number, _stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with Watch.open(path, notify=notify) as watch, _listening(address or Address()) as listener:
            server = _server(create_app(watch, options=options))
            if ready is not None:
                ready(url_of(listener), watch)
            gc.freeze()  # what is loaded by now stays; walking it again and again costs a page 0.1 s
            server.run([listener])
    except _Stopped:
        pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def serving(
    watch: Watch, address: Address | None = None, *, options: ServerOptions | None = None
) -> Iterator[str]:
    """Serve an open watch from a thread of this process, for as long as the block runs; gives the URL."""
    with _listening(address or Address()) as listener:
        server = _server(create_app(watch, options=options))
        thread = threading.Thread(
            target=server.run, args=([listener],), name="anchorwatch-server", daemon=True
        )
        thread.start()
        try:
            yield url_of(listener)
        finally:
            server.should_exit = True
            thread.join()


def url_of(listener: socket.socket) -> str:
    """The address to type into a browser of this machine."""
    host, port = listener.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104 - compared, not bound
    return f"http://{shown}:{port}"


class _Stopped(BaseException):
    """A signal, after the server has stopped for it: uvicorn raises it again when it is done."""


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise _Stopped


@contextmanager
def _listening(address: Address) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        listener = socket.create_server((address.host, address.port), family=family, backlog=2048)
    except OSError as problem:
        raise ConfigError(
            f"cannot listen on {address.host}:{address.port} ({problem.strerror}); choose another port or host"
        ) from problem
    with listener:
        yield listener


def _server(app: FastAPI) -> uvicorn.Server:
    config = uvicorn.Config(
        app,
        http="httptools",
        ws="none",
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE,
    )
    return uvicorn.Server(config)
