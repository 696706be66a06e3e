"""Which profile a window is compared with."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np

from anchorwatch.core.against import SEASONS, Against, Base
from anchorwatch.core.calendar import Grain
from anchorwatch.core.times import from_micros, span_micros
from anchorwatch.profile.profile import Profile

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from anchorwatch.core.schema import ModelSpec
    from anchorwatch.flow.books import Judging
    from anchorwatch.flow.ports import Kept, Model, Reference

Window = tuple[int, Profile]
"""A window's start, in microseconds, and its profile."""

Pair = tuple[Profile, Profile | None]
"""A window's profile and what it is compared with."""

BACK = (2, 10, 60, 400)
"""How many windows back the window before is looked for; a silence of more than the last makes a new beginning."""


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """A window that is to be compared: its profile, when it starts, of which slices it is the sum, at which grain."""

    profile: Profile
    start: int
    slices: Sequence[int] = ()
    grain: str = ""


def reference_of(books: Judging, model: Model, compared: Compared) -> Profile | None:
    """What the model's spec wants the window to be compared with, on the window's own grid; None when there is none."""
    profile, against = compared.profile, model.spec.against
    if not profile.grid.fitted:
        return None
    if against.base in (Base.PREVIOUS, Base.LAST):
        return _before(books, model, compared)
    reference = books.grids.reference(books.grids.put(model.id, profile.grid))
    if reference is None:
        return None
    if against.base not in SEASONS:
        return reference.profile
    here = season(model.spec, compared.start)
    alike = [other for start, other in reference.windows if season(model.spec, start) == here]
    return Profile.sum(profile.grid, alike) if alike else None


def _before(books: Judging, model: Model, compared: Compared) -> Profile | None:
    """The window before, or all of some time before, of the same slices and on the same grid."""
    against, grid = model.spec.against, compared.profile.grid
    slices, grain = list(compared.slices), compared.grain or model.spec.window.text
    if against.base is Base.LAST:
        kept = books.profiles.load(slices, grain, compared.start - span_micros(against.span), compared.start)
    else:
        kept = _latest(books, slices, Grain(grain), compared.start)
    found = [item.profile for item in kept if item.profile.grid.digest == grid.digest]
    return Profile.sum(grid, found) if found else None


def _latest(books: Judging, slices: Collection[int], grain: Grain, start: int) -> list[Kept]:
    """The last window that has data, looked for farther and farther back: most often it is the one before."""
    length = span_micros(grain.length)
    for windows in BACK:
        kept = books.profiles.load(slices, grain.text, start - windows * length, start)
        if kept:
            last = max(item.start for item in kept)
            return [item for item in kept if item.start == last]
    return []


def season(spec: ModelSpec, start: int) -> tuple[int, ...]:
    """The season a window belongs to: hour of the day, weekday, or both, in the model's own time."""
    at = from_micros(start).astimezone(ZoneInfo(spec.timezone))
    if spec.against.base is Base.HOUR:
        return (at.hour,)
    return (at.weekday(),) if spec.against.base is Base.WEEKDAY else (at.weekday(), at.hour)


def companions(spec: ModelSpec, reference: Reference, *, rows: bool = True) -> list[Pair]:
    """Each window of the reference with what it would be compared with, itself left out: how the usual varies.

    On demand without sampled `rows`, which take most of the time and few measures look at.
    """
    windows = reference.windows
    if spec.against.base in SEASONS:
        return [(profile, _others(spec, windows, place)) for place, (_, profile) in enumerate(windows)]
    if spec.against.base is Base.PREVIOUS:
        firsts: list[Profile | None] = [None, *(profile for _, profile in windows[:-1])]
        return [(profile, before) for (_, profile), before in zip(windows, firsts, strict=True)]
    if spec.against.base is Base.LAST:
        reach = span_micros(spec.against.span)
        return [
            (profile, _until(windows, start - reach, place)) for place, (start, profile) in enumerate(windows)
        ]
    whole = reference.profile if rows else replace(reference.profile, sample=None)
    return [(profile, _without(whole, profile)) for _, profile in windows]


def _without(whole: Profile, part: Profile) -> Profile:
    """The distributions and sampled rows of a profile less those of a part of it; the rest is left out."""
    numbers, categories = whole.numbers, whole.categories
    if numbers is not None and part.numbers is not None:
        less = part.numbers
        numbers = replace(
            numbers,
            counts=numbers.counts - less.counts,
            missing=numbers.missing - less.missing,
            infinite=numbers.infinite - less.infinite,
            total=numbers.total - less.total,
            square=np.maximum(numbers.square - less.square, 0),
        )
    if categories is not None and part.categories is not None:
        other = part.categories
        categories = replace(
            categories,
            counts=tuple(one - two for one, two in zip(categories.counts, other.counts, strict=True)),
            missing=categories.missing - other.missing,
            unseen=categories.unseen - other.unseen,
        )
    sample = whole.sample
    if sample is not None and part.sample is not None:
        kept = ~np.isin(sample.keys, part.sample.keys)
        sample = replace(
            sample,
            keys=sample.keys[kept],
            codes=sample.codes[kept],
            levels=sample.levels[kept],
            vectors=sample.vectors[kept],
        )
    return Profile(whole.grid, numbers=numbers, categories=categories, sample=sample)


def _others(spec: ModelSpec, windows: Sequence[Window], place: int) -> Profile | None:
    here = season(spec, windows[place][0])
    alike = [
        profile
        for other, (start, profile) in enumerate(windows)
        if other != place and season(spec, start) == here
    ]
    return Profile.sum(alike[0].grid, alike) if alike else None


def _until(windows: Sequence[Window], begin: int, place: int) -> Profile | None:
    found = [profile for start, profile in windows[:place] if start >= begin]
    return Profile.sum(found[0].grid, found) if found else None


def pinned(against: Against) -> str | None:
    """The version whose grid and reference serve all versions; None when each has its own."""
    return against.version if against.base is Base.VERSION else None
