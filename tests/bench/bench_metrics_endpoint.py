"""What `/metrics` costs: 100 models of 50 columns, asked over HTTP in one process.

`python tests/bench/bench_metrics_endpoint.py [models [columns]]`. Real windows, with a reference, judged by the default
rules. `cold` is the first answer of a store that was just opened, `moved` one after every tenth model got a new window,
`warm` the best of seven after that. Bar: 300 ms for `warm` and `moved`.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta

import httpx
import numpy as np
import polars as pl

from anchorwatch.app.watch import Watch
from anchorwatch.core.calendar import Grain
from anchorwatch.core.schema import Column, Kind, ModelSpec, Task
from anchorwatch.core.types import EventKind
from anchorwatch.flow.take import Batch
from anchorwatch.server.app import create_app

BAR, ROWS, REPEATS = 300.0, 500, 7
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def spec(number: int, columns: int) -> ModelSpec:
    """A regression on many numbers and a few categories, in hourly windows."""
    inputs = [
        Column(f"x{index}", Kind.CATEGORY if index % 10 == 9 else Kind.NUMBER) for index in range(columns)
    ]
    return ModelSpec(
        name=f"model-{number}", task=Task.REGRESSION, columns=tuple(inputs), window=Grain.parse("1h")
    )


def frame(columns: int, begin: datetime, windows: int, seed: int) -> pl.DataFrame:
    """Predictions with what becomes of them."""
    rng = np.random.default_rng(seed)
    count = windows * ROWS
    steps = (np.arange(count) * int(3.6e9 / ROWS)).astype("timedelta64[us]")
    inputs = {
        f"x{index}": rng.choice(["a", "b", "c"], count) if index % 10 == 9 else rng.normal(size=count)
        for index in range(columns)
    }
    predicted = rng.normal(size=count)
    return pl.DataFrame(
        {
            "_id": [f"{seed}-{item}" for item in range(count)],
            "_at": pl.Series(np.datetime64(begin.replace(tzinfo=None), "us") + steps).dt.replace_time_zone(
                "UTC"
            ),
            "_version": np.where(np.arange(count) % 2 == 0, "1", "2"),
            "_prediction": predicted,
            "_latency": rng.gamma(2.0, 0.01, count),
            "_error": pl.Series([None] * count, dtype=pl.String),
            **inputs,
            "_outcome": predicted + rng.normal(size=count),
        }
    )


def take(watch: Watch, name: str, rows: pl.DataFrame, batch: str) -> None:
    """Predictions and their outcomes."""
    parts = {
        EventKind.PREDICTIONS: rows.drop("_outcome"),
        EventKind.OUTCOMES: rows.select("_id", "_at", "_outcome"),
    }
    for kind, some in parts.items():
        watch.take(Batch(id=f"{name} {batch} {kind.value}", model=name, kind=kind, frame=some))


def fill(watch: Watch, models: int, columns: int) -> None:
    """Every model with a reference and two windows."""
    names = {"_prediction": "prediction", "_outcome": "outcome"}
    for number in range(models):
        about = spec(number, columns)
        past = frame(columns, BEGIN - timedelta(days=2), 4, number)
        watch.register(about, past.rename(names).drop("_id", "_version", "_error", "_at", "_latency"))
        take(watch, about.name, frame(columns, BEGIN, 2, 1000 + number), "first")
    watch.settle()


async def ask(client: httpx.AsyncClient) -> tuple[float, int]:
    """Milliseconds until the whole answer is there, and its bytes."""
    begin = time.perf_counter()
    answer = await client.get("/metrics")
    took = (time.perf_counter() - begin) * 1e3
    if answer.status_code != 200:
        raise RuntimeError(answer.text[:300])
    return took, len(answer.content)


async def measure(watch: Watch, models: int, columns: int) -> dict[str, tuple[float, int]]:
    """Cold, after news, and warm."""
    transport = httpx.ASGITransport(app=create_app(watch), client=("127.0.0.1", 50_000))
    headers = {"Accept": "application/openmetrics-text; version=1.0.0", "Accept-Encoding": "gzip"}
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost", headers=headers) as client:
        found = {"cold": await ask(client)}
        for number in range(0, models, 10):
            take(watch, f"model-{number}", frame(columns, BEGIN + 2 * HOUR, 1, 5000 + number), "next")
        watch.settle()
        found["moved"] = await ask(client)
        found["warm"] = min([await ask(client) for _ in range(REPEATS)])
    return found


def main(models: int = 100, columns: int = 50) -> None:
    """Print a table."""
    with tempfile.TemporaryDirectory() as folder:
        with Watch.open(folder, start=False) as watch:
            fill(watch, models, columns)
        with Watch.open(folder, start=False) as watch:
            gc.freeze()  # as `serve` does
            found = asyncio.run(measure(watch, models, columns))
    print(f"{models} models x {columns} columns (bar {BAR:.0f} ms){'ms':>12}{'MB':>8}")
    for name, (took, size) in found.items():
        print(f"{name:<38}{took:>12.1f}{size / 1e6:>8.2f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
