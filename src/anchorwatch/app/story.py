"""What there is to say of incidents: their likely cause, and a chart of the worst finding."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, cast

from anchorwatch.app.likely import likely
from anchorwatch.app.picture import picture
from anchorwatch.app.readings import series
from anchorwatch.app.view import view_of
from anchorwatch.core.times import micros, span_micros
from anchorwatch.incidents.message import Story, leading
from anchorwatch.incidents.summary import worst

if TYPE_CHECKING:
    from anchorwatch.core.types import Incident
    from anchorwatch.flow.notices import Telling
    from anchorwatch.stores.ledger.ledger import Transaction

log = logging.getLogger("anchorwatch")

WINDOWS = 40
"""How many windows a chart shows."""


class Teller:
    """`flow.speak.Teller` over the ledger; whatever it cannot find out, the message goes without."""

    def __init__(self, base_url: str, *, charts: bool = True) -> None:
        self._base_url = base_url
        self._charts = charts

    def __call__(self, books: Telling, incidents: tuple[Incident, ...]) -> Story:
        """Incidents with their likely cause and a chart."""
        ledger = cast("Transaction", books)
        lead = leading(incidents)
        return Story(
            incidents=incidents,
            likely=str(_tried(ledger, lead, _likely) or ""),
            base_url=self._base_url,
            chart=_tried(ledger, lead, _chart) if self._charts else None,
        )


def _tried(books: Transaction, incident: Incident, find: Any) -> Any:
    """What `find` finds; a person is told even where it fails."""
    try:
        return find(books, incident)
    except Exception:  # told below with its trace; the message goes without
        log.exception("a message about incident %d goes without a part of it", incident.id)
        return None


def _likely(books: Transaction, incident: Incident) -> str:
    return str(likely(books, incident)["likely"])


def _chart(books: Transaction, incident: Incident) -> bytes | None:
    """The worst finding's measure up to its window, with the limit."""
    if not incident.findings:
        return None
    first = worst(incident.findings)
    model = books.models.get(incident.model)
    start, end = micros(first.window.start), micros(first.window.end)
    begin = start - WINDOWS * span_micros(model.spec.window.length)
    view = view_of(model, version=first.version, segment=first.segment, start=begin, end=end)
    found = series(books, view, first.measure, first.subject)
    what = " of ".join(filter(None, [found["title"], first.subject]))
    return picture(found["start"], found["value"], limit=first.limit, title=f"{incident.model}: {what}")
