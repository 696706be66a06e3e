"""`anchorwatch incidents`: list, show, acknowledge, silence, resolve."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import typer

from anchorwatch.cli import screen
from anchorwatch.cli.door import Door, Json, Who, me, shared
from anchorwatch.cli.exits import EPILOG, Exit
from anchorwatch.core.calendar import duration
from anchorwatch.core.clock import SystemClock
from anchorwatch.core.errors import ConfigError
from anchorwatch.core.times import micros
from anchorwatch.core.types import Severity

app = typer.Typer(
    help="List, show, acknowledge, silence and resolve incidents.", epilog=EPILOG, no_args_is_help=True
)

Number = Annotated[int, typer.Argument(help="The incident's number.", show_default=False)]


@app.command("list", epilog=EPILOG)
@shared
def listing(
    door: Door,
    *,
    model: Annotated[str | None, typer.Option(help="Of this model only.")] = None,
    state: Annotated[str | None, typer.Option(help="open, pending, firing or resolved.")] = None,
    limit: Annotated[int, typer.Option(help="No more than so many.", min=1, max=1000)] = 50,
    fail_on: Annotated[
        Severity | None, typer.Option(help="Exit with 1 when one as severe as this, or worse, is firing.")
    ] = None,
    json: Json = False,
) -> None:
    """List incidents, newest first."""
    found = door.query("incidents", model=model, state=state, limit=limit)
    if json:
        screen.as_json(found)
    else:
        screen.table(
            ("number", "model", "state", "severity", "since", "summary"),
            (
                (
                    item["id"],
                    item["model"],
                    screen.state(item["state"]),
                    item["severity"],
                    item["opened_at"],
                    item["summary"],
                )
                for item in found
            ),
            empty="no incidents",
        )
    firing = found if state == "firing" else door.query("incidents", model=model, state="firing", limit=1000)
    if fail_on is not None and any(Severity(item["severity"]).rank >= fail_on.rank for item in firing):
        raise typer.Exit(Exit.FOUND)


@app.command(epilog=EPILOG)
@shared
def show(door: Door, number: Number, *, json: Json = False) -> None:
    """Show one incident: what is affected, why, and what happened when."""
    found = door.incident(number)
    if json:
        screen.as_json(found)
        return
    _show(found)


@app.command("ack", epilog=EPILOG)
@shared
def acknowledge(door: Door, number: Number, *, who: Who = "", json: Json = False) -> None:
    """Say that you look after an incident; nobody is told more of it until it gets worse or opens again."""
    _act(door, number, "acknowledge", {"who": who or me()}, json=json)


@app.command(epilog=EPILOG)
@shared
def silence(
    door: Door,
    number: Number,
    *,
    span: Annotated[str | None, typer.Option("--for", help="For so long, such as 2h or 1d.")] = None,
    until: Annotated[str | None, typer.Option(help="Until this moment: ISO 8601 with a zone.")] = None,
    who: Who = "",
    json: Json = False,
) -> None:
    """Tell nobody of an incident for a while."""
    end = _end(span, until)
    _act(door, number, "silence", {"who": who or me(), "until": end.isoformat()}, json=json)


@app.command(epilog=EPILOG)
@shared
def resolve(door: Door, number: Number, *, who: Who = "", json: Json = False) -> None:
    """Say that an incident is over; a breach in a later window opens it again."""
    _act(door, number, "resolve", {"who": who or me()}, json=json)


def _act(door: Door, number: int, act: str, body: dict[str, Any], *, json: bool) -> None:
    if door.near:
        with door.watch() as watch:
            if act == "silence":
                watch.silence(number, micros(datetime.fromisoformat(body["until"])), body["who"])
            else:
                getattr(watch, act)(number, body["who"])
            found = watch.queries.incident(number)
    else:
        door.far().act(number, act, {key: value for key, value in body.items() if key != "who"})
        found = door.incident(number)
    if json:
        screen.as_json(found)
    else:
        typer.echo(f"incident {number}: {found['timeline'][-1]['text']}")


def _end(span: str | None, until: str | None) -> datetime:
    if (span is None) == (until is None):
        raise ConfigError("for how long? give --for 2h or --until 2013-01-01T05:15:00Z")
    if span is not None:
        return SystemClock().now() + duration(span)
    try:
        end = datetime.fromisoformat(until or "")
    except ValueError:
        end = datetime.min  # noqa: DTZ901 - refused below, as every time without a zone
    if end.tzinfo is None:
        raise ConfigError(
            f"--until: {until!r} is no moment with a zone; write for example 2013-01-01T05:15:00Z"
        )
    return end


def _show(found: dict[str, Any]) -> None:
    typer.echo(f"{screen.state(found['state'])}  {found['model']}  {found['cause']}  ({found['severity']})")
    typer.echo(found["summary"])
    typer.echo(f"\nopened {found['opened_at']}" + _since(found))
    screen.table(
        ("rule", "subject", "segment", "value", "limit"),
        (
            (item["rule"], item["subject"], item["segment"], _figure(item["value"]), _figure(item["limit"]))
            for item in found["findings"]
        ),
        empty="no breach now",
    )
    for entry in found["timeline"]:
        typer.echo(f"{entry['at']}  {entry['what']:<12}  {entry['text']}")


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _since(found: dict[str, Any]) -> str:
    facts = [f", {name} {found[f'{name}_at']}" for name in ("fired", "resolved") if found[f"{name}_at"]]
    facts += [f", acknowledged by {found['acknowledged_by']}"] if found["acknowledged_by"] else []
    facts += [f", silenced until {found['silenced_until']}"] if found["silenced_until"] else []
    return "".join(facts)
