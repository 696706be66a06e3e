"""`anchorwatch retry-set-aside`: do again what could not be done."""

from __future__ import annotations

import typer

from anchorwatch.cli import screen
from anchorwatch.cli.door import Door, Json, me, shared


@shared
def retry_set_aside(door: Door, *, json: Json = False) -> None:
    """Do again the batches that a bug or damage had made impossible; `anchorwatch status` lists them.

    Ends with 1 when one of them fails again.
    """
    if door.near:
        with door.watch() as watch:
            done = watch.retry_set_aside(who=me())
            watch.settle()
    else:
        done = door.far().retry_set_aside()
    if json:
        screen.as_json(done)
    else:
        screen.table(
            ("batch", "model", "kind", "rows", "by", "now"),
            (
                (item["seq"], item["model"], item["kind"], f"{item['rows']:,}", item["consumer"], _now(item))
                for item in done
            ),
            empty="nothing is set aside",
        )
    if any(item["problem"] for item in done):
        raise typer.Exit(1)


def _now(item: dict[str, str | None]) -> str:
    return item["problem"] or "done"
