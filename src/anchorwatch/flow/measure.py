"""Profiles of windows into results."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from anchorwatch import drift, metrics, quality  # noqa: F401 - importing them registers the measures
from anchorwatch.core.times import span_micros
from anchorwatch.flow.against import Compared, reference_of
from anchorwatch.flow.ports import WHOLE, Kept, Measured, Slice
from anchorwatch.flow.times import window_at
from anchorwatch.profile.measure import MEASURES, Family
from anchorwatch.profile.parts import Joined
from anchorwatch.profile.profile import Profile

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from anchorwatch.core.results import Results
    from anchorwatch.core.schema import Task
    from anchorwatch.core.types import Stage
    from anchorwatch.flow.books import Books
    from anchorwatch.flow.ports import Model, Touched
    from anchorwatch.profile.measure import Measure

_FREE_OF_GRID = ("service", "confusion", "scores", "residuals", "joined", "extent", "refused")


def applicable(task: Task) -> list[Measure]:
    """Measures of a task."""
    return [item for item in MEASURES.values() if not item.tasks or task in item.tasks]


def of_wholes(model: Model) -> list[Measure]:
    """Measures kept for the whole model; costly and further ones are computed when a rule asks or somebody looks."""
    asked = {rule.measure for rule in model.rules}
    return [
        item for item in applicable(model.spec.task) if (item.kept and not item.costly) or item.name in asked
    ]


def of_segments(model: Model) -> list[Measure]:
    """Measures kept for segments: all but drift, which is computed when somebody looks or a rule asks for it."""
    asked = {rule.measure for rule in model.rules if rule.segments}
    return [
        item
        for item in applicable(model.spec.task)
        if (item.kept and item.family is not Family.DRIFT) or item.name in asked
    ]


def measure_all(
    measures: Iterable[Measure], reference: Profile | None, current: Profile
) -> tuple[Results, ...]:
    """Every measure of one profile, those without subjects left out."""
    found = (item(reference, current) for item in measures)
    return tuple(item for item in found if len(item))


@dataclass(frozen=True, slots=True)
class Span:
    """A window of one grain, in microseconds."""

    grain: str
    start: int
    finish: int


def measure_windows(books: Books, model: Model, touched: Sequence[Touched]) -> None:
    """Measure the windows of `touched`, and the days they are part of when windows are shorter than a day."""
    base = model.spec.window.text
    spans = [Span(base, item.start, item.finish) for item in touched]
    books.results.save([item for span in spans for item in _measure(books, model, span)])
    if model.spec.window.length.total_seconds() < 86_400:
        for span in _days(model, spans):
            _roll_up(books, model, span)
            books.results.save(_measure(books, model, span))


def _days(model: Model, spans: Iterable[Span]) -> list[Span]:
    days = {window_at(span.start, "1d", model.spec.timezone) for span in spans}
    return [Span("1d", start, finish) for start, finish in sorted(days)]


def _roll_up(books: Books, model: Model, day: Span) -> None:
    """A day's profiles are the sum of its windows'."""
    ids = list(books.models.slices(model.id).values())
    parts: dict[tuple[int, Stage, int], list[Profile]] = defaultdict(list)
    for kept in books.profiles.load(ids, model.spec.window.text, day.start, day.finish):
        parts[kept.slice_id, kept.stage, kept.grid_id].append(kept.profile)
    newest: dict[tuple[int, Stage], Kept] = {}
    for (slice_id, stage, grid_id), profiles in parts.items():
        summed = Profile.sum(books.grids.get(grid_id), profiles)
        old = newest.get((slice_id, stage))
        if old is not None:
            summed = combined([old.profile, summed])
        newest[slice_id, stage] = Kept(slice_id, day.start, stage, grid_id, summed)
    books.profiles.replace(day.grain, list(newest.values()))


def _measure(books: Books, model: Model, span: Span) -> list[Measured]:
    slices = {number: item for item, number in books.models.slices(model.id).items() if not item.every}
    profiles = window_profiles(books, model, slices, span)
    every: dict[str, list[int]] = defaultdict(list)
    for slice_id in profiles:
        every[slices[slice_id].segment].append(slice_id)
    wholes = books.models.slice_ids(model.id, [Slice("", segment, every=True) for segment in every])
    measured: list[Measured] = []
    for segment, ids in every.items():
        alone = [_measured(books, model, _Place(span, number, segment), profiles[number]) for number in ids]
        together = wholes[Slice("", segment, every=True)]
        if len(alone) == 1:
            measured += [alone[0], replace(alone[0], slice_id=together)]
        else:
            summed = combined([profiles[number] for number in ids])
            measured += [*alone, _measured(books, model, _Place(span, together, segment, tuple(ids)), summed)]
    return measured


def window_profiles(
    books: Books, model: Model, slices: Iterable[int], span: Span, *, rows: bool = True
) -> dict[int, Profile]:
    """The profile of each slice in one window (or longer span), inputs and outcomes together, expiry counted.

    On demand without sampled `rows`, which are most of the work of adding up many windows.
    """
    found: dict[int, list[Profile]] = defaultdict(list)
    for kept in books.profiles.load(list(slices), span.grain, span.start, span.finish, rows=rows):
        found[kept.slice_id].append(kept.profile)
    return {slice_id: expired(model, span, combined(parts)) for slice_id, parts in found.items()}


def combined(profiles: Sequence[Profile]) -> Profile:
    """The sum; of profiles on other grids than the last one's only what does not depend on a grid."""
    last = profiles[-1]
    alike = [item for item in profiles if item.grid.digest == last.grid.digest]
    total = Profile.sum(last.grid, alike)
    for item in profiles:
        if item.grid.digest != last.grid.digest:
            free = {name: getattr(item, name) for name in _FREE_OF_GRID}
            total += Profile(last.grid, **free)
    return total


def expired(model: Model, span: Span, profile: Profile) -> Profile:
    """Once the horizon is past, predictions without an outcome are waited for no longer."""
    horizon = span_micros(model.spec.outcome_horizon)
    if (model.reached or 0) < span.finish + horizon or profile.service is None:
        return profile
    came = profile.joined.outcomes if profile.joined else 0
    lost = max(profile.service.events - profile.service.errors - came, 0)
    return profile + Profile(profile.grid, joined=Joined(0, lost))


@dataclass(frozen=True, slots=True)
class _Place:
    """A window of a slice, and the slices it is the sum of."""

    span: Span
    slice_id: int
    segment: str
    parts: tuple[int, ...] = ()


def _measured(books: Books, model: Model, place: _Place, profile: Profile) -> Measured:
    span = place.span
    compared = Compared(profile, span.start, place.parts or (place.slice_id,), span.grain)
    whole = place.segment == WHOLE
    return Measured(
        place.slice_id,
        span.grain,
        span.start,
        span.finish,
        profile.events,
        profile.joined.outcomes if profile.joined else 0,
        measure_all(
            of_wholes(model) if whole else of_segments(model),
            reference_of(books, model, compared),
            profile,
        ),
    )
