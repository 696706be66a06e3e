"""`anchorwatch replay`: what rules would have fired, before they go live."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path  # noqa: TC003 - Typer reads annotations as it runs
from typing import TYPE_CHECKING, Annotated, Any

import typer

from anchorwatch.cli import screen
from anchorwatch.cli.door import Door, Json, shared
from anchorwatch.cli.exits import Exit
from anchorwatch.core.calendar import duration
from anchorwatch.core.errors import ConfigError

if TYPE_CHECKING:
    from anchorwatch.core.types import Rule

_ENDS = ("start", "end")


@shared
def replay(
    door: Door,
    model: Annotated[str, typer.Argument(help="The model.", show_default=False)],
    *,
    rules: Annotated[
        Path | None, typer.Option(help="A watch.yaml with the rules to try; else those in force.")
    ] = None,
    since: Annotated[
        str, typer.Option(help="From when on: a date and time, or so long ago, such as 90d.")
    ] = "",
    until: Annotated[str, typer.Option(help="Up to when.")] = "",
    fail_on_firing: Annotated[
        bool, typer.Option("--fail-on-firing", help="Exit with 1 when an incident would have fired.")
    ] = False,
    json: Json = False,
) -> None:
    """Judge the past by rules that are not in force yet: what would have fired, when, and how often by chance.

    Nothing is changed and nobody is told.
    """
    wanted = None if rules is None else _rules(rules, model)
    found = _replayed(door, model, wanted, (since, until))
    if json:
        screen.as_json(found)
    else:
        _tell(found)
    if fail_on_firing and found["incidents"]:
        raise typer.Exit(Exit.FOUND)


def _rules(file: Path, model: str) -> tuple[Rule, ...]:
    from anchorwatch.app.config import load  # noqa: PLC0415 - heavy
    from anchorwatch.core.registry import unknown  # noqa: PLC0415 - as above
    from anchorwatch.rules.defaults import default_rules  # noqa: PLC0415 - as above

    declared = {item.spec.name: item for item in load(file).models}
    if model not in declared:
        raise ConfigError(f"{file}: {unknown('model', model, declared)}")
    found = declared[model]
    return default_rules(found.spec) if found.rules is None else found.rules


def _replayed(
    door: Door, model: str, rules: tuple[Rule, ...] | None, span: tuple[str, str]
) -> dict[str, Any]:
    from anchorwatch.app.moments import moment  # noqa: PLC0415 - heavy
    from anchorwatch.rules.form import to_dict  # noqa: PLC0415 - as above

    if door.near:
        from anchorwatch.app.replays import replayed  # noqa: PLC0415 - heavy
        from anchorwatch.app.view import FOREVER  # noqa: PLC0415 - as above

        with door.watch() as watch:
            times = _times(span, watch.queries.model(model)["last"])
            start, end = (moment(times.get(name), name, at) for name, at in zip(_ENDS, FOREVER, strict=True))
            return replayed(watch.ledger, model, rules, start=start, end=end)
    times = _times(span, door.query("model", model=model)["last"])
    body = {**times, "rules": None if rules is None else [to_dict(rule) for rule in rules]}
    found: dict[str, Any] = door.far().replay(model, body)
    return found


def _times(span: tuple[str, str], last: str | None) -> dict[str, str]:
    return {name: _time(text, last, name) for name, text in zip(_ENDS, span, strict=True) if text}


def _time(text: str, last: str | None, name: str) -> str:
    """A time as ISO 8601; a span counts back from the model's last window."""
    from anchorwatch.app.moments import moment  # noqa: PLC0415 - heavy
    from anchorwatch.core.times import from_micros  # noqa: PLC0415 - as above

    try:
        span = duration(text)
    except ConfigError:
        return from_micros(moment(text, name, 0)).isoformat()
    return (from_micros(moment(last, name, 0)) - span).isoformat()


def _tell(found: dict[str, Any]) -> None:
    typer.echo(f"{found['model']}: {found['windows']} windows, {found['start']} to {found['end']}")
    screen.table(
        ("fired", "after", "until", "severity", "cause", "summary"),
        (
            (
                item["fired_at"],
                timedelta(seconds=item["delay_seconds"]),
                item["resolved_at"] or "it is still firing",
                item["severity"],
                item["cause"],
                item["summary"],
            )
            for item in found["incidents"]
        ),
        empty="no incident would have fired",
    )
    typer.echo("")
    screen.table(
        ("rule", "breaches", "budget per 30 days", "in the reference's own windows"),
        (
            (
                item["rule"]["name"],
                f"{item['breaches']} of {found['windows']}",
                "none set" if item["budget"] is None else f"{item['budget']:g}",
                _reference(item["reference"]),
            )
            for item in found["rules"]
        ),
        empty="no rules",
    )
    typer.echo(f"\nfalse alarms that the budgets allow in this time: {found['expected_false_alarms']:g}")


def _reference(found: dict[str, int]) -> str:
    if not found["windows"]:
        return "not known: the reference has no windows of its own"
    return f"{found['breaches']} of {found['windows']} a breach, {found['fired']} would have fired"
