"""What the server allows, in one place."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlsplit

from anchorwatch.core.errors import ConfigError
from anchorwatch.flow.take import Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """Bounds of the server; the defaults hold its memory well under a gibibyte.

    Args:
        limits: what a batch of events may be.
        ratio: how many times its size a compressed body may grow to, beyond the first mebibyte.
        pending: bytes of bodies that may be worked on at once; beyond it, senders are asked to wait.
        document: bytes of a declaration.
        reference: bytes of a reference table.
        workers: threads that look batches over.
        retry_after: seconds after which a sender that was asked to wait should try again.
        session: how long a sign-in at the web pages lasts.
        public_url: the address people type, such as `https://watch.example.com`, where a proxy speaks TLS for the
            server: then cookies are for TLS alone, and pages of that address count as the server's own.
        remember: seconds for which a token, once checked, is not looked up again; revoking takes as long.
    """

    limits: Limits = field(default_factory=Limits)
    ratio: int = 500
    pending: int = 96 * 2**20
    document: int = 2**20
    reference: int = 512 * 2**20
    workers: int = 2
    retry_after: int = 1
    session: timedelta = timedelta(hours=12)
    remember: float = 1.0
    public_url: str = ""

    def __post_init__(self) -> None:
        parts = urlsplit(self.public_url)
        if self.public_url and (
            parts.scheme not in {"http", "https"} or not parts.hostname or parts.path.strip("/")
        ):
            raise ConfigError(
                f"public_url: {self.public_url!r} is no address of a server; write one without a path, such as "
                "https://watch.example.com"
            )

    @property
    def public_host(self) -> str:
        """The public address's host, with its port where that is not the usual one; empty when none is known."""
        return urlsplit(self.public_url).netloc.lower()

    @property
    def secure(self) -> bool:
        """Whether people come by TLS, as the public address says."""
        return urlsplit(self.public_url).scheme == "https"
