"""`anchorwatch notify`, `routes` and `silence`: who is told, who would be, and who is left in peace."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from anchorwatch.cli import screen
from anchorwatch.cli.door import Door, Json, Who, me, shared
from anchorwatch.cli.exits import EPILOG, Exit
from anchorwatch.core.calendar import duration
from anchorwatch.core.clock import SystemClock
from anchorwatch.core.errors import ChannelError, ConfigError, UnknownError
from anchorwatch.core.registry import unknown
from anchorwatch.core.times import from_micros, micros
from anchorwatch.core.types import Severity

if TYPE_CHECKING:
    from anchorwatch.app.channels import Setup

notify = typer.Typer(
    help="Try channels; list what was said to whom; send dead letters again.",
    epilog=EPILOG,
    no_args_is_help=True,
)
routes = typer.Typer(help="Say who would hear of an incident.", epilog=EPILOG, no_args_is_help=True)
silence = typer.Typer(help="Tell nobody of some incidents for a while.", epilog=EPILOG, no_args_is_help=True)

Config = Annotated[
    Path | None,
    typer.Option(envvar="ANCHORWATCH_CONFIG", help="A watch.yaml with channels; sends from this machine."),
]
Patterns = Annotated[
    list[str] | None, typer.Option(help="A name or a pattern such as 'flights-*'; may be repeated.")
]


@notify.command("test", epilog=EPILOG)
@shared
def try_out(
    door: Door,
    channel: Annotated[str, typer.Argument(help="The channel's name.", show_default=False)],
    *,
    config: Config = None,
    json: Json = False,
) -> None:
    """Send a test message to a channel: from this machine with --config, or from a server with --url."""
    if config is not None:
        found = _try(config, channel)
    else:
        if door.near:
            raise ConfigError(
                "a store holds no channels; give --config watch.yaml, or --url URL of its server"
            )
        found = door.far().try_channel(channel)
    if json:
        screen.as_json(found)
    else:
        for item in found:
            typer.echo(
                f"{item['channel']}: {item['state']}" + (f": {item['reason']}" if item["reason"] else "")
            )
    if any(item["state"] != "delivered" for item in found):
        raise typer.Exit(Exit.FOUND)


@notify.command("list", epilog=EPILOG)
@shared
def listing(
    door: Door,
    *,
    state: Annotated[str, typer.Option(help="held, waiting, delivered, dead or dropped.")] = "",
    channel: Annotated[str, typer.Option(help="To this channel only.")] = "",
    limit: Annotated[int, typer.Option(help="No more than so many.", min=1, max=1000)] = 50,
    json: Json = False,
) -> None:
    """List what was said to whom, newest first."""
    if door.near:
        from anchorwatch.app import notices  # noqa: PLC0415 - heavy

        with door.watch() as watch:
            found = notices.deliveries(watch, state=state, channel=channel, limit=limit)
    else:
        found = door.far().notifications(state=state, channel=channel, limit=limit)
    if json:
        screen.as_json(found)
        return
    screen.table(
        ("number", "state", "channel", "kind", "decided", "tries", "what", "why"),
        (
            (
                item["id"],
                item["state"],
                item["channel"],
                item["kind"],
                item["at"],
                item["tries"],
                item["title"] or item["model"],
                item["reason"],
            )
            for item in found
        ),
        empty="nothing has been said",
    )


@notify.command(epilog=EPILOG)
@shared
def retry(
    door: Door,
    numbers: Annotated[
        list[int] | None, typer.Argument(help="Numbers of dead letters; all without.", show_default=False)
    ] = None,
    *,
    json: Json = False,
) -> None:
    """Send dead letters again; on a store, when it is served next."""
    if door.near:
        from anchorwatch.app import notices  # noqa: PLC0415 - heavy

        with door.watch() as watch:
            found = [notices.delivery_body(item) for item in watch.notifier.retry(numbers or None, who=me())]
    else:
        found = door.far().retry_notifications(numbers or None)
    if json:
        screen.as_json(found)
    else:
        typer.echo(f"{len(found)} wait again")


@routes.command("test", epilog=EPILOG)
def who_hears(
    file: Annotated[Path, typer.Argument(help="A watch.yaml.", show_default=False)],
    *,
    model: Annotated[str, typer.Option(help="Of this model.", show_default=False)],
    severity: Annotated[Severity, typer.Option(help="So severe.")] = Severity.WARN,
    cause: Annotated[str, typer.Option(help="Of this cause, such as drift.")] = "",
    segment: Annotated[str, typer.Option(help="In this segment, such as carrier=AA.")] = "",
    at: Annotated[str | None, typer.Option(help="At this moment: ISO 8601 with a zone; now without.")] = None,
    json: Json = False,
) -> None:
    """Say who would hear of an incident, who would not, and why. Nobody is told, no secret is needed.

    Ends with 1 when nobody would hear.
    """
    from anchorwatch.app import notices  # noqa: PLC0415 - heavy
    from anchorwatch.app.channels import named  # noqa: PLC0415 - as above
    from anchorwatch.app.config import load  # noqa: PLC0415 - as above

    moment = SystemClock().now() if at is None else _moment(at, "--at")
    subject = notices.subject_of(model, severity.value, cause, segment)
    found = notices.heard_by(named(load(file).notify), subject, moment)
    if json:
        screen.as_json(found)
    else:
        for item in found["told"]:
            held = f"; held: {item['held']}" if item["held"] else ""
            typer.echo(f"told      {item['channel']}  ({item['reason']}{held})")
            for rung in item["escalate"]:
                typer.echo(
                    f"then      {', '.join(rung['to'])}  (after {rung['after_s'] / 60:g} min without anybody)"
                )
        for item in found["not"]:
            typer.echo(f"not       route {item['route']!r}  ({item['reason']})")
        if not found["told"]:
            typer.echo("nobody would hear of it")
    if not found["told"]:
        raise typer.Exit(Exit.FOUND)


@silence.command("add", epilog=EPILOG)
@shared
def add(
    door: Door,
    *,
    model: Patterns = None,
    severity: Annotated[list[Severity] | None, typer.Option(help="So severe; may be repeated.")] = None,
    cause: Patterns = None,
    segment: Patterns = None,
    span: Annotated[str, typer.Option("--for", help="For so long, such as 2h or 1d.")] = "2h",
    reason: Annotated[str, typer.Option(help="Why.")] = "",
    who: Who = "",
    json: Json = False,
) -> None:
    """Tell nobody of incidents that match, for a while; after it they are told of what is still wrong."""
    until = SystemClock().now() + duration(span)
    words: dict[str, Any] = {
        "model": model or [],
        "severity": [item.value for item in severity or []],
        "cause": cause or [],
        "segment": segment or [],
    }
    if door.near:
        from anchorwatch.app import notices  # noqa: PLC0415 - heavy

        match = notices.match_of(words)
        with door.watch() as watch:
            kept = watch.notifier.silence(match, micros(until), who=who or me(), reason=reason)
            made = notices.silence_body(kept, watch.now())
    else:
        made = door.far().silence(words | {"until": until.isoformat(), "reason": reason})
    if json:
        screen.as_json(made)
    else:
        typer.echo(f"silence {made['id']}: {made['text']}, until {made['until']}")


@silence.command("list", epilog=EPILOG)
@shared
def silences(door: Door, *, json: Json = False) -> None:
    """List silences that hold."""
    if door.near:
        from anchorwatch.app import notices  # noqa: PLC0415 - heavy

        with door.watch() as watch:
            found = notices.silences(watch)
    else:
        found = door.far().silences()
    if json:
        screen.as_json(found)
        return
    screen.table(
        ("number", "what", "until", "by", "why"),
        ((item["id"], item["text"], item["until"], item["author"], item["reason"]) for item in found),
        empty="no silence holds",
    )


@silence.command("end", epilog=EPILOG)
@shared
def end(
    door: Door,
    number: Annotated[int, typer.Argument(help="The silence's number.", show_default=False)],
    *,
    who: Who = "",
) -> None:
    """End a silence now."""
    if door.near:
        with door.watch() as watch:
            watch.notifier.unsilence(number, who=who or me())
    else:
        door.far().unsilence(number)
    typer.echo(f"silence {number} is over")


def opened(config: Path, base_url: str = "") -> Setup:
    """The channels of a file, with their secrets; raises `ConfigError` that shows none."""
    from anchorwatch.app.channels import Setup  # noqa: PLC0415 - heavy
    from anchorwatch.app.config import load  # noqa: PLC0415 - as above

    return Setup.of(load(config).notify, base_url=base_url)


def _try(config: Path, channel: str) -> list[dict[str, Any]]:
    from anchorwatch.app.notify import trial  # noqa: PLC0415 - heavy

    setup = opened(config)
    if channel not in setup.plan.members and channel not in setup.channels:
        raise UnknownError(unknown("channel", channel, [*setup.plan.members]))
    at = SystemClock().now()
    found = []
    for name in setup.plan.members.get(channel, (channel,)):
        outcome = {"channel": name, "state": "delivered", "reason": ""}
        try:
            setup.channels[name].deliver(trial(name, f"anchorwatch-test-{micros(at)}", at, me()))
        except ChannelError as problem:
            outcome |= {"state": "failed", "reason": setup.veil.over(str(problem))}
        found.append(outcome)
    return found


def _moment(text: str, name: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = datetime.min  # noqa: DTZ901 - refused below, as every time without a zone
    if at.tzinfo is None:
        raise ConfigError(
            f"{name}: {text!r} is no moment with a zone; write for example 2013-01-01T05:15:00Z"
        )
    return from_micros(micros(at))
