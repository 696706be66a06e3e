"""`anchorwatch compare`: two tables, one answer, and an exit code for pipelines."""

from __future__ import annotations

import functools
import inspect
import sys
from enum import StrEnum
from pathlib import Path  # noqa: TC003 - Typer reads annotations as it runs
from typing import TYPE_CHECKING, Annotated, Any

import typer

from anchorwatch.cli import screen
from anchorwatch.cli.door import Json  # noqa: TC001 - as above
from anchorwatch.cli.exits import Exit
from anchorwatch.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchorwatch.report.report import Report


class FailOn(StrEnum):
    """Findings that make the exit code 1; notes never do."""

    DRIFT = "drift"
    QUALITY = "quality"
    PERFORMANCE = "performance"
    ANY = "any"
    NEVER = "never"


def _column(told: str) -> Any:
    return Annotated[
        str | None, typer.Option(help=told, metavar="COLUMN", rich_help_panel="What the columns are")
    ]


ROLES: dict[str, Any] = {
    "task": Annotated[
        str | None,
        typer.Option(
            help="binary, multiclass or regression; read off the columns below unless given.",
            rich_help_panel="What the columns are",
        ),
    ],
    "target": _column("What really happened."),
    "prediction": _column("What was predicted."),
    "score": _column("Probability of the positive class."),
    "time": _column("When; not compared."),
    "id": _column("Identifier; not compared."),
}
"""Options that say what the columns are, as `aw.compare` takes them."""


def described(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of `ROLES`; it takes them as one mapping, `roles`."""
    signature = inspect.signature(command, eval_str=True)
    own = [item for item in signature.parameters.values() if item.name != "roles"]
    options = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
        for name, annotation in ROLES.items()
    ]

    @functools.wraps(command)
    def gathered(**given: Any) -> Any:
        return command(roles={name: given.pop(name) for name in ROLES}, **given)

    parameters = [*(item.replace(kind=inspect.Parameter.KEYWORD_ONLY) for item in own), *options]
    gathered.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    gathered.__annotations__ = {item.name: item.annotation for item in parameters}
    del gathered.__wrapped__  # Typer would read the command's own annotations through it
    return gathered


@described
def compare(
    roles: dict[str, Any],
    reference: Annotated[
        str, typer.Argument(help="A file, a folder of Parquet files, or a pattern.", show_default=False)
    ],
    current: Annotated[str, typer.Argument(help="Likewise.", show_default=False)],
    *,
    columns: Annotated[
        str | None, typer.Option(help="Inputs to compare, with commas between them; all unless given.")
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write the report as one page.")] = None,
    junit: Annotated[Path | None, typer.Option(help="Write JUnit XML: a test per column and metric.")] = None,
    fail_on: Annotated[
        FailOn, typer.Option(help="Exit with 1 when there are findings about this.")
    ] = FailOn.NEVER,
    json: Json = False,
) -> None:
    """Compare two tables: what drifted, what broke, and how well the model does."""
    from anchorwatch.report.compare import compare as compared  # noqa: PLC0415 - heavy

    named = None if columns is None else [name.strip() for name in columns.split(",") if name.strip()]
    report = compared(reference, current, columns=named, **roles)
    for path, form in ((html, report.to_html), (junit, report.to_junit)):
        if path is not None:
            _write(path, form())
    if json:
        screen.as_json(report.to_dict())
    elif sys.stdout.isatty():
        _rich(report)
    else:
        typer.echo(str(report))
    if _failed(report, fail_on):
        raise typer.Exit(Exit.FOUND)


def _failed(report: Report, fail_on: FailOn) -> bool:
    if fail_on is FailOn.NEVER:
        return False
    if fail_on is FailOn.ANY:
        return not report.passed
    found = report.to_dict()["findings"]
    return any(item["severity"] != "info" and _family(item["family"]) == fail_on.value for item in found)


def _family(name: str) -> str:
    """Errors and slowness of the service count as performance."""
    return "performance" if name == "service" else name


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8", errors="replace")
    except OSError as problem:
        raise ConfigError(f"{path}: cannot be written: {problem.strerror or problem}") from None


def _rich(report: Report) -> None:
    """The same text, with the colour of its state."""
    from rich.console import Console  # noqa: PLC0415 - 40 ms that other verbs need not take
    from rich.text import Text  # noqa: PLC0415 - as above

    console = Console(soft_wrap=True)
    colours = {"●": "green", "■": "red", "▲": "yellow", "○": "dim"}
    for place, line in enumerate(str(report).splitlines()):
        style = "bold" if place == 0 else "dim" if line.startswith(("drifted ", "metric ")) else ""
        shown = Text(line, style=style)
        for mark, colour in colours.items():
            shown.highlight_words([mark], style=colour)
        console.print(shown)
