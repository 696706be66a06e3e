"""How long the measures of one closed window take, from stored profiles: `python tests/bench/bench_measures.py`."""

from __future__ import annotations

import time

import numpy as np
import polars as pl

import anchorwatch.drift
import anchorwatch.metrics
import anchorwatch.quality  # noqa: F401 - measures register on import
from anchorwatch.core.schema import Column, Kind, ModelSpec, Task
from anchorwatch.core.types import Stage
from anchorwatch.profile.build import build_grid
from anchorwatch.profile.fold import fold_inputs
from anchorwatch.profile.measure import MEASURES

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


def main() -> None:
    """Print the median time of each measure of the stage of inputs, and their sum."""
    columns = [Column(f"x{i}", Kind.NUMBER) for i in range(NUMBERS)]
    columns += [Column(f"c{i}", Kind.CATEGORY) for i in range(CATEGORIES)]
    spec = ModelSpec(name="bench", task=Task.BINARY, columns=tuple(columns), labels=("0", "1"))
    frames = [frame(seed) for seed in (1, 2)]
    grid = build_grid(spec, frames[0])
    reference, current = (fold_inputs(item, np.zeros(ROWS, np.int64), 1, grid)[0] for item in frames)
    total = 0.0
    for measure in MEASURES.values():
        if measure.stage is not Stage.INPUTS:
            continue
        measure(reference, current)
        times = []
        for _ in range(ROUNDS):
            begin = time.perf_counter()
            measure(reference, current)
            times.append(time.perf_counter() - begin)
        total += float(np.median(times))
        print(f"{measure.name:<22} {np.median(times) * 1e3:8.3f} ms")
    print(f"{'all':<22} {total * 1e3:8.3f} ms   {NUMBERS} numeric + {CATEGORIES} categorical columns")


if __name__ == "__main__":
    main()
