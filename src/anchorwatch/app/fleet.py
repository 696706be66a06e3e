"""A model on one line: is it well, how busy is it, how good is it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from anchorwatch.app.readings import MATURITY, reference_body, series
from anchorwatch.app.view import FOREVER, view_of
from anchorwatch.core.times import iso, span_micros
from anchorwatch.core.types import IncidentState
from anchorwatch.rules.defaults import main_metric
from anchorwatch.stores.ledger.results import Spans

if TYPE_CHECKING:
    from anchorwatch.core.types import Incident
    from anchorwatch.flow.ports import Model
    from anchorwatch.stores.ledger.ledger import Transaction

LATEST = 48


def card(books: Transaction, model: Model) -> dict[str, Any]:
    """Health, volume, the main metric's last value against its reference, and open incidents."""
    view = view_of(model)
    whole = view.slice_id(books)
    start = FOREVER[0] if whole is None else books.results.recent(whole, view.grain, LATEST)
    windows = Spans() if whole is None else books.results.spans(whole, view.grain, start, FOREVER[1])
    measure = main_metric(model.spec)
    drawn = series(books, view_of(model, start=start), measure, "")
    firing = [
        item for item in books.judgements.open_incidents(model.id) if item.state is not IncidentState.RESOLVED
    ]
    health, reason = _health(model, firing)
    return {
        "name": model.spec.name,
        "task": model.spec.task.value,
        "health": health,
        "health_reason": reason,
        "events": _latest_volume(model, windows),
        "volume": list(windows.events),
        "metric": _metric(books, model, measure, drawn),
        "spark": drawn["value"],
        "incidents": len(firing),
        "versions": [item.version for item in books.models.versions(model.id)],
        "last_event": None if model.reached is None else iso(model.reached),
        "pending_outcomes": 0 if whole is None else _pending(books, model, whole),
    }


def _pending(books: Transaction, model: Model, whole: int) -> int:
    """Predictions whose outcome is still waited for: neither failed nor expired."""
    since = (model.reached or 0) - span_micros(model.spec.outcome_horizon)
    windows, heads = books.results.heads(whole, model.spec.window.text, since, FOREVER[1])
    joined = np.array(windows.joined, np.int64)
    return sum(int((block.n[:, 0] - joined[places]).sum()) for places, _, block in heads.blocks(MATURITY))


def _latest_volume(model: Model, windows: Spans) -> int:
    """Events of the newest window that is over."""
    both = zip(reversed(windows.events), reversed(windows.finish), strict=True)
    return next((events for events, finish in both if finish <= (model.watermark or 0)), 0)


def _health(model: Model, incidents: list[Incident]) -> tuple[str, str]:
    if model.reached is None:
        return "unknown", "no predictions yet"
    firing = [item for item in incidents if item.state is IncidentState.FIRING]
    if not firing:
        pending = len(incidents)
        return "ok", f"{pending} may be coming" if pending else "no open incident"
    worst = max(firing, key=lambda item: item.severity.rank)
    return ("page" if worst.severity.value == "page" else "warn"), worst.summary


def _metric(books: Transaction, model: Model, measure: str, drawn: dict[str, Any]) -> dict[str, Any]:
    """The newest window that has a value, else why the newest has none."""
    known = [place for place, value in enumerate(drawn["value"]) if value is not None]
    place = known[-1] if known else len(drawn["value"]) - 1
    there = place >= 0
    reference = reference_body(books, model, measure, "")
    return {
        "measure": measure,
        **{key: drawn[key] for key in ("title", "unit", "better")},
        "value": drawn["value"][place] if there else None,
        "low": drawn["low"][place] if there else None,
        "high": drawn["high"][place] if there else None,
        "reference": None
        if reference is None
        else (reference["value"] if reference["value"] is not None else reference["mean"]),
        "maturity": drawn["maturity"][place] if there else None,
        "window_start": drawn["start"][place] if there else None,
        "reason": drawn["reason"][place] if there else "no window yet",
    }
