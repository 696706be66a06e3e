"""How long all performance measures of one window take: `python tests/bench/bench_metrics.py`."""

from __future__ import annotations

import time

import numpy as np

import anchorwatch.metrics  # noqa: F401 - measures register on import
from anchorwatch.core.schema import Task
from anchorwatch.metrics import bins, recalibration, scored, top
from anchorwatch.profile.example import scores, values
from anchorwatch.profile.measure import MEASURES, Family

ROWS, ROUNDS, CLASSES = 100_000, 40, 5
KEEPERS = (scored.unpack, bins.binned, top.top, recalibration._slope, recalibration._intercept)


def main() -> None:
    """Print, per task, the time of a window that no measure has seen, and of its slowest measures."""
    rng = np.random.default_rng(0)
    chance = rng.beta(1, 4, ROWS)
    each = rng.dirichlet(np.ones(CLASSES), ROWS)
    came = (each.cumsum(axis=1) > rng.random((ROWS, 1))).argmax(axis=1)
    outcome = rng.gamma(2, 10, ROWS)
    windows = {
        Task.BINARY: scores(chance, np.where(rng.random(ROWS) < chance, "1", "0").tolist()),
        Task.MULTICLASS: scores(each, [str(code) for code in came]),
        Task.REGRESSION: values([], [], outcome + rng.normal(0, 4, ROWS), outcome)[1],
    }
    for task, profile in windows.items():
        items = [
            item for item in MEASURES.values() if item.family is Family.PERFORMANCE and task in item.tasks
        ]
        times = np.empty((ROUNDS, len(items)))
        for turn in range(ROUNDS):
            for keeper in KEEPERS:
                keeper.cache_clear()
            for place, item in enumerate(items):
                begin = time.perf_counter()
                item(None, profile)
                times[turn, place] = time.perf_counter() - begin
        usual = np.median(times, axis=0) * 1e3
        print(f"{task.value:<12} {len(items):>3} measures {usual.sum():8.3f} ms")
        for place in np.argsort(-usual)[:6].tolist():
            print(f"    {items[place].name:<24} {usual[place]:8.3f} ms")


if __name__ == "__main__":
    main()
