from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import httpx
import pytest
from tests.server.conftest import LATE, prediction

from anchorwatch.app.watch import Watch
from anchorwatch.core.errors import BusyError, ConfigError
from anchorwatch.server.serve import Address, serve, serving, url_of

if TYPE_CHECKING:
    from pathlib import Path

SCRIPT = """
import sys
from anchorwatch.server.serve import Address, serve
serve(sys.argv[1], Address(port=0), ready=lambda url, watch: print(url, flush=True))
print("closed", flush=True)
"""


def started(folder: Path) -> tuple[subprocess.Popen[str], str]:
    """A server of its own, and its address."""
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, str(folder)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_server_that_is_told_to_stop_finishes_first(tmp_path: Path, number: signal.Signals) -> None:
    """The request under way is answered, what it brought is on disk, and the store is free again."""
    process, url = started(tmp_path / "store")
    httpx.put(f"{url}/api/v1/models/late", json=LATE.to_dict()).raise_for_status()
    host, _, port = url.removeprefix("http://").partition(":")
    body = json.dumps(prediction("a")).encode()
    head = f"POST /api/v1/models/late/predictions HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\n"
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(head.encode() + b"Content-Type: application/json\r\n\r\n" + body[:10])
        httpx.get(f"{url}/api/v1/health/live")  # by now the half request has reached the application
        process.send_signal(number)
        connection.sendall(body[10:])
        answer = connection.recv(65_536)
    assert answer.startswith(b"HTTP/1.1 200")
    assert process.communicate(timeout=40)[0] == "closed\n"
    assert process.returncode == 0
    with Watch.open(tmp_path / "store", start=False) as watch:
        watch.settle()
        assert len(watch.queries.predictions("late")["rows"]) == 1


def test_a_second_server_on_one_store_refuses(tmp_path: Path) -> None:
    """It says who holds the store and what would do."""
    with (
        Watch.open(tmp_path / "store", start=False),
        pytest.raises(BusyError, match=r"is held by process \d+.*talk to its server"),
    ):
        serve(tmp_path / "store", Address(port=0))


def test_an_address_in_use_is_told(tmp_path: Path) -> None:
    """And the store is let go of again."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"cannot listen on 127.0.0.1:{port} .*choose another port"):
            serve(tmp_path / "store", Address(port=port))
    Watch.open(tmp_path / "store", start=False).close()


def test_an_open_watch_is_served_from_a_thread(tmp_path: Path) -> None:
    """As the demo does it; the watch stays open when the server ends, and may be served again."""
    with Watch.open(tmp_path / "store", start=False) as watch:
        watch.apply(LATE)
        for name in ("a", "b"):
            with serving(watch, Address(port=0)) as url:
                answer = httpx.post(f"{url}/api/v1/models/late/predictions", json=prediction(name))
                assert answer.json()["accepted"] == 1
            with pytest.raises(httpx.ConnectError):
                httpx.get(url)
        watch.settle()
        assert len(watch.queries.predictions("late")["rows"]) == 2
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("anchorwatch")]


@pytest.mark.parametrize(
    ("host", "shown"),
    [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("::1", r"\[::1\]"), ("::", r"\[::1\]")],
)
def test_the_address_can_be_typed(host: str, shown: str) -> None:
    """Whatever the server listens on."""
    import re

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, 0), family=family)
    except OSError as problem:
        pytest.skip(f"this machine has no {host}: {problem}")
    with listener:
        assert re.fullmatch(rf"http://{shown}:\d+", url_of(listener))
