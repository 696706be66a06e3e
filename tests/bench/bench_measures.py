"""How long the measures of one closed window take, from stored profiles: `python tests/bench/bench_measures.py`."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

import anchorwatch.drift
import anchorwatch.metrics
import anchorwatch.quality  # noqa: F401 - measures register on import
from anchorwatch.core.schema import Column, Kind, ModelSpec, Task
from anchorwatch.core.types import Stage
from anchorwatch.profile.build import build_grid
from anchorwatch.profile.fold import fold_inputs
from anchorwatch.profile.measure import MEASURES, Family

if TYPE_CHECKING:
    from anchorwatch.profile.profile import Profile

NUMBERS, CATEGORIES, ROWS, ROUNDS = 160, 40, 20_000, 30


def frame(seed: int) -> pl.DataFrame:
    """A canonical frame of 160 numbers and 40 categories of 20 levels."""
    rng = np.random.default_rng(seed)
    columns: dict[str, object] = {f"x{i}": rng.normal(size=ROWS) for i in range(NUMBERS)}
    columns |= {f"c{i}": rng.integers(0, 20, ROWS).astype(str).tolist() for i in range(CATEGORIES)}
    return pl.DataFrame(
        {"_latency": rng.gamma(2, 0.01, ROWS), "_prediction": ["0", "1"] * (ROWS // 2), **columns}
    ).with_columns(
        pl.lit(None, dtype=pl.String).alias("_error"),
        pl.lit(0).cast(pl.Datetime("us", "UTC")).alias("_at"),
        pl.Series("_score", rng.random(ROWS)),
    )


def fresh(profile: Profile) -> Profile:
    """The same profile as another object, so that nothing kept of the last round is found."""
    numbers, categories = profile.numbers, profile.categories
    assert numbers is not None
    assert categories is not None
    return replace(profile, numbers=replace(numbers), categories=replace(categories))


def main() -> None:
    """Print the median time of each measure of the stage of inputs, one after another as a window is measured."""
    columns = [Column(f"x{i}", Kind.NUMBER) for i in range(NUMBERS)]
    columns += [Column(f"c{i}", Kind.CATEGORY) for i in range(CATEGORIES)]
    spec = ModelSpec(name="bench", task=Task.BINARY, columns=tuple(columns), labels=("0", "1"))
    frames = [frame(seed) for seed in (1, 2)]
    grid = build_grid(spec, frames[0])
    reference, current = (fold_inputs(item, np.zeros(ROWS, np.int64), 1, grid)[0] for item in frames)
    measures = [item for item in MEASURES.values() if item.stage is Stage.INPUTS]
    times: dict[str, list[float]] = {item.name: [] for item in measures}
    for _ in range(ROUNDS):
        window = fresh(current)
        for item in measures:
            begin = time.perf_counter()
            item(reference, window)
            times[item.name].append(time.perf_counter() - begin)
    for item in measures:
        print(f"{item.name:<22} {np.median(times[item.name]) * 1e3:8.3f} ms")
    for title, family in (("drift", {Family.DRIFT}), ("all", set(Family))):
        rounds = np.sum([times[item.name] for item in measures if item.family in family], axis=0)
        print(
            f"{title:<22} {np.median(rounds) * 1e3:8.3f} ms   {NUMBERS} numeric + {CATEGORIES} categorical columns"
        )


if __name__ == "__main__":
    main()
