"""The client's front door: a watch over any transport."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Self

from anchorwatch.client.model import Model
from anchorwatch.client.options import ClientOptions
from anchorwatch.client.sender import Sender
from anchorwatch.client.transport import HttpTransport
from anchorwatch.core.types import Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import TracebackType

    from anchorwatch.client.transport import Transport
    from anchorwatch.core.schema import ModelSpec
    from anchorwatch.core.secret import Secret


class Watching:
    """A watch, near or far: registers models, hands out what logs to them, and asks how they do.

    `register`, `models`, `incidents` and `query` raise when the watch cannot answer; logging never does.
    """

    def __init__(self, transport: Transport, options: ClientOptions | None = None) -> None:
        self._sender = Sender(transport, options or ClientOptions())
        self._transport = transport

    def __repr__(self) -> str:
        return f"Watching({self._transport.address!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def model(self, name: str) -> Model:
        """What logs to the model `name`. The watch is not asked: it may be away."""
        return Model(name, self._sender)

    def register(
        self,
        spec: ModelSpec,
        reference: Any = None,
        version: str = "",
        rules: Iterable[Rule | Mapping[str, Any]] | None = None,
    ) -> Model:
        """Declare a model, or change what is declared, with the table its windows are compared to.

        Args:
            spec: what the model is.
            reference: rows the model was made from, as any Arrow-capable table; kept with `version`.
            version: of the model.
            rules: what makes an incident; `None`: the rules it has, or the default ones.
        """
        body = spec.to_dict()
        if rules is not None:
            body["rules"] = [_rule(rule) for rule in rules]
        self._transport.put("model", body, model=spec.name)
        if reference is not None:
            from anchorwatch.client.tables import stream  # noqa: PLC0415 - beside its only use

            self._transport.put("reference", stream(reference), model=spec.name, version=version)
        return self.model(spec.name)

    def models(self) -> list[dict[str, Any]]:
        """All models and how they do."""
        found: list[dict[str, Any]] = self._transport.query("models")
        return found

    def incidents(self, **params: Any) -> list[dict[str, Any]]:
        """Incidents, latest first; narrowed by `model`, `state`, `limit` and `before`."""
        found: list[dict[str, Any]] = self._transport.query("incidents", **params)
        return found

    def query(self, name: str, /, **params: Any) -> Any:
        """Any question of the HTTP API by its name, such as `series`, `heatmap` or `status`."""
        return self._transport.query(name, **params)

    def flush(self, timeout: float | None = 10.0) -> bool:
        """Send what was logged so far; whether it was dealt with in time. Blocks."""
        return self._sender.flush(timeout)

    def close(self, timeout: float | None = None) -> bool:
        """Send what is left within `timeout` (default: `exit_timeout`); whether all was dealt with.

        With a spool, the rest waits there for the next process; without, it is dropped and counted.
        """
        return self._sender.close(timeout)


RemoteWatch = Watching
"""The name under which `connect` documents what it returns."""


def connect(url: str, token: str | Secret | None = None, **options: Any) -> Watching:
    """A watch behind Anchorwatch's HTTP API; `options` are those of `ClientOptions`.

    The server need not be up. Raises `ConfigError` for a URL, token or option that can never work.

    >>> connect("localhost:8321")
    Traceback (most recent call last):
    anchorwatch.core.errors.ConfigError: url: 'localhost:8321' cannot be used; write http://host:8321 or https://host
    """
    settings = ClientOptions.read(options)
    return Watching(HttpTransport(url, token, timeout=settings.timeout), settings)


def _rule(rule: Rule | Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(rule, Rule):
        return dict(rule)
    values = {item.name: getattr(rule, item.name) for item in dataclasses.fields(rule)}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
