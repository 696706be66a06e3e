"""Measures that windows do not keep, worked out of their profiles when somebody asks."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from anchorwatch.flow.against import Compared, reference_of
from anchorwatch.flow.measure import Span, combined, expired, measure_all, of_segments, of_wholes
from anchorwatch.flow.ports import WHOLE
from anchorwatch.profile.measure import MEASURES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from anchorwatch.core.results import Results
    from anchorwatch.flow.books import Judging
    from anchorwatch.flow.ports import Model
    from anchorwatch.profile.measure import Measure
    from anchorwatch.profile.profile import Profile

_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class Windows:
    """Windows of one grain, by start and end in microseconds, and the slices that add up to what is looked at."""

    slices: Sequence[int]
    grain: str
    spans: Sequence[tuple[int, int]]


def unkept(model: Model, segment: str, names: Iterable[str]) -> list[Measure]:
    """Those of some measures that windows of a segment (or of the whole model) are not kept measured by."""
    kept = {item.name for item in (of_wholes(model) if segment == WHOLE else of_segments(model))}
    task = model.spec.task
    found = [MEASURES[name] for name in names if name in MEASURES and name not in kept]
    return [item for item in found if not item.tasks or task in item.tasks]


def worked_out(
    books: Judging, model: Model, measures: Sequence[Measure], windows: Windows
) -> Iterator[tuple[int, int, tuple[Results, ...]]]:
    """Start, end and results of each of the windows that there is a profile of; sampled rows are read if needed."""
    rows = any("sample" in item.needs for item in measures)
    for begin in range(0, len(windows.spans), _AT_ONCE):
        some = windows.spans[begin : begin + _AT_ONCE]
        found: dict[int, dict[int, list[Profile]]] = defaultdict(lambda: defaultdict(list))
        for kept in books.profiles.load(windows.slices, windows.grain, some[0][0], some[-1][1], rows=rows):
            found[kept.start][kept.slice_id].append(kept.profile)
        for start, finish in some:
            if start not in found:
                continue
            span = Span(windows.grain, start, finish)
            profile = combined([expired(model, span, combined(parts)) for parts in found[start].values()])
            reference = reference_of(books, model, Compared(profile, start, windows.slices, windows.grain))
            yield start, finish, measure_all(measures, reference, profile)
