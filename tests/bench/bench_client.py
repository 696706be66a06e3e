"""What `log()` costs the thread that calls it, while the sender really sends to a server in another process.

Two things are measured. `log()`: the duration of each call. `wake`: how late a serving thread gets the
interpreter back after a sleep (as after waiting for a request), which is what a greedy sender would spoil
without `log()` ever noticing; the first line is the same loop with nothing logged.

    python tests/bench/bench_client.py [seconds per scenario]
"""

from __future__ import annotations

import http.server
import json
import multiprocessing
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import anchorwatch.client as aw

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

FEATURES = {f"feature_{number:02d}": number * 1.1 + 0.123456789 for number in range(20)}
PERIOD = 0.001
"""Seconds between two wakes of the paced load; the events of that time are logged in a row."""


class _Sink(http.server.BaseHTTPRequestHandler):
    """Takes what it is sent and says so."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        body = json.dumps({"accepted": 1, "rejected": [], "rejected_count": 0}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def _serve(pipe: Connection) -> None:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Sink)
    pipe.send(server.server_port)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    pipe.recv()


def paced(log: Callable[[], Any], rate: int, seconds: float) -> tuple[list[int], list[int]]:
    """Wake each millisecond and log that millisecond's events; durations of calls and lateness, in ns."""
    calls: list[int] = []
    late: list[int] = []
    clock = time.perf_counter_ns
    start = clock()
    logged = turn = 0
    while clock() - start < seconds * 1e9:
        turn += 1
        due = start + int(turn * PERIOD * 1e9)
        wait = due - clock()
        if wait > 0:
            time.sleep(wait / 1e9)
            late.append(clock() - due)
        while logged < rate * (clock() - start) / 1e9:
            begin = clock()
            log()
            calls.append(clock() - begin)
            logged += 1
    return calls, late


def saturated(log: Callable[[], Any], seconds: float) -> tuple[list[int], list[int]]:
    """Log without a pause."""
    calls: list[int] = []
    clock = time.perf_counter_ns
    end = clock() + int(seconds * 1e9)
    while (begin := clock()) < end:
        log()
        calls.append(clock() - begin)
    return calls, []


def _figures(numbers: list[int]) -> str:
    if not numbers:
        return f"{'':>9} {'':>9} {'':>9} {'':>9}"
    numbers.sort()
    picked = [numbers[min(len(numbers) - 1, int(len(numbers) * share))] for share in (0.5, 0.99, 0.999, 1.0)]
    return " ".join(f"{number / 1000:9.1f}" for number in picked)


def _row(name: str, calls: list[int], late: list[int], model: aw.Model | None, seconds: float) -> str:
    told = ""
    if model is not None:
        stats = model.stats
        told = f"{stats.accepted / seconds:9.0f} {stats.sent / seconds:9.0f} {sum(stats.dropped.values()):9d}"
    return f"{name:14} | {_figures(calls)} | {_figures(late)} | {told}"


def _scenario(url: str, name: str, rate: int | None, seconds: float) -> str:
    with aw.connect(url) as watch:
        model = watch.model("bench")
        model.log(FEATURES, prediction=1, score=0.25)  # starts the sender
        model.flush()

        def log() -> str:
            return model.log(FEATURES, prediction=1, score=0.25)

        calls, late = saturated(log, seconds) if rate is None else paced(log, rate, seconds)
        return _row(name, calls, late, model, seconds)


def main() -> None:
    """Print the table."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 5.0
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    server = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs,), daemon=True)
    server.start()
    url = f"http://127.0.0.1:{ours.recv()}"
    columns = " ".join(f"{name:>9}" for name in ("median", "p99", "p99.9", "max"))
    print(f"{'20 features':14} | {'log(), µs':39} | {'wake, µs late':39} |    events per second")
    print(f"{'':14} | {columns} | {columns} |    logged      sent   dropped")
    _, late = paced(lambda: None, 1_000, seconds)
    print(_row("nothing logged", [], late, None, seconds))
    for rate in (100, 1_000, 5_000, 10_000, 20_000, 50_000):
        print(_scenario(url, f"{rate:,}/s", rate, seconds), flush=True)
    print(_scenario(url, "saturated", None, seconds))
    ours.send("stop")


if __name__ == "__main__":
    main()
