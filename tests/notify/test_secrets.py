"""Secrets show nowhere: not in a repr, a log, an error, the API, a page or the ledger."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import traceback
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from tests.notify.world import RULES, world_on_disk

from anchorwatch.app.channels import Setup
from anchorwatch.app.config import loads
from anchorwatch.core.errors import ConfigError
from anchorwatch.core.secret import Secret
from anchorwatch.server.app import create_app

if TYPE_CHECKING:
    from pathlib import Path

    from anchorwatch.core.messages import Message

SECRETS = {
    "SLACK": "xoxb-T0PSECRET-slack-1",
    "HOOK": "T0PSECRET-hook-key-2345",
    "PD": "T0PSECRETpagerdutykey0123456789ab",
    "MAIL": "T0PSECRET/mail password",
    "GRUMBLE": "T0PSECRET-grumble",
}
FILE = """
channels:
  slack: {kind: slack, token: {env: SLACK}, channel: ml, address: "http://127.0.0.1:9"}
  hook: {kind: webhook, url: "http://127.0.0.1:9/T0PSECRET-path", secret: {env: HOOK}}
  plain: "webhook+http://T0PSECRET-in-the-file-itself@127.0.0.1:9/T0PSECRET-there"
"""
MARK = "T0PSECRET"


@dataclasses.dataclass(frozen=True)
class Grumbling:
    """A channel that says too much when it fails."""

    name: str
    key: Secret

    def deliver(self, message: Message) -> str:
        """Fail with its secret in the text."""
        raise RuntimeError(f"https://host/?key={self.key.reveal()} refused {message.id}")


def ask(app: Any, method: str, path: str, **options: Any) -> httpx.Response:
    """One request from this machine."""

    async def asked() -> httpx.Response:
        transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 50_000))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.request(method, path, **options)

    return asyncio.run(asked())


def reachable(thing: object, depth: int = 6, seen: set[int] | None = None) -> list[object]:
    """Everything of ours that hangs on an object."""
    seen = set() if seen is None else seen
    if depth == 0 or id(thing) in seen or isinstance(thing, (str, bytes, type)):
        return []
    seen.add(id(thing))
    parts: list[object] = [thing]
    inner = list(getattr(thing, "__dict__", {}).values())
    inner += [getattr(thing, name, None) for name in getattr(type(thing), "__slots__", ()) if name != "_text"]
    inner += list(thing.values()) if isinstance(thing, dict) else []
    inner += list(thing) if isinstance(thing, (list, tuple)) else []
    for part in inner:
        parts += reachable(part, depth - 1, seen)
    return [part for part in parts if type(part).__module__.startswith("anchorwatch") or part is thing]


def test_secrets_show_nowhere(tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: Any) -> None:
    """Whatever fails, and whoever looks."""
    caplog.set_level(logging.DEBUG)
    found = loads(FILE)
    setup = Setup.of(found.notify, environ=SECRETS, base_url="https://watch.example.com")
    grumbling = Grumbling("grumbling", Secret(SECRETS["GRUMBLE"]))
    opened = {**setup.channels, "grumbling": grumbling}
    veil = type(setup.veil)([*secrets(opened), Secret(SECRETS["GRUMBLE"])])
    members = {name: (name,) for name in opened}
    routes = (dataclasses.replace(setup.plan.routes[0], to=tuple(opened)),)
    setup = dataclasses.replace(
        setup,
        channels=opened,
        veil=veil,
        plan=dataclasses.replace(setup.plan, members=members, routes=routes),
    )
    with world_on_disk(tmp_path / "store", setup, RULES) as it:
        it.hour(9.0)
        for _ in range(3):
            it.run(60)
        for name in opened:
            it.notifier.test(name)
        app = create_app(it.watch)
        answers = [
            ask(app, method, path, **options)
            for method, path, options in (
                ("GET", "/api/v1/notifications", {}),
                ("GET", "/api/v1/notifications/channels", {}),
                ("GET", "/api/v1/notifications/decisions", {}),
                ("POST", "/api/v1/notifications/test", {"json": {"channel": "slack"}}),
                ("POST", "/api/v1/notifications/retry", {"json": {}}),
                ("POST", "/api/v1/routes/test", {"json": {"model": "load"}}),
                ("GET", "/api/v1/status", {}),
                ("GET", "/api/v1/incidents/1", {}),
                ("GET", "/notifications", {}),
                ("GET", "/notifications.json", {}),
                ("GET", "/incidents/1", {}),
                ("GET", "/settings", {}),
            )
        ]
        assert [answer.status_code for answer in answers] == [200] * len(answers)
        shown = "".join(answer.text for answer in answers)
        assert MARK not in shown
        assert "refused" in shown
        for thing in reachable([found, setup, it.notifier, it.watch, *opened.values()]):
            assert MARK not in repr(thing), type(thing)
            assert MARK not in str(thing), type(thing)
    assert len({item.name for item in caplog.records}) >= 1
    assert MARK not in caplog.text
    assert MARK not in "".join(capsys.readouterr())
    kept = b"".join(path.read_bytes() for path in (tmp_path / "store").rglob("*") if path.is_file())
    assert b"cannot be reached" in kept
    assert MARK.encode() not in kept


def secrets(channels: Any) -> list[Secret]:
    """Those of a setup's channels."""
    from anchorwatch.app.channels import secrets_of

    return secrets_of(dict(channels))


@pytest.mark.parametrize(
    "text",
    [
        "channels: {a: {kind: slack, token: T0PSECRET}}",
        "channels: {a: {kind: slakc, token: T0PSECRET}}",
        "channels: {a: {kind: webhook, url: 'http://T0PSECRET@host', secret: T0PSECRET}}",
        "channels: {a: 'T0PSECRET'}",
        "channels: {a: ['https://host/T0PSECRET']}",
        "channels: {a: 'webhook://T0PSECRET@host:T0PSECRET/'}",
        "channels: {a: 'slack://T0PSECRET'}",
        "channels: {a: {kind: pagerduty, kye: T0PSECRET}}",
    ],
)
def test_no_error_of_a_configuration_shows_a_value(text: str) -> None:
    """Names of keys and channels, lines, remedies."""
    with pytest.raises(ConfigError) as caught:
        Setup.of(loads(text).notify, environ={})
    assert MARK not in "".join(traceback.format_exception_only(caught.value))
    assert "channels.a" in str(caught.value)
    linked: BaseException | None = caught.value
    while linked is not None:
        assert MARK not in repr(linked)
        linked = linked.__cause__ or (None if linked.__suppress_context__ else linked.__context__)
