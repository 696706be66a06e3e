"""What it costs to turn rows into profiles, to keep them and to add them up; prints a table.

The yardstick, measured in the same run, is bare NumPy on one core: sort each numeric column, count between its
edges, and count each categorical column that is coded already.

    python tests/bench/bench_profile.py [rows]
"""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from anchorwatch.core.schema import Column, Kind, ModelSpec, Task
from anchorwatch.profile.build import build_grid
from anchorwatch.profile.codec import decode, encode
from anchorwatch.profile.fold import JoinedRows, fold_inputs, fold_outcomes, prepare
from anchorwatch.profile.profile import Profile

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchorwatch.profile.grid import Grid

SPEC = ModelSpec(
    name="bench",
    task=Task.BINARY,
    labels=("0", "1"),
    columns=(
        *(Column(f"x{number}", Kind.NUMBER) for number in range(20)),
        *(Column(f"c{number}", Kind.CATEGORY) for number in range(4)),
    ),
)


def frame(rows: int, seed: int) -> pl.DataFrame:
    """A canonical frame: normal, heavy-tailed, whole and symmetric long-tailed numbers; 3 to 500 categories."""
    rng = np.random.default_rng(seed)
    shapes = [
        lambda: rng.normal(size=rows),
        lambda: rng.lognormal(0, 2, rows),
        lambda: rng.integers(0, 24, rows).astype(float),
        lambda: rng.standard_t(2, rows),
    ]
    return pl.DataFrame(
        {
            "_at": pl.Series(np.sort(rng.integers(0, 10**12, rows))).cast(pl.Datetime("us", "UTC")),
            "_prediction": pl.Series(rng.choice(["0", "1"], rows)),
            "_score": rng.random(rows),
            "_latency": rng.lognormal(-5, 0.5, rows),
            "_error": pl.Series(None, [None] * rows, pl.String),
            **{f"x{number}": shapes[number % 4]() for number in range(20)},
            **{
                f"c{number}": rng.choice([f"level {level}" for level in range(size)], rows)
                for number, size in enumerate((3, 16, 50, 500))
            },
        }
    )


def outcomes(rows: int, seed: int) -> JoinedRows:
    """Predictions met by outcomes."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, (2, rows)).astype(float)
    return JoinedRows(labels[0], rng.random((rows, 1)), labels[1])


def best(work: Callable[[], object], seconds: float = 1.0) -> float:
    """Shortest time of one round, in milliseconds, of as many as `seconds` allow and at least three."""
    times: list[float] = []
    while len(times) < 3 or sum(times) < seconds:
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return min(times) * 1e3


def bare(given: pl.DataFrame, grid: Grid) -> Callable[[], object]:
    """Sort and count, and nothing else."""
    numbers = [(given[f"x{number}"].to_numpy(), grid.edges[number]) for number in range(20)]
    codes = [given[f"c{number}"].rank("dense").to_numpy().astype(np.int64) for number in range(4)]

    def work() -> None:
        for values, edges in numbers:
            np.searchsorted(np.sort(values), edges, side="right")
        for coded in codes:
            np.bincount(coded)

    return work


def show(what: str, milliseconds: float, note: str = "") -> None:
    """One line of the table."""
    print(f"{what:<58} {milliseconds:>10.3f} ms  {note}")


def folding(rows: int) -> None:
    """From rows to profiles."""
    given = frame(rows, 1)
    grid = build_grid(SPEC, given)
    yardstick = best(bare(given, grid))
    show(f"bare NumPy, one core: sort and count {rows:,} rows x 24", yardstick, "1.00")

    def line(what: str, work: Callable[[], object]) -> None:
        taken = best(work)
        show(what, taken, f"{taken / yardstick:.2f}")

    line("grid from a reference of as many rows", lambda: build_grid(SPEC, given))
    for count in (1, 24, 170):
        groups = np.arange(rows) * count // rows
        line(
            f"fold into {count} windows, in order of time",
            lambda c=count, g=groups: fold_inputs(given, g, c, grid),
        )
    shuffled = np.random.default_rng(2).integers(0, 170, rows)
    line("fold into 170 groups, shuffled", lambda: fold_inputs(given, shuffled, 170, grid))
    prepared = prepare(given, grid)
    line("locate once", lambda: prepare(given, grid))
    line("and fold into 170 groups, shuffled, each further time", lambda: prepared.fold(shuffled, 170))
    joined, groups = outcomes(rows, 3), np.arange(rows) * 24 // rows
    line("fold outcomes into 24 windows", lambda: fold_outcomes(joined, groups, 24, grid))


def batches(grid: Grid) -> None:
    """Small batches, as they come over the wire."""
    for rows, count in ((1, 1), (100, 1), (1_000, 1), (10_000, 24)):
        given, groups = frame(rows, 4), np.arange(rows) * count // rows
        taken = best(lambda f=given, g=groups, c=count: fold_inputs(f, g, c, grid))
        show(f"fold a batch of {rows:,} rows into {count}", taken)


def keeping(grid: Grid, windows: int = 8_760) -> None:
    """A year of hours: to bytes, back, and together."""
    rows = 1_000
    zeros = np.zeros(rows, np.int64)
    few = [
        fold_inputs(frame(rows, seed), zeros, 1, grid)[0]
        + fold_outcomes(outcomes(rows, seed), zeros, 1, grid)[0]
        for seed in range(20)
    ]
    kept = [encode(profile) for profile in few]
    show(
        "encode a window of 1,000 rows, inputs and outcomes",
        best(lambda: encode(few[0])),
        f"{len(kept[0]):,} bytes",
    )
    show("decode it", best(lambda: decode(kept[0], grid)))
    year = [decode(kept[number % 20], grid) for number in range(windows)]
    show("add two", best(lambda: few[0] + few[1]))
    show(f"add {windows:,}", best(lambda: Profile.sum(grid, year)))


def main() -> None:
    """Print the table."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    print(f"{os.cpu_count()} cores, NumPy {np.__version__}, Polars {pl.__version__}")
    folding(rows)
    grid = build_grid(SPEC, frame(20_000, 5))
    batches(grid)
    keeping(grid)


if __name__ == "__main__":
    main()
