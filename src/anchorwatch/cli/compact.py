"""`anchorwatch compact`: few large files instead of many small ones."""

from __future__ import annotations

from typing import Annotated

import typer

from anchorwatch.cli import screen
from anchorwatch.cli.door import Door, Json, shared


@shared
def compact(
    door: Door,
    *,
    model: Annotated[str | None, typer.Option(help="Of this model only.")] = None,
    json: Json = False,
) -> None:
    """Merge the lake's small files and delete those nobody needs any more. The store must not be in use."""
    from anchorwatch.core.types import EventKind  # noqa: PLC0415 - beside its only use

    done = []
    with door.watch() as watch:
        names = [watch.spec(model).name] if model else [item["name"] for item in watch.queries.models()]
        with screen.progress() as bar:
            for name in bar.track(names, description="compacting"):
                found = [watch.lake.compact(name, kind) for kind in EventKind]
                deleted = watch.lake.vacuum(name)
                merged, made = sum(item.removed for item in found), sum(item.added for item in found)
                done.append({"model": name, "merged": merged, "into": made, "deleted": deleted})
    if json:
        screen.as_json(done)
        return
    screen.table(
        ("model", "files merged", "into", "files deleted"),
        ((item["model"], item["merged"], item["into"], item["deleted"]) for item in done),
        empty="no models yet",
    )
