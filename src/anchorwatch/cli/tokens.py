"""`anchorwatch token`: who may talk to a server."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from anchorwatch.cli import screen
from anchorwatch.cli.door import Door, Json, shared
from anchorwatch.cli.exits import EPILOG
from anchorwatch.core.times import iso

app = typer.Typer(help="Make, list and revoke tokens.", epilog=EPILOG, no_args_is_help=True)


@app.command(epilog=EPILOG)
@shared
def create(
    door: Door,
    name: Annotated[
        str, typer.Argument(help="What it is for, such as 'flights service'.", show_default=False)
    ],
    *,
    scope: Annotated[
        list[str] | None,
        typer.Option(help="ingest, read, operate or admin; may be repeated (default: ingest)."),
    ] = None,
    json: Json = False,
) -> None:
    """Make a token. Its text is shown this once and not kept; the first one ends open access from this machine."""
    scopes = scope or ["ingest"]
    if door.near:
        with door.watch() as watch:
            number, secret = watch.ledger.tokens.issue(name, scopes)
        made: dict[str, Any] = {"id": number, "name": name, "scopes": scopes, "token": secret.reveal()}
    else:
        made = door.far().make_token(name, scopes)
    if json:
        screen.as_json(made)
        return
    typer.echo("keep it now, it is not shown again:", err=True)
    typer.echo(made["token"])


@app.command("list", epilog=EPILOG)
@shared
def listing(door: Door, *, json: Json = False) -> None:
    """List tokens, without their secrets."""
    found = _tokens(door)
    if json:
        screen.as_json(found)
        return
    screen.table(
        ("id", "name", "scopes", "made", "last used", "revoked"),
        (
            (
                item["id"],
                item["name"],
                " ".join(item["scopes"]),
                item["created_at"],
                item["used_at"],
                item["revoked_at"],
            )
            for item in found
        ),
        empty="no tokens; until one is made, only this machine may talk to the server",
    )


@app.command(epilog=EPILOG)
@shared
def revoke(
    door: Door,
    number: Annotated[str, typer.Argument(metavar="ID", help="The token's id.", show_default=False)],
) -> None:
    """Make a token worthless from now on."""
    if door.near:
        with door.watch() as watch:
            watch.ledger.tokens.revoke(number)
    else:
        door.far().revoke_token(number)
    typer.echo(f"token {number}: revoked")


def _tokens(door: Door) -> list[dict[str, Any]]:
    if not door.near:
        found = door.far().tokens()
        return list(found["tokens"] if isinstance(found, dict) else found)
    with door.watch() as watch:
        return [
            {
                "id": item.id,
                "name": item.name,
                "scopes": list(item.scopes),
                **{
                    key: None if getattr(item, key) is None else iso(getattr(item, key))
                    for key in ("created_at", "used_at", "revoked_at")
                },
            }
            for item in watch.ledger.tokens.list()
        ]
