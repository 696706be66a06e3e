"""What every channel keeps to, whatever it speaks."""

from __future__ import annotations

import base64
import io
import logging
import socket
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from tests.channels.mailbox import PASSWORD, USER, mail_server
from tests.channels.services import (
    PNG,
    AlertmanagerService,
    AppriseService,
    HandClock,
    HookService,
    PagerDutyService,
    Reply,
    Seen,
    Service,
    SlackService,
    SnsService,
    TwilioService,
    Wire,
    message,
    wired,
)

from anchorwatch.channels import CHANNELS, Console, Vault, read_channel
from anchorwatch.core.errors import ChannelError
from anchorwatch.core.messages import Message, MessageKind
from anchorwatch.core.types import IncidentState, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from anchorwatch.core.ports import Channel

BOUND = 0.4
"""Seconds that channels wait for a service that hangs."""

TEXTS: dict[str, dict[str, Any]] = {
    "ordinary": {},
    "chart": {"chart": PNG},
    "emoji": {"title": "🔥" * 200, "text": "👩‍🔬 " * 900, "facts": (("🙂", "🙃" * 1100),)},
    "long": {
        "title": "x" * 10_000,
        "text": "a b " * 2_500,
        "facts": tuple(("f" * 50, "v" * 500) for _ in range(60)),
    },
    "unbroken": {"text": "y" * 10_000, "thread": "t" * 1_000, "id": "i" * 1_000},
    "markup": {
        "title": "<b>&</b> <!channel> *x* _y_ `z` {{ 7*7 }} %s",
        "text": "<script>alert(1)</script> & <@U1> &amp; </td>" * 60,
        "facts": (("<i>", "a & b"), ("a\"b'", "</table>")),
    },
    "lines": {
        "title": "a\r\nBcc: x@y.z\n\nb",
        "text": "one\r\n\n\n.\nthree\ttabs\n",
        "facts": (("a\nb", "c\n\nd"),),
    },
    "control": {
        "title": "\x1b[31mred\x00\x07",
        "text": "a\x00b\x1b]0;x\x07\ud800c\u202eabc",
        "model": "m\x00\u2028n",
    },
    "empty": {
        "title": "",
        "text": "",
        "facts": (),
        "links": (),
        "model": "",
        "thread": "",
        "incident": 0,
        "state": None,
    },
    "blank": {
        "title": "  ",
        "text": " \n ",
        "facts": (("", ""),),
        "links": (("", "https://watch.example/a?b=c&d=e"),),
    },
}


@dataclass
class Rig:
    """A channel of a kind, the service it speaks to, and what must not be seen."""

    kind: str
    channel: Channel
    secrets: tuple[str, ...]
    wire: Wire | None = None
    service: Any = None


def _settings(kind: str, place: str) -> dict[str, Any]:
    """What a user would write, with the service at `place`."""
    address = f"http://{place}"
    return {
        "slack": {"token": {"env": "SECRET"}, "channel": "ml", "address": f"{address}/api"},
        "pagerduty": {"key": {"env": "SECRET"}, "address": address},
        "twilio": {
            "account": TwilioService.ACCOUNT,
            "token": {"env": "SECRET"},
            "from": "+4712345678",
            "to": "+4787654321",
            "address": address,
        },
        "sns": {
            "key": SnsService.KEY,
            "secret": {"env": "SECRET"},
            "region": SnsService.REGION,
            "to": "+4787654321",
            "address": address,
        },
        "webhook": {"url": address + HookService.PATH, "secret": {"env": "SECRET"}},
        "alertmanager": {"addresses": [address], "token": {"env": "SECRET"}},
        "apprise": {"url": f"json://{place}/s3cr3t-path"},
    }[kind]


_LOGIN = base64.b64encode(f"{TwilioService.ACCOUNT}:{TwilioService.TOKEN}".encode()).decode()
SERVICES: dict[str, tuple[Callable[[], Any], str, tuple[str, ...]]] = {
    "slack": (SlackService, SlackService.TOKEN, ()),
    "pagerduty": (PagerDutyService, PagerDutyService.KEY, ()),
    "twilio": (TwilioService, TwilioService.TOKEN, ("+4787654321", _LOGIN)),
    "sns": (SnsService, SnsService.SECRET, ("+4787654321",)),
    "webhook": (HookService, HookService.SECRET, ("s3cr3t-path",)),
    "alertmanager": (AlertmanagerService, "bearer-token-0123456789", ()),
    "apprise": (AppriseService, "s3cr3t-path", ()),
}
HTTP = sorted(SERVICES)
KINDS = sorted(CHANNELS)


def _channel(kind: str, place: str, timeout: float = 10.0) -> Channel:
    settings = {"kind": kind, "timeout": timeout, **_settings(kind, place)}
    made = read_channel("team", settings, Vault({"SECRET": SERVICES[kind][1]}))
    if hasattr(made, "clock"):
        object.__setattr__(made, "clock", HandClock())
    return made


@contextmanager
def rigged(kind: str, folder: Path) -> Iterator[Rig]:
    """A channel of `kind` with its service."""
    if kind == "console":
        yield Rig(kind, Console(name="team", stream=io.StringIO()), ())
    elif kind == "email":
        with mail_server(folder) as box:
            settings = {
                "host": "localhost",
                "port": box.port,
                "ca": box.ca,
                "user": USER,
                "password": PASSWORD,
            }
            to = {"from": "Watch <watch@example.com>", "to": ["a@example.com"]}
            made = read_channel("team", {"kind": "email", **settings, **to})
            secret = base64.b64encode(f"\0{USER}\0{PASSWORD}".encode()).decode()
            yield Rig(kind, made, (PASSWORD, secret), service=box)
    else:
        make, secret, more = SERVICES[kind]
        service = make()
        with wired(service) as wire:
            if isinstance(service, SlackService):
                service.address = wire.address
            yield Rig(kind, _channel(kind, wire.place), (secret, *more), wire, service)


@pytest.fixture(params=KINDS)
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    """Each kind in turn."""
    with rigged(request.param, tmp_path) as made:
        yield made


def test_every_kind_is_held_to_this() -> None:
    """A new channel gives its service here; nothing registered stays untested."""
    assert set(KINDS) == {*HTTP, "console", "email"}


def test_every_message_is_taken(rig: Rig) -> None:
    """Every kind of message in every awkward text is one that the service takes, and the handle is text."""
    for kind in MessageKind:
        for name, changes in TEXTS.items():
            for severity in Severity:
                told = message(kind, **({"severity": severity} | changes))
                handle = rig.channel.deliver(told)
                assert isinstance(handle, str), (kind, name)
                if rig.wire is not None:
                    assert not rig.wire.faults, (kind, name, rig.wire.faults)
                if kind in {MessageKind.TEST, MessageKind.DIGEST}:
                    break


def test_a_thread_goes_on_by_its_handle(rig: Rig) -> None:
    """What the first message returned is taken with all that follow, twice as well as once."""
    handle = rig.channel.deliver(message(chart=PNG))
    for kind in (MessageKind.UPDATE, MessageKind.ACKNOWLEDGED, MessageKind.REMINDER, MessageKind.RESOLVED):
        state = IncidentState.RESOLVED if kind is MessageKind.RESOLVED else IncidentState.FIRING
        told = message(kind, id=f"flights/drift/3#{kind}", handle=handle, state=state)
        assert rig.channel.deliver(told) == rig.channel.deliver(told)
    if rig.wire is not None:
        assert not rig.wire.faults


def test_a_channel_says_its_name_and_no_secret(rig: Rig) -> None:
    """Its repr and text show what it is called."""
    assert rig.channel.name == "team"
    shown = f"{rig.channel!r} {rig.channel}"
    assert "team" in shown
    assert not [secret for secret in rig.secrets if len(secret) > 12 and secret in shown]


def test_no_log_holds_a_secret(
    rig: Rig, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Not even with everything logged, by us or by libraries."""
    with caplog.at_level(logging.DEBUG):
        for name in ("httpx", "httpcore", "urllib3", "apprise"):
            logging.getLogger(name).setLevel(logging.DEBUG)
        rig.channel.deliver(message(chart=PNG))
        if rig.wire is not None:
            rig.wire.service = _echo
            with pytest.raises(ChannelError):
                rig.channel.deliver(message())
    for name in ("httpx", "httpcore", "urllib3", "apprise"):
        logging.getLogger(name).setLevel(logging.NOTSET)
    said = caplog.text + "".join(capfd.readouterr())
    assert not [secret for secret in rig.secrets if secret in said], said


def _echo(seen: Seen) -> Reply:
    """A service that repeats all it was told, as some do."""
    told = f"{seen.path} {dict(seen.headers)} {seen.body.decode('utf-8', 'replace')}"
    return Reply(403, told.encode())


def _broken(seen: Seen) -> Reply:
    return Reply(500, _echo(seen).body)


def _moved(seen: Seen) -> Reply:
    return Reply(302, b"", {"Location": "/elsewhere" + seen.path})


@pytest.mark.parametrize("kind", HTTP)
@pytest.mark.parametrize("service", [_echo, _broken, _moved], ids=["refused", "broken", "moved"])
def test_no_error_holds_a_secret(kind: str, service: Service) -> None:
    """Neither its text nor anything that hangs on it, whatever the service repeats."""
    secrets = (SERVICES[kind][1], *SERVICES[kind][2])
    with wired(service) as wire:
        _holds_none(_trouble(_channel(kind, wire.place)), secrets)


@pytest.mark.parametrize("kind", HTTP)
def test_nobody_there_is_no_leak_and_passes(kind: str) -> None:
    """A refused connection is tried again later."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{probe.getsockname()[1]}"
        found = _trouble(_channel(kind, place))
    assert not found.permanent
    _holds_none(found, (SERVICES[kind][1], *SERVICES[kind][2]))


def _trouble(channel: Channel) -> ChannelError:
    with pytest.raises(ChannelError) as caught:
        channel.deliver(message())
    return caught.value


def _holds_none(problem: BaseException, secrets: tuple[str, ...]) -> None:
    """Follows causes, contexts, arguments and notes."""
    seen: BaseException | None = problem
    while seen is not None:
        shown = f"{seen!r} {seen} {seen.args} {vars(seen)} {getattr(seen, '__notes__', '')}"
        assert not [secret for secret in secrets if secret in shown], shown
        assert not hasattr(seen, "request")
        seen = seen.__cause__ or seen.__context__


PERMANENT = {
    400: True,
    401: True,
    403: True,
    404: True,
    410: True,
    413: True,
    408: False,
    425: False,
    429: False,
}
CODES = PERMANENT | {500: False, 502: False, 503: False, 302: True}


@pytest.mark.parametrize("kind", [kind for kind in HTTP if kind != "apprise"])
def test_answers_mean_what_they_mean(kind: str) -> None:
    """Refusals are permanent but those that pass; the service's wait is told on."""
    with wired(lambda _: Reply()) as wire:
        channel = _channel(kind, wire.place)
        for code, permanent in CODES.items():
            wire.service = lambda _, code=code: Reply(code, b"no", {"Retry-After": "7", "Location": "/x"})
            found = _trouble(channel)
            assert found.permanent is permanent, code
            assert found.retry_after == 7.0
            assert str(code) in str(found)
        wire.service = lambda _: Reply(503, b"", {"Retry-After": "Sat, 10 Jan 2026 12:01:30 GMT"})
        assert _trouble(channel).retry_after == 90.0
        wire.service = lambda _: Reply(503, b"", {"Retry-After": "soon"})
        assert _trouble(channel).retry_after is None


@pytest.mark.parametrize("kind", HTTP)
def test_redirects_are_not_followed(kind: str) -> None:
    """What was meant for one place is not carried to another."""
    with wired(lambda _: Reply()) as other, wired(lambda _: Reply()) as wire:
        for code in (301, 302, 307, 308):
            wire.service = lambda _, code=code: Reply(code, b"", {"Location": f"{other.address}/x"})
            _trouble(_channel(kind, wire.place))
        assert not other.seen


class _Tarpit:
    """Takes connections; says nothing, or a byte now and then, for as long as it is open."""

    def __init__(self, drip: bytes) -> None:
        self._over = threading.Event()
        self._drip = drip
        self._server = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._take, daemon=True)]
        self._threads[0].start()

    @property
    def port(self) -> int:
        """Where it is."""
        return int(self._server.getsockname()[1])

    def _take(self) -> None:
        while not self._over.is_set():
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            self._threads.append(threading.Thread(target=self._hold, args=(connection,), daemon=True))
            self._threads[-1].start()

    def _hold(self, connection: socket.socket) -> None:
        with connection:
            try:
                place = 0
                while not self._over.wait(0.05):
                    if self._drip:
                        connection.sendall(self._drip[place : place + 1])
                        place = min(place + 1, len(self._drip) - 1)
            except OSError:
                return

    def close(self) -> None:
        """Let all go."""
        self._over.set()
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        for thread in self._threads:
            thread.join()


DRIPS = {
    "silent": b"",
    "dripping headers": b"HTTP/1.1 200 OK\r\nX: yyyy",
    "dripping mail": b"220-hello\r\n220-x",
}


@pytest.mark.parametrize("drip", DRIPS.values(), ids=list(DRIPS))
@pytest.mark.parametrize("kind", [*HTTP, "email"])
def test_a_hang_ends(kind: str, drip: bytes) -> None:
    """Whatever a server holds back, the channel is done within its bound, and it was no refusal."""
    with ExitStack() as stack:
        pit = _Tarpit(drip)
        stack.callback(pit.close)
        if kind == "email":
            to = {"from": "a@example.com", "to": "b@example.com", "timeout": BOUND, "port": pit.port}
            channel = read_channel("team", {"kind": "email", "host": "127.0.0.1", **to})
        else:
            channel = _channel(kind, f"127.0.0.1:{pit.port}", BOUND)
        began = time.monotonic()
        found = _trouble(channel)
        assert time.monotonic() - began < BOUND + 2
        assert not found.permanent or drip.startswith(b"220")
        _holds_none(found, SERVICES[kind][1:2] if kind in SERVICES else ())


def test_messages_are_left_alone(rig: Rig) -> None:
    """Messages are values; delivering one changes nothing of it."""
    told = message(chart=PNG)
    same: Message = message(chart=PNG)
    rig.channel.deliver(told)
    assert told == same
