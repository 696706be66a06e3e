"""A server that is killed at any moment loses nothing it acknowledged and counts nothing twice."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING

import polars as pl
import pytest

from anchorwatch.app.watch import Watch
from anchorwatch.core.schema import Column, Kind, ModelSpec, Task

if TYPE_CHECKING:
    from pathlib import Path

ROUNDS = int(os.environ.get("ANCHORWATCH_KILL_ROUNDS", "50"))
ROWS = 200
FIRST = 1_700_000_000


@dataclass
class Sent:
    """What the load generators know: events acknowledged, and batches whose answer never came."""

    predictions: set[str] = field(default_factory=set)
    outcomes: set[str] = field(default_factory=set)
    unanswered: list[tuple[str, str, list[str]]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


def body(kind: str, ids: list[str]) -> bytes:
    """Events whose content follows from their id, so that a retry repeats them exactly."""
    lines = []
    for name in ids:
        number = int(name[1:])
        at = FIRST + number % 400_000
        if kind == "predictions":
            lines.append(
                {
                    "id": name,
                    "at": at,
                    "prediction": number % 7,
                    "version": str(number % 2),
                    "features": {"x": number % 100, "c": "ab"[number % 2]},
                }
            )
        else:
            lines.append({"id": name, "at": at + 60, "outcome": number % 5})
    return b"\n".join(json.dumps(line).encode() for line in lines)


def post(port: int, kind: str, key: str, ids: list[str]) -> bool:
    """Send one batch; whether it was acknowledged."""
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(
            "POST",
            f"/api/v1/models/load/{kind}",
            body(kind, ids),
            {"Content-Type": "application/x-ndjson", "Idempotency-Key": key},
        )
        answer = connection.getresponse()
        said = json.loads(answer.read())
    except (OSError, HTTPException, ValueError):
        return False
    finally:
        connection.close()
    if answer.status == 503:
        return False
    if answer.status != 200 or said["rejected_count"]:
        pytest.fail(f"{answer.status}: {said}")
    return True


def deliver(port: int, sent: Sent, batch: tuple[str, str, list[str]]) -> bool:
    """Send, and remember what became of it."""
    kind, key, ids = batch
    done = post(port, kind, key, ids)
    with sent.lock:
        if done:
            (sent.predictions if kind == "predictions" else sent.outcomes).update(ids)
        else:
            sent.unanswered.append(batch)
    return done


def load(port: int, sent: Sent, worker: int, seed: int) -> None:
    """Send new predictions and outcomes of old ones until the server is gone."""
    chance = random.Random(seed)
    count = 0
    while True:
        begin = (seed * 1000 + count) * 10 * ROWS + worker * ROWS
        ids = [f"e{number}" for number in range(begin, begin + ROWS)]
        count += 1
        if not deliver(port, sent, ("predictions", f"p{begin}", ids)):
            return
        if chance.random() < 0.7 and not deliver(port, sent, ("outcomes", f"o{begin}", ids[: ROWS // 2])):
            return


def started(folder: Path) -> tuple[subprocess.Popen[bytes], int]:
    """A server on a port of its own, ready."""
    port = free_port()
    log = (folder.parent / "server.log").open("ab")
    process = subprocess.Popen(
        [sys.executable, "-m", "anchorwatch", "serve", str(folder), "--port", str(port)],
        stdout=log,
        stderr=log,
    )
    log.close()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if process.poll() is not None:
            pytest.fail((folder.parent / "server.log").read_text()[-3000:])
        try:
            connection = HTTPConnection("127.0.0.1", port, timeout=2)
            connection.request("GET", "/api/v1/health/ready")
            if connection.getresponse().status == 200:
                return process, port
        except OSError:
            threading.Event().wait(0.05)
        finally:
            connection.close()
    pytest.fail("the server was not ready within a minute")


def free_port() -> int:
    """A port nobody listens on."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def one_round(folder: Path, sent: Sent, number: int, chance: random.Random) -> None:
    """Start, retry what was unanswered, load, kill."""
    process, port = started(folder)
    again, sent.unanswered = sent.unanswered, []
    for batch in again:
        deliver(port, sent, batch)
    workers = [threading.Thread(target=load, args=(port, sent, worker, number)) for worker in range(3)]
    for worker in workers:
        worker.start()
    threading.Event().wait(chance.uniform(0.05, 1.2))
    process.send_signal(signal.SIGKILL)
    process.wait()
    for worker in workers:
        worker.join()


@pytest.mark.slow
def test_killed_at_random_moments_everything_acknowledged_is_there_once(tmp_path: Path) -> None:
    """After many kills under load, windows and lake hold each acknowledged event exactly once."""
    folder = tmp_path / "store"
    spec = ModelSpec(
        name="load",
        task=Task.REGRESSION,
        columns=(Column("x", Kind.NUMBER), Column("c", Kind.CATEGORY)),
        segments=("c",),
    )
    with Watch.open(folder, start=False) as watch:
        watch.apply(spec)
    sent = Sent()
    chance = random.Random(20130701)
    for number in range(1, ROUNDS + 1):
        one_round(folder, sent, number, chance)
    process, port = started(folder)
    for batch in sent.unanswered[:]:
        assert post(port, *batch)
        (sent.predictions if batch[0] == "predictions" else sent.outcomes).update(batch[2])
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    check(folder, sent)


def check(folder: Path, sent: Sent) -> None:
    """Compare windows, segments, versions and lake with what was acknowledged."""
    assert len(sent.predictions) > ROUNDS * ROWS
    with Watch.open(folder, start=False) as watch:
        watch.settle()
        lake = watch.lake.joined(
            "load", *[pl.Series([at], dtype=pl.Datetime("us", "UTC"))[0] for at in (0, 2**51)]
        )
        assert lake["_id"].n_unique() == lake.height
        assert set(lake["_id"]) == sent.predictions
        assert lake["_outcome"].is_not_null().sum() == len(sent.outcomes)
        for version, segment in (("", ""), ("0", ""), ("1", ""), ("", "c=a"), ("", "c=b")):
            wanted = {name for name in sent.predictions if belongs(name, version, segment)}
            events = watch.queries.series("load", "throughput", version=version, segment=segment)
            assert sum(value for value in events["value"] if value) == len(wanted)
            errors = watch.queries.series("load", "mae", version=version, segment=segment)
            assert sum(errors["n"]) == len(wanted & sent.outcomes)
        truth = [abs(int(name[1:]) % 7 - int(name[1:]) % 5) for name in sent.outcomes]
        errors = watch.queries.series("load", "mae")
        total = sum(
            value * n for value, n in zip(errors["value"], errors["n"], strict=True) if value is not None
        )
        assert total == pytest.approx(sum(truth))


def belongs(name: str, version: str, segment: str) -> bool:
    """Whether an event is of a version and segment."""
    number = int(name[1:])
    return version in {"", str(number % 2)} and segment in {"", f"c={'ab'[number % 2]}"}
