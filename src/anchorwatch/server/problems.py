"""Problems as RFC 9457 tells them: one table from our errors to slug, status and title."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
from starlette.responses import Response

from anchorwatch.core.errors import (
    AnchorwatchError,
    BusyError,
    ConfigError,
    ConflictError,
    CorruptError,
    DeniedError,
    FullError,
    InputError,
    StoreError,
    TooLargeError,
    UnknownError,
)
from anchorwatch.flow.take import RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping

MEDIA = "application/problem+json"


class NoTokenError(DeniedError):
    """Nobody is asking: no token, or one that is nobody's."""


class UnsupportedError(AnchorwatchError):
    """A media type or an encoding that is not spoken here."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem; `slug` is the last part of its type's address."""

    slug: str
    status: int
    title: str
    remedy: str


KINDS: tuple[tuple[type[AnchorwatchError], Kind], ...] = (
    (NoTokenError, Kind("no-token", 401, "A token is needed", "Send `Authorization: Bearer aw_…`.")),
    (DeniedError, Kind("denied", 403, "Not allowed", "Use a token with the scope that the detail names.")),
    (UnknownError, Kind("unknown", 404, "No such thing", "Check the name; the detail suggests near ones.")),
    (ConflictError, Kind("conflict", 409, "It contradicts what is stored", "Change the request as told.")),
    (
        TooLargeError,
        Kind("too-large", 413, "Too large", "Send smaller batches, or raise the server's limits."),
    ),
    (UnsupportedError, Kind("unsupported", 415, "Not spoken here", "Use a type that the detail names.")),
    (
        RefusedError,
        Kind("refused", 422, "Rows that cannot be taken", "Mend the rows, or send on_error=keep."),
    ),
    (InputError, Kind("invalid", 422, "Something given is wrong", "Mend what the detail names.")),
    (ConfigError, Kind("invalid", 422, "Something given is wrong", "Mend what the detail names.")),
    (FullError, Kind("full", 507, "No room is left", "Nothing was taken. Free space, then send again.")),
    (BusyError, Kind("busy", 503, "Busy", "Nothing was taken. Send again after the seconds of Retry-After.")),
    (CorruptError, Kind("corrupt", 500, "Stored bytes are damaged", "See the server's log.")),
    (
        StoreError,
        Kind("store", 503, "The store cannot do this now", "Send again later; see the server's log."),
    ),
)
"""Our errors, the special before the general."""

STATUSES = {
    404: Kind("unknown", 404, "No such thing", "Check the address against /api/v1/openapi.json."),
    405: Kind("method", 405, "Not done that way", "See the header Allow."),
    413: Kind("too-large", 413, "Too large", "Send less at once."),
    500: Kind("broken", 500, "Something broke on our side", "The server's log says what happened."),
}
"""Problems that are no error of ours."""


def kind_of(problem: AnchorwatchError) -> Kind:
    """Which kind of problem an error is."""
    return next((kind for error, kind in KINDS if isinstance(problem, error)), STATUSES[500])


def problem_of(problem: AnchorwatchError, *, retry_after: int = 1) -> Response:
    """An error of ours as a response; waiting and signing in are said in headers, too."""
    kind = kind_of(problem)
    headers = {}
    if kind.status == 503:
        headers["Retry-After"] = str(retry_after)
    if kind.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="anchorwatch"'
    return respond(kind, str(problem), _errors(problem), headers)


def respond(
    kind: Kind,
    detail: str,
    errors: list[dict[str, Any]] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A problem document."""
    body: dict[str, Any] = {
        "type": f"/problems/{kind.slug}",
        "title": kind.title,
        "status": kind.status,
        "detail": detail,
    }
    if errors:
        body["errors"] = errors
    return Response(
        orjson.dumps(body), status_code=kind.status, media_type=MEDIA, headers=dict(headers or {})
    )


def _errors(problem: AnchorwatchError) -> list[dict[str, Any]]:
    if isinstance(problem, RefusedError):
        return [
            {"row": item.row, "column": item.column, "reason": item.reason} for item in problem.rejections
        ]
    if isinstance(problem, InputError) and (problem.row is not None or problem.column is not None):
        return [{"row": problem.row, "column": problem.column, "reason": str(problem)}]
    return []
