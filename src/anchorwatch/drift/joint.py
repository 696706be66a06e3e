"""Whole rows of two profiles, from their samples, as the multivariate tests take them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from anchorwatch.core.results import Results
from anchorwatch.drift.subjects import refusal
from anchorwatch.profile.grid import OUTCOME, PREDICTION, SCORE
from anchorwatch.stats.principal import Components

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from anchorwatch.profile.grid import Grid
    from anchorwatch.profile.profile import Profile
    from anchorwatch.profile.sample import Sample

    Floats = NDArray[np.float64]

FEWEST = 50
"""Rows that either sample must have."""

_LEVELS = 20
"""Levels of a category that have a coordinate of their own; the rest share one."""

WIDEST = 256
"""Coordinates that rows have at most; wider ones are projected. Source: Johnson and Lindenstrauss 1984."""

_CUTS = 64
_AXES = 16
_ANSWERS = frozenset({PREDICTION, SCORE, OUTCOME})


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Rows of one side; known by identity, so that what is worked out of a reference can be kept.

    Attributes:
        values: coordinates, shape (n, d), none missing.
        codes: the same as whole numbers that only order, for trees.
    """

    values: Floats
    codes: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """The same columns of two samples."""

    before: Rows
    after: Rows

    @property
    def reference(self) -> Floats:
        """Coordinates of the reference's rows, shape (n, d)."""
        return self.before.values

    @property
    def current(self) -> Floats:
        """Coordinates of the current rows, shape (m, d)."""
        return self.after.values

    @property
    def codes(self) -> NDArray[np.int64]:
        """Codes of the reference's rows."""
        return self.before.codes

    @property
    def current_codes(self) -> NDArray[np.int64]:
        """Codes of the current rows."""
        return self.after.codes


REFERENCES = 8
"""References whose rows are kept at hand: windows come one after another and have the same one."""


def over_rows(
    name: str, reference: Profile | None, current: Profile, test: Callable[[Pair], tuple[float, float]]
) -> Results:
    """Run `test` on the inputs of sampled rows, numbers and categories together; the subject is the whole model."""
    why = _refused(reference, current)
    if why or reference is None or reference.sample is None or current.sample is None:
        return Results.missing(name, [""], why)
    pair = _inputs(current.grid, reference.sample, current.sample)
    if pair.reference.shape[1] < 2:
        return Results.missing(name, [""], "a single column has nothing joint; see its own drift")
    return _tested(name, [""], [pair], test)


def over_vectors(
    name: str, reference: Profile | None, current: Profile, test: Callable[[Pair], tuple[float, float]]
) -> Results:
    """Run `test` on each vector column of sampled rows."""
    names = current.grid.vectors
    why = _refused(reference, current)
    if why or reference is None or reference.sample is None or current.sample is None or not names:
        return Results.missing(name, names, why)
    pairs = [_vectors(current.grid, reference.sample, current.sample, column) for column in names]
    return _tested(name, names, pairs, test)


def _refused(reference: Profile | None, current: Profile) -> str:
    why = refusal(reference, current)
    if why or reference is None:
        return why
    if current.sample is None:
        return "no rows are sampled of this window"
    return "no rows are sampled of the reference" if reference.sample is None else ""


def _tested(
    name: str,
    subjects: tuple[str, ...] | list[str],
    pairs: list[Pair],
    test: Callable[[Pair], tuple[float, float]],
) -> Results:
    few = [min(len(pair.reference), len(pair.current)) < FEWEST for pair in pairs]
    found = [(np.nan, np.nan) if short else test(pair) for pair, short in zip(pairs, few, strict=True)]
    return Results.of(
        name,
        subjects,
        [value for value, _ in found],
        n=[len(pair.current) for pair in pairs],
        reasons=["too few rows" if short else None for short in few],
        p=[p for _, p in found],
    )


def _inputs(grid: Grid, reference: Sample, current: Sample) -> Pair:
    return Pair(_reference(grid, reference), _rows(grid, current))


def _rows(grid: Grid, sample: Sample) -> Rows:
    """Numbers as their place among the reference's quantiles, categories as one coordinate per level."""
    numbers = [lane for lane, name in enumerate(grid.numbers) if name not in _ANSWERS]
    categories = [lane for lane, name in enumerate(grid.categories) if name not in _ANSWERS]
    codes = sample.codes[:, numbers].astype(np.int64)
    levels = sample.levels[:, categories].astype(np.int64)
    bins = np.array([grid.edges[lane].size + 1 for lane in numbers], np.float64)
    # What is missing lies apart from all that is known.
    places = np.where(codes >= bins, -0.5, (codes + 0.5) / np.maximum(bins, 1))
    shares = [_one_hot(levels[:, place], len(grid.levels[lane])) for place, lane in enumerate(categories)]
    values = np.concatenate([places, *shares], axis=1)
    if values.shape[1] > WIDEST:
        values = values @ _directions(values.shape[1])
    return Rows(values, np.concatenate([codes, levels], axis=1))


@lru_cache(maxsize=REFERENCES)
def _directions(width: int) -> Floats:
    """`WIDEST` random directions, the same each time: they keep distances, and the cost linear in the columns."""
    signs = np.random.default_rng(width).integers(0, 2, (width, WIDEST)) * 2 - 1
    return np.asarray(signs / np.sqrt(WIDEST), dtype=np.float64)


@lru_cache(maxsize=REFERENCES)
def _reference(grid: Grid, sample: Sample) -> Rows:
    return _rows(grid, sample)


def _one_hot(levels: NDArray[np.int64], known: int) -> Floats:
    """Rows of zeros with a single `1/√2`: two different levels are as far apart as the ends of a number."""
    width = min(known, _LEVELS) + 2
    place = np.where(levels < known, np.minimum(levels, width - 3), levels - known + width - 2)
    return np.asarray(np.eye(width)[np.clip(place, 0, width - 1)] / np.sqrt(2), dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class _Frame:
    """What a reference's vectors are turned by, where they are wide, and cut at into codes."""

    rows: Rows
    components: Components | None
    cuts: Floats

    @classmethod
    def of(cls, before: Floats) -> _Frame:
        """Of a reference's rows, at least one."""
        components = Components.of(before, 1.0) if before.shape[1] > _AXES else None
        turned = _turned(before, components)
        cuts = np.quantile(turned, np.linspace(0, 1, _CUTS + 1)[1:-1], axis=0)
        return cls(Rows(before, _cut(turned, cuts)), components, cuts)

    def codes(self, rows: Floats) -> NDArray[np.int64]:
        """Which part of each of the reference's axes rows lie in."""
        return _cut(_turned(rows, self.components), self.cuts)


def _turned(rows: Floats, components: Components | None) -> Floats:
    if components is None:
        return rows
    scaled = (rows - components.centre) / components.scale
    return np.asarray(scaled @ components.axes[:_AXES].T, dtype=np.float64)


def _cut(turned: Floats, cuts: Floats) -> NDArray[np.int64]:
    lanes = [np.searchsorted(cuts[:, lane], turned[:, lane]) for lane in range(turned.shape[1])]
    return np.stack(lanes, axis=1)


@lru_cache(maxsize=REFERENCES)
def _framed(grid: Grid, reference: Sample, name: str) -> _Frame | None:
    before = _known(reference.vector(grid, name))
    return _Frame.of(before) if len(before) else None


def _vectors(grid: Grid, reference: Sample, current: Sample, name: str) -> Pair:
    frame, after = _framed(grid, reference, name), _known(current.vector(grid, name))
    if frame is None or not len(after):
        nothing = np.zeros((0, 1), np.int64)
        return Pair(Rows(after[:0], nothing), Rows(after, nothing))
    return Pair(frame.rows, Rows(after, frame.codes(after)))


def _known(rows: NDArray[np.float32]) -> Floats:
    values = rows.astype(np.float64)
    return values[np.isfinite(values).all(axis=1)] if values.shape[1] else values[:0].reshape(0, 1)
