"""What a model's page costs the server: a year of hourly windows of 24 inputs, asked over HTTP in one process.

`python tests/bench/bench_page.py [days]`. Real results of every measure: ten days go down the whole road, and their
results stand for the days before them too. The page is `/models/m` over a year with the charts that it loads by
itself; the heat map comes with the drift page. `cold` is the first answer of a store that was just opened; `warm` the
best of seven. Bar: 200 ms for the page, its charts and the heat map together.
"""

from __future__ import annotations

import asyncio
import gc
import html
import re
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import httpx
import numpy as np
import polars as pl

from anchorwatch.app.watch import Watch
from anchorwatch.core.calendar import Grain
from anchorwatch.core.schema import Column, Kind, ModelSpec, Task
from anchorwatch.core.types import EventKind
from anchorwatch.flow.take import Batch
from anchorwatch.server.app import create_app

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anchorwatch.core.results import Results
    from anchorwatch.stores.ledger.ledger import Transaction

NUMBERS, CATEGORIES, LEVELS, HOURLY, REAL_DAYS = 16, 8, 4, 100, 10
REPEATS, BAR = 7, 200.0
NAME, HOUR, DAY = "m", 3_600_000_000, 86_400_000_000
END = datetime(2014, 1, 1, tzinfo=UTC)
INPUTS = [f"x{index}" for index in range(NUMBERS)] + [f"c{index}" for index in range(CATEGORIES)]


@dataclass(frozen=True)
class Case:
    """How many versions ran, one after the other, and which inputs are watched by level."""

    versions: int
    segments: tuple[str, ...] = ()

    @property
    def spec(self) -> ModelSpec:
        """A regression on 24 inputs in hourly windows."""
        columns = tuple(Column(name, Kind.NUMBER if name[0] == "x" else Kind.CATEGORY) for name in INPUTS)
        return ModelSpec(
            name=NAME,
            task=Task.REGRESSION,
            columns=columns,
            window=Grain.parse("1h"),
            outcome_delay=timedelta(hours=1),
            segments=self.segments,
        )

    @property
    def scopes(self) -> tuple[str, ...]:
        """What of it is looked at: a year of all, and of one segment."""
        return ("range=1y", *(f"range=1y&segment={column}%3D1" for column in self.segments))

    def __str__(self) -> str:
        if not self.segments:
            return f"{self.versions} version"
        return f"{self.versions} versions, a segment of {LEVELS} levels"


CASES = (Case(1), Case(3, ("c0",)))


def events(begin: datetime, days: int, versions: int) -> pl.DataFrame:
    """A few days of events, busy by day and few at night; versions follow each other, some values are missing."""
    rng = np.random.default_rng(days)
    count = days * 24 * HOURLY
    number = np.arange(count)
    night = np.where(np.arange(24) < 5, 0.02, 1.0)
    hours = rng.choice(24, count, p=night / night.sum()) + 24 * rng.integers(0, days, count)
    micros = np.sort(hours * HOUR + rng.integers(0, HOUR, count)).astype("timedelta64[us]")
    moments = np.datetime64(begin.replace(tzinfo=None), "us") + micros
    level = rng.integers(0, LEVELS, (CATEGORIES, count)).astype("<U2")
    predicted = rng.normal(size=count)
    waves = np.sin(number / 3e3) / 9
    frame = {
        "_id": [f"e{item}" for item in number.tolist()],
        "_at": pl.Series(moments).dt.replace_time_zone("UTC"),
        "_version": (1 + number * versions // count).astype("<U1"),
        "_prediction": predicted,
        "_latency": rng.gamma(2.0, 0.01, count),
        "_error": pl.Series([None] * count, dtype=pl.String),
        **{f"x{index}": rng.normal(size=count) + index * waves for index in range(NUMBERS)},
        **{f"c{index}": level[index] for index in range(CATEGORIES)},
        "_outcome": predicted + rng.normal(size=count),
    }
    return pl.DataFrame(frame).with_columns(
        x3=pl.when(pl.int_range(pl.len()) % 777 == 0).then(None).otherwise(pl.col("x3"))
    )


def fill(watch: Watch, case: Case, days: int) -> None:
    """Real days at the end of the year, and their results again for each ten days before."""
    names = {"_prediction": "prediction", "_outcome": "outcome", "_at": "at", "_latency": "latency"}
    month = events(END - timedelta(days=400), 30, 1)
    watch.register(case.spec, month.rename(names).drop("_id", "_version", "_error"), version="1")
    frame = events(END - timedelta(days=REAL_DAYS), REAL_DAYS, case.versions)
    parts = {
        EventKind.PREDICTIONS: frame.drop("_outcome"),
        EventKind.OUTCOMES: frame.select("_id", "_at", "_outcome"),
    }
    for kind, rows in parts.items():
        watch.take(Batch(id=kind.value, model=NAME, kind=kind, frame=rows))
    watch.settle()
    with watch.ledger.write() as books:
        for slice_id in books.models.slices(books.models.get(NAME).id).values():
            for grain in ("1h", "1d"):
                repeat(books, slice_id, grain, days)


def repeat(books: Transaction, slice_id: int, grain: str, days: int) -> None:
    """The results of a slice again, ten days, twenty days, … before, each number a little different."""
    real = books.results.panels(slice_id, grain, 0, 2**62)
    first = int((END - timedelta(days=days)).timestamp() * 1e6)
    rng = np.random.default_rng(slice_id)
    for back in range(REAL_DAYS, days + REAL_DAYS, REAL_DAYS):
        shift = back * DAY
        books.results.save(
            [
                replace(
                    item,
                    start=item.start - shift,
                    finish=item.finish - shift,
                    panel=tuple(shaken(results, rng) for results in item.panel),
                )
                for item in real
                if item.start - shift >= first
            ]
        )


def shaken(results: Results, rng: np.random.Generator) -> Results:
    """Other numbers with the same things missing."""
    factors = 1 + rng.normal(0, 0.02, len(results))
    moved = {name: getattr(results, name) * factors for name in ("value", "low", "high", "p")}
    return replace(results, **moved)


@dataclass
class Asked:
    """How long the answers of an address took, in milliseconds, and how many bytes they had before compression.

    `busy` is the processor's part of `warm`, which other work on the machine does not spoil.
    """

    cold: float
    warm: float
    busy: float
    size: int


class Asking:
    """One browser on a store that was just opened, as far as the server can tell."""

    def __init__(self, watch: Watch) -> None:
        transport = httpx.ASGITransport(app=create_app(watch), client=("127.0.0.1", 50_000))
        headers = {"Accept-Encoding": "gzip"}
        self.client = httpx.AsyncClient(transport=transport, base_url="http://localhost", headers=headers)

    async def get(self, path: str) -> tuple[float, float, bytes]:
        """Milliseconds until the whole answer is there, those of the processor, and the body."""
        begin, busy = time.perf_counter(), time.process_time()
        async with self.client.stream("GET", path) as answer:
            took, busy = (time.perf_counter() - begin) * 1e3, (time.process_time() - busy) * 1e3
            body = await answer.aread()
        if answer.status_code != 200:
            raise RuntimeError(f"{path}: {answer.status_code} {body[:300]!r}")
        return took, busy, body

    async def all(self, paths: Sequence[str]) -> list[Asked]:
        """Each once, then all again and again, as a page does."""
        rounds = [[await self.get(path) for path in paths] for _ in range(REPEATS + 1)]
        found = []
        for (cold, _, body), *again in zip(*rounds, strict=True):
            warm, busy, _ = map(min, zip(*again, strict=True))
            found.append(Asked(cold, warm, busy, len(body)))
        return found


def charts(page: bytes) -> list[str]:
    """The charts that a page loads by itself, each once; those of closed groups come when they are opened."""
    shown, _, _ = page.decode().partition("<details><summary>")
    return list(dict.fromkeys(html.unescape(src) for src in re.findall(r'data-chart="([^"]+)"', shown)))


def twins(scope: str) -> list[str]:
    """JSON of the page, its heat map and a series, from the pages and from the API."""
    span = "&start=2013-01-01"
    return [
        f"/models/{NAME}.json?{scope}",
        f"/models/{NAME}/drift.json?{scope}",
        f"/models/{NAME}/series.json?{scope}&measure=mae",
        f"/api/v1/models/{NAME}/series?measure=mae{span}",
        f"/api/v1/models/{NAME}/series?measure=psi&subject=x0{span}",
        f"/api/v1/models/{NAME}/heatmap?measure=psi{span}",
    ]


async def measure(watch: Watch, scope: str) -> dict[str, Asked]:
    """Page, charts, heat map, twins."""
    asking = Asking(watch)
    page, drift = f"/models/{NAME}?{scope}", f"/models/{NAME}/drift?{scope}"
    cold, _, body = await asking.get(page)
    paths = [page, *charts(body), drift, *twins(scope)]
    found = dict(zip(paths, await asking.all(paths), strict=True))
    found[page].cold = cold
    return found


def report(found: Mapping[str, Asked]) -> None:
    """A line for each address, and the sum of what a reader's browser asks for."""
    for path, asked in found.items():
        print(f"  {path:<78}{asked.cold:>8.1f}{asked.warm:>8.1f}{asked.busy:>8.1f}{asked.size / 1e3:>8.0f}")
    mine = [asked for path, asked in found.items() if ".json" not in path and "/api/" not in path]
    sums = [sum(times) for times in zip(*((item.cold, item.warm, item.busy) for item in mine), strict=True)]
    what = f"page, {len(mine) - 2} charts and heat map (bar {BAR:.0f})"
    print(f"  {what:<78}" + "".join(f"{milliseconds:>8.1f}" for milliseconds in sums))


def main(days: int = 365) -> None:
    """Print a table per case."""
    for case in CASES:
        with tempfile.TemporaryDirectory() as folder:
            with Watch.open(folder, start=False) as watch:
                fill(watch, case, days)
            for scope in case.scopes:
                with Watch.open(folder, start=False) as watch:
                    gc.freeze()  # as `serve` does
                    found = asyncio.run(measure(watch, scope))
                print(f"{case!s:<78}" + "".join(f"{head:>8}" for head in ("  cold", "warm", "busy", "kB")))
                report(found)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
