"""Tell drift from what only looks like it: missing values, a stuck sensor, another unit, a renamed category."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from anchorwatch.drift import change_categories, change_numbers
from anchorwatch.drift.beyond import moments
from anchorwatch.drift.bins import bins_of
from anchorwatch.drift.cells import cells_of
from anchorwatch.drift.change import DOUBT, SAME, SMALL, Change, lost
from anchorwatch.drift.chi_square import contingency
from anchorwatch.drift.subjects import Side, chosen, refusal
from anchorwatch.stats import tails

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from anchorwatch.drift.bins import Bins
    from anchorwatch.profile.profile import Profile

    Floats = NDArray[np.float64]


def kinds(reference: Profile, current: Profile, side: Side = Side.INPUTS) -> dict[str, Change]:
    """The kind of change of each column that both profiles have rows of, by name.

    A column is looked at when its values or the share of missing ones differ with a probability by chance under
    1e-3 and by 2 % of the rows or more; all others have `ChangeKind.NONE`. Numbers: values that went missing, when
    they are more than what the others moved by; one value only; a factor (or a known formula such as degrees
    Fahrenheit) under which they look like the reference's, `unit`; then a move, a stretch, or any other shape.
    Categories: missing; levels that vanished with new ones in their shares; new ones; one level only; other shares.
    A factor between 0.8 and 1.25 is not taken for a unit, nor one under 8 of a column whose mean is near 0.

    Args:
        reference: profile on the grid of both.
        current: profile of a window.
        side: inputs and predictions, or outcomes.

    Returns:
        Changes of the columns that have values on both sides; empty when the profiles are on different grids.

    >>> from anchorwatch.profile.example import pair
    >>> wind = np.random.default_rng(1).gamma(4, 3, 2000)
    >>> kinds(*pair({"wind": wind}, {"wind": wind[:500] * 67}))["wind"].text
    'values look 65.2 times larger: a change of unit?'
    """
    if refusal(reference, current):
        return {}
    return {**_numbers(reference, current, side), **_categories(reference, current, side)}


def _numbers(reference: Profile, current: Profile, side: Side) -> dict[str, Change]:
    columns = chosen(current.grid, side)
    if reference.numbers is None or current.numbers is None or not columns.numbers.size:
        return {}
    bins = bins_of(current.grid, side, reference.numbers, current.numbers)
    gone = [part.missing + part.infinite for part in (bins.reference, bins.current)]
    rows = [gone[0] + bins.m, gone[1] + bins.n]
    missing = _missing(gone, rows)
    distance = np.abs(bins.gap).max(axis=1, initial=0.0)
    p = np.minimum(
        tails.kolmogorov_smirnov(distance, bins.n, bins.m),
        contingency(cells_of(reference, current, side))[1][: columns.numbers.size],
    )
    found = {}
    for place, name in enumerate(columns.subjects[: columns.numbers.size]):
        if not (rows[0][place] and rows[1][place]):
            continue
        more = abs(missing[place])
        if more >= SMALL and (more >= distance[place] or not (bins.n[place] and bins.m[place])):
            found[name] = lost(*(float(gone[one][place] / rows[one][place]) for one in (0, 1)))
        elif p[place] < DOUBT and distance[place] >= SMALL:
            found[name] = change_numbers.change(_column(bins, place), float(distance[place]))
        else:
            found[name] = SAME
    return found


def _missing(gone: list[NDArray[np.int64]], rows: list[NDArray[np.int64]]) -> Floats:
    """By how much the share of missing values changed; 0 where chance explains it."""
    with np.errstate(divide="ignore", invalid="ignore"):
        more = gone[1] / rows[1] - gone[0] / rows[0]
    certain = tails.fisher(gone[1], rows[1], gone[0], rows[0]) < DOUBT
    return np.where(certain, more, 0.0)


def _column(bins: Bins, place: int) -> change_numbers.Column:
    """One column in its own unit."""
    size = int(bins.last[place]) + 1
    base = bins.base[place, :size]
    scale, centre = bins.scale[place], bins.centre[place]
    both = [moments(bins.reference, bins.m), moments(bins.current, bins.n)]
    n, m = float(bins.n[place]), float(bins.m[place])
    return change_numbers.Column(
        edges=bins.edges[place, :size],
        base=base,
        now=base + bins.gap[place, :size],
        mean=(float(both[0][0][place] * scale + centre), float(both[1][0][place] * scale + centre)),
        spread=(float(both[0][1][place] * scale), float(both[1][1][place] * scale)),
        low=(float(bins.reference.low[place]), float(bins.current.low[place])),
        high=(float(bins.reference.high[place]), float(bins.current.high[place])),
        noise=float(np.sqrt(1 / n + 1 / m)),
    )


def _categories(reference: Profile, current: Profile, side: Side) -> dict[str, Change]:
    columns, before, after = chosen(current.grid, side), reference.categories, current.categories
    if before is None or after is None:
        return {}
    p = contingency(cells_of(reference, current, side))[1][columns.numbers.size :]
    found = {}
    for place, column in enumerate(columns.categories.tolist()):
        known = [part.counts[column].sum() + part.unseen[column] for part in (before, after)]
        gone = [part.missing[column : column + 1] for part in (before, after)]
        rows = [count + lack for count, lack in zip(known, gone, strict=True)]
        if not (rows[0][0] and rows[1][0]):
            continue
        item = change_categories.Column(
            current.grid.levels[column],
            before.counts[column],
            after.counts[column],
            int(after.unseen[column]),
            after.names[column],
        )
        more = abs(float(_missing(gone, rows)[0]))
        distance = _moved(item)
        if more >= SMALL and more >= distance:
            change = lost(*(float(gone[one][0] / rows[one][0]) for one in (0, 1)))
        elif p[place] < DOUBT and distance >= SMALL:
            change = change_categories.change(item)
        else:
            change = SAME
        found[columns.subjects[columns.numbers.size + place]] = change
    return found


def _moved(column: change_categories.Column) -> float:
    """Total variation of the values that are there; 0 where one side has none."""
    if not (column.n and column.m):
        return 0.0
    known = np.abs(column.now / column.n - column.before / column.m).sum()
    return float(known + column.unseen / column.n) / 2
