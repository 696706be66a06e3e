from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest
from tests.channels.mailbox import PASSWORD, USER, mail_server
from tests.channels.services import NOW, PNG, message

from anchorwatch.channels import Email, read_channel
from anchorwatch.core.errors import ChannelError, ConfigError
from anchorwatch.core.messages import MessageKind
from anchorwatch.core.secret import Secret

if TYPE_CHECKING:
    from pathlib import Path

    from tests.channels.mailbox import Mailbox


def sender(box: Mailbox, **changes: Any) -> Email:
    """A channel to two people."""
    usual: dict[str, Any] = {
        "name": "mail",
        "host": "localhost",
        "port": box.port,
        "ca": box.ca,
        "user": USER,
        "password": Secret(PASSWORD),
        "sender": "Watch <watch@example.com>",
        "to": ("ann@example.com", "Bo <bo@example.com>"),
    }
    return Email(**(usual | changes))


@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_a_mail_is_whole_and_encrypted(tmp_path: Path, tls: str) -> None:
    """Text, HTML and the chart within it, to all, by a server that demands TLS and a password."""
    with mail_server(tmp_path, tls) as box:
        sender(box, tls=tls).deliver(message(chart=PNG))
        (mail,) = box.mails
        assert box.encrypted == box.known == [True]
        assert box.recipients == [["ann@example.com", "bo@example.com"]]
    assert mail["Subject"] == "[page] Firing: flights: PSI of dep_delay is 0.41"
    assert mail["From"] == "Watch <watch@example.com>"
    assert mail["Date"].datetime == NOW
    assert mail["Auto-Submitted"] == "auto-generated"
    assert [part.get_content_type() for part in mail.walk()] == [
        "multipart/alternative",
        "text/plain",
        "multipart/related",
        "text/html",
        "image/png",
    ]
    *_, html, picture = mail.walk()
    assert picture.get_content() == PNG
    assert picture["Content-ID"] == "<chart>"
    assert 'src="cid:chart"' in html.get_content()
    plain = mail.get_body(("plain",))
    assert plain is not None
    assert "https://watch.example/incidents/3" in plain.get_content()
    assert "Likely cause: dep_delay moved by 20 min" in plain.get_content()


def test_a_thread_stays_together(tmp_path: Path) -> None:
    """By references, and by the subject for programs that go by it; a repeated mail has the same id."""
    with mail_server(tmp_path) as box:
        handle = sender(box).deliver(message())
        over = message(MessageKind.RESOLVED, id="2", title="Resolved: flights", handle=handle)
        assert sender(box).deliver(over) == sender(box).deliver(over) == handle
        first, second, third = box.mails
    assert second["In-Reply-To"] == second["References"] == first["Message-ID"]
    assert second["Subject"] == f"Re: {first['Subject']}"
    assert second["Message-ID"] == third["Message-ID"] != first["Message-ID"]
    assert "Resolved: flights" in second.get_body(("plain",)).get_content()


def test_html_and_headers_are_not_to_be_broken_out_of(tmp_path: Path) -> None:
    """Values are text, wherever they stand."""
    with mail_server(tmp_path) as box:
        told = message(
            title="a\r\nBcc: eve@example.com",
            text="<script>x</script>",
            facts=(("<b>", "\"'&"),),
            links=(("x", "javascript:alert(1)"), ("y", 'https://h/"><script>')),
        )
        sender(box).deliver(told)
        (mail,) = box.mails
    assert mail["Bcc"] is None
    html = mail.get_body(("html",)).get_content()
    assert "<script>" not in html
    assert "javascript:" not in html
    assert "&lt;b&gt;" in html


@pytest.mark.parametrize(("code", "permanent"), [("451 try later", False), ("554 5.7.1 spam", True)])
def test_a_refused_mail(tmp_path: Path, code: str, permanent: bool) -> None:
    """Codes of the fifth hundred are for good."""
    with mail_server(tmp_path) as box:
        box.refuse = code
        with pytest.raises(ChannelError, match=code[:3]) as caught:
            sender(box).deliver(message())
    assert caught.value.permanent is permanent


def test_refused_recipients(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """All of them: for good, and without showing them; some: the others have it, and the log says so."""
    with mail_server(tmp_path) as box:
        box.refused_recipients = frozenset({"ann@example.com"})
        with caplog.at_level(logging.WARNING):
            sender(box).deliver(message())
        assert box.recipients == [["bo@example.com"]]
        assert "1 of 2 recipients were refused" in caplog.text
        box.refused_recipients |= {"bo@example.com"}
        with pytest.raises(ChannelError, match="all recipients") as caught:
            sender(box).deliver(message())
    assert caught.value.permanent
    assert "ann@" not in str(caught.value)


def test_a_wrong_password_is_for_good_and_not_shown(tmp_path: Path) -> None:
    """Nor is anything that holds it."""
    with mail_server(tmp_path) as box, pytest.raises(ChannelError, match="535") as caught:
        sender(box, password=Secret("not-the-password")).deliver(message())
    assert caught.value.permanent
    assert "not-the-password" not in f"{caught.value!r} {caught.value.__context__!r}"


def test_a_certificate_must_be_vouched_for(tmp_path: Path) -> None:
    """The system knows nothing of this one; nothing is sent."""
    with mail_server(tmp_path) as box, mail_server(tmp_path, "tls") as other:
        for made in (sender(box, ca=""), sender(other, ca="", tls="tls"), sender(box, host="127.0.0.1")):
            with pytest.raises(ChannelError, match="TLS is not to be trusted"):
                made.deliver(message())
        assert not box.mails + other.mails


def test_a_server_without_tls_is_not_talked_to(tmp_path: Path) -> None:
    """STARTTLS that is not offered is not done without."""
    with mail_server(tmp_path, "none") as box:
        with pytest.raises(ChannelError, match="STARTTLS") as caught:
            sender(box).deliver(message())
        assert caught.value.permanent
        sender(box, tls="none", password=None).deliver(message())
        assert box.encrypted == [False]


@pytest.mark.parametrize(
    "changes",
    [
        {"tls": "ssl"},
        {"tls": "none", "host": "mail.example.com"},
        {"to": ("nobody",)},
        {"to": ("a@b.c\nBcc: x@y.z",)},
        {"sender": ""},
        {"ca": "/nowhere.pem"},
    ],
)
def test_settings_that_cannot_be(changes: dict[str, Any]) -> None:
    """A password in the clear, no address, no such file."""
    from tests.channels.mailbox import Mailbox

    with pytest.raises(ConfigError):
        sender(Mailbox(), **({"ca": ""} | changes))


def test_urls_are_read() -> None:
    """`mailto` upgrades to TLS, `mailtos` begins with it; `from` and `to` go by the user otherwise."""
    made: Any = read_channel(
        "m", "mailtos://ml:p%40ss@mail.example.com:2525?from=w@example.com&to=a@b.co,c@d.co"
    )
    assert (made.host, made.port, made.tls, made.user) == ("mail.example.com", 2525, "tls", "ml")
    assert (made.password, made.sender, made.to) == (Secret("p@ss"), "w@example.com", ("a@b.co", "c@d.co"))
    plain: Any = read_channel("m", "mailto://ml@example.com?smtp=mail.example.com")
    assert (plain.host, plain.tls, plain.to, plain.password) == (
        "mail.example.com",
        "starttls",
        ("ml@example.com",),
        None,
    )
