"""What can be measured, as plain data: for the API, the UI's menus and the docs' table."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from anchorwatch.profile.measure import MEASURES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from anchorwatch.core.schema import Task
    from anchorwatch.profile.measure import Measure


def describe(measures: Iterable[Measure] | None = None, task: Task | None = None) -> list[dict[str, Any]]:
    """Describe `measures` (default: all that are registered), those that apply to `task` when it is given.

    An infinite bound is `None`. What is registered is what was imported: `metrics`, `drift` and `quality`
    each register theirs on import.

    >>> [item["name"] for item in describe() if item["name"] == "mae"]
    ['mae']
    """
    chosen = MEASURES.values() if measures is None else measures
    return [_one(item) for item in chosen if task is None or not item.tasks or task in item.tasks]


def _one(item: Measure) -> dict[str, Any]:
    return {
        "name": item.name,
        "title": item.title,
        "family": item.family.value,
        "stage": item.stage.value,
        "unit": item.unit,
        "better": item.better,
        "low": _bound(item.low),
        "high": _bound(item.high),
        "subjects": item.subjects,
        "source": item.source,
    }


def _bound(number: float) -> float | None:
    return number if math.isfinite(number) else None
