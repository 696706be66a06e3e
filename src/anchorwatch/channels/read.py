"""From what a configuration says to channels. Strict, and no error shows a value."""

from __future__ import annotations

import difflib
import math
from dataclasses import MISSING
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from anchorwatch.channels.address import Address
from anchorwatch.channels.kinds import CHANNELS
from anchorwatch.channels.vault import Vault, points
from anchorwatch.core.errors import ConfigError, UnknownError
from anchorwatch.core.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from anchorwatch.channels.kinds import ChannelKind
    from anchorwatch.core.ports import Channel

_OWN_HOSTS = {"hooks.slack.com": "slack"}
"""Hosts of https addresses that mean a kind of their own."""


def read_channels(name: str, given: Any, vault: Vault | None = None) -> tuple[Channel, ...]:
    """The channels that the configuration keeps under `name`: one, or a list of them.

    >>> [one.name for one in read_channels("ml-team", ["console://", {"kind": "console"}])]
    ['ml-team/1', 'ml-team/2']
    """
    if not isinstance(given, list):
        return (read_channel(name, given, vault),)
    if not given:
        raise ConfigError("the list is empty; write at least one URL, or {kind: console}")
    if len(given) == 1:
        return (read_channel(name, given[0], vault),)
    return tuple(read_channel(f"{name}/{place}", one, vault) for place, one in enumerate(given, 1))


def read_channel(name: str, given: Any, vault: Vault | None = None) -> Channel:
    """The channel that a URL or a mapping with `kind` describes.

    Args:
        name: what it is called.
        given: `"slack://…"`, `{"kind": "pagerduty", "key": {"env": "PD_KEY"}}`, or `{"env": NAME}` for a URL.
        vault: where secrets come from; by default the environment, and files beside the working folder.

    Raises:
        ConfigError: that begins with the setting's name.
    """
    vault = vault or Vault()
    if points(given):
        given = vault.text(given, "url")
    if isinstance(given, str):
        return _from_url(name, vault.filled(given.strip(), "url"), vault)
    if not isinstance(given, dict) or "kind" not in given:
        raise ConfigError("kind: write a URL such as 'slack://…', or a mapping such as {kind: console}")
    try:
        kind = CHANNELS[str(given["kind"])]
    except UnknownError as problem:
        raise ConfigError(f"kind: {problem}") from None
    return _made(kind, name, {key: value for key, value in given.items() if key != "kind"}, vault)


def _from_url(name: str, url: str, vault: Vault) -> Channel:
    scheme = url.partition("://")[0].lower()
    if "://" not in url:
        raise ConfigError("url: a scheme is needed, such as slack:// or mailtos://")
    if scheme in {"http", "https"}:
        kind = _OWN_HOSTS.get(_host(url), "")
        if not kind:
            raise ConfigError(
                f"url: {scheme}:// alone does not say what is spoken there; write {{kind: webhook, url: …, secret: …}}"
            )
        return _made(CHANNELS[kind], name, {"url": url}, vault)
    kind_of = {scheme: kind for kind in CHANNELS.values() for scheme in kind.schemes}
    if scheme not in kind_of:
        return _made(CHANNELS["apprise"], name, {"url": url}, vault)
    found = kind_of[scheme]
    address = Address.of(url)
    settings = dict(found.from_url(address)) if found.from_url else dict(address.options)
    return _made(found, name, settings, vault)


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _made(kind: ChannelKind, name: str, given: Mapping[str, Any], vault: Vault) -> Channel:
    """A channel from plain settings, each read by its type."""
    known = kind.settings
    for key in given:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known) or 'none'}"
            raise ConfigError(f"{key}: {kind.name} has no such setting; {hint}")
    made: Any = kind.make
    read = {
        known[key].name: _value(_hint(known[key].type), value, key, vault)
        for key, value in given.items()
        if value is not None
    }
    for key, item in known.items():
        if item.default is MISSING and item.default_factory is MISSING and item.name not in read:
            raise ConfigError(f"{key}: {kind.name} needs it")
    channel: Channel = made(name=name, **read)
    return channel


def _hint(declared: Any) -> str:
    """A field's type as it is written."""
    return declared.__name__ if isinstance(declared, type) else str(declared)


def _value(hint: str, given: Any, key: str, vault: Vault) -> Any:
    reader = _READERS.get(hint)
    if reader is None:
        raise ConfigError(
            f"{key}: a setting of type {hint} cannot be read; declare it as str, Secret, float …"
        )
    return reader(given, key, vault)


def _text(given: Any, key: str, vault: Vault) -> str:
    if isinstance(given, (int, float)) and not isinstance(given, bool):
        return str(given)
    return vault.text(given, key).strip()


def _secret(given: Any, key: str, vault: Vault) -> Secret:
    text = vault.text(given, key)
    text = vault.filled(text, key) if isinstance(given, str) else text
    if not text.strip():
        raise ConfigError(f"{key}: it is empty; give {{env: NAME}} or {{file: PATH}}")
    return Secret(text.strip())


def _number(given: Any, key: str, _vault: Vault) -> float:
    try:
        number = float(given)
    except (TypeError, ValueError):
        raise ConfigError(f"{key}: a number is needed") from None
    if isinstance(given, bool) or not math.isfinite(number) or number <= 0:
        raise ConfigError(f"{key}: a number above 0 is needed")
    return number


def _count(given: Any, key: str, vault: Vault) -> int:
    number = _number(given, key, vault)
    if number != int(number):
        raise ConfigError(f"{key}: a whole number is needed")
    return int(number)


def _flag(given: Any, key: str, _vault: Vault) -> bool:
    known = {"true": True, "yes": True, "false": False, "no": False}
    if isinstance(given, bool):
        return given
    if str(given).lower() in known:
        return known[str(given).lower()]
    raise ConfigError(f"{key}: true or false is needed")


def _texts(given: Any, key: str, vault: Vault) -> tuple[str, ...]:
    listed: Sequence[Any] = given if isinstance(given, (list, tuple)) else [given]
    found = tuple(_text(one, key, vault) for one in listed)
    if not found or not all(found):
        raise ConfigError(f"{key}: a text or a list of texts is needed")
    return found


def _pairs(given: Any, key: str, vault: Vault) -> dict[str, str]:
    if not isinstance(given, dict):
        raise ConfigError(f"{key}: names and texts are needed, such as {{team: ml}}")
    return {str(name): _text(value, key, vault) for name, value in given.items()}


_READERS: dict[str, Callable[[Any, str, Vault], Any]] = {
    "str": _text,
    "Secret": _secret,
    "Secret | None": _secret,
    "float": _number,
    "int": _count,
    "bool": _flag,
    "tuple[str, ...]": _texts,
    "dict[str, str]": _pairs,
}
