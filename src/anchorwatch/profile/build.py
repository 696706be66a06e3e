"""Fix a grid by a reference, so that what comes later is counted in the same bins."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from anchorwatch.core.schema import Kind, Task
from anchorwatch.profile.codec import grid_digest
from anchorwatch.profile.fences import fences
from anchorwatch.profile.forest import Forest, standard_inputs
from anchorwatch.profile.grid import FENCES, OUTCOME, PREDICTION, QUANTILES, SCORE, Grid
from anchorwatch.profile.sample import REFERENCE_ROWS, row_keys
from anchorwatch.profile.tally import each
from anchorwatch.profile.unseen import LONGEST

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from anchorwatch.core.schema import ModelSpec

MOST_LEVELS = 10_000
"""Levels kept per categorical column, the most frequent ones; the rest counts as unseen."""

MOST_LABELS = 256
"""Labels taken from a reference, the most frequent ones, when the spec declares none."""


def build_grid(spec: ModelSpec, reference: pl.DataFrame | None = None) -> Grid:
    """The grid of a model, from a canonical frame of predictions that may hold `_outcome` as well.

    Numeric columns get `QUANTILES` quantile bins of the finite values, with atoms apart; categorical ones their
    levels by falling count, then by name. A column without values, and every column without a reference, gets a
    general ladder: probabilities in steps of 0.005, other numbers in half doublings of either sign.
    """
    frame = pl.DataFrame() if reference is None else reference
    labels = _labels(spec, frame)
    numbers, categories = _columns(spec)
    fits = each(lambda name: _fit(name, _finite(frame, name)), numbers, frame.height * len(numbers))
    answers = {PREDICTION, OUTCOME}
    grid = Grid(
        digest="",
        task=spec.task,
        labels=labels,
        positive=labels.index(spec.positive) if spec.task is Task.BINARY else -1,
        threshold=spec.threshold,
        numbers=numbers,
        edges=tuple(fit.edges for fit in fits),
        deciles=tuple(fit.deciles for fit in fits),
        centre=np.array([fit.centre for fit in fits], np.float64),
        scale=np.array([fit.scale for fit in fits], np.float64),
        categories=categories,
        levels=tuple(
            labels if name in answers else _levels(frame, (name,), MOST_LEVELS) for name in categories
        ),
        fitted=reference is not None,
        ranges=np.array([fit.range for fit in fits], np.int64).reshape(-1, 2),
        fences=np.stack([fit.fences for fit in fits]) if fits else np.empty((0, len(FENCES), 2), np.int64),
        vectors=spec.vectors,
        widths=tuple(
            column.width or _width(frame, column.name)
            for column in spec.columns
            if column.kind is Kind.VECTOR
        ),
    )
    if spec.forest and frame.height and spec.numbers:
        few = np.argsort(row_keys(frame.get_column("_id", default=None), frame.height))[:REFERENCE_ROWS]
        grid = replace(
            grid, forest=Forest.grow(standard_inputs(frame[few], grid), int(grid_digest(grid)[:15], 16))
        )
    return replace(grid, digest=grid_digest(grid))


def quantiles(ascending: NDArray[np.float64], q: NDArray[np.float64]) -> NDArray[np.float64]:
    """What `numpy.quantile` says of sorted numbers, bit for bit, but without overflow.

    >>> quantiles(np.array([1.0, 2.0, 4.0]), np.array([0.25, 0.5, 0.9]))
    array([1.5, 2. , 3.6])
    """
    place = q * (ascending.size - 1)
    below = np.floor(place).astype(np.intp)
    part = place - below
    low, high = ascending[below], ascending[np.minimum(below + 1, ascending.size - 1)]
    with np.errstate(over="ignore", invalid="ignore"):
        step = high - low
        between = np.where(part < 0.5, low + step * part, high - step * (1 - part))
    between = np.where(np.isfinite(step), between, low * (1 - part) + high * part)
    return np.where(low == high, low, between)


@dataclass(frozen=True, slots=True, eq=False)
class _Fit:
    edges: NDArray[np.float64]
    deciles: NDArray[np.intp]
    centre: float
    scale: float
    range: tuple[int, int]
    fences: NDArray[np.int64]


def _fit(name: str, values: NDArray[np.float64]) -> _Fit:
    if not values.size:
        edges = _chances() if name == SCORE else _ladder()
        return _Fit(edges, np.empty(0, np.intp), 0.0, 1.0, (0, edges.size - 1), np.full((len(FENCES), 2), -1))
    values = np.sort(values + 0.0)  # -0 is 0, so that the order of rows leaves no trace
    cuts = quantiles(values, np.arange(QUANTILES + 1) / QUANTILES)
    distinct, often = np.unique(cuts, return_counts=True)
    apart = np.append(distinct[often > 1], distinct[0])
    quartiles = (float(cuts[QUANTILES // 4]), float(cuts[QUANTILES // 2]), float(cuts[3 * QUANTILES // 4]))
    deviation = _deviation(values)
    fence = fences(values, quartiles, deviation if distinct.size > 1 else 0.0)
    low, high = _below(fence[:, 0]), fence[:, 1]  # a value on the fence is no outlier
    edges = np.unique(
        np.concatenate([distinct, _below(apart), low[np.isfinite(low)], high[np.isfinite(low)]])
    )
    tenth = QUANTILES // 10
    deciles = np.searchsorted(edges, np.unique(cuts[tenth : 10 * tenth : tenth]))
    span = np.searchsorted(edges, [_below(distinct[0]), distinct[-1]]).tolist()
    places = np.where(np.isfinite(fence), np.searchsorted(edges, np.stack([low, high], axis=1)), -1)
    return _Fit(edges, deciles, quartiles[1], deviation, (span[0], span[1]), places)


def _below(numbers: ArrayLike) -> NDArray[np.float64]:
    """The numbers just before; -inf before the most negative one."""
    with np.errstate(over="ignore"):
        return np.nextafter(np.asarray(numbers, np.float64), -np.inf)


def _deviation(ascending: NDArray[np.float64]) -> float:
    """The standard deviation, of numbers as large or small as there are; 1 for a constant."""
    largest = float(max(abs(ascending[0]), abs(ascending[-1])))
    if ascending[0] == ascending[-1]:
        return 1.0
    ordinary = 1e-100 < largest < 1e100
    unit = 1.0 if ordinary else largest
    return float(np.std(ascending if ordinary else ascending / unit)) * unit or 1.0


def _ladder() -> NDArray[np.float64]:
    """Half doublings from 2⁻²⁰ (10⁻⁶) to 2³⁹ (5·10¹¹) of either sign, and zero as an atom.

    Made of exact powers of two and one rounded root, so that it is the same on every machine.
    """
    powers = np.ldexp(1.0, np.arange(-20, 40))
    rungs = np.sort(np.concatenate([powers, powers[:-1] * 1.4142135623730951]))
    return np.concatenate([-rungs[::-1], [_below(0.0), 0.0], rungs])


def _chances() -> NDArray[np.float64]:
    """Steps of 0.005 from 0 to 1, with 0 in range."""
    return np.concatenate([[_below(0.0)], np.arange(201) / 200])


def _columns(spec: ModelSpec) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if spec.task is Task.REGRESSION:
        return (*spec.numbers, PREDICTION, OUTCOME), spec.categories
    scores = (SCORE,) if spec.task is Task.BINARY else ()
    return (*spec.numbers, *scores), (*spec.categories, PREDICTION, OUTCOME)


def _width(frame: pl.DataFrame, name: str) -> int:
    """Numbers in most of the vectors of a column, the greater of equally frequent ones; 0 when there are none."""
    if name not in frame.columns:
        return 0
    widths = frame.get_column(name).cast(pl.List(pl.Float32)).list.len().drop_nulls().mode()
    return int(widths.max() or 0)  # type: ignore[arg-type]


def _finite(frame: pl.DataFrame, name: str) -> NDArray[np.float64]:
    if name not in frame.columns:
        return np.empty(0)
    values: NDArray[np.float64] = frame.get_column(name).cast(pl.Float64, strict=False).to_numpy()
    return values[np.isfinite(values)]


def _labels(spec: ModelSpec, frame: pl.DataFrame) -> tuple[str, ...]:
    if spec.task is Task.REGRESSION or spec.labels:
        return spec.labels if spec.task is not Task.REGRESSION else ()
    found = set(_levels(frame, (OUTCOME, PREDICTION), MOST_LABELS))
    if spec.task is Task.BINARY:
        found.add(spec.positive)
        if len(found) == 1:
            found.add("1" if spec.positive == "0" else "0")
    return tuple(sorted(found))


def _levels(frame: pl.DataFrame, names: tuple[str, ...], most: int) -> tuple[str, ...]:
    """Texts that occur in these columns, by falling count and then by name."""
    texts = [frame.get_column(name).cast(pl.String).rename("name") for name in names if name in frame.columns]
    if not texts:
        return ()
    known = pl.concat(texts).drop_nulls().to_frame().filter(pl.col("name").str.len_chars() <= LONGEST)
    counted = known.group_by("name").len()
    return tuple(
        counted.sort(["len", "name"], descending=[True, False]).get_column("name").head(most).to_list()
    )
