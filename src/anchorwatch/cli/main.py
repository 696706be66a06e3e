"""The command `anchorwatch`. Heavy imports wait inside the verbs, so that help is quick."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated

import typer

from anchorwatch.cli import export, incidents, notify, rules, tokens
from anchorwatch.cli.compact import compact
from anchorwatch.cli.compare import compare
from anchorwatch.cli.demo import demo
from anchorwatch.cli.exits import EPILOG, Verbs
from anchorwatch.cli.log import log
from anchorwatch.cli.models import apply, check
from anchorwatch.cli.replay import replay
from anchorwatch.cli.retry import retry_set_aside
from anchorwatch.cli.serve import serve
from anchorwatch.cli.status import status

app = typer.Typer(
    cls=Verbs,
    name="anchorwatch",
    help="Keeps watch over machine-learning models in production and acts when they drift.",
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"anchorwatch {version('anchorwatch')}")
        raise typer.Exit


@app.callback(epilog=EPILOG)
def anchorwatch(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Keeps watch over machine-learning models in production and acts when they drift."""


for _verb in (demo, serve, log, apply, check, status, compact, retry_set_aside, compare, replay):
    app.command(epilog=EPILOG)(_verb)
app.add_typer(incidents.app, name="incidents")
app.add_typer(rules.app, name="rules")
app.add_typer(notify.notify, name="notify")
app.add_typer(notify.routes, name="routes")
app.add_typer(notify.silence, name="silence")
app.add_typer(tokens.app, name="token")
app.add_typer(export.app, name="export")


def run() -> None:
    """Run the command line."""
    app()
