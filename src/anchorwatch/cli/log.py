"""`anchorwatch log`: files into a watch."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path  # noqa: TC003 - Typer reads annotations as it runs
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from anchorwatch.cli import screen
from anchorwatch.cli.door import Door, Json, shared
from anchorwatch.cli.exits import Exit
from anchorwatch.core.clock import SystemClock
from anchorwatch.core.errors import ConfigError
from anchorwatch.core.types import OnError

if TYPE_CHECKING:
    import polars as pl

    from anchorwatch.client.model import Model
    from anchorwatch.core.schema import ModelSpec
    from anchorwatch.core.types import Receipt, Rejection

SLICE = 100_000
"""Rows that are sent at a time; each slice is on disk before the next is sent."""


@shared
def log(
    door: Door,
    files: Annotated[list[Path], typer.Argument(help="CSV, Parquet, NDJSON or Arrow.", show_default=False)],
    model: Annotated[str, typer.Option(help="The model that made the predictions.", show_default=False)],
    *,
    outcomes: Annotated[
        bool, typer.Option("--outcomes", help="The files hold outcomes, not predictions.")
    ] = False,
    at: Annotated[
        str | None,
        typer.Option(help="Moment of all rows: ISO 8601 with a zone, or 'now' (default: their own)."),
    ] = None,
    timezone: Annotated[str | None, typer.Option(help="Time zone of times that name none.")] = None,
    on_error: Annotated[
        OnError, typer.Option(help="What happens to a slice that has bad rows.")
    ] = OnError.KEEP,
    json: Json = False,
) -> None:
    """Log files of predictions or outcomes; on disk when it returns.

    Columns are named as the model's fields say; NDJSON may be nested as the HTTP API has it.

    The same file sent again is taken once. Refused rows are told with their reasons.
    """
    moment, zone = _moment(at), _zone(timezone)
    with door.watching(on_error=on_error) as watching:
        spec = _spec(watching.query("model", name=model)["spec"])
        sent = [_send(path, watching.model(model), spec, _Terms(outcomes, moment, zone)) for path in files]
        settle = getattr(watching, "settle", None)
        if settle is not None:
            settle()
    if json:
        screen.as_json(sent)
    else:
        _tell(sent)
    if any(item["rejected_count"] for item in sent):
        raise typer.Exit(Exit.REFUSED)


class _Terms:
    """How the rows of a file are to be taken."""

    def __init__(self, outcomes: bool, at: datetime | None, zone: str | None) -> None:
        self.outcomes, self.at, self.zone = outcomes, at, zone

    def ready(self, table: pl.DataFrame, spec: ModelSpec) -> pl.DataFrame:
        """The table as the watch takes it."""
        import polars as pl  # noqa: PLC0415 - heavy

        from anchorwatch.cli.files import flat, local  # noqa: PLC0415 - heavy

        table = flat(table, spec.fields)
        if self.zone is not None:
            table = local(table, spec.fields.time, self.zone)
        if self.at is not None:
            table = table.with_columns(pl.lit(self.at).alias(spec.fields.time))
        return table


def _send(path: Path, model: Model, spec: ModelSpec, terms: _Terms) -> dict[str, Any]:
    from anchorwatch.cli.files import digest, parts, read_table  # noqa: PLC0415 - heavy

    table = terms.ready(read_table(path), spec)
    halves = parts(table, spec) if path.suffix.lower() == ".csv" else [(None, table)]
    send = model.outcomes_table if terms.outcomes else model.log_table
    name = digest(path) + ("-o" if terms.outcomes else "-p")
    receipts: list[Receipt] = []
    rejected: list[dict[str, Any]] = []
    with screen.progress() as bar:
        task = bar.add_task(path.name, total=table.height)
        for half, (rows, part) in enumerate(halves):
            for start in range(0, part.height, SLICE):
                receipt = send(part.slice(start, SLICE), batch=f"{name}{half}-{start}")
                receipts.append(receipt)
                rejected += [_rejected(item, start, rows) for item in receipt.rejected]
                bar.advance(task, min(SLICE, part.height - start))
    return {
        "file": str(path),
        "accepted": sum(receipt.accepted for receipt in receipts),
        "rejected_count": sum(receipt.rejected_count for receipt in receipts),
        "rejected": rejected[:100],
        "duplicate": bool(receipts) and all(receipt.duplicate for receipt in receipts),
    }


def _rejected(item: Rejection, start: int, rows: pl.Series | None) -> dict[str, Any]:
    row = start + item.row
    return {"row": row if rows is None else rows[row], "column": item.column, "reason": item.reason}


def _tell(sent: list[dict[str, Any]]) -> None:
    for item in sent:
        count = item["accepted"]
        taken = "was taken before" if item["duplicate"] else f"{count:,} row{'s' * (count != 1)} taken"
        refused = f", {item['rejected_count']:,} refused" if item["rejected_count"] else ""
        typer.echo(f"{item['file']}: {taken}{refused}")
        for bad in item["rejected"][:10]:
            typer.echo(f"  row {bad['row']}, {bad['column'] or 'whole row'}: {bad['reason']}", err=True)


def _spec(given: dict[str, Any]) -> ModelSpec:
    from anchorwatch.core.schema import ModelSpec  # noqa: PLC0415 - beside its only use

    return ModelSpec.from_dict(given)


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    if text == "now":
        return SystemClock().now()
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"--at: {text!r} is no moment; write for example 2013-01-01T05:15:00Z") from None
    if found.tzinfo is None:
        raise ConfigError(f"--at: {text!r} has no zone; write for example {text}Z")
    return found


def _zone(name: str | None) -> str | None:
    try:
        return None if name is None else ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigError(f"--timezone: {name!r} is no IANA time zone, such as 'Europe/Paris'") from None
