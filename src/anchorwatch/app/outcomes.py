"""What outcomes say of a span of time beyond single numbers: confusion, calibration, detectors' alarms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anchorwatch.core.results import Missing
from anchorwatch.core.schema import Task
from anchorwatch.core.times import iso
from anchorwatch.flow.times import window_at
from anchorwatch.metrics.bins import calibration_curve

if TYPE_CHECKING:
    from anchorwatch.app.view import View
    from anchorwatch.profile.profile import Profile
    from anchorwatch.stores.ledger.ledger import Transaction


def confusion(books: Transaction, view: View) -> dict[str, Any]:
    """Rows are what came, columns what was predicted."""
    profile = view.profile(books, view.start, view.end, rows=False)
    if profile is None or profile.confusion is None:
        return {"labels": [], "matrix": [], "reason": "no outcomes with a predicted label in this span"}
    matrix, labels = profile.confusion.matrix, [*profile.grid.labels, "(other)"]
    if not matrix[-1].any() and not matrix[:, -1].any():
        matrix, labels = matrix[:-1, :-1], labels[:-1]
    return {"labels": labels, "matrix": matrix.tolist(), "reason": None}


def calibration(books: Transaction, view: View, label: str, *, mass: bool) -> dict[str, Any]:
    """Curves of a class, of the span and of the reference; the positive class of a binary model, else the first."""
    profile = view.profile(books, view.start, view.end, rows=False)
    if profile is None or view.model.spec.task is Task.REGRESSION:
        reason = "only classes have it" if profile is not None else "no windows in this span"
        return {"label": label, "labels": [], "curve": None, "reference": None, "reason": reason}
    binary = view.model.spec.task is Task.BINARY
    labels = profile.grid.labels[profile.grid.positive :][:1] if binary else profile.grid.labels
    wanted = label or (labels[0] if labels else "")
    curve = _curve(profile, wanted, mass=mass)
    reference = view.reference(books, profile, view.start)
    beside = None if reference is None else _curve(reference, wanted, mass=mass)
    return {
        "label": wanted,
        "labels": list(labels),
        "curve": curve if isinstance(curve, dict) else None,
        "reference": beside if isinstance(beside, dict) else None,
        "reason": curve if isinstance(curve, str) else None,
    }


def _curve(profile: Profile, label: str, *, mass: bool) -> dict[str, list[float]] | str:
    found = calibration_curve(profile, label, mass=mass)
    if isinstance(found, Missing):
        return found.reason
    return {name: getattr(found, name).tolist() for name in ("n", "predicted", "observed", "low", "high")}


def alarms(books: Transaction, view: View) -> dict[str, Any]:
    """What sequential detectors raised in a span; they watch models as a whole, so segments have none."""
    mine = set(view.parts(books))
    found = [
        item for item in books.detections.list(view.model.id, view.start, view.end) if item.slice_id in mine
    ]
    base, zone = view.model.spec.window.text, view.model.spec.timezone
    return {
        "detectors": list(view.model.spec.detectors),
        "alarms": [
            {
                "detector": item.detector,
                "start": iso(item.start),
                "end": iso(window_at(item.start, base, zone)[1]),
                "losses": item.since,
                "mean": item.value,
            }
            for item in found
        ],
    }
