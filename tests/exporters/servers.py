"""Real servers for tests: Anchorwatch's own, Prometheus, Alertmanager; and sinks that hear webhooks and mail."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import httpx
import uvicorn
from tests.exporters.material import tool

from anchorwatch.server.app import create_app

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.exporters.material import HandClock

    from anchorwatch.app.watch import Watch

PATIENCE = 60.0


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(check: Callable[[], Any], what: str, patience: float = PATIENCE) -> Any:
    """What `check` answers once it is true; other processes are waited for, not this one."""
    pause = threading.Event()
    for _ in range(int(patience / 0.1)):
        try:
            found = check()
        except httpx.TransportError:
            found = None
        if found:
            return found
        pause.wait(0.1)
    raise TimeoutError(f"after {patience:.0f} s: {what}")


@contextmanager
def anchorwatch(watch: Watch, clock: HandClock) -> Iterator[str]:
    """The server over `watch`; its address."""
    app = create_app(watch, clock=clock)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        try:
            until(lambda: httpx.get(f"{address}/api/v1/health/live").is_success, "the server answers")
            yield address
        finally:
            server.should_exit = True
            thread.join(20)


@contextmanager
def _program(arguments: list[str], ready: str, log: Path) -> Iterator[None]:
    with (
        log.open("w") as written,
        subprocess.Popen(arguments, stdout=written, stderr=subprocess.STDOUT) as running,
    ):
        try:
            until(lambda: httpx.get(ready).is_success, f"{arguments[0]} is ready: {log.read_text()[-500:]}")
            yield
        finally:
            running.terminate()
            running.wait(20)


@dataclass(frozen=True)
class Prometheus:
    """A Prometheus and what it answers."""

    address: str

    def ask(self, expr: str) -> list[dict[str, Any]]:
        """Series of an instant query; raises when it is none."""
        answer = httpx.get(f"{self.address}/api/v1/query", params={"query": expr})
        body = answer.json()
        if body["status"] != "success":
            raise ValueError(f"{expr}: {body['error']}")
        found: list[dict[str, Any]] = body["data"]["result"]
        return found


@contextmanager
def prometheus(folder: Path) -> Iterator[Prometheus]:
    """Prometheus on the `prometheus.yml` of a folder, with intervals of a second."""
    config = folder / "prometheus.yml"
    config.write_text(config.read_text().replace("_interval: 15s", "_interval: 1s"))
    address = f"127.0.0.1:{free_port()}"
    arguments = [
        tool("prometheus"),
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address={address}",
        "--enable-feature=exemplar-storage",
    ]
    with _program(arguments, f"http://{address}/-/ready", folder / "prometheus.log"):
        yield Prometheus(f"http://{address}")


@contextmanager
def alertmanager(folder: Path, port: int) -> Iterator[str]:
    """Alertmanager on the `alertmanager.yml` of a folder, with waits of a second."""
    config = folder / "alertmanager.yml"
    text = config.read_text()
    for slow in ("group_wait: 30s", "group_wait: 5s", "group_interval: 5m", "group_interval: 1m"):
        text = text.replace(slow, f"{slow.split(':')[0]}: 1s")
    config.write_text(text)
    arguments = [
        tool("prometheus-alertmanager"),
        f"--config.file={config}",
        f"--storage.path={folder / 'alerts'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    with _program(arguments, f"http://127.0.0.1:{port}/-/ready", folder / "alertmanager.log"):
        yield f"http://127.0.0.1:{port}"


@dataclass
class Heard:
    """What the sinks were told."""

    webhook: str = ""
    smarthost: str = ""
    alerts: list[dict[str, Any]] = field(default_factory=list)
    mails: list[str] = field(default_factory=list)

    def told(self, status: str, **labels: str) -> bool:
        """Whether the webhook heard of an alert with these labels."""
        return any(
            alert["status"] == status and labels.items() <= alert["labels"].items() for alert in self.alerts
        )


@contextmanager
def sinks() -> Iterator[Heard]:
    """A webhook and a mail server that remember."""
    from aiosmtpd.controller import Controller

    heard = Heard()

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            heard.alerts += body["alerts"]
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    class Post:
        async def handle_DATA(  # noqa: N802 - aiosmtpd calls it so
            self, _server: Any, _session: Any, envelope: Any
        ) -> str:
            heard.mails.append(envelope.content.decode())
            return "250 OK"

    with ExitStack() as stack:
        hook = stack.enter_context(HTTPServer(("127.0.0.1", 0), Hook))
        thread = threading.Thread(target=hook.serve_forever, daemon=True)
        thread.start()
        stack.callback(hook.shutdown)
        mail = Controller(Post(), hostname="127.0.0.1", port=free_port())
        mail.start()
        stack.callback(mail.stop)
        heard.webhook = f"http://127.0.0.1:{hook.server_address[1]}/alerts"
        heard.smarthost = f"127.0.0.1:{mail.port}"
        yield heard
