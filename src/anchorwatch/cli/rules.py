"""`anchorwatch rules test`: users' tests of their rules."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path  # noqa: TC003 - Typer reads annotations as it runs
from typing import TYPE_CHECKING, Annotated

import typer

from anchorwatch.cli import screen
from anchorwatch.cli.door import Json  # noqa: TC001 - as above
from anchorwatch.cli.exits import EPILOG, Exit

if TYPE_CHECKING:
    from anchorwatch.app.rule_tests import Outcome

app = typer.Typer(help="Try rules on made-up series.", epilog=EPILOG, no_args_is_help=True)


@app.callback()
def rules() -> None:
    """Try rules on made-up series."""


@app.command("test", epilog=EPILOG)
def try_out(
    files: Annotated[list[Path], typer.Argument(help="YAML files of tests.", show_default=False)],
    *,
    json: Json = False,
) -> None:
    """Run tests of rules: made-up series in, findings and incidents out, compared with what is expected."""
    from anchorwatch.app.rule_tests import run_file  # noqa: PLC0415 - heavy

    ran = [(file, run_file(file)) for file in files]
    failed = sum(bool(outcome.mismatches) for _, outcomes in ran for outcome in outcomes)
    if json:
        screen.as_json(
            [{"file": str(file), **asdict(outcome)} for file, outcomes in ran for outcome in outcomes]
        )
    else:
        for file, outcomes in ran:
            for outcome in outcomes:
                _tell(file, outcome)
        count = sum(len(outcomes) for _, outcomes in ran)
        typer.echo(f"{count - failed} passed, {failed} failed")
    if failed:
        raise typer.Exit(Exit.FOUND)


def _tell(file: Path, outcome: Outcome) -> None:
    typer.echo(f"{'FAIL' if outcome.mismatches else 'ok  '}  {file}:{outcome.line}  {outcome.name}")
    window = None
    for item in outcome.mismatches:
        if item.window != window:
            typer.echo(f"      window {item.window}")
            window = item.window
        typer.echo(f"        - {item.what}: {item.expected}")
        typer.echo(f"        + {item.what}: {item.got}    ({item.reason})")
