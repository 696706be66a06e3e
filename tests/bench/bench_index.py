"""How fast the join index writes, finds and merges; prints a table. Needs 8 GiB of disk at full size."""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from anchorwatch.core.types import EventKind
from anchorwatch.flow.records import record_type
from anchorwatch.stores.index import RunStore, keys

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from anchorwatch.flow.runs import Run


def records(count: int, seed: int) -> NDArray[np.void]:
    """Random records of a binary model with three slices."""
    rng = np.random.default_rng(seed)
    made = np.zeros(count, record_type(1, 3))
    made["hi"], made["lo"] = rng.integers(0, 2**64, (2, count), dtype=np.uint64)
    made["start"] = rng.integers(0, 365, count) * 86_400_000_000
    made["scores"] = rng.random((count, 1))
    return made


def best(work: Callable[[], object], rounds: int = 5) -> float:
    """Shortest of a few rounds, in milliseconds; the first one warms up."""
    times = []
    for _ in range(rounds + 1):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return min(times[1:]) * 1e3


def write_runs(store: RunStore, count: int, rows: int) -> tuple[list[Run], NDArray[np.uint64]]:
    """Runs of `rows` records, and keys of which 5 in 100 are among them."""
    runs, known = [], []
    for number in range(count):
        made = records(rows, number)
        runs.append(store.write(1, EventKind.PREDICTIONS, number, 0, made))
        known.append(np.column_stack([made["hi"][:500], made["lo"][:500]]))
    fresh = np.random.default_rng(999).integers(0, 2**64, (95_000, 2), dtype=np.uint64)
    return runs, np.random.default_rng(1).permutation(np.concatenate([*known, fresh])[-100_000:])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the full number of records")
    scale = parser.parse_args().scale
    print(f"{'what':<52}{'ms':>9}{'bar':>7}")

    def row(what: str, milliseconds: float, bar: int) -> None:
        print(f"{what:<52}{milliseconds:>9.1f}{bar:>7}")

    ids = pl.Series("id", [f"{number:032x}" for number in range(300_000)])
    row("keys of 300k ids", best(lambda: keys(ids)), 100)
    with tempfile.TemporaryDirectory(prefix="bench-index-") as folder:
        store = RunStore(Path(folder))
        batch = records(100_000, 7)
        kind = EventKind.PREDICTIONS
        row("write 100k records, on disk", best(lambda: store.write(1, kind, 0, 0, batch)), 40)
        runs, asked = write_runs(store, 20, int(1_000_000 * scale))
        row("contains: 100k keys, 20 runs of 1M", best(lambda: store.contains(runs, asked)), 150)
        row("find: 100k keys, 20 runs of 1M", best(lambda: store.find(runs, asked)), 300)
        row("merge 8 runs of 1M", best(lambda: store.merge(runs[:8], 1), 2), 3000)
        row("verify a run of 1M", best(lambda: store.verify(runs[0])), 100)
    with tempfile.TemporaryDirectory(prefix="bench-index-") as folder:
        store = RunStore(Path(folder))
        runs, asked = write_runs(store, 200, int(500_000 * scale))
        row("find: 1000 keys, 200 runs of 500k", best(lambda: store.find(runs, asked[:1000])), 200)
        row("contains: 1000 keys, 200 runs of 500k", best(lambda: store.contains(runs, asked[:1000])), 200)


if __name__ == "__main__":
    main()
