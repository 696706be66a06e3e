"""Predictions that no outcome will come for: once the horizon is past they are waited for no longer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anchorwatch.core.times import span_micros
from anchorwatch.flow.ports import WHOLE, Slice, Touched
from anchorwatch.flow.times import window_at

if TYPE_CHECKING:
    from anchorwatch.flow.books import Books
    from anchorwatch.flow.ports import Model

_KEY = "expired"


def expire(books: Books, model: Model) -> None:
    """Have windows measured anew whose outcome horizon has passed since the last time."""
    grain, zone = model.spec.window.text, model.spec.timezone
    whole = books.models.slices(model.id).get(Slice("", WHOLE, every=True))
    if model.reached is None or whole is None:
        return
    until = window_at(model.reached - span_micros(model.spec.outcome_horizon), grain, zone)[0]
    since = int(books.judgements.state(model.id, _KEY) or 0)
    if until <= since:
        return
    windows = books.results.panels(whole, grain, since, until, frozenset())
    books.work.mark(
        model.id, [Touched(item.start, item.finish) for item in windows if item.joined < item.events]
    )
    books.judgements.keep_state(model.id, _KEY, str(until))
