"""Alerts from elsewhere reach the ledger, as incidents that people are told of like any other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anchorwatch.core.errors import UnknownError
from anchorwatch.core.times import from_micros
from anchorwatch.flow.judge import Verdicts
from anchorwatch.flow.receive import OURS, causes, heard

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anchorwatch.app.watch import Watch
    from anchorwatch.flow.receive import Alert
    from anchorwatch.stores.ledger.ledger import Transaction


def hear(watch: Watch, alerts: Sequence[Alert], *, who: str = "") -> dict[str, Any]:
    """Open, worsen and resolve incidents, all or nothing.

    Returns how many alerts were `taken`, numbers of the `incidents` that changed, and which were `ignored`, with
    the reason: one about a model that is not here is no mistake of whoever sends it.
    """
    changed: list[int] = []
    ignored: list[dict[str, str]] = []
    with watch.ledger.write() as books:
        for (model, cause), some in causes(alerts).items():
            reason = _unheard(books, model, some[0].name)
            if reason:
                ignored += [{"alert": alert.name, "reason": reason} for alert in some]
                continue
            number = _hear(watch, books, cause, some)
            if number is not None:
                changed.append(number)
        if changed:
            numbers = ", ".join(map(str, changed))
            books.audit(watch.now(), who, "alert", f"incidents {numbers}"[:300])
    return {"taken": len(alerts) - len(ignored), "incidents": changed, "ignored": ignored}


def _unheard(books: Transaction, model: str, name: str) -> str:
    """Why alerts of one name about `model` are not taken; empty when they are."""
    if name.startswith(OURS):
        return "it tells of an incident that is here already"
    if not model:
        return "no label names a model"
    try:
        books.models.get(model)
    except UnknownError as problem:
        return str(problem)
    return ""


def _hear(watch: Watch, books: Transaction, cause: str, alerts: Sequence[Alert]) -> int | None:
    """The number of the incident, when something happened to it."""
    model = books.models.get(alerts[0].model)
    latest = {one.cause: one for one in books.judgements.open_incidents(model.id)}.get(cause)
    stepped = heard(latest, alerts, from_micros(watch.now()))
    if stepped.incident is None or stepped.incident is latest:
        return None
    kept = books.judgements.save_incident(stepped.incident)
    watch.notifier.witness(books, Verdicts(kept, stepped.transitions))
    return kept.id if stepped.transitions else None
