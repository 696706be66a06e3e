"""Channels as a configuration names them, opened; and the veil over what must not be shown."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

from anchorwatch.channels.read import read_channels
from anchorwatch.channels.vault import Vault
from anchorwatch.core.errors import ConfigError
from anchorwatch.core.secret import Secret
from anchorwatch.flow.notices import Patience
from anchorwatch.flow.tell import Plan

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from anchorwatch.app.config_notify import NotifyConfig
    from anchorwatch.core.ports import Channel

NOISY = ("httpx", "httpcore.connection", "httpcore.http11", "httpcore.http2", "httpcore.proxy", "apprise")
"""Loggers of libraries that tell addresses."""


class Veil(logging.Filter):
    """Puts `***` in the place of secrets, in texts and in records of logs.

    >>> Veil([Secret("hunter2")]).over("https://host/?key=hunter2")
    'https://host/?key=***'
    """

    def __init__(self, secrets: Iterable[Secret] = ()) -> None:
        super().__init__()
        texts = {secret.reveal() for secret in secrets}
        forms = {
            form for text in texts for form in (text, quote(text, safe=""), quote(text), quote_plus(text))
        }
        ranked = sorted((form for form in forms if len(form) > 3), key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, ranked))) if ranked else None

    def __repr__(self) -> str:
        return "Veil(***)"

    def over(self, text: str) -> str:
        """`text` without secrets."""
        return text if self._pattern is None else self._pattern.sub("***", text)

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record through, veiled."""
        said = record.getMessage()
        veiled = self.over(said)
        if veiled != said:
            record.msg, record.args = veiled, ()
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """All there is to tell people with.

    Args:
        plan: who is told of what.
        channels: by their names.
        veil: over their secrets.
        patience: how long a channel is tried.
        charts: whether to draw.
    """

    plan: Plan = field(default_factory=Plan)
    channels: Mapping[str, Channel] = field(default_factory=dict, repr=False)
    veil: Veil = field(default_factory=Veil)
    patience: Patience = field(default_factory=Patience)
    charts: bool = True

    @classmethod
    def of(
        cls, config: NotifyConfig, *, base_url: str = "", environ: Mapping[str, str] | None = None
    ) -> Setup:
        """Open what a configuration names; raises `ConfigError` that shows no secret."""
        vault = Vault(folder=config.folder) if environ is None else Vault(environ, config.folder)
        opened: dict[str, tuple[Channel, ...]] = {}
        for name, given in config.channels.items():
            try:
                opened[name] = read_channels(name, given, vault)
            except ConfigError as problem:
                where = config.where.get(name)
                raise ConfigError(f"channels.{name}: {problem}", where=where) from None
        channels = {one.name: one for several in opened.values() for one in several}
        veil = Veil(secret for one in channels.values() for secret in secrets_of(one))
        for logger in NOISY:
            logging.getLogger(logger).addFilter(veil)
        plan = replace(
            named(config),
            members={name: tuple(one.name for one in several) for name, several in opened.items()},
            base_url=base_url,
        )
        return cls(plan=plan, channels=channels, veil=veil)

    def at(self, base_url: str) -> Setup:
        """The same with links to `base_url`."""
        return replace(self, plan=replace(self.plan, base_url=base_url))


def named(config: NotifyConfig) -> Plan:
    """The plan of a configuration by the names it gives; no channel is opened and no secret looked up."""
    return Plan(
        routes=config.routes,
        members={name: (name,) for name in config.channels},
        quiets=config.quiets,
        digest=config.digest,
    )


def secrets_of(channel: Any) -> list[Secret]:
    """Every secret among a channel's settings."""
    if isinstance(channel, Secret):
        return [channel]
    if isinstance(channel, dict):
        return [secret for value in channel.values() for secret in secrets_of(value)]
    if isinstance(channel, (list, tuple)):
        return [secret for value in channel for secret in secrets_of(value)]
    if is_dataclass(channel) and not isinstance(channel, type):
        values = [getattr(channel, item.name, None) for item in fields(channel)]
        return [secret for value in values for secret in secrets_of(value)]
    return []


def kind_of(channel: Channel) -> str:
    """What people call this kind of channel."""
    return type(channel).__name__.lower()
