"""`anchorwatch serve`: a server on a store of this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from anchorwatch.app.watch import Watch


def serve(
    path: Annotated[
        Path,
        typer.Argument(
            envvar="ANCHORWATCH_STORE",
            help="Folder of the store; made when it is not there.",
            show_default=False,
        ),
    ],
    *,
    host: Annotated[
        str, typer.Option(help="Address to listen on; 0.0.0.0 for every one this machine has.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(help="Port to listen on; 0 takes a free one.", min=0, max=65_535)
    ] = 8321,
    public_url: Annotated[
        str,
        typer.Option(
            envvar="ANCHORWATCH_PUBLIC_URL",
            help="Address people type when a proxy speaks TLS for the server, such as https://watch.example.com.",
            show_default=False,
        ),
    ] = "",
    config: Annotated[
        Path | None,
        typer.Option(
            envvar="ANCHORWATCH_CONFIG",
            help="A watch.yaml with channels and routes: whom to tell of incidents. Its models are left to `apply`.",
            show_default=False,
        ),
    ] = None,
    modules: Annotated[
        list[str] | None,
        typer.Option(
            "--import",
            envvar="ANCHORWATCH_IMPORT",
            help="Module of your own to import first: its measures register themselves; give it once per module.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Serve the HTTP API and the web pages until Ctrl-C."""
    from anchorwatch.app.imports import import_modules  # noqa: PLC0415 - heavy
    from anchorwatch.cli.notify import opened  # noqa: PLC0415 - as above
    from anchorwatch.server import serve as server  # noqa: PLC0415 - heavy
    from anchorwatch.server.options import ServerOptions  # noqa: PLC0415 - as above

    import_modules(modules or (), Path())
    options = ServerOptions(public_url=public_url)
    base = public_url or (f"http://{host}:{port}" if port and host not in {"0.0.0.0", "::"} else "")  # noqa: S104 - compared, not bound
    notify = None if config is None else opened(config, base)

    def ready(url: str, watch: Watch) -> None:
        typer.echo(f"Anchorwatch serves {path} at {url}")
        if notify is not None:
            typer.echo(f"Incidents are told to {', '.join(notify.channels) or 'nobody'}")
        if not watch.ledger.tokens.any() and public_url:
            typer.echo(
                f"Nobody may use {public_url} before a token is made; with the server stopped: "
                "anchorwatch token create NAME --scope admin"
            )
        elif not watch.ledger.tokens.any():
            typer.echo(
                "Open to this machine alone until the first token is made: "
                f"{url}/settings, or with the server stopped: anchorwatch token create NAME --scope admin"
            )

    server.serve(path, server.Address(host, port), options=options, ready=ready, notify=notify)
    typer.echo("stopped; all that was acknowledged is on disk")
