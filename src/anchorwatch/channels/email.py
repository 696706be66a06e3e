"""Mail by SMTP, encrypted: text and HTML, the chart within, one thread per incident."""

from __future__ import annotations

import hashlib
import html
import logging
import smtplib
import ssl
from dataclasses import dataclass, field
from email.errors import MessageError
from email.headerregistry import Address as Mailbox
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from typing import TYPE_CHECKING, Any

from anchorwatch.channels.bounded import within
from anchorwatch.channels.http import near, redacted, trust
from anchorwatch.channels.kinds import called, channel
from anchorwatch.channels.say import cleaned, fit, headline, label, one_line, plain
from anchorwatch.core.errors import ChannelError, ConfigError
from anchorwatch.core.secret import Secret
from anchorwatch.core.types import Severity

if TYPE_CHECKING:
    from anchorwatch.channels.address import Address
    from anchorwatch.core.messages import Message

log = logging.getLogger(__name__)

PORTS = {"starttls": 587, "tls": 465, "none": 25}
"""Ways to encrypt, and the port that is usual for each."""
_COLOURS = {Severity.PAGE: "#b3261e", Severity.WARN: "#9a5b00", Severity.INFO: "#1f5fa8"}
_SUBJECT = 200


def _from_url(address: Address) -> dict[str, Any]:
    """`mailto://user:password@host:port?from=…&to=a@b,c@d`; `mailtos` speaks TLS from the first byte."""
    options = dict(address.options)
    listed = [one for one in options.pop("to", "").split(",") if one]
    sender = options.pop("from", "") or (f"{address.user}@{address.host}" if address.user else "")
    settings: dict[str, Any] = {
        "host": options.pop("smtp", address.host),
        "tls": "tls" if address.scheme == "mailtos" else "starttls",
        "from": sender,
        "to": listed or [sender],
        "user": options.pop("user", address.user),
    }
    if address.port is not None:
        settings["port"] = address.port
    if address.password:
        settings["password"] = address.password
    return {**settings, **options}


@channel("email", "E-mail", schemes=("mailto", "mailtos"), from_url=_from_url)
@dataclass(frozen=True, slots=True, kw_only=True)
class Email:
    """Sends each message to all of `to`.

    Args:
        host: the SMTP server.
        to: who reads it.
        sender: what `From` says, such as `Anchorwatch <ml@example.com>`; `from` in configurations.
        port: by default 587 for starttls, 465 for tls, 25 for none.
        tls: `starttls`, `tls`, or `none`, which is refused with a password for any server but this machine's.
        user: to log in with; nobody logs in without a password.
        password: of the user.
        timeout: seconds in all.
        ca: a PEM file of certificates to believe instead of the system's.
    """

    name: str
    host: str
    to: tuple[str, ...]
    sender: str = field(metadata=called("from"))
    port: int = 0
    tls: str = "starttls"
    user: str = ""
    password: Secret | None = None
    timeout: float = 30.0
    ca: str = ""

    def __post_init__(self) -> None:
        if self.tls not in PORTS:
            raise ConfigError(f"tls: {self.tls!r} is none; {', '.join(PORTS)}")
        if self.tls == "none" and self.password is not None and not near(self.host):
            raise ConfigError("tls: a password would be sent in the clear; take starttls or tls")
        for key, given in (("to", self.to), ("from", (self.sender,))):
            for one in given:
                _mailbox(one, key)
        if self.ca:
            trust(self.ca)

    def deliver(self, message: Message) -> str:
        """Send it, and return the thread's first `Message-ID` and subject.

        Mail programs keep a thread together by `References`, some by the subject too: replies keep the first's.
        """
        mail = compose(message, self.sender, self.to)
        within(self.timeout, lambda: self._send(mail), "SMTP")
        root, _, subject = message.handle.partition(" ")
        return f"{root} {subject}" if message.handle else f"{mail['Message-ID']} {mail['Subject']}"

    def _send(self, mail: EmailMessage) -> None:
        """Errors are told without the mail, and outside of handlers, so that nothing is carried along."""
        found: ChannelError | None = None
        refused: dict[str, Any] = {}
        try:
            with self._connected() as server:
                refused = server.send_message(mail) or {}
        except (smtplib.SMTPException, OSError, ValueError, MessageError, ConfigError) as problem:
            found = self._told(problem)
        if found is not None:
            raise found
        if refused:
            log.warning("channel %s: %d of %d recipients were refused", self.name, len(refused), len(self.to))

    def _connected(self) -> smtplib.SMTP:
        port = self.port or PORTS[self.tls]
        if self.tls == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                self.host, port, timeout=self.timeout, context=trust(self.ca)
            )
        else:
            server = smtplib.SMTP(self.host, port, timeout=self.timeout)
        try:
            if self.tls == "starttls":
                server.starttls(context=trust(self.ca))
            if self.password is not None:
                server.login(self.user or parseaddr(self.sender)[1], self.password.reveal())
        except (smtplib.SMTPException, OSError, ValueError):
            server.close()
            raise
        return server

    def _told(self, problem: Exception) -> ChannelError:
        codes = _codes(problem)
        permanent = bool(codes) and all(500 <= code < 600 for code in codes)
        if isinstance(problem, (smtplib.SMTPNotSupportedError, ConfigError, MessageError)):
            permanent = True
        user = self.user or parseaddr(self.sender)[1]
        plain = None if self.password is None else Secret(f"\0{user}\0{self.password.reveal()}")
        secrets = tuple(one for one in (self.password, plain) if one is not None)
        text = redacted(_words(problem), secrets)
        return ChannelError(f"SMTP server {self.host}: {text}", permanent=permanent)


def compose(message: Message, sender: str, to: tuple[str, ...]) -> EmailMessage:
    """A mail of text, HTML and chart."""
    mailbox = _mailbox(sender, "from")
    domain = mailbox.domain
    own = f"<{_key(message.id)}@{domain}>"
    root, _, first = message.handle.partition(" ")
    mail = EmailMessage()
    mail["Subject"] = f"Re: {first}" if first else fit(headline(message), _SUBJECT)
    mail["From"] = mailbox
    mail["To"] = [_mailbox(one, "to") for one in to]
    mail["Date"] = format_datetime(message.at)
    mail["Message-ID"] = own
    if root:
        mail["In-Reply-To"] = root
        mail["References"] = root
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    mail.set_content(f"{headline(message)}\n\n{plain(message)}\n")
    mail.add_alternative(page(message), subtype="html")
    if message.chart:
        parts: Any = mail.get_payload()
        parts[1].add_related(
            message.chart, "image", "png", cid="<chart>", filename="chart.png", disposition="inline"
        )
    return mail


def page(message: Message) -> str:
    """The message as HTML that mail programs show: one table, styles beside their elements, nothing from elsewhere."""
    colour = _COLOURS[message.severity]
    text = "".join(
        f'<p style="margin:0 0 12px">{_html(part)}</p>'
        for part in cleaned(message.text).strip().split("\n\n")
        if part
    )
    rows = "".join(
        f'<tr><td style="padding:2px 16px 2px 0;color:#555;vertical-align:top">{_html(one_line(name))}</td>'
        f'<td style="padding:2px 0">{_html(one_line(value))}</td></tr>'
        for name, value in message.facts
    )
    facts = f'<table style="border-collapse:collapse;margin:0 0 12px">{rows}</table>' if rows else ""
    chart = '<p><img src="cid:chart" alt="chart" style="max-width:100%"></p>' if message.chart else ""
    links = " · ".join(
        f'<a href="{html.escape(url)}">{_html(one_line(name) or "link")}</a>'
        for name, url in message.links
        if url.startswith(("https://", "http://"))
    )
    return (
        '<!DOCTYPE html><html><body style="font-family:system-ui,sans-serif;font-size:14px;line-height:1.5">'
        f'<p style="margin:0;color:{colour};font-weight:bold">{_html(label(message))}</p>'
        f'<h1 style="font-size:18px;margin:0 0 12px">{_html(one_line(message.title) or "Anchorwatch")}</h1>'
        f"{text}{facts}{chart}<p>{links}</p></body></html>"
    )


def _html(text: str) -> str:
    return html.escape(text).replace("\n", "<br>")


def _key(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:40]


def _mailbox(text: str, key: str) -> Mailbox:
    name, address = parseaddr(one_line(text))
    try:
        found = Mailbox(name, addr_spec=address)
    except (ValueError, MessageError, IndexError):
        found = Mailbox()
    if not found.username or not found.domain or "\n" in text:
        raise ConfigError(f"{key}: an address such as ml@example.com is needed")
    return found


def _codes(problem: Exception) -> list[int]:
    if isinstance(problem, smtplib.SMTPRecipientsRefused):
        return [int(code) for code, _ in problem.recipients.values()]
    if isinstance(problem, smtplib.SMTPResponseException):
        return [int(problem.smtp_code)]
    return []


def _words(problem: Exception) -> str:
    """What a server said, without the recipients' addresses."""
    if isinstance(problem, smtplib.SMTPRecipientsRefused):
        said = sorted({f"{code} {_said(text)}" for code, text in problem.recipients.values()})
        return f"all recipients were refused ({'; '.join(said)})"
    if isinstance(problem, smtplib.SMTPResponseException):
        return f"{problem.smtp_code} {_said(problem.smtp_error)}"
    if isinstance(problem, ssl.SSLError):
        return f"its TLS is not to be trusted ({problem.reason or problem})"
    return f"{problem.__class__.__name__}: {problem}"


def _said(text: bytes | str) -> str:
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else text
