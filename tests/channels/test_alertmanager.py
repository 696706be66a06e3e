from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from tests.channels.services import NOW, AlertmanagerService, HandClock, Reply, message, wired
from tests.conftest import lacking

from anchorwatch.channels import Alertmanager, read_channel
from anchorwatch.core.clock import SystemClock
from anchorwatch.core.errors import ChannelError, ConfigError
from anchorwatch.core.messages import MessageKind
from anchorwatch.core.types import IncidentState, Severity
from anchorwatch.flow.receive import read_alerts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.channels.services import Seen


def test_an_alert_is_kept_alive_and_ended() -> None:
    """Its end is four signs of life ahead, its start where it was; resolved, it ended when that was decided."""
    service = AlertmanagerService()
    clock = HandClock(NOW)
    with wired(service) as wire:
        channel = Alertmanager(name="am", addresses=(wire.address,), labels={"team": "ml"}, clock=clock)
        assert channel.resend_after == 60.0
        handle = channel.deliver(message())
        clock.at = NOW + timedelta(minutes=1)
        assert channel.deliver(message(handle=handle)) == handle
        clock.at = NOW + timedelta(minutes=2)
        over = message(MessageKind.RESOLVED, at=clock.at, handle=handle, state=IncidentState.RESOLVED)
        channel.deliver(over)
        channel.deliver(message(MessageKind.DIGEST))
        assert not wire.faults
    first, again, last = service.alerts
    assert first["labels"] == again["labels"] == last["labels"]
    assert first["labels"]["severity"] == "page"
    assert first["labels"]["team"] == "ml"
    assert first["annotations"]["likely_cause"] == "dep_delay moved by 20 min"
    assert {item["startsAt"] for item in service.alerts} == {NOW.isoformat()}
    assert [item["endsAt"] for item in service.alerts] == [
        (NOW + timedelta(minutes=minutes)).isoformat() for minutes in (4, 5, 2)
    ]
    assert first["generatorURL"] == "https://watch.example/incidents/3"


def test_one_of_a_cluster_is_enough() -> None:
    """All are told; none taking it is an error that says so of each, and passes unless all refuse for good."""
    taken = AlertmanagerService()
    with wired(taken) as good, wired(lambda _: Reply(503, b"", {"Retry-After": "9"})) as bad:
        both = Alertmanager(name="am", addresses=(bad.address, good.address), clock=HandClock())
        both.deliver(message())
        assert len(taken.alerts) == len(bad.seen) == 1
        good.service = lambda _: Reply(400, b"no")
        with pytest.raises(ChannelError, match=r"answered 503.*answered 400") as caught:
            both.deliver(message())
        assert (caught.value.permanent, caught.value.retry_after) == (False, 9.0)
        bad.service = good.service
        with pytest.raises(ChannelError) as caught:
            both.deliver(message())
        assert caught.value.permanent


def test_it_logs_in() -> None:
    """By a token or by name and password, which are not sent in the clear beyond this machine."""
    with wired(lambda _: Reply()) as wire:
        read_channel("am", {"kind": "alertmanager", "addresses": wire.address, "token": "t0ken"}).deliver(
            message()
        )
        login = {"user": "u", "password": "p"}
        read_channel("am", {"kind": "alertmanager", "addresses": [wire.address], **login}).deliver(message())
        assert [one.headers["authorization"] for one in wire.seen] == ["Bearer t0ken", "Basic dTpw"]
    with pytest.raises(ConfigError, match="addresses: http:// would show"):
        read_channel("am", {"kind": "alertmanager", "addresses": "http://am:9093", "token": "t0ken"})
    with pytest.raises(ConfigError, match="labels: 'severity'"):
        Alertmanager(name="am", addresses=("http://am:9093",), labels={"severity": "x"})


@dataclass(frozen=True)
class Real:
    """A real Alertmanager."""

    address: str

    def alerts(self) -> list[dict[str, Any]]:
        """Those that fire, as amtool sees them."""
        told = subprocess.run(
            ["amtool", f"--alertmanager.url={self.address}", "--output=json", "alert", "query", "--active"],
            capture_output=True,
            check=True,
            timeout=20,
        )
        found: list[dict[str, Any]] = json.loads(told.stdout)
        return found

    def ready(self) -> bool:
        """Whether it answers."""
        try:
            with urllib.request.urlopen(f"{self.address}/-/ready", timeout=1) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


CONFIG = """
route: {{receiver: hook, group_by: [thread], group_wait: 0s, group_interval: 1s, repeat_interval: 1h}}
receivers:
  - name: hook
    webhook_configs: [{{url: '{hook}', send_resolved: true}}]
"""


@contextmanager
def real(folder: Path, hook: str) -> Iterator[Real]:
    """Started on a free port, ended with the block."""
    program = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
    if program is None or shutil.which("amtool") is None:
        lacking("no Alertmanager: install the package prometheus-alertmanager")
    (folder / "am.yml").write_text(CONFIG.format(hook=hook))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    flags = [f"--config.file={folder}/am.yml", f"--storage.path={folder}/data", "--cluster.listen-address="]
    with (folder / "log").open("w") as log:
        running = subprocess.Popen(
            [str(program), *flags, f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=log
        )
        try:
            found = Real(f"http://127.0.0.1:{port}")
            until(found.ready)
            yield found
        finally:
            running.terminate()
            running.wait(10)


def until(true: Any, seconds: float = 15.0) -> None:
    """Ask until it is so."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come about"


def test_a_real_alertmanager_hears_and_tells(tmp_path: Path) -> None:
    """Firing and resolved are seen by amtool, told on by webhook, and read here as an alert from elsewhere."""
    heard: list[Any] = []

    def hook(seen: Seen) -> Reply:
        heard.append(seen.json)
        return Reply()

    with wired(hook) as wire, real(tmp_path, f"{wire.address}/x") as server:
        channel = Alertmanager(name="am", addresses=(server.address,))
        now = SystemClock().now()
        handle = channel.deliver(message(at=now))
        (active,) = server.alerts()
        assert active["labels"] == {
            "alertname": "AnchorwatchIncident",
            "model": "flights",
            "severity": "page",
            "thread": "flights/drift/3",
        }
        channel.deliver(message(at=now, handle=handle, severity=Severity.PAGE))
        assert len(server.alerts()) == 1
        until(lambda: heard)
        channel.deliver(message(MessageKind.RESOLVED, at=SystemClock().now(), handle=handle))
        assert server.alerts() == []
        until(lambda: len(heard) == 2)
        assert not wire.faults
    alerts = [read_alerts(body)[0] for body in heard]
    assert [(alert.name, alert.model, alert.firing) for alert in alerts] == [
        ("AnchorwatchIncident", "flights", True),
        ("AnchorwatchIncident", "flights", False),
    ]
