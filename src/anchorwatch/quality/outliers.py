"""Values beyond the fences that the reference set, as shares of a window."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anchorwatch.core.results import Results
from anchorwatch.profile.fences import marked
from anchorwatch.quality import columns

if TYPE_CHECKING:
    from anchorwatch.profile.profile import Profile


def outlier_share(name: str, rule: str, current: Profile) -> Results:
    """Share of each numeric column's finite values beyond the fence `rule`, with Wilson's interval."""
    chosen, numbers, grid = columns.watched(current.grid), current.numbers, current.grid
    subjects = chosen.number_names
    if not grid.fitted:
        return Results.missing(name, subjects, "no reference")
    if numbers is None:
        return Results.missing(name, subjects, "no rows in this window")
    count, n = marked(numbers.counts, grid, rule)[chosen.numbers], columns.finite(numbers)[chosen.numbers]
    seen = [grid.deciles[place].size > 0 for place in chosen.numbers.tolist()]
    reasons = [
        "no numbers in the reference"
        if not known
        else "no spread in the reference to tell outliers by"
        if beyond < 0
        else None
        if rows
        else "no numbers in this window"
        for known, beyond, rows in zip(seen, count.tolist(), n.tolist(), strict=True)
    ]
    return columns.shares(name, subjects, count.clip(min=0), n, reasons)
