"""`/metrics`: what Prometheus scrapes."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.routing import Route

from anchorwatch.app.exposition import Exposition
from anchorwatch.server.api.door import door

if TYPE_CHECKING:
    from starlette.requests import Request

    from anchorwatch.app.watch import Watch
    from anchorwatch.core.clock import Clock

_SMALL = 65_536


def metrics(watch: Watch, clock: Clock) -> Route:
    """The route; who may read may scrape."""
    exposition = Exposition(watch, clock)

    def scrape(request: Request) -> Response:
        door(request).gate.admit(request, "read")
        text, media_type = exposition.text(request.headers.get("accept", ""))
        body = text.encode()
        headers = {"Content-Type": media_type, "Vary": "Accept, Accept-Encoding"}
        if len(body) > _SMALL and "gzip" in request.headers.get("accept-encoding", ""):
            body = gzip.compress(body, compresslevel=1, mtime=0)
            headers["Content-Encoding"] = "gzip"
        return Response(body, headers=headers)

    return Route("/metrics", scrape)
