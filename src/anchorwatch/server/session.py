"""Signed cookies: who signed in, until when; and what a form must bring back to show that it is ours.

Nothing is kept on the server. A cookie names the token it came from, so revoking the token ends the session.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass

COOKIE = "anchorwatch"
OPEN = "open"
"""Stands for the session of a store without tokens."""


@dataclass(frozen=True, slots=True)
class Session:
    """A token's id, the second at which the session ends, and a word that makes it one of its kind."""

    token: str
    ends: int
    nonce: str


class Signer:
    """Writes and reads cookies with a key that only the store knows."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def write(self, token: str, ends: int) -> str:
        """The cookie of a new session."""
        body = f"{token}.{ends}.{secrets.token_urlsafe(12)}"
        return f"{body}.{self._sign('session', body)}"

    def read(self, cookie: str, now: float) -> Session | None:
        """The session of a cookie; None when it was not written here, or is over."""
        body, _, signature = cookie.rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._sign("session", body).encode()):
            return None
        token, ends, nonce = body.split(".")
        return Session(token, int(ends), nonce) if now < int(ends) else None

    def csrf(self, nonce: str) -> str:
        """What forms of the session with this word bring back."""
        return self._sign("csrf", nonce)

    def _sign(self, purpose: str, text: str) -> str:
        digest = hmac.digest(self._key, f"{purpose}:{text}".encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")
