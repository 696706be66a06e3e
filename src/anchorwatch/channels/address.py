"""URLs of channels, taken apart as they are written: capitals of a token in the place of a host are kept."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

from anchorwatch.core.errors import ConfigError


@dataclass(frozen=True, slots=True, repr=False)
class Address:
    """`scheme://user:password@host:port/path?options`, unquoted; it has no repr, since any part may be secret."""

    scheme: str
    user: str
    password: str
    host: str
    port: int | None
    path: tuple[str, ...]
    options: dict[str, str]

    @classmethod
    def of(cls, url: str) -> Address:
        """Take `url` apart; raises `ConfigError`, which does not show it.

        >>> Address.of("slack://xoxb-1-A@ml-alerts").user
        'xoxb-1-A'
        """
        try:
            parts = urlsplit(url)
            port = parts.port if "," not in parts.netloc else None
        except ValueError:
            raise ConfigError(
                "url: it cannot be read; write scheme://…, special characters quoted as %40"
            ) from None
        login, _, place = parts.netloc.rpartition("@")
        user, _, password = login.partition(":")
        host = place if "," in place or port is None else place.rpartition(":")[0]
        return cls(
            scheme=parts.scheme.lower(),
            user=unquote(user),
            password=unquote(password),
            host=unquote(host),
            port=port,
            path=tuple(unquote(part) for part in parts.path.split("/") if part),
            options=dict(parse_qsl(parts.query, keep_blank_values=True)),
        )
