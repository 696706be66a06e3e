"""A mail server on this machine: encrypted, asks for a password, keeps what it is given."""

from __future__ import annotations

import email
import email.policy
import socket
import ssl
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import EmailMessage
    from pathlib import Path

USER, PASSWORD = "anchorwatch", "hunter2-is-no-secret"


@dataclass
class Mailbox:
    """Where mail arrives; `refuse` answers the next mails with a code instead."""

    port: int = 0
    ca: str = ""
    mails: list[EmailMessage] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    known: list[bool] = field(default_factory=list)
    refuse: str = ""
    refused_recipients: frozenset[str] = frozenset()

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        """Take a recipient, unless it is to be refused."""
        if address in self.refused_recipients:
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        """Keep a mail."""
        if self.refuse:
            return self.refuse
        self.raw.append(envelope.content)
        found: Any = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.mails.append(found)
        self.recipients.append(list(envelope.rcpt_tos))
        self.encrypted.append(server.transport.get_extra_info("ssl_object") is not None)
        self.known.append(bool(session.authenticated))
        return "250 Message accepted for delivery"


def _login(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
    good = isinstance(data, LoginPassword) and (data.login, data.password) == (
        USER.encode(),
        PASSWORD.encode(),
    )
    return AuthResult(success=good, handled=False)


@contextmanager
def mail_server(folder: Path, tls: str = "starttls") -> Iterator[Mailbox]:
    """A server for `starttls`, `tls` or `none`, whose certificate `ca` vouches for."""
    ca = trustme.CA()
    path = folder / f"ca-{tls}.pem"
    ca.cert_pem.write_to_path(path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert("localhost").configure_cert(context)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    box = Mailbox(port, str(path))
    ways: dict[str, dict[str, Any]] = {
        "starttls": {"tls_context": context, "require_starttls": True, "auth_required": True},
        "tls": {"ssl_context": context, "auth_require_tls": False},
        "none": {"auth_require_tls": False},
    }
    controller = Controller(box, hostname="127.0.0.1", port=port, authenticator=_login, **ways[tls])
    controller.start()
    try:
        yield box
    finally:
        controller.stop()
