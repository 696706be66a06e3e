"""How the server does."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response  # noqa: TC002 - FastAPI reads annotations as it runs

from anchorwatch.core.errors import StoreError
from anchorwatch.server.api.door import PROBLEMS, At, Operator, Reader, answer, told
from anchorwatch.server.schemas import Health, Retried, Status

router = APIRouter(tags=["status"])


@router.get("/status", dependencies=[Reader], **told(Status, "The store's state."))
def status(at: At) -> Response:
    """Version, uptime, what waits in the inbox, how far each consumer is."""
    return answer(at.watch.queries.status())


@router.post("/set-aside/retry", **told(list[Retried], "Each batch, and what became of it.", 503, 507))
def retry(at: At, who: Operator) -> Response:
    """Do again the batches that were set aside because a consumer could not do them."""
    return answer(at.watch.retry_set_aside(who=who.name))


@router.get(
    "/health/live", response_model=None, responses={200: {"model": Health, "description": "It answers."}}
)
async def live() -> Response:
    """Whether the process answers. Needs no token."""
    return answer({"status": "live"})


@router.get(
    "/health/ready",
    response_model=None,
    responses={200: {"model": Health, "description": "It takes events."}, 503: PROBLEMS[503]},
)
def ready(at: At) -> Response:
    """Whether events are taken and worked off. Needs no token."""
    errors = at.watch.queries.status()["errors"]
    if errors:
        raise StoreError(f"{', '.join(errors)}: not getting on; `/api/v1/status` says why")
    return answer({"status": "ready"})
