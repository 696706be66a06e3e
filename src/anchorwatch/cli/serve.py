"""`anchorwatch serve`: a server on a store of this machine."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - Typer reads annotations as it runs
from typing import Annotated

import typer


def serve(
    path: Annotated[
        Path,
        typer.Argument(envvar="ANCHORWATCH_STORE", help="Folder of the store; made when it is not there."),
    ],
    *,
    host: Annotated[
        str, typer.Option(help="Address to listen on; 0.0.0.0 for every one this machine has.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(help="Port to listen on; 0 takes a free one.", min=0, max=65_535)
    ] = 8321,
) -> None:
    """Serve the HTTP API and the web pages until Ctrl-C."""
