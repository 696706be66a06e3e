"""What probably caused an incident, in the words of whoever is woken by it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anchorwatch.app.view import view_of
from anchorwatch.core.times import micros
from anchorwatch.explain.causes import causes
from anchorwatch.profile.measure import MEASURES, Family

if TYPE_CHECKING:
    from anchorwatch.core.types import Finding, Incident
    from anchorwatch.explain.causes import Cause
    from anchorwatch.stores.ledger.ledger import Transaction

SHOWN = 5
"""Causes that are told."""

CONCEPT = (
    "no input moved beyond chance: what the inputs mean for the outcome has probably changed, "
    "or the outcomes are wrong"
)


def likely(books: Transaction, incident: Incident) -> dict[str, Any]:
    """`likely`, a sentence, and `causes`, the inputs that changed in the incident's latest bad window, ranked.

    `concept` is whether performance fell although no input moved.
    """
    findings = sorted(incident.findings, key=lambda item: item.window.start)
    if not findings:
        return {"likely": "", "causes": [], "concept": False}
    found = _causes(books, incident, findings[-1])
    if found:
        told = [cause_body(cause) for cause in found[:SHOWN]]
        return {"likely": found[0].text, "causes": told, "concept": False}
    performance = any(
        item.measure in MEASURES and MEASURES[item.measure].family is Family.PERFORMANCE for item in findings
    )
    concept = performance and found is not None
    return {"likely": CONCEPT if concept else "", "causes": [], "concept": concept}


def _causes(books: Transaction, incident: Incident, finding: Finding) -> tuple[Cause, ...] | None:
    """None where there is nothing to compare with."""
    start, end = micros(finding.window.start), micros(finding.window.end)
    view = view_of(books.models.get(incident.model), version=finding.version, start=start, end=end)
    profile = view.profile(books, start, end, rows=False)
    reference = None if profile is None else view.reference(books, profile, start)
    return None if profile is None or reference is None else causes(reference, profile)


def cause_body(cause: Cause) -> dict[str, Any]:
    """A cause as answers show it."""
    return {
        "column": cause.column,
        "kind": cause.change.kind.value,
        "what": cause.change.text or "its distribution changed",
        "text": cause.text,
        "moved": round(cause.moved, 6),
        "importance": None if cause.importance is None else round(cause.importance, 6),
        "effect": cause.effect,
        "answer": cause.answer,
        "figures": dict(cause.change.figures),
    }
