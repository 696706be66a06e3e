"""`anchorwatch demo`: two models on a year of flights."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - Typer reads annotations at run time
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console

from anchorwatch.demo.faults import Fault  # noqa: TC001 - as above


def demo(
    *,
    path: Annotated[Path, typer.Option(help="Folder of the store; a second run continues there.")] = Path(
        "anchorwatch-demo"
    ),
    port: Annotated[
        int, typer.Option(help="Port of the web pages; 0 takes a free one.", min=0, max=65_535)
    ] = 8321,
    fault: Annotated[
        Fault | None, typer.Option(help="Something that breaks on the way to the models.")
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option(
            "--from", help="Day of 2013 on which it breaks; 2013-08-01 unless given.", formats=["%Y-%m-%d"]
        ),
    ] = None,
    speed: Annotated[float, typer.Option(help="Days per second; 0 plays as fast as it can.", min=0)] = 4.0,
    serve: Annotated[bool, typer.Option(help="Show web pages while playing.")] = True,
    leave: Annotated[bool, typer.Option("--exit", help="Stop when the year is over.")] = False,
) -> None:
    """Watch two models on every flight that left New York City in 2013.

    Both are trained on January and February; the rest of the year is played at high speed. Performance falls in
    summer and in December by itself; `--fault` breaks something more.
    """
    from anchorwatch.demo.flights import ZONE  # noqa: PLC0415 - Polars, which no other verb should wait for
    from anchorwatch.demo.run import Options, run  # noqa: PLC0415 - as above

    when = since and since.replace(tzinfo=ZoneInfo(ZONE))
    run(
        Options(path=path, port=port, fault=fault, since=when, speed=speed or None, serve=serve, leave=leave),
        Console(stderr=True),
    )
