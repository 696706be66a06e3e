"""Sequential detectors on a model's losses, item by item as outcomes come.

Losses are taken in the order in which outcomes arrive; those that arrive together are sorted by the window of their
prediction. A detector's state moves on in the transaction that moves the joiner, so that each loss is taken
exactly once, whatever happens in between. An outcome that is corrected later is not taken again: what a detector
has seen it has seen. All versions of a model together are one stream; an alarm belongs to the version and the
window of the prediction that raised it.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from anchorwatch.core.errors import ConfigError, CorruptError
from anchorwatch.core.registry import unknown
from anchorwatch.core.schema import Task
from anchorwatch.core.types import Stage
from anchorwatch.drift.sequential import DETECTORS, Risk
from anchorwatch.drift.sequential.risk import Reference
from anchorwatch.flow.bands import newest_reference
from anchorwatch.flow.ports import Kept
from anchorwatch.profile.parts import Joined
from anchorwatch.profile.profile import Profile

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from anchorwatch.core.schema import ModelSpec
    from anchorwatch.drift.sequential import Detector
    from anchorwatch.flow.books import Folding
    from anchorwatch.flow.ports import Model
    from anchorwatch.flow.ports import Reference as ReferenceProfiles

LEAST_WINDOWS = 5
MOST_WINDOWS = 100
"""Windows of the reference that are enough to say how far they spread, and that are looked at."""
MOST = 5.0
"""Errors of a regression are taken in multiples of the reference's mean absolute error, `risk` up to so many."""


@dataclass(frozen=True, slots=True)
class Detection:
    """An alarm: which detector, of which slice and window the prediction was, and what the stream was like.

    `since` counts the losses since the detector's start before it, `value` is their mean.
    """

    detector: str
    slice_id: int
    start: int
    since: int
    value: float


@dataclass(frozen=True, slots=True)
class _Stream:
    """Losses in order, with where each belongs."""

    losses: NDArray[np.float64]
    starts: NDArray[np.int64]
    slices: NDArray[np.int64]


def check_detectors(spec: ModelSpec) -> None:
    """Raise `ConfigError` for a detector that is not known, or makes no sense for the model's task."""
    for name in spec.detectors:
        if name not in DETECTORS:
            raise ConfigError(f"detectors: {unknown('detector', name, DETECTORS)}")
        tasks = DETECTORS[name].tasks
        if tasks and spec.task not in tasks:
            others = ", ".join(item.name for item in DETECTORS.values() if not item.tasks)
            raise ConfigError(
                f"detectors: {name!r} takes errors of 0 and 1, which a {spec.task} model does not have; use {others}"
            )


def advance(books: Folding, model: Model, records: NDArray[np.void], outcomes: NDArray[np.float64]) -> None:
    """Feed the model's detectors with joined rows; what they raise is kept and counted in the windows' profiles."""
    if not model.spec.detectors:
        return
    baseline = _baseline(books, model)
    stream = _stream(model.spec.task, records, outcomes, 1.0 if baseline is None else baseline.scale)
    if not stream.losses.size:
        return
    kept = books.detections.states(model.id)
    states: dict[str, str] = {}
    found: list[Detection] = []
    for name in model.spec.detectors:
        detector = _detector(name, model.spec.task, baseline)
        if detector is not None:
            states[name], alarms = _fed(name, detector, kept.get(name), stream)
            found += alarms
    books.detections.keep(model.id, states)
    if found:
        books.detections.add(model.id, found)
        _count(books, model, found)


def recount(books: Folding, model: Model, start: int) -> None:
    """Count a window's alarms in its profiles again, after these were folded anew."""
    found = books.detections.list(model.id, start, start + 1)
    if found:
        _count(books, model, found)


@dataclass(frozen=True, slots=True)
class _Baseline:
    """The reference's risk, what a loss of 1 is in the outcome's unit, and how far the risk of its windows spreads.

    `spread` is the standard deviation between windows beyond what their sizes explain, in losses.
    """

    risk: Reference
    scale: float
    spread: float


def _baseline(books: Folding, model: Model) -> _Baseline | None:
    """What the newest reference says of the model's errors; None when it has none with predictions and outcomes."""
    reference = newest_reference(books, model)
    sums = None if reference is None else _sums(reference.profile)
    if reference is None or sums is None:
        return None
    n, total, _ = sums
    if model.spec.task is not Task.REGRESSION:
        return _Baseline(Reference(total, n), 1.0, _spread(reference))
    if total <= 0:
        return None
    scale = total / n
    # Clipping can only lower the mean, so that 1 is an upper bound of the reference's own clipped risk.
    return _Baseline(Reference(float(n), n, errors=False), scale, _spread(reference) / scale)


def _sums(profile: Profile) -> tuple[int, float, float] | None:
    """Count, sum and sum of squares of the losses in a profile."""
    if profile.residuals is not None and profile.residuals.n:
        return profile.residuals.n, float(profile.residuals.sums[1]), float(profile.residuals.sums[2])
    if profile.confusion is None:
        return None
    n = int(profile.confusion.matrix.sum())
    # What is beyond the known labels stands in the last row and column; no such pair is right for certain.
    wrong = float(n - np.trace(profile.confusion.matrix[:-1, :-1]))
    return (n, wrong, wrong) if n else None


def _spread(kept: ReferenceProfiles) -> float:
    windows = kept.windows[:: max(len(kept.windows) // MOST_WINDOWS, 1)]
    sums = np.array([found for _, profile in windows if (found := _sums(profile)) is not None])
    if len(sums) < LEAST_WINDOWS:
        return 0.0
    n, total, square = sums.T
    means = total / n
    chance = np.mean((square / n - means**2) / n)
    return float(np.sqrt(max(means.var(ddof=1) - chance, 0.0)))


def _detector(name: str, task: Task, baseline: _Baseline | None) -> Detector[Any] | None:
    """The detector as this model needs it; None for the risk of a regression that has nothing to be held against."""
    if name != "risk":
        return DETECTORS[name].default if name in DETECTORS else None
    if baseline is None:
        return Risk() if task is not Task.REGRESSION else None
    bound = 1.0 if task is not Task.REGRESSION else MOST
    # What the reference's own windows do is no worsening, so a limit over it is watched.
    least = max(Risk().least, 2 * baseline.spread / bound)
    return Risk(reference=baseline.risk, bound=bound, least=least)


def _stream(task: Task, records: NDArray[np.void], outcomes: NDArray[np.float64], scale: float) -> _Stream:
    """Losses of the rows that have one, by window."""
    predicted, starts, slices = (
        np.ascontiguousarray(item)
        for item in (records["prediction"], records["start"], records["slices"][:, 0])
    )
    losses = np.abs(predicted - outcomes) / scale if task is Task.REGRESSION else predicted != outcomes
    known = np.isfinite(predicted) & np.isfinite(outcomes)
    if not known.all():
        losses, starts, slices = losses[known], starts[known], slices[known]
    if (starts[1:] < starts[:-1]).any():
        order = np.argsort(starts, kind="stable")
        losses, starts, slices = losses[order], starts[order], slices[order]
    return _Stream(losses.astype(np.float64), starts, slices)


def _fed(
    name: str, detector: Detector[Any], kept: str | None, stream: _Stream
) -> tuple[str, list[Detection]]:
    """One detector's state after the stream, as text, and its alarms.

    A state of other settings (a new reference, say) is let go: the detector starts anew.
    """
    state, total, settings = detector.start(), 0.0, repr(detector)
    if kept is not None:
        try:
            body = json.loads(kept)
            if body["of"] == settings:
                state, total = detector.load(body["state"]), float(body["total"])
        except (ValueError, KeyError, TypeError) as problem:
            raise CorruptError(f"the state of detector {name} cannot be read: {problem}") from None
    losses = np.clip(stream.losses, *detector.bounds())
    since, alarmed = state.n, 0
    state, alarms = detector.run(state, losses)
    found = []
    for at in alarms.tolist():
        total += float(losses[alarmed : at + 1].sum())
        since += at + 1 - alarmed
        found.append(Detection(name, int(stream.slices[at]), int(stream.starts[at]), since, total / since))
        total, since, alarmed = 0.0, 0, at + 1
    total += float(losses[alarmed:].sum())
    # No settings hold a number that JSON lacks: states keep None where nothing is known yet.
    text = json.dumps({"of": settings, "total": total, "state": state.to_dict()}, allow_nan=False)
    return text, found


def _count(books: Folding, model: Model, found: Iterable[Detection]) -> None:
    """Add alarms to the outcome profiles of their windows, which exist by now."""
    grain = model.spec.window.text
    counted = Counter((item.slice_id, item.start) for item in found)
    grids = books.profiles.grids({pair[0] for pair in counted}, grain, {pair[1] for pair in counted})
    for (slice_id, start), alarms in sorted(counted.items()):
        grid_id = grids[slice_id, start]
        profile = Profile(books.grids.get(grid_id), joined=Joined(0, 0, alarms))
        books.profiles.add(grain, [Kept(slice_id, start, Stage.OUTCOMES, grid_id, profile)])
