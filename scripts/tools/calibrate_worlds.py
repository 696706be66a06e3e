"""Data in which nothing changes: independent or alike in time, numbers and categories, few rows and many."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from scipy.signal import lfilter
from scripts.tools.calibrate_rules import SPEC, START, World

from anchorwatch.core.calendar import Grain
from anchorwatch.core.schema import Column, Kind
from anchorwatch.core.times import micros
from anchorwatch.flow.ports import Reference
from anchorwatch.flow.reference import profile_reference
from anchorwatch.profile.build import build_grid
from anchorwatch.profile.fold import fold_inputs
from anchorwatch.profile.parts import Categories, Numbers
from anchorwatch.profile.profile import Profile
from anchorwatch.profile.unseen import merge_names

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from anchorwatch.profile.grid import Grid

    Floats = NDArray[np.float64]
    Draw = Callable[[np.random.Generator, "Calendar", int], Floats]

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
FINE = 240
"""Quantile bins of a grid: references of 240 k + 1 rows have their edges on single values."""


@dataclass(frozen=True, slots=True)
class Size:
    """How many models, of how many columns, are watched for how many windows of how many rows."""

    models: int
    windows: int
    n: int
    m: int
    width: int = 1
    length: timedelta = DAY


def continuous(rng: np.random.Generator, size: Size, missing: float = 0.0) -> World:
    """Independent draws of any continuous law, heavy-tailed or not, exact and without drawing rows.

    The gaps between the reference's order statistics are Dirichlet, whatever the law; so is what falls into its bins.
    """
    each, columns = (size.m - 1) // FINE, size.models * size.width
    one = build_grid(
        SPEC.evolve(columns=SPEC.columns[:1]),
        pl.DataFrame({"x": np.linspace(0.0, 1.0, FINE + 1)}),
    )
    grid = _wide(one, columns)
    low, high = grid.ranges[0].tolist()
    bins = grid.edges[0].size + 1
    counts = np.zeros(bins, np.int64)
    inner = np.array([at for at in range(low + 1, high + 1) if at != low + 1 and _is_cut(grid, at)])
    counts[inner] = each
    counts[low + 1] = 1
    gaps = np.zeros(bins)
    gaps[inner] = each
    gaps[[0, bins - 1]] = 1
    shares = rng.standard_gamma(gaps, (columns, bins))
    shares /= shares.sum(axis=1, keepdims=True)
    lost = rng.binomial(size.m, missing, columns)
    reference = _numbers(grid, np.tile(counts, (columns, 1)), lost)
    windows = []
    for _ in range(size.windows):
        absent = rng.binomial(size.n, missing, columns)
        windows.append(_numbers(grid, rng.multinomial(size.n - absent, shares), absent))
    return World(Reference(0, reference, ()), windows, size.length, size.width)


def _is_cut(grid: Grid, at: int) -> bool:
    """Whether the bin ends on one of the reference's quantiles, and not on a fence between them."""
    edge = grid.edges[0][at] * FINE
    return bool(abs(edge - round(edge)) < 1e-9)


def categories(rng: np.random.Generator, size: Size, shares: Floats, missing: float = 0.0) -> World:
    """Independent draws of categories; each model knows the values that its reference held."""
    columns = size.models * size.width
    shares = shares / shares.sum()
    lost = rng.binomial(size.m, missing, columns)
    before = rng.multinomial(size.m - lost, shares, columns)
    known = [np.flatnonzero(row) for row in before]
    empty = build_grid(SPEC.evolve(columns=()), pl.DataFrame({"x": [0.0]}))
    grid = replace(
        empty,
        digest="categories",
        numbers=(),
        edges=(),
        deciles=(),
        ranges=np.empty((0, 2), np.int64),
        fences=np.empty((0, 3, 2), np.int64),
        categories=tuple(f"c{at}" for at in range(columns)),
        levels=tuple(tuple(f"v{value}" for value in row.tolist()) for row in known),
    )

    def profile(counts: NDArray[np.int64], absent: NDArray[np.int64]) -> Profile:
        held = tuple(row[kept] for row, kept in zip(counts, known, strict=True))
        unseen = counts.sum(axis=1) - np.array([row.sum() for row in held], np.int64)
        names = tuple(
            merge_names([{f"v{at}": int(row[at]) for at in np.flatnonzero(row * ~was).tolist()}])
            for row, was in zip(counts, before > 0, strict=True)
        )
        return Profile(grid, categories=Categories(held, absent, unseen, names))

    windows = []
    for _ in range(size.windows):
        absent = rng.binomial(size.n, missing, columns)
        windows.append(profile(rng.multinomial(size.n - absent, shares, columns), absent))
    return World(Reference(0, profile(before, lost), ()), windows, size.length, size.width)


@dataclass(frozen=True, slots=True)
class Calendar:
    """Windows of equal length with as many rows each: of the reference, then of what comes after."""

    before: int
    after: int
    n: int
    length: timedelta = DAY

    @property
    def windows(self) -> int:
        """All of them."""
        return self.before + self.after

    def hours(self) -> Floats:
        """Time of each row in hours since the start, evenly spread, shape (rows,)."""
        return np.arange(self.windows * self.n) / self.n * (self.length / HOUR)


def rows(
    rng: np.random.Generator,
    calendar: Calendar,
    models: int,
    draw: Draw,
    *,
    timed: bool = True,
    width: int = 1,
    sample: int = 0,
) -> World:
    """Rows drawn one by one, `draw` giving all columns, folded as a server folds them; numbers or whole codes."""
    values = draw(rng, calendar, models * width)
    textual = values.dtype.kind in "iu"
    kind = Kind.CATEGORY if textual else Kind.NUMBER
    names = [f"x{at}" for at in range(models * width)]
    spec = SPEC.evolve(
        columns=tuple(Column(name, kind) for name in names),
        window=Grain("1h" if calendar.length == HOUR else "1d"),
    )
    at = START - calendar.before * calendar.length
    times = micros(at) + (calendar.hours() * 3.6e9).astype(np.int64)
    frame = pl.DataFrame({name: values[:, place] for place, name in enumerate(names)}).with_columns(
        pl.Series("at", times).cast(pl.Datetime("us", "UTC"))
    )
    if textual:
        frame = frame.with_columns(pl.col(names).cast(pl.String))
    split = calendar.before * calendar.n
    early = frame[:split] if timed else frame[:split].drop("at")
    profiled = profile_reference(spec, early)
    later = (
        frame[split:]
        .with_columns(
            pl.lit("").alias("_version"),
            pl.lit(None, pl.Float64).alias("_prediction"),
            pl.lit(None, pl.Float64).alias("_latency"),
            pl.lit(None, pl.String).alias("_error"),
        )
        .rename({"at": "_at"})
    )
    groups = np.repeat(np.arange(calendar.after), calendar.n)
    windows = fold_inputs(later, groups, calendar.after, profiled.grid, sample=sample)
    kept = tuple(sorted(profiled.windows.items()))
    return World(Reference(0, profiled.whole, kept), windows, calendar.length, width, spec)


def independent(rng: np.random.Generator, calendar: Calendar, columns: int) -> Floats:
    """Normal draws."""
    return rng.standard_normal((calendar.windows * calendar.n, columns))


def heavy(rng: np.random.Generator, calendar: Calendar, columns: int) -> Floats:
    """Cauchy draws."""
    return rng.standard_cauchy((calendar.windows * calendar.n, columns))


def atoms(rng: np.random.Generator, calendar: Calendar, columns: int) -> Floats:
    """Six of ten are zero, the rest whole numbers or log-normal; one of a hundred is missing."""
    shape = (calendar.windows * calendar.n, columns)
    values = np.where(rng.random(shape) < 0.2, rng.poisson(3, shape), rng.lognormal(0, 2, shape))
    values = np.where(rng.random(shape) < 0.6, 0.0, values)
    return np.where(rng.random(shape) < 0.01, np.nan, values)


def correlated(width: int, share: float = 0.8) -> Draw:
    """Columns of a model that have a factor in common."""

    def draw(rng: np.random.Generator, calendar: Calendar, columns: int) -> Floats:
        size = calendar.windows * calendar.n
        common = np.repeat(rng.standard_normal((size, columns // width)), width, axis=1)
        found: Floats = share**0.5 * common + (1 - share) ** 0.5 * rng.standard_normal((size, columns))
        return found

    return draw


def autoregressive(rho: float) -> Draw:
    """Each row remembers the one before."""

    def draw(rng: np.random.Generator, calendar: Calendar, columns: int) -> Floats:
        noise = rng.standard_normal((calendar.windows * calendar.n, columns)) * (1 - rho**2) ** 0.5
        noise[0] /= (1 - rho**2) ** 0.5
        return np.asarray(lfilter([1.0], [1.0, -rho], noise, axis=0))

    return draw


def shared(spread: float, rho: float = 0.0) -> Draw:
    """Rows of a window have an effect in common, which may remember the window before."""

    def draw(rng: np.random.Generator, calendar: Calendar, columns: int) -> Floats:
        days = autoregressive(rho)(rng, replace(calendar, n=1), columns) * spread
        return np.repeat(days, calendar.n, axis=0) + independent(rng, calendar, columns)

    return draw


def seasonal(daily: float, weekly: float, spread: float = 0.0) -> Draw:
    """A wave over the day and one over the week, beside an effect of each day."""

    def draw(rng: np.random.Generator, calendar: Calendar, columns: int) -> Floats:
        hours = calendar.hours()
        phase = rng.random((2, columns)) * 2 * np.pi
        wave = daily * np.sin(2 * np.pi * hours[:, None] / 24 + phase[0])
        wave += weekly * np.sin(2 * np.pi * hours[:, None] / 168 + phase[1])
        day = (hours // 24).astype(np.int64)
        effect = rng.standard_normal((day[-1] + 1, columns))[day] * spread
        found: Floats = wave + effect + independent(rng, calendar, columns)
        return found

    return draw


def coded(draw: Draw, levels: int) -> Draw:
    """The same as categories: which of so many equal parts of the normal law a number lies in."""

    def codes(rng: np.random.Generator, calendar: Calendar, columns: int) -> Floats:
        cuts = np.linspace(-2, 2, levels - 1)
        return np.searchsorted(cuts, draw(rng, calendar, columns)).astype(np.int64)

    return codes


def _wide(grid: Grid, columns: int) -> Grid:
    """A grid of one number, for as many alike."""
    return replace(
        grid,
        digest=f"{columns} alike",
        numbers=tuple(f"x{at}" for at in range(columns)),
        edges=grid.edges[:1] * columns,
        deciles=grid.deciles[:1] * columns,
        centre=np.repeat(grid.centre[:1], columns),
        scale=np.repeat(grid.scale[:1], columns),
        categories=(),
        levels=(),
        ranges=np.repeat(grid.ranges[:1], columns, axis=0),
        fences=np.repeat(grid.fences[:1], columns, axis=0),
    )


def _numbers(grid: Grid, counts: NDArray[np.int64], missing: NDArray[np.int64]) -> Profile:
    zero = np.zeros(len(grid.numbers))
    part = Numbers(counts, missing, np.zeros_like(missing), zero, zero, zero - np.inf, zero + np.inf)
    return Profile(grid, numbers=part)
