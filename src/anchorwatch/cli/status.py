"""`anchorwatch status`: how the models and the watch itself do."""

from __future__ import annotations

from typing import Any

import typer

from anchorwatch.cli import screen
from anchorwatch.cli.door import Door, Json, shared

SET_ASIDE = ("set aside", "model", "kind", "rows", "by", "since", "why")


@shared
def status(door: Door, *, json: Json = False) -> None:
    """Show every model's health, and how far the watch is behind."""
    models, store = door.query("models"), door.query("status")
    if json:
        screen.as_json({"models": models, "status": store})
        return
    screen.table(
        ("model", "health", "events", "metric", "value", "reference", "incidents", "why"),
        (_row(model) for model in models),
        empty="no models yet; `anchorwatch apply watch.yaml` declares some",
    )
    inbox = store["inbox"]
    typer.echo(f"inbox: {inbox['rows']:,} rows in {inbox['batches']:,} batches wait")
    aside = store["set_aside"]
    if aside:
        screen.table(SET_ASIDE, (_aside(item) for item in aside), empty="")
        typer.echo("batches are set aside; once mended, `anchorwatch retry-set-aside` does them", err=True)
    for consumer in store["consumers"]:
        if consumer["error"]:
            typer.echo(f"{consumer['name']}: {consumer['error']}", err=True)


def _aside(item: dict[str, Any]) -> tuple[Any, ...]:
    return (
        item["seq"],
        item["model"],
        item["kind"],
        f"{item['rows']:,}",
        item["consumer"],
        item["since"],
        item["reason"],
    )


def _row(model: dict[str, Any]) -> tuple[Any, ...]:
    metric = model.get("metric") or {}
    return (
        model["name"],
        screen.state(model["health"]),
        f"{model['events']:,}",
        metric.get("measure"),
        _figure(metric.get("value")),
        _figure(metric.get("reference")),
        model["incidents"],
        model["health_reason"],
    )


def _figure(value: Any) -> str:
    if isinstance(value, dict):
        value = value.get("mean", value.get("value"))
    return "" if value is None else f"{value:.4g}"
