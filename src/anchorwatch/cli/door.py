"""Which watch a command is about, and the way in: a folder of this machine or a server."""

from __future__ import annotations

import functools
import getpass
import inspect
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from anchorwatch.core.errors import ConfigError, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from anchorwatch.app.watch import Watch
    from anchorwatch.cli.far import Far
    from anchorwatch.client.watch import Watching

_PANEL = "Which watch"

Store = Annotated[
    Path | None,
    typer.Option(
        envvar="ANCHORWATCH_STORE", help="Folder of a store on this machine.", rich_help_panel=_PANEL
    ),
]
Url = Annotated[
    str | None,
    typer.Option(
        envvar="ANCHORWATCH_URL",
        help="Address of a server, such as http://localhost:8321.",
        rich_help_panel=_PANEL,
    ),
]
Token = Annotated[
    str | None,
    typer.Option(
        envvar="ANCHORWATCH_TOKEN", help="Token for the server.", show_envvar=True, rich_help_panel=_PANEL
    ),
]


@dataclass(frozen=True, slots=True)
class Door:
    """A store or a server, not opened yet."""

    store: Path | None = None
    url: str | None = None
    token: str | None = None

    @property
    def near(self) -> bool:
        """Whether it is a store of this machine; raises `ConfigError` unless exactly one is named."""
        if self.store is not None and self.url is not None:
            raise ConfigError("--store and --url are two different watches; give one of them")
        if self.store is None and self.url is None:
            raise ConfigError(
                "which watch? give --store PATH or --url URL (or ANCHORWATCH_STORE, ANCHORWATCH_URL)"
            )
        return self.store is not None

    @contextmanager
    def watching(self, *, make: bool = False, **options: Any) -> Iterator[Watching]:
        """The client's face of it, with options of `ClientOptions`; only `make` makes a store that is not there."""
        from anchorwatch.app import embedded  # noqa: PLC0415 - heavy
        from anchorwatch.client.watch import connect  # noqa: PLC0415 - as above

        if self.near:
            with embedded.open(self._folder(make=make), **options) as watching:
                yield watching
        else:
            with connect(self.url or "", self.token, **options) as watching:
                yield watching

    @contextmanager
    def watch(self) -> Iterator[Watch]:
        """The store itself, at rest: nothing moves while a command looks at it or changes it."""
        from anchorwatch.app.watch import Watch  # noqa: PLC0415 - heavy

        if not self.near:
            raise ConfigError("--url: this is done on the store itself; give --store PATH on its machine")
        with Watch.open(self._folder(make=False), start=False) as watch:
            yield watch

    def far(self) -> Far:
        """The server's API."""
        from anchorwatch.cli.far import Far  # noqa: PLC0415 - heavy

        return Far(self.url or "", self.token)

    def query(self, name: str, /, **params: Any) -> Any:
        """Ask one question of the watch, as the HTTP API has it."""
        if not self.near:
            with self.watching() as watching:
                return watching.query(name, **params)
        with self.watch() as watch:
            return getattr(watch.queries, name)(**params)

    def incident(self, number: int) -> dict[str, Any]:
        """One incident with its findings and timeline."""
        found: dict[str, Any]
        if not self.near:
            found = self.query("incident", id=number)
            return found
        with self.watch() as watch:
            found = watch.queries.incident(number)
            return found

    def _folder(self, *, make: bool) -> Path:
        folder = self.store or Path()
        if not make and not (folder / "ledger.db").is_file():
            raise StoreError(
                f"{folder}: there is no store; `anchorwatch apply` and `anchorwatch serve` make one"
            )
        return folder


def shared(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that say which watch; it takes them as its first argument, a `Door`."""
    signature = inspect.signature(command, eval_str=True)
    own = list(signature.parameters.values())[1:]
    options = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
        for name, annotation in (("store", Store), ("url", Url), ("token", Token))
    ]

    @functools.wraps(command)
    def opened(**given: Any) -> Any:
        door = Door(given.pop("store"), given.pop("url"), given.pop("token"))
        return command(door, **given)

    parameters = [*(item.replace(kind=inspect.Parameter.KEYWORD_ONLY) for item in own), *options]
    opened.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    opened.__annotations__ = {item.name: item.annotation for item in parameters}
    del opened.__wrapped__  # Typer would read the command's own annotations through it
    return opened


Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Who = Annotated[
    str, typer.Option("--as", help="Who does it, (default: you; a server takes the token's name).")
]


def me() -> str:
    """Who runs this command, as the timeline shows it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "somebody"
