"""Kinds of channel: the registry, and what a class must be to be in it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, TypeVar

from anchorwatch.core.errors import ConfigError
from anchorwatch.core.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from dataclasses import Field

    from anchorwatch.channels.address import Address
    from anchorwatch.core.ports import Channel

C = TypeVar("C", bound="type[Channel]")

NO_SETTING = {"called": ""}
"""Metadata of a field that no configuration may set, such as a clock."""


def called(name: str) -> dict[str, str]:
    """Metadata of a field that configurations call otherwise, such as `from`, which Python keeps to itself."""
    return {"called": name}


@dataclass(frozen=True, slots=True)
class ChannelKind:
    """A kind of channel.

    Args:
        name: what `kind:` says.
        title: what people call it.
        make: a frozen dataclass whose fields, but `name`, are the settings; they are read by their types: `str`,
            `Secret`, `bool`, `int`, `float`, `tuple[str, ...]` and `dict[str, str]`.
        schemes: of URLs that mean this kind.
        from_url: settings from such a URL.
    """

    name: str
    title: str
    make: type[Channel]
    schemes: tuple[str, ...] = ()
    from_url: Callable[[Address], Mapping[str, Any]] | None = None

    @property
    def settings(self) -> dict[str, Field[Any]]:
        """All settings, by what configurations call them."""
        made: Any = self.make
        named = {item.metadata.get("called", item.name): item for item in fields(made) if item.name != "name"}
        return {name: item for name, item in named.items() if name}


CHANNELS = Registry[ChannelKind]("kind of channel")
"""Every kind there is; a class is put here by `channel`."""


def channel(
    name: str,
    title: str,
    *,
    schemes: tuple[str, ...] = (),
    from_url: Callable[[Address], Mapping[str, Any]] | None = None,
) -> Callable[[C], C]:
    """Register a frozen dataclass that is a `Channel`; its fields are the settings.

    >>> from dataclasses import dataclass
    >>> @channel("shout", "A loud voice")
    ... @dataclass(frozen=True)
    ... class Shout:
    ...     name: str
    ...     loudness: int = 11
    ...     def deliver(self, message): return ""
    >>> list(CHANNELS["shout"].settings)
    ['loudness']
    """

    def register(made: C) -> C:
        frozen = getattr(made, "__dataclass_params__", None)
        if frozen is None or not frozen.frozen:
            raise ConfigError(
                f"{made.__name__}: a channel is a frozen dataclass, so that its settings can be read"
            )
        for scheme in schemes:
            taken = [kind.name for kind in CHANNELS.values() if scheme in kind.schemes]
            if taken:
                raise ConfigError(f"{scheme}:// means the kind {taken[0]!r} already; choose another scheme")
        CHANNELS.add(name, ChannelKind(name, title, made, schemes, from_url))
        return made

    return register
