"""What any measure must hold to, whoever wrote it: each check tells the faults it finds in words."""

from __future__ import annotations

import math
import pickle
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from anchorwatch.core.results import Missing
from anchorwatch.core.schema import Task
from anchorwatch.metrics.custom import FAILED
from anchorwatch.profile.profile import Profile
from anchorwatch.profile.worlds import cases, grid, reference, world

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anchorwatch.core.results import Results, Value
    from anchorwatch.profile.measure import Measure

LONGEST = 80
_ROUNDING = 1e-9


def faults(measure: Measure) -> list[str]:
    """All that is wrong with a measure, over the tasks it applies to; empty when nothing is."""
    tasks = [task for task in Task if not measure.tasks or task in measure.tasks]
    checks = (_awkward, _needs, _whole, _untouched)
    return list(
        dict.fromkeys(
            f"{task.value}: {text}" for task in tasks for check in checks for text in check(measure, task)
        )
    )


def _awkward(measure: Measure, task: Task) -> Iterator[str]:
    """Whatever a window holds: a value within range and within its own limits, or a reason, of the same subjects."""
    usual = measure(reference(task), cases(task)["ordinary"])
    if not len(usual):
        yield "an ordinary window has no subjects"
    elif not any(reason is None for reason in usual.reasons):
        yield f"an ordinary window of this task has no value: {usual.reasons[0]}"
    for case, current in cases(task).items():
        for before in (reference(task), None):
            found = measure(before, current)
            if found.measure != measure.name:
                yield f"{case}: results are named {found.measure!r}"
            if found.subjects != usual.subjects:
                yield f"{case}: subjects are {found.subjects}, of an ordinary window {usual.subjects}"
            for subject, result in found:
                for text in _wrong(measure, result):
                    yield f"{case}, {subject!r}: {text}"


def _wrong(measure: Measure, result: Value | Missing) -> Iterator[str]:
    if result.n < 0:
        yield f"n is {result.n}"
    if isinstance(result, Missing):
        if FAILED in result.reason:
            yield result.reason
        elif not 4 < len(result.reason) < LONGEST:
            yield f"a reason is a few words, under {LONGEST} letters; {result.reason!r} was given"
        return
    if not math.isfinite(result.value) or not measure.low <= result.value <= measure.high:
        yield f"{result.value} is not within {measure.low} … {measure.high}, as declared"
    if result.low is not None and not measure.low <= result.low <= result.value + _ROUNDING:
        yield f"the lower limit {result.low} is over the value {result.value} or out of range"
    if result.high is not None and not result.value - _ROUNDING <= result.high <= measure.high:
        yield f"the upper limit {result.high} is under the value {result.value} or out of range"
    if result.p is not None and not 0 <= result.p <= 1:
        yield f"p is {result.p}"


def _needs(measure: Measure, task: Task) -> Iterator[str]:
    """Without a part it declares to need, it is Missing."""
    for part in sorted(measure.needs):
        without: dict[str, Any] = {part: None}
        found = measure(reference(task), replace(cases(task)["ordinary"], **without))
        if None in found.reasons:
            yield f"it declares to need {part!r} and has a value without"


def _whole(measure: Measure, task: Task) -> Iterator[str]:
    """Rows in another order, folded in parts and added, say the same."""
    rows = world(task, 150, seed=5)
    shuffled = np.random.default_rng(0).permutation(150)
    parts = [rows.rows(part).profile(grid(task)) for part in np.split(shuffled, [40, 41])]
    once = measure(reference(task), rows.profile(grid(task)))
    merged = measure(reference(task), Profile.sum(grid(task), parts))
    if not _same(once, merged):
        yield "folded in parts and added up, the same rows give other results"


def _same(one: Results, other: Results) -> bool:
    return one.reasons == other.reasons and all(
        np.allclose(getattr(one, name), getattr(other, name), rtol=1e-9, atol=1e-12, equal_nan=True)
        for name in ("value", "n", "low", "high", "p")
    )


def _untouched(measure: Measure, task: Task) -> Iterator[str]:
    """Profiles are shared: none may be changed."""
    before = pickle.dumps((reference(task), cases(task)))
    for current in cases(task).values():
        measure(reference(task), current)
    if pickle.dumps((reference(task), cases(task))) != before:
        yield "it changes the profiles it is given"
