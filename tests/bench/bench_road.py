"""The road on disk: events rolled, joined and archived per second, windows measured and judged, and a model's page.

`python tests/bench/bench_road.py [days]`: a regression on 16 numbers and 8 categories with a reference of a month,
hourly windows of 100 events each for a year, all outcomes known.
Bars: 8 ms a window; 200 ms for all a model's page asks for.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from anchorwatch.app.watch import Watch
from anchorwatch.core.calendar import Grain
from anchorwatch.core.schema import Column, Kind, ModelSpec, Task
from anchorwatch.core.types import EventKind
from anchorwatch.flow.archive import archive
from anchorwatch.flow.join import join
from anchorwatch.flow.roll import roll
from anchorwatch.flow.take import Batch

if TYPE_CHECKING:
    from collections.abc import Iterator

NUMBERS, CATEGORIES, HOURLY, BATCH = 16, 8, 100, 24_000
BEGIN = datetime(2013, 1, 1, tzinfo=UTC)
INPUTS = [f"x{index}" for index in range(NUMBERS)] + [f"c{index}" for index in range(CATEGORIES)]
SPEC = ModelSpec(
    name="road",
    task=Task.REGRESSION,
    columns=tuple(Column(name, Kind.NUMBER if name[0] == "x" else Kind.CATEGORY) for name in INPUTS),
    window=Grain.parse("1h"),
    outcome_delay=timedelta(hours=1),
)
CHARTS = ("mae", "rmse", "throughput", "latency_p95", "psi", "missing_share")


def events(first: int, count: int) -> pl.DataFrame:
    """Events `first` and so many after it, evenly spread over their hours, with what came of them."""
    rng = np.random.default_rng(abs(first))
    number = np.arange(first, first + count)
    level = rng.integers(0, 12, (CATEGORIES, count)).astype("<U2")
    predicted = rng.normal(size=count)
    micros = (number * (3_600_000_000 // HOURLY)).astype("timedelta64[us]")
    return pl.DataFrame(
        {
            "_id": [f"e{item}" for item in number.tolist()],
            "_at": pl.Series(np.datetime64(BEGIN.replace(tzinfo=None), "us") + micros).dt.replace_time_zone(
                "UTC"
            ),
            "_version": ["1"] * count,
            "_prediction": predicted,
            "_latency": rng.gamma(2.0, 0.01, count),
            "_error": pl.Series([None] * count, dtype=pl.String),
            **{f"x{index}": rng.normal(size=count) for index in range(NUMBERS)},
            **{f"c{index}": level[index] for index in range(CATEGORIES)},
            "_outcome": predicted + rng.normal(size=count),
        }
    )


def fill(watch: Watch, total: int) -> None:
    """Put predictions and outcomes of `total` events into the inbox."""
    for first in range(0, total, BATCH):
        frame = events(first, min(BATCH, total - first))
        parts = {
            EventKind.PREDICTIONS: frame.drop("_outcome"),
            EventKind.OUTCOMES: frame.select("_id", "_at", "_outcome"),
        }
        for kind, rows in parts.items():
            watch.take(Batch(id=f"{kind}{first}", model=SPEC.name, kind=kind, frame=rows))


@contextmanager
def timed(told: dict[str, float], name: str) -> Iterator[None]:
    """Add what the block takes: seconds, and under `name cpu` seconds of the processor."""
    begin, busy = time.perf_counter(), time.process_time()
    yield
    told[name] = told.get(name, 0.0) + time.perf_counter() - begin
    told[f"{name} cpu"] = told.get(f"{name} cpu", 0.0) + time.process_time() - busy


def travel(watch: Watch, told: dict[str, float]) -> None:
    """Take all that waits down the road, consumer by consumer."""
    places, after = watch.pump.places, 0
    while batches := places.inbox.read(after, 200_000):
        after = batches[-1].seq
        with timed(told, "rolled"), places.ledger.write() as books:
            roll(books, places.index, batches)
        with timed(told, "joined"), places.ledger.write() as books:
            join(books, places.index, batches)
        with timed(told, "archived"):
            archive(places.ledger, places.lake, batches)
    with timed(told, "judged"):
        watch.settle()


def page(watch: Watch) -> None:
    """All that a model's page asks for."""
    queries = watch.queries
    queries.model(SPEC.name)
    for measure in CHARTS:
        queries.series(SPEC.name, measure, subject="" if measure not in {"psi", "missing_share"} else "x0")
    queries.heatmap(SPEC.name)


def main(days: int = 365) -> None:
    """Print the figures."""
    total, windows = days * 24 * HOURLY, days * 24
    told: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder, Watch.open(folder, start=False) as watch:
        month = events(-30 * 24 * HOURLY, 30 * 24 * HOURLY)
        names = {"_prediction": "prediction", "_outcome": "outcome", "_at": "at", "_latency": "latency"}
        watch.register(SPEC, month.rename(names).drop("_id", "_version", "_error"), version="1")
        fill(watch, total)
        travel(watch, told)
        times = []
        for _ in range(7):
            begin = time.perf_counter()
            page(watch)
            times.append(time.perf_counter() - begin)
        assert watch.queries.series(SPEC.name, "mae")["n"] == [HOURLY] * windows
    for name in ("rolled", "joined", "archived"):
        print(f"{name:<22} {total / told[name]:>12,.0f} events/s")
    wall, busy = (told[name] / windows * 1e3 for name in ("judged", "judged cpu"))
    print(
        f"{'measured and judged':<22} {wall:>12.2f} ms a window ({busy:.2f} of processor), days' sums included"
    )
    print(f"{'page, first':<22} {times[0] * 1e3:>12.1f} ms")
    print(f"{'page, again':<22} {statistics.median(times[1:]) * 1e3:>12.1f} ms")
    print(f"{total:,} events, {windows:,} hourly windows, {len(INPUTS)} inputs")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
