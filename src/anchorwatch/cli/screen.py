"""What commands print: tables for people, plain columns for pipes, JSON for programs."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.progress import Progress

MARKS = {"ok": "●", "warn": "▲", "page": "■", "unknown": "○", "firing": "■", "pending": "▲", "resolved": "●"}
"""States told by shape as well as by word and colour."""

_COLOURS = {
    "ok": "green",
    "warn": "yellow",
    "page": "red",
    "unknown": "dim",
    "firing": "red",
    "pending": "yellow",
    "resolved": "green",
}


def as_json(value: Any) -> None:
    """Print plain types as JSON: indented on a terminal, one line for a pipe."""
    typer.echo(json.dumps(value, indent=2 if sys.stdout.isatty() else None, ensure_ascii=False, default=str))


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, empty: str) -> None:
    """Print rows; `empty` says what it means that there are none."""
    texts = [[_text(cell) for cell in row] for row in rows]
    if not texts:
        typer.echo(empty)
    elif sys.stdout.isatty():
        _rich(columns, texts)
    else:
        typer.echo("\t".join(column.upper() for column in columns))
        for row in texts:
            typer.echo("\t".join(cell.replace("\t", " ").replace("\n", " ") for cell in row))


def state(word: str) -> str:
    """A state's mark and word."""
    return f"{MARKS.get(word, '·')} {word}"


def progress() -> Progress:
    """A progress bar on stderr, which shows nothing where stderr is no terminal."""
    from rich.console import Console  # noqa: PLC0415 - 40 ms that other verbs need not take
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    )


def _text(cell: Any) -> str:
    return "" if cell is None else str(cell)


def _rich(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich import box  # noqa: PLC0415 - as above
    from rich.console import Console  # noqa: PLC0415 - as above
    from rich.table import Table  # noqa: PLC0415 - as above
    from rich.text import Text  # noqa: PLC0415 - as above

    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        shown.add_column(column)
    for row in rows:
        shown.add_row(*(Text(cell, style=_COLOURS.get(cell.split(" ")[-1], "")) for cell in row))
    Console().print(shown)
