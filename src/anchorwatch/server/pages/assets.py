"""Static files: read once, compressed once, cached for ever under an address that names their content."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from starlette.responses import Response

if TYPE_CHECKING:
    from starlette.requests import Request

_TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "txt": "text/plain; charset=utf-8",
    "md": "text/markdown; charset=utf-8",
}
_YEAR = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is sent."""

    content: bytes
    zipped: bytes
    digest: str
    media: str


@cache
def asset(name: str) -> Asset | None:
    """The static file of that name; None when there is none."""
    parts = name.split("/")
    if any(part.startswith(".") or not part for part in parts):
        return None
    found = files("anchorwatch.server").joinpath("static", *parts)
    media = _TYPES.get(name.rpartition(".")[2])
    if media is None or not found.is_file():
        return None
    content = found.read_bytes()
    return Asset(content, gzip.compress(content, mtime=0), hashlib.sha256(content).hexdigest()[:12], media)


def address(name: str) -> str:
    """Where a page finds a static file; changes when the file does."""
    found = asset(name)
    if found is None:
        raise LookupError(f"no static file is named {name!r}")
    return f"/static/{name}?v={found.digest}"


def serve(request: Request) -> Response:
    """Answer for one static file."""
    found = asset(request.path_params["name"])
    if found is None:
        return Response("no such file", status_code=404, media_type="text/plain")
    fresh = request.query_params.get("v") == found.digest
    headers = {
        "ETag": f'"{found.digest}"',
        "Cache-Control": _YEAR if fresh else "no-cache",
        "Vary": "Accept-Encoding",
        "X-Content-Type-Options": "nosniff",
    }
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(found.zipped, media_type=found.media, headers={**headers, "Content-Encoding": "gzip"})
    return Response(found.content, media_type=found.media, headers=headers)


def favicon(request: Request) -> Response:
    """The mark, for browsers that ask at the old address."""
    request.path_params["name"] = "mark.svg"
    return serve(request)
