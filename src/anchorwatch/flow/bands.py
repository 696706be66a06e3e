"""How a measure spread over the reference's own windows, worked out once."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from anchorwatch.flow.measure import applicable
from anchorwatch.profile.measure import MEASURES
from anchorwatch.rules.band import ReferenceBand

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anchorwatch.core.schema import Task
    from anchorwatch.flow.books import Watched
    from anchorwatch.flow.ports import Model, Reference


def newest_reference(books: Watched, model: Model) -> Reference | None:
    """The reference of the version that came last and has one."""
    for version in reversed(books.models.versions(model.id)):
        reference = None if version.grid_id is None else books.grids.reference(version.grid_id)
        if reference is not None:
            return reference
    return None


def bands_of(task: Task, reference: Reference, measure: str) -> Mapping[str, ReferenceBand]:
    """Bands of one measure by subject; kept with the reference, since both never change."""
    if measure not in reference.bands:
        reference.bands[measure] = _bands(task, reference, measure)
    return reference.bands[measure]


def _bands(task: Task, reference: Reference, measure: str) -> dict[str, ReferenceBand]:
    if measure not in MEASURES or MEASURES[measure] not in applicable(task):
        return {}
    values: dict[str, list[float]] = defaultdict(list)
    for _, profile in reference.windows:
        results = MEASURES[measure](reference.profile, profile)
        for subject, value in zip(results.subjects, results.value.tolist(), strict=True):
            values[subject].append(value)
    bands = {subject: ReferenceBand.of(numbers) for subject, numbers in values.items()}
    return {subject: band for subject, band in bands.items() if band is not None}
