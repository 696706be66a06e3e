"""Durable ingest over HTTP: a real server in one process, a load generator in another, on this machine's cores.

`python tests/bench/bench_ingest.py [seconds [name]]` prints events per second that were acknowledged, hence on disk,
and the server's peak memory. The worker that folds them into windows and lake runs all the while and shares the
cores with the generator; `cores` is what the server got of them, `behind` how many rows wait for its worker at the end.

With `--minutes N` one load runs for so long, and a table tells of the server's memory over time: `peak` is the largest
resident size since the line before, `anon` and `file` what it consists of, `done/s` what the slowest consumer has
folded and archived. Further options: `--load NAME` (`Arrow`), `--rate N` events per second at most (as fast as the
server answers), `--bound MIB` of the inbox (8192), `--every SECONDS` a line (30), `--upkeep SECONDS` between rounds of
compaction (3600), `--folder PATH` on the disk to be used (the system's for temporary files).
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import multiprocessing
import os
import re
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from itertools import cycle
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit
from urllib.request import urlopen

import numpy as np
import orjson
import polars as pl
import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection

FEATURES = 20
NUMBERS = [f"x{index}" for index in range(FEATURES - 2)]
CATEGORIES = ["carrier", "origin"]
FIRST = 1_767_225_600
TURN = "turn"
"""Stands in every id for how often its body was sent before, so that no id comes twice."""


@dataclass(frozen=True)
class Load:
    """One kind of traffic: bodies of `rows` events, over so many connections, one request at a time on each."""

    name: str
    media: str
    rows: int
    connections: int
    bar: float


LOADS = (
    Load("Arrow, 10k rows", "application/vnd.apache.arrow.stream", 10_000, 4, 300_000),
    Load("NDJSON, 10k rows", "application/x-ndjson", 10_000, 4, 100_000),
    Load("NDJSON, 1k rows", "application/x-ndjson", 1_000, 8, 100_000),
    Load("JSON, single events", "application/json", 1, 64, 2_000),
)


def table(rows: int, seed: int) -> pl.DataFrame:
    """Events of a model with 20 inputs, spread over a day."""
    rng = np.random.default_rng(seed)
    numbers = {name: rng.normal(size=rows).round(6) for name in NUMBERS}
    return pl.DataFrame(
        {
            "id": [f"{seed:04x}{TURN}{row:08x}" for row in range(rows)],
            "at": pl.Series((FIRST + rng.integers(0, 86_400, rows)) * 1_000_000).cast(
                pl.Datetime("us", "UTC")
            ),
            "version": ["3"] * rows,
            "prediction": rng.integers(0, 2, rows),
            "score": rng.uniform(size=rows).round(6),
            "latency": rng.exponential(0.01, rows).round(6),
            **numbers,
            "carrier": rng.choice(["UA", "AA", "DL", "B6"], rows),
            "origin": rng.choice(["EWR", "JFK", "LGA"], rows),
        }
    )


def bodies(load: Load, count: int) -> list[bytes]:
    """Bodies with ids of their own."""
    return [body(load, seed) for seed in range(count)]


def body(load: Load, seed: int) -> bytes:
    """One body."""
    frame = table(load.rows, seed)
    if load.media.endswith("stream"):
        out = io.BytesIO()
        frame.write_ipc_stream(out)
        return out.getvalue()
    inputs = [*NUMBERS, *CATEGORIES]
    nested = frame.select(
        pl.col("at").dt.to_string("%+"), pl.exclude("at", *inputs), pl.struct(inputs).alias("features")
    )
    return nested.write_ndjson().strip().encode()


class Request:
    """A whole HTTP request, with new ids each time it is sent."""

    def __init__(self, load: Load, content: bytes, host: str) -> None:
        head = (
            f"POST /api/v1/models/load/predictions HTTP/1.1\r\nHost: {host}\r\n"
            f"Content-Type: {load.media}\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        self.bytes = bytearray(head.encode() + content)
        found = [match.start() for match in re.finditer(TURN.encode(), self.bytes)]
        self.places = np.array(found)[:, None] + np.arange(len(TURN))
        self.turn = 0

    def next(self) -> bytearray:
        """The request as it has not been sent yet."""
        self.turn += 1
        word = np.frombuffer(f"{self.turn:04x}".encode(), dtype=np.uint8)
        np.frombuffer(self.bytes, dtype=np.uint8)[self.places] = word
        return self.bytes


@dataclass
class Tally:
    """What was sent, what was taken of it, and how long the answers took."""

    sent: int = 0
    events: int = 0
    busy: int = 0
    times: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Pull:
    """One load for so many seconds, at most `pace` events per second."""

    load: Load
    seconds: float
    pace: float = float("inf")


async def drive(url: str, pull: Pull, tally: Tally) -> dict[str, float]:
    """Send as fast as the server answers, or as the pace allows."""
    load = pull.load
    host = urlsplit(url).netloc
    count = 24 if load.rows > 1 else 2_000
    turns = cycle([Request(load, content, host) for content in bodies(load, count)])
    started = time.perf_counter()
    await asyncio.gather(*(_send(host, turns, started, pull, tally) for _ in range(load.connections)))
    took = time.perf_counter() - started
    times = np.array(tally.times) * 1e3
    return {
        "rate": tally.events / took,
        "busy": tally.busy,
        "p50": float(np.percentile(times, 50)),
        "p99": float(np.percentile(times, 99)),
    }


async def _send(host: str, turns: Iterator[Request], started: float, pull: Pull, tally: Tally) -> None:
    load, stop = pull.load, started + pull.seconds
    name, _, port = host.partition(":")
    reader, writer = await asyncio.open_connection(name, int(port))
    while time.perf_counter() < stop:
        tally.sent += load.rows
        await asyncio.sleep(max(started + tally.sent / pull.pace - time.perf_counter(), 0))
        began = time.perf_counter()
        writer.write(next(turns).next())
        await writer.drain()
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        answer = await reader.readexactly(length)
        tally.times.append(time.perf_counter() - began)
        if head.startswith(b"HTTP/1.1 503"):
            tally.busy += 1
            await asyncio.sleep(0.05)
            continue
        receipt = orjson.loads(answer)
        if receipt.get("accepted") != load.rows:
            raise RuntimeError(answer[:500])
        tally.events += load.rows
    writer.close()


@dataclass(frozen=True)
class House:
    """The server's folder, the bound of its inbox in bytes and the seconds between rounds of its upkeep."""

    folder: str
    bound: int = 8 << 30
    upkeep: float = 3600.0


def server(house: House, told: Connection) -> None:
    """The server's process."""
    from anchorwatch.app import worker
    from anchorwatch.core.schema import Column, Kind, ModelSpec, Task
    from anchorwatch.server.serve import Address, serve

    columns = [Column(name, Kind.NUMBER) for name in NUMBERS]
    columns += [Column(name, Kind.CATEGORY) for name in CATEGORIES]
    spec = ModelSpec(name="load", task=Task.BINARY, columns=tuple(columns))

    def ready(url: str, watch: Any) -> None:
        watch.inbox.bound = house.bound
        watch.apply(spec)
        told.send(url)

    worker.UPKEEP = house.upkeep
    serve(house.folder, Address(port=0), ready=ready)


class Served:
    """A fresh server while the block runs, and the peak of its memory."""

    def __init__(self, house: House) -> None:
        context = multiprocessing.get_context("spawn")
        self._told, theirs = context.Pipe()
        self._child = context.Process(target=server, args=(house, theirs))
        self._done = threading.Event()
        self.peak = 0

    def __enter__(self) -> Self:
        self._child.start()
        self.url = self._told.recv()
        self.process = psutil.Process(self._child.pid)
        threading.Thread(target=self._watch, daemon=True).start()
        return self

    def __exit__(self, *_problem: object) -> None:
        self._done.set()
        self._child.terminate()
        self._child.join()
        if self._child.exitcode != 0:
            raise RuntimeError(f"the server ended with {self._child.exitcode}")

    def _watch(self) -> None:
        while not self._done.wait(0.05):
            self.peak = max(self.peak, self.process.memory_info().rss)

    def cores(self) -> float:
        """Seconds of processor since it began."""
        times = self.process.cpu_times()
        return float(times.user + times.system)

    def status(self) -> dict[str, Any]:
        """What it says of itself."""
        with urlopen(f"{self.url}/api/v1/status") as answer:
            return dict(json.load(answer))


def measure(load: Load, seconds: float) -> dict[str, float]:
    """One fresh server, one load."""
    with tempfile.TemporaryDirectory() as folder, Served(House(folder)) as served:
        before = served.cores()
        found = asyncio.run(drive(served.url, Pull(load, seconds), Tally()))
        found["cpu"] = (served.cores() - before) / seconds
        found["behind"] = served.status()["inbox"]["rows"]
        found["rss_mib"] = served.peak / 2**20
        return found


def watch_long(pull: Pull, house: House, every: float) -> None:
    """One fresh server, one load for minutes, and a line of its memory now and then."""
    pace = "as fast as it goes" if pull.pace == float("inf") else f"{pull.pace:,.0f} events/s"
    print(
        f"{pull.load.name}, {pull.seconds / 60:g} min, {pace}; inbox bound {house.bound >> 20} MiB, "
        f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f} before"
    )
    print("  min    in/s  done/s    503s  inbox MiB  behind Mrows    RSS MiB   peak   anon   file  load")
    with Served(house) as served:
        tally, done = Tally(), threading.Event()
        told = threading.Thread(target=_tell, args=(served, tally, done, every), daemon=True)
        told.start()
        found = asyncio.run(drive(served.url, pull, tally))
        done.set()
        told.join()
    print(f"{found['rate']:,.0f} events/s taken, p50 {found['p50']:.0f} ms, p99 {found['p99']:.0f} ms")


def _tell(served: Served, tally: Tally, done: threading.Event, every: float) -> None:
    started = before = time.perf_counter()
    taken = folded = busy = 0
    last = False
    while not last:
        last = done.wait(every)
        inbox, now = served.status()["inbox"], time.perf_counter()
        new, finished = tally.events, tally.events - inbox["rows"]
        memory = served.process.memory_info()
        file = getattr(memory, "shared", 0)  # Linux tells what is mapped from files
        print(
            f"{(now - started) / 60:5.1f}{(new - taken) / (now - before):8,.0f}"
            f"{(finished - folded) / (now - before):8,.0f}{tally.busy - busy:8,}{inbox['bytes'] >> 20:11,}"
            f"{inbox['rows'] / 1e6:14.2f}{memory.rss >> 20:11,}{served.peak >> 20:7,}"
            f"{memory.rss - file >> 20:7,}{file >> 20:7,}{os.getloadavg()[0]:6.1f}",
            flush=True,
        )
        before, taken, folded, busy, served.peak = now, new, finished, tally.busy, 0


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench ingest")
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--load", default="Arrow")
    parser.add_argument("--rate", type=float, default=float("inf"))
    parser.add_argument("--bound", type=int, default=8192)
    parser.add_argument("--every", type=float, default=30.0)
    parser.add_argument("--upkeep", type=float, default=3600.0)
    parser.add_argument("--folder")
    return parser.parse_args(arguments)


def main_long(arguments: list[str]) -> None:
    """Print the server's memory over time."""
    options = _options(arguments)
    load = next(load for load in LOADS if options.load in load.name)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        house = House(folder, options.bound << 20, options.upkeep)
        watch_long(Pull(load, options.minutes * 60, options.rate), house, options.every)


def main(arguments: list[str]) -> None:
    """Print a table, or JSON with `--json`; with `--minutes` the memory of one long run."""
    if "--minutes" in arguments:
        main_long(arguments)
        return
    plain = [item for item in arguments if not item.startswith("--")]
    seconds = float(plain[0]) if plain else 10.0
    name = plain[1] if len(plain) > 1 else ""
    found = {load.name: measure(load, seconds) for load in LOADS if name in load.name}
    if "--json" in arguments:
        print(json.dumps(found))
        return
    print(f"{os.cpu_count()} cores, {seconds:g} s each, {FEATURES} features")
    heads = (("events/s", 12), ("bar", 10), ("p50 ms", 9), ("p99 ms", 9), ("503s", 6), ("cores", 7))
    print(
        f"{'':22}" + "".join(f"{head:>{width}}" for head, width in (*heads, ("RSS MiB", 9), ("behind", 11)))
    )
    for load in LOADS:
        if load.name in found:
            row = found[load.name]
            print(
                f"{load.name:22}{row['rate']:12,.0f}{load.bar:10,.0f}{row['p50']:9.1f}{row['p99']:9.1f}"
                f"{row['busy']:6.0f}{row['cpu']:7.2f}{row['rss_mib']:9.0f}{row['behind']:11,.0f}"
            )


if __name__ == "__main__":
    main(sys.argv[1:])
