"""What measures are held against: the reference as a whole and how its own windows vary, worked out once."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING

from anchorwatch.core.results import Value
from anchorwatch.core.times import span_micros
from anchorwatch.flow.against import companions, pinned
from anchorwatch.flow.measure import applicable
from anchorwatch.profile.measure import MEASURES, Family
from anchorwatch.rules.band import ReferenceBand
from anchorwatch.rules.ground import Ground, Inflation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anchorwatch.core.schema import ModelSpec
    from anchorwatch.flow.books import Watched
    from anchorwatch.flow.ports import Model, Reference
    from anchorwatch.profile.profile import Profile

MOST_WINDOWS = 400
"""Windows of a reference that are looked at, spread evenly over it: enough to know a spread by."""

_WIDEST = "drift"
"""The measure that sees any way in which the rows of a window are alike."""


def newest_reference(books: Watched, model: Model) -> Reference | None:
    """The reference of the version that came last and has one, or of the one the model is held to."""
    wanted = pinned(model.spec.against)
    for version in reversed(books.models.versions(model.id)):
        if wanted is not None and version.version != wanted:
            continue
        reference = None if version.grid_id is None else books.grids.reference(version.grid_id)
        if reference is not None:
            return reference
    return None


def grounds_of(spec: ModelSpec, reference: Reference, measure: str) -> Mapping[str, Ground]:
    """Grounds of one measure by subject; kept with the reference, since both never change."""
    key = f"{measure} against {spec.against.text}"
    if key not in reference.grounds:
        reference.grounds[key] = _grounds(spec, reference, measure)
    return reference.grounds[key]


def _grounds(spec: ModelSpec, reference: Reference, measure: str) -> dict[str, Ground]:
    if measure not in MEASURES or MEASURES[measure] not in applicable(spec.task):
        return {}
    compared = MEASURES[measure].family is Family.DRIFT
    values: dict[str, list[float]] = defaultdict(list)
    chances: dict[str, list[float]] = defaultdict(list)
    rows: dict[str, list[int]] = defaultdict(list)
    pairs: list[tuple[Profile, Profile | None]] = [(profile, None) for _, profile in reference.windows]
    if compared:
        pairs = companions(spec, reference, rows="sample" in MEASURES[measure].needs)
    for profile, other in pairs[:: -(-len(pairs) // MOST_WINDOWS) or 1]:
        results = MEASURES[measure](other, profile)
        numbers = (results.value.tolist(), results.p.tolist(), results.n.tolist())
        for subject, value, p, n in zip(results.subjects, *numbers, strict=True):
            values[subject].append(value)
            chances[subject].append(p)
            rows[subject].append(n)
    whole = {} if compared else dict(MEASURES[measure](None, reference.profile))
    alike = {} if compared else _alike(spec, reference, measure)
    return {
        subject: Ground(
            band=ReferenceBand.of(values[subject]),
            whole=found if isinstance(found := whole.get(subject), Value) else None,
            inflation=Inflation.of(chances[subject], rows[subject])
            if compared
            else alike.get(subject, Inflation()),
        )
        for subject in (*values, *(name for name in whole if name not in values))
    }


def _alike(spec: ModelSpec, reference: Reference, measure: str) -> dict[str, Inflation]:
    """How much the rows of a window are alike, for p-values of what the reference by its nature never held."""
    if MEASURES[measure].family is not Family.QUALITY:
        return {}
    return {subject: ground.inflation for subject, ground in grounds_of(spec, reference, _WIDEST).items()}


def longest_gap(spec: ModelSpec, reference: Reference) -> int:
    """Windows in a row in which the reference has no row, at most; 0 when it has no times."""
    starts, length = [start for start, _ in reference.windows], span_micros(spec.window.length)
    steps = [after - before for before, after in pairwise(starts)]
    return max((round(step / length) - 1 for step in steps), default=0)
