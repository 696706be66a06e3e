from __future__ import annotations

import logging
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
import trustme
from tests.channels.services import HookService, Reply, Wire, message, wired

from anchorwatch.channels import Webhook
from anchorwatch.channels.bounded import hushed, within
from anchorwatch.channels.http import Reach, Request, checked, parts_of, post, redacted
from anchorwatch.core.errors import ChannelError, ConfigError
from anchorwatch.core.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[tuple[Wire, str]]:
    """A receiver behind TLS, and the file of the authority that vouches for it."""
    ca = trustme.CA()
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("localhost").configure_cert(context)
    wire = Wire(HookService(), context)
    yield wire, str(tmp_path / "ca.pem")
    wire.close()


def hook(url: str, ca: str = "") -> Webhook:
    """A channel to it."""
    return Webhook(name="hook", url=Secret(url), secret=Secret(HookService.SECRET), ca=ca)


def test_certificates_are_checked(secure: tuple[Wire, str]) -> None:
    """Nothing is sent to who cannot say who they are, nor to who says to be another."""
    wire, ca = secure
    port = wire.place.rpartition(":")[2]
    for url, file in (("https://localhost", ""), ("https://127.0.0.1", ca)):
        with pytest.raises(ChannelError, match="CERTIFICATE_VERIFY_FAILED") as caught:
            hook(f"{url}:{port}/x", file).deliver(message())
        assert not caught.value.permanent
    assert not wire.seen
    wire.service = lambda _: Reply()
    hook(f"https://localhost:{port}/x", ca).deliver(message())
    assert len(wire.seen) == 1


def test_a_file_of_authorities_that_is_gone(tmp_path: Path) -> None:
    """Is told at once, and when it goes later, as a message that cannot be delivered."""
    with pytest.raises(ConfigError, match=r"^ca:"):
        hook("https://h/x", str(tmp_path / "none.pem"))
    file = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(file)
    made = hook("https://localhost:9/x", str(file))
    file.unlink()
    with pytest.raises(ChannelError, match="ca:"):
        made.deliver(message())


def test_an_answer_without_end_is_cut() -> None:
    """A service that answers for ever is not kept in memory."""
    with wired(lambda _: Reply(200, b"x" * 3_000_000)) as wire:
        answer = post(Request(service="it", url=wire.address), Reach())
        assert len(answer.body) == 2**18


def test_a_call_that_hangs_is_left_behind() -> None:
    """After its time, once stopped; what it raises later is nobody's business."""
    hold, stopped = threading.Event(), threading.Event()
    with pytest.raises(ChannelError, match=r"it did not answer within 0\.05 s"):
        within(0.05, hold.wait, "it", stopped.set)
    assert stopped.is_set()
    hold.set()


def test_what_a_call_raises_is_raised() -> None:
    """Its own timeouts, too."""

    def fail() -> None:
        raise TimeoutError("mine")

    with pytest.raises(TimeoutError, match="mine"):
        within(5, fail, "it")


def test_only_our_own_noise_is_caught(caplog: pytest.LogCaptureFixture) -> None:
    """What others log by the same library, at the same time, is logged."""
    library = logging.getLogger("apprise")
    with caplog.at_level(logging.DEBUG), hushed("apprise") as heard, ThreadPoolExecutor(1) as other:
        library.warning("ours")
        library.debug("ours, too")
        other.submit(library.warning, "theirs").result()
    library.warning("after")
    assert heard == ["ours"]
    assert [record.getMessage() for record in caplog.records] == ["theirs", "after"]


@pytest.mark.parametrize("form", ["a/b c&d", "a%2Fb%20c%26d", "a/b%20c%26d", "a%2Fb+c%26d", "YS9iIGMmZA=="])
def test_secrets_are_found_however_they_are_quoted(form: str) -> None:
    """As they are, in paths, queries and forms, in base64."""
    assert redacted(f"x={form}\n\x1b!", [Secret("a/b c&d")]) == "x=*** !"


def test_parts_of_a_url_are_secret_too() -> None:
    """A service may repeat any of them."""
    known = {part.reveal() for part in parts_of(Secret("tgram://123456:tok%2Fen-abc/chat-7?to=people"))}
    assert {"123456", "tok/en-abc", "tok%2Fen-abc", "chat-7", "people"} <= known


@pytest.mark.parametrize(
    "url", ["", "x", "//h", "ftp://h", "https://", "https://h:x", "https://h/#x", "https://[x"]
)
def test_addresses_that_are_none(url: str) -> None:
    """Are refused by the setting's name."""
    with pytest.raises(ConfigError, match=r"^address: an address"):
        checked(url, "address")


def test_plain_http_is_for_this_machine() -> None:
    """Secrets do not travel in the clear, unless none is sent."""
    urls: list[tuple[str, Any]] = [
        ("http://127.0.0.1:1/", True),
        ("http://[::1]:1", True),
        ("http://localhost", True),
    ]
    urls += [("http://10.0.0.1", False), ("http://localhost.evil.example", False), ("https://h", True)]
    for url, good in urls:
        if good:
            assert checked(url, "address") == url.rstrip("/")
        else:
            with pytest.raises(ConfigError, match="use https://"):
                checked(url, "address")
            assert checked(url, "address", plain=True) == url
