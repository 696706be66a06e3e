"""`/`: all models at a glance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anchorwatch.server.pages.site import View
from anchorwatch.server.pages.views.overview import matching, ranked, tally, worse

if TYPE_CHECKING:
    from anchorwatch.server.pages.site import Ask

OPEN_SHOWN = 5


def overview(ask: Ask) -> View:
    """Every model, the sickest first; `q` filters."""
    models = ask.queries.models()
    wanted = ask.param("q")
    shown = ranked(matching(models, wanted))
    firing = ask.queries.incidents(state="firing", limit=OPEN_SHOWN + 1)
    context = {
        "models": shown,
        "tally": tally(models),
        "q": wanted,
        "firing": firing[:OPEN_SHOWN],
        "more_firing": len(firing) > OPEN_SHOWN,
        "worse": worse,
        "zones": ask.queries.zones(),
        "origin": str(ask.request.base_url).rstrip("/"),
    }
    return View("overview.html", context, twin=shown)
