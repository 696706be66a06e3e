"""Tokens: high-entropy secrets, of which only the hash is kept."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from anchorwatch.core.errors import InputError, UnknownError
from anchorwatch.core.secret import Secret
from anchorwatch.stores.ledger import tables

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from anchorwatch.stores.ledger.engine import Database

SCOPES = ("ingest", "read", "operate", "admin")
_SHAPE = re.compile(r"aw_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
_USED_EVERY = 60_000_000


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks, and what they may do; `admin` may do everything."""

    name: str
    scopes: frozenset[str]

    def may(self, scope: str) -> bool:
        """Whether `scope` is among this one's."""
        return scope in self.scopes or "admin" in self.scopes


@dataclass(frozen=True, slots=True)
class TokenInfo:
    """A token as lists show it; times in microseconds."""

    id: str
    name: str
    scopes: tuple[str, ...]
    created_at: int
    used_at: int | None
    revoked_at: int | None


class Tokens:
    """Issue, check, list and revoke tokens; `now` gives microseconds."""

    def __init__(self, database: Database, now: Callable[[], int]) -> None:
        self._database = database
        self._now = now

    def issue(self, name: str, scopes: Collection[str]) -> tuple[str, Secret]:
        """A new token's id and its text `aw_<id>_<secret>`, which is shown this once and not kept.

        Raises `InputError` for a scope that does not exist.
        """
        wrong = [scope for scope in scopes if scope not in SCOPES]
        if wrong or not scopes:
            raise InputError(f"scopes {list(scopes)!r}: take one or more of {', '.join(SCOPES)}")
        if not name.strip() or len(name) > 200:
            raise InputError(f"name {name[:40]!r}: give a token 1 to 200 characters of a name")
        number, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
        with self._database.write() as connection:
            connection.execute(
                sa.insert(tables.tokens).values(
                    id=number,
                    name=name,
                    hash=_hash(secret),
                    scopes=",".join(scope for scope in SCOPES if scope in scopes),
                    created_at=self._now(),
                )
            )
        return number, Secret(f"aw_{number}_{secret}")

    def check(self, text: str) -> Principal | None:
        """Whose token `text` is; None when it is nobody's."""
        match = _SHAPE.fullmatch(text)
        if match is None:
            return None
        with self._database.read() as connection:
            row = connection.execute(sa.select(tables.tokens).where(tables.tokens.c.id == match[1])).first()
        if row is None or row.revoked_at is not None or not hmac.compare_digest(row.hash, _hash(match[2])):
            return None
        now = self._now()
        if row.used_at is None or now - row.used_at > _USED_EVERY:
            with self._database.write() as connection:
                connection.execute(
                    sa.update(tables.tokens).where(tables.tokens.c.id == row.id).values(used_at=now)
                )
        return Principal(row.name, frozenset(row.scopes.split(",")))

    def list(self) -> list[TokenInfo]:
        """Every token, revoked ones included, oldest first."""
        with self._database.read() as connection:
            rows = connection.execute(sa.select(tables.tokens).order_by(tables.tokens.c.created_at)).all()
        return [
            TokenInfo(
                row.id, row.name, tuple(row.scopes.split(",")), row.created_at, row.used_at, row.revoked_at
            )
            for row in rows
        ]

    def revoke(self, number: str) -> None:
        """From now on the token is nobody's."""
        with self._database.write() as connection:
            changed = connection.execute(
                sa.update(tables.tokens)
                .where(tables.tokens.c.id == number, tables.tokens.c.revoked_at.is_(None))
                .values(revoked_at=self._now())
            )
        if not changed.rowcount:
            raise UnknownError(f"no live token has the id {number!r}; `anchorwatch token list` shows them")

    def any(self) -> bool:
        """Whether a token was ever made; until then the store is open to its own machine."""
        with self._database.read() as connection:
            return connection.execute(sa.select(tables.tokens.c.id).limit(1)).first() is not None


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
