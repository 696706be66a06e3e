"""`anchorwatch apply` and `anchorwatch check`: models as code."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from anchorwatch.cli import screen
from anchorwatch.cli.door import Door, Json, shared
from anchorwatch.cli.exits import Exit
from anchorwatch.core.errors import ConfigError

if TYPE_CHECKING:
    from anchorwatch.app.config import Declared

File = Annotated[Path, typer.Argument(help="A watch.yaml.", show_default=False)]


@shared
def apply(door: Door, file: File, *, json: Json = False) -> None:
    """Declare the models of a file: their specs, rules and references. A store that is not there is made."""
    from anchorwatch.app.config import load  # noqa: PLC0415 - heavy

    models = load(file).models
    tables = [_table(item) for item in models]
    applied = []
    with door.watching(make=True) as watching:
        for item, table in zip(models, tables, strict=True):
            version = item.reference.version if item.reference else ""
            watching.register(item.spec, table, version=version, rules=item.rules)
            applied.append(_summary(item) | {"reference_rows": None if table is None else table.height})
    if json:
        screen.as_json(applied)
        return
    for line in applied:
        rows = line["reference_rows"]
        reference = "" if rows is None else f", reference of {rows:,} rows"
        typer.echo(f"{line['model']}: applied, {_rules(line['rules'])}{reference}")


def check(
    file: Annotated[Path | None, typer.Argument(help="A watch.yaml.", show_default=False)] = None,
    *,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the file's JSON Schema, for editors.")
    ] = False,
    json: Json = False,
) -> None:
    """Say whether a file can be applied, and if not, where it is wrong. No watch is asked."""
    from anchorwatch.app import config  # noqa: PLC0415 - heavy
    from anchorwatch.app.config_schema import schema as file_schema  # noqa: PLC0415 - heavy

    if schema:
        screen.as_json(file_schema())
        return
    if file is None:
        raise ConfigError("which file? give the path of a watch.yaml, or --schema")
    try:
        models = [_summary(item) for item in config.load(file).models]
    except ConfigError as problem:
        if json:
            screen.as_json({"ok": False, "problem": str(problem), "where": problem.where})
        else:
            typer.echo(f"anchorwatch: {problem}", err=True)
        raise typer.Exit(Exit.FOUND) from None
    if json:
        screen.as_json({"ok": True, "models": models})
        return
    for item in models:
        typer.echo(
            f"{item['model']}: fine; {item['task']}, {item['columns']} columns, {_rules(item['rules'])}"
        )


def _summary(item: Declared) -> dict[str, Any]:
    return {
        "model": item.spec.name,
        "task": item.spec.task.value,
        "columns": len(item.spec.columns),
        "rules": None if item.rules is None else len(item.rules),
    }


def _rules(count: int | None) -> str:
    return "the rules it has or the default ones" if count is None else f"{count} rules"


def _table(item: Declared) -> Any:
    from anchorwatch.cli.files import flat, local, read_table, typed  # noqa: PLC0415 - heavy

    if item.reference is None:
        return None
    table = flat(read_table(item.reference.file), item.spec.fields)
    if item.reference.file.suffix.lower() == ".csv":
        table = typed(table, item.spec)
    return local(table, item.spec.fields.time, item.spec.timezone)
