"""Where secrets come from: the environment and files, never the configuration itself by choice."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from anchorwatch.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAMED = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


@dataclass(frozen=True, slots=True)
class Vault:
    """Looks up `{env: NAME}` and `{file: PATH}`; paths are relative to `folder`.

    >>> Vault({"PD_KEY": "abc"}).text({"env": "PD_KEY"}, "key")
    'abc'
    """

    environ: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)
    folder: Path = Path()

    def text(self, given: Any, key: str) -> str:
        """The text that `given` is or points to; raises `ConfigError` that names `key` and never shows a value."""
        if isinstance(given, str):
            return given
        if not points(given):
            raise ConfigError(f"{key}: a text, {{env: NAME}} or {{file: PATH}} is needed")
        ((where, name),) = given.items()
        found = self._env(name, key) if where == "env" else self._file(name, key)
        if not found:
            raise ConfigError(f"{key}: {where} {name!r} is empty; put the secret there")
        return found

    def filled(self, url: str, key: str) -> str:
        """`url` with each `${NAME}` replaced by the environment's, quoted unless it is the whole."""
        if whole := _NAMED.fullmatch(url):
            return self._env(whole[1], key)
        return _NAMED.sub(lambda match: quote(self._env(match[1], key), safe=""), url)

    def _env(self, name: str, key: str) -> str:
        if name not in self.environ:
            raise ConfigError(f"{key}: the environment has no {name!r}; set it before starting")
        return self.environ[name]

    def _file(self, name: str, key: str) -> str:
        try:
            return (self.folder / name).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeError) as problem:
            why = getattr(problem, "strerror", None) or "it is no text"
            raise ConfigError(f"{key}: {name!r} cannot be read ({why}); write the secret there") from None


def points(given: Any) -> bool:
    """Whether `given` says where a text is, such as `{env: NAME}`.

    >>> points({"env": "PD_KEY"}), points({"kind": "console"})
    (True, False)
    """
    return (
        isinstance(given, dict)
        and len(given) == 1
        and all(where in {"env", "file"} and isinstance(name, str) for where, name in given.items())
    )
