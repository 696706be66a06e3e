"""Durable ingest over HTTP: a real server in one process, a load generator in another, on this machine's cores.

`python tests/bench/bench_ingest.py [seconds [name]]` prints events per second that were acknowledged, hence on disk,
and the server's peak memory. The worker that folds them into windows and lake runs all the while and shares the
cores with the generator; `cores` is what the server got of them, `behind` how many rows wait for its worker at the end.
"""

from __future__ import annotations

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
from dataclasses import dataclass
from itertools import cycle
from typing import TYPE_CHECKING, Any
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


async def drive(url: str, load: Load, seconds: float) -> dict[str, float]:
    """Send as fast as the server answers."""
    host = urlsplit(url).netloc
    count = 24 if load.rows > 1 else 2_000
    requests = [Request(load, content, host) for content in bodies(load, count)]
    turns = cycle(requests)
    tally: dict[str, Any] = {"events": 0, "busy": 0, "times": []}
    stop = time.perf_counter() + seconds
    started = time.perf_counter()
    await asyncio.gather(*(_send(host, turns, stop, load, tally) for _ in range(load.connections)))
    took = time.perf_counter() - started
    times = np.array(tally["times"]) * 1e3
    return {
        "rate": tally["events"] / took,
        "busy": tally["busy"],
        "p50": float(np.percentile(times, 50)),
        "p99": float(np.percentile(times, 99)),
    }


async def _send(host: str, turns: Iterator[Request], stop: float, load: Load, tally: dict[str, Any]) -> None:
    name, _, port = host.partition(":")
    reader, writer = await asyncio.open_connection(name, int(port))
    while time.perf_counter() < stop:
        began = time.perf_counter()
        writer.write(next(turns).next())
        await writer.drain()
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        answer = await reader.readexactly(length)
        tally["times"].append(time.perf_counter() - began)
        if head.startswith(b"HTTP/1.1 503"):
            tally["busy"] += 1
            await asyncio.sleep(0.05)
            continue
        receipt = orjson.loads(answer)
        if receipt.get("accepted") != load.rows:
            raise RuntimeError(answer[:500])
        tally["events"] += load.rows
    writer.close()


def server(folder: str, told: Connection) -> None:
    """The server's process."""
    from anchorwatch.core.schema import Column, Kind, ModelSpec, Task
    from anchorwatch.server.serve import Address, serve

    columns = [Column(name, Kind.NUMBER) for name in NUMBERS]
    columns += [Column(name, Kind.CATEGORY) for name in CATEGORIES]
    spec = ModelSpec(name="load", task=Task.BINARY, columns=tuple(columns))

    def ready(url: str, watch: Any) -> None:
        watch.apply(spec)
        told.send(url)

    serve(folder, Address(port=0), ready=ready)


def watch_memory(process: psutil.Process, done: threading.Event, peak: list[int]) -> None:
    """Note the largest resident size."""
    while not done.wait(0.05):
        peak[0] = max(peak[0], process.memory_info().rss)


def measure(load: Load, seconds: float) -> dict[str, float]:
    """One fresh server, one load."""
    context = multiprocessing.get_context("spawn")
    mine, theirs = context.Pipe()
    with tempfile.TemporaryDirectory() as folder:
        child = context.Process(target=server, args=(folder, theirs))
        child.start()
        url = mine.recv()
        process, done, peak = psutil.Process(child.pid), threading.Event(), [0]
        threading.Thread(target=watch_memory, args=(process, done, peak), daemon=True).start()
        before = process.cpu_times()
        found = asyncio.run(drive(url, load, seconds))
        after = process.cpu_times()
        with urlopen(f"{url}/api/v1/status") as answer:
            found["behind"] = json.load(answer)["inbox"]["rows"]
        done.set()
        found["rss_mib"] = peak[0] / 2**20
        found["cpu"] = (after.user + after.system - before.user - before.system) / seconds
        child.terminate()
        child.join()
        if child.exitcode != 0:
            raise RuntimeError(f"the server ended with {child.exitcode}")
        return found


def main(arguments: list[str]) -> None:
    """Print a table, or JSON with `--json`."""
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
