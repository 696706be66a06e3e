"""Which runs of the join index should become one. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from anchorwatch.core.types import EventKind

FAN_IN: Final = 8
MOST_ROWS: Final = 1 << 26
_DAYS_APART: Final = 14  # older days are kept together by week


@dataclass(frozen=True, slots=True)
class Run:
    """A file of sorted records: of which model and kind of event, and what it covers.

    Args:
        name: the file's name.
        model_id: the ledger's number of the model.
        kind: predictions, or the outcomes known.
        day: days since 1970 of its oldest record, by event time.
        level: how often its records have been merged.
        rows: how many records.
        oldest: start of the earliest window among them, microseconds since 1970.
        newest: start of the latest window among them.
    """

    name: str
    model_id: int
    kind: EventKind
    day: int
    level: int
    rows: int
    oldest: int
    newest: int


def plan(runs: Iterable[Run], *, fan_in: int = FAN_IN, most_rows: int = MOST_ROWS) -> list[list[Run]]:
    """Groups of runs, each to be merged into one; no run is in two of them.

    Runs of one day are merged by eights as they come, so that a record is rewritten once per level. When a day
    is over, what is left of it becomes one run once that grows the largest by an eighth; days of more
    than two weeks ago are kept together by week. So few runs stay, and old ones can be dropped whole.

    >>> from anchorwatch.core.types import EventKind
    >>> small = [Run(f"{n:03}", 1, EventKind.PREDICTIONS, 15_000, 0, 10, 0, 0) for n in range(9)]
    >>> [[run.name for run in group] for group in plan(small)]
    [['000', '001', '002', '003', '004', '005', '006', '007']]
    """
    heaps: dict[tuple[int, EventKind], list[Run]] = {}
    for run in runs:
        heaps.setdefault((run.model_id, run.kind), []).append(run)
    groups = []
    for heap in heaps.values():
        last = max(run.day for run in heap)
        spans: dict[int, list[Run]] = {}
        for run in sorted(heap, key=lambda run: run.name):
            span = run.day if last - run.day < _DAYS_APART else run.day // 7 - (1 << 32)
            spans.setdefault(span, []).append(run)
        for span, several in spans.items():
            groups += _merges(several, closed=span != last, fan_in=fan_in)
    return [group for group in groups if sum(run.rows for run in group) <= most_rows]


def _merges(runs: list[Run], *, closed: bool, fan_in: int) -> list[list[Run]]:
    largest = max(run.rows for run in runs)
    rest = sum(run.rows for run in runs) - largest
    if closed and len(runs) > 1 and (rest * fan_in >= largest or len(runs) > fan_in):
        return [runs]
    levels: dict[int, list[Run]] = {}
    for run in runs:
        levels.setdefault(run.level, []).append(run)
    return [same[:fan_in] for same in levels.values() if len(same) >= fan_in]


def expired(runs: Iterable[Run], before: int) -> list[Run]:
    """Runs whose every record belongs to a window that starts before `before` (microseconds since 1970)."""
    return [run for run in runs if run.newest < before]


def covering(runs: Sequence[Run]) -> tuple[int, int]:
    """Start of the earliest and of the latest window among `runs`."""
    return min(run.oldest for run in runs), max(run.newest for run in runs)
