"""A real HTTP server whose faults are programmed, and clients that are closed after each test."""

from __future__ import annotations

import gzip
import http.server
import json
import socket
import threading
from collections import deque
from typing import TYPE_CHECKING, Any

import pytest

import anchorwatch.client as aw

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATIENCE = 20.0


class FaultyServer:
    """Takes batches as Anchorwatch does, deduplicates by key, and fails as told by `faults`, in order.

    A fault is `(status, headers)`, `"cut"` (takes the batch, then breaks off its answer) or `"hang"`
    (takes nothing and says nothing until `release` is set).
    """

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.faults: deque[Any] = deque()
        self.always: Any = None
        self.attempts: list[str] = []
        self.batches: dict[str, list[dict[str, Any]]] = {}
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        self.answers: dict[str, Any] = {}
        self.reject: Callable[[dict[str, Any]], bool] = lambda event: False
        self.release = threading.Event()
        self.port = 0
        self._server: Any = None

    @property
    def url(self) -> str:
        """Where it is reached, also while it is down."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Listen, on the same port as before."""
        faulty = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                faulty.answer(self)

            do_GET = do_PUT = do_POST  # noqa: N815 - names of the standard library

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            connections: set[socket.socket] = set()  # noqa: RUF012

            def get_request(self) -> Any:
                found = super().get_request()
                self.connections.add(found[0])
                return found

            def shutdown_request(self, request: Any) -> None:
                self.connections.discard(request)
                super().shutdown_request(request)

            def handle_error(self, *_: Any) -> None:
                """A client that went away is part of the tests."""

        self._server = Server(("127.0.0.1", self.port), Handler)
        self._server.connections = set()
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        """Go away, cutting every connection."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self.cut_idle()
            self._server = None

    def cut_idle(self) -> None:
        """Close every connection that is kept alive."""
        for connection in list(self._server.connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def answer(self, handler: Any) -> None:
        """Fail as told, or take the batch."""
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        if handler.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        key = handler.headers.get("Idempotency-Key") or ""
        with self.changed:
            self.requests.append((handler.command, handler.path, dict(handler.headers), body))
            self.attempts.append(key)
            fault = self.faults.popleft() if self.faults else self.always
            self.changed.notify_all()
        if fault == "hang":
            self.release.wait(PATIENCE)
            handler.close_connection = True
            return
        if isinstance(fault, tuple):
            detail = json.dumps({"title": "told to", "detail": "told to fail"}).encode()
            self._write(handler, fault[0], detail, fault[1])
            return
        data = json.dumps(self._take(handler, key, body)).encode()
        if fault == "cut":
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{" + data[:5])
            handler.close_connection = True
            handler.connection.shutdown(socket.SHUT_RDWR)
            return
        self._write(handler, 200, data, {})

    def _take(self, handler: Any, key: str, body: bytes) -> Any:
        if handler.command != "POST":
            name = handler.path.removeprefix("/api/v1").partition("?")[0]
            return self.answers.get(name)
        arrow = "arrow" in handler.headers["Content-Type"]
        events = [] if arrow else [json.loads(text) for text in body.splitlines()]
        bad = [number for number, event in enumerate(events) if self.reject(event)]
        with self.changed:
            duplicate = key in self.batches
            if not duplicate:
                self.batches[key] = [event for number, event in enumerate(events) if number not in bad]
            self.changed.notify_all()
        return {
            "batch": key,
            "accepted": len(events) - len(bad),
            "rejected": [{"row": row, "column": "x", "reason": "is odd"} for row in bad],
            "rejected_count": len(bad),
            "duplicate": duplicate,
        }

    def _write(self, handler: Any, status: int, body: bytes, headers: dict[str, str]) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.wfile.write(b"".join(handler._headers_buffer) + b"\r\n" + body)
        handler._headers_buffer = []

    def wait(self, reached: Callable[[], bool], seconds: float = PATIENCE) -> bool:
        """Whether something came to pass in time."""
        with self.changed:
            return self.changed.wait_for(reached, seconds)

    @property
    def events(self) -> list[dict[str, Any]]:
        """All events taken, in order of arrival."""
        with self.changed:
            return [event for events in self.batches.values() for event in events]


@pytest.fixture
def server() -> Iterator[FaultyServer]:
    """A server that works until it is told to fail."""
    faulty = FaultyServer()
    faulty.start()
    yield faulty
    faulty.release.set()
    faulty.stop()


@pytest.fixture
def connect(server: FaultyServer) -> Iterator[Callable[..., aw.Watching]]:
    """Clients of that server, in a hurry, closed after the test."""
    watches: list[aw.Watching] = []

    def made(**options: Any) -> aw.Watching:
        settings = {"linger": 0.0, "backoff": 0.005, "backoff_cap": 0.02, "timeout": 5.0, "seed": 1} | options
        watch = aw.connect(server.url, **settings)
        watches.append(watch)
        return watch

    yield made
    server.release.set()
    for watch in watches:
        watch.close(0.0)
