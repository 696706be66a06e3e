"""docs/reference/cli.md: every verb with its arguments and options, from the Typer application."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from typer.main import get_command

if TYPE_CHECKING:
    from collections.abc import Iterator


def text() -> str:
    """The page."""
    from anchorwatch.cli.main import app  # noqa: PLC0415 - its own page alone needs every verb

    root = get_command(app)
    lines = ["# Command line", "", _prose(root.help), *_tables(root)]
    for name, command in verbs(root):
        lines += ["", f"## anchorwatch {name}", "", _prose(command.help), *_tables(command)]
    return "\n".join(lines)


def verbs(group: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every verb under `group` with its full name, groups before what is in them."""
    for name, command in sorted(group.commands.items()):
        if command.hidden:
            continue
        yield prefix + name, command
        if hasattr(command, "commands"):
            yield from verbs(command, f"{prefix}{name} ")


def _prose(text: str | None) -> str:
    # Typer marks where a paragraph is to be kept as it is; on a page nothing is rewrapped.
    return inspect.cleandoc(text or "").replace("\b\n", "")


def _tables(command: Any) -> list[str]:
    rows = [
        _row(item) for item in command.params if not getattr(item, "hidden", False) and item.name != "help"
    ]
    return ["", "| | default | meaning |", "|---|---|---|", *rows] if rows else []


def _row(item: Any) -> str:
    names = (
        [*item.opts, *item.secondary_opts] if item.param_type_name == "option" else [str(item.name).upper()]
    )
    shown = ", ".join(f"`{name}`" for name in names)
    return f"| {shown} | {_default(item)} | {' '.join((getattr(item, 'help', '') or '').split())} |"


def _default(item: Any) -> str:
    default = getattr(item.default, "value", item.default)
    if item.required:
        return "needed"
    if callable(default) or default in (None, "", (), [], False):
        return "–"
    return f"`{default}`"
