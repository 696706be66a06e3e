"""Tokens: list, make, revoke."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from anchorwatch.core.times import iso
from anchorwatch.server.api.door import Admin, At, answer, told
from anchorwatch.server.schemas import MadeToken, NewToken, TokenBody

router = APIRouter(tags=["tokens"], dependencies=[Admin])


@router.get("/tokens", **told(list[TokenBody], "Every token, without its secret."))
def tokens(at: At) -> Response:
    """Every token, revoked ones included, without its secret."""
    return answer([_shown(item) for item in at.watch.ledger.tokens.list()])


@router.post(
    "/tokens",
    status_code=201,
    **told(MadeToken, "The token, shown this once.", 400, 413, 422, 503, status=201),
)
def make(at: At, given: NewToken) -> Response:
    """A new token. Its text is in the answer and nowhere else."""
    number, secret = at.watch.ledger.tokens.issue(given.name, given.scopes)
    body = {"id": number, "token": secret.reveal(), "name": given.name, "scopes": given.scopes}
    return answer(body, status=201)


@router.delete("/tokens/{number}", status_code=204, **told(None, "It is nobody's now.", 404, 503, status=204))
def revoke(at: At, number: str) -> Response:
    """From now on the token is nobody's."""
    at.watch.ledger.tokens.revoke(number)
    return Response(status_code=204)


def _shown(item: Any) -> dict[str, Any]:
    times = {name: getattr(item, name) for name in ("created_at", "used_at", "revoked_at")}
    return {
        "id": item.id,
        "name": item.name,
        "scopes": list(item.scopes),
        **{name: None if at is None else iso(at) for name, at in times.items()},
    }
