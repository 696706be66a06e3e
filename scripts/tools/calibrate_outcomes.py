"""Models whose quality does not change: scores, labels, errors and latencies, windows of many models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scripts.tools.calibrate_rules import BINARY, SPEC, START, World
from scripts.tools.calibrate_worlds import DAY, HOUR

from anchorwatch.core.calendar import Grain
from anchorwatch.core.times import micros
from anchorwatch.flow.ports import Reference
from anchorwatch.profile.build import build_grid
from anchorwatch.profile.fold import JoinedRows, fold_outcomes
from anchorwatch.profile.histogram import Histogram
from anchorwatch.profile.parts import Service
from anchorwatch.profile.profile import Profile

if TYPE_CHECKING:
    from datetime import timedelta

    from anchorwatch.core.schema import ModelSpec


@dataclass(frozen=True, slots=True)
class Course:
    """Windows of a model: of the reference, then after; rows in each; how much windows differ among themselves."""

    before: int
    after: int
    n: int
    spread: float = 0.0
    length: timedelta = DAY


def classifier(rng: np.random.Generator, course: Course) -> World:
    """Scores that tell a third of positives, with an area under the curve of about 0.8, by a little more or less."""
    windows = course.before + course.after
    groups = np.repeat(np.arange(windows), course.n)
    apart = np.repeat(1.2 + course.spread * rng.standard_normal(windows), course.n)
    actual = (rng.random(groups.size) < 1 / 3).astype(np.float64)
    odds = apart * actual + rng.standard_normal(groups.size) - 1.2
    score = 1 / (1 + np.exp(-odds))
    joined = JoinedRows((score >= 0.5).astype(np.float64), score[:, None], actual)
    return _world(BINARY, course, fold_outcomes(joined, groups, windows, build_grid(BINARY)))


def regressor(rng: np.random.Generator, course: Course) -> World:
    """Errors with the tails of Student's t of three degrees, a little larger in some windows than in others."""
    spec = SPEC
    windows = course.before + course.after
    groups = np.repeat(np.arange(windows), course.n)
    scale = np.repeat(np.exp(course.spread * rng.standard_normal(windows)), course.n)
    actual = rng.lognormal(3, 0.5, groups.size)
    joined = JoinedRows(
        actual + 5 * scale * rng.standard_t(3, groups.size), np.empty((groups.size, 0)), actual
    )
    return _world(spec, course, fold_outcomes(joined, groups, windows, build_grid(spec)))


def service(rng: np.random.Generator, course: Course, errors: float = 0.02) -> World:
    """Log-normal latencies, and two calls in a hundred that fail."""
    windows, grid = course.before + course.after, build_grid(SPEC)
    found = []
    for _ in range(windows):
        latencies = 0.05 * np.exp(course.spread * rng.standard_normal() + rng.standard_normal(course.n))
        failed = int(rng.binomial(course.n, errors))
        found.append(
            Profile(
                grid,
                service=Service(course.n, failed, Histogram.of([latencies]), float(latencies.sum()), 0, 1),
            )
        )
    return _world(SPEC, course, found)


def _world(spec: ModelSpec, course: Course, profiles: list[Profile]) -> World:
    """With a reference that has times when it has windows, and one without when it has a single one."""
    declared = spec.evolve(window=Grain("1h" if course.length == HOUR else "1d"))
    early = profiles[: course.before]
    starts = [micros(START - (course.before - at) * course.length) for at in range(course.before)]
    windows = tuple(zip(starts, early, strict=True)) if course.before > 1 else ()
    whole = Profile.sum(profiles[0].grid, early)
    return World(Reference(0, whole, windows), profiles[course.before :], course.length, 0, declared)
