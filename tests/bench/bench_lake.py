"""How fast the lake appends, compacts and answers; prints a table. A row has 20 numbers and an outcome."""

from __future__ import annotations

import argparse
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from anchorwatch.core.ports import RowFilter, RowQuery
from anchorwatch.core.types import EventKind
from anchorwatch.stores.lake import DeltaLake

if TYPE_CHECKING:
    from collections.abc import Callable

NIGHT = datetime(2013, 1, 1, tzinfo=UTC)
P, OUT = EventKind.PREDICTIONS, EventKind.OUTCOMES


def predictions(seq: int, count: int, day: int, seconds: int = 86_400) -> pl.DataFrame:
    """Random predictions spread over `seconds` from the start of `day`."""
    rng = np.random.default_rng(seq)
    offsets = np.sort(rng.integers(0, seconds * 1_000_000, count))
    start = np.datetime64(NIGHT.replace(tzinfo=None) + timedelta(days=day), "us")
    return pl.DataFrame(
        {
            "_id": [part.tobytes().hex() for part in rng.integers(0, 256, (count, 16), np.uint8)],
            "_at": start + offsets,
            "_seq": np.full(count, seq),
            "_row": np.arange(count, dtype=np.int32),
            "_version": ["1"] * count,
            "_prediction": rng.random(count),
            **{f"x{place}": rng.normal(size=count) for place in range(20)},
        }
    ).with_columns(pl.col("_at").dt.replace_time_zone("UTC"))


def outcomes(frame: pl.DataFrame, days: float) -> pl.DataFrame:
    """An outcome for each prediction, so many days later."""
    later = pl.col("_at") + timedelta(days=days)
    return frame.select("_id", later, "_seq", "_row", pl.col("_prediction").round().alias("_outcome"))


def best(work: Callable[[], object], rounds: int = 4) -> float:
    """Shortest of a few rounds, in milliseconds; the first one warms up."""
    times = []
    for _ in range(rounds + 1):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return min(times[1:]) * 1e3


def row(what: str, milliseconds: float) -> None:
    """A line of the table."""
    print(f"{what:<64}{milliseconds:>9.1f}")


def appends(lake: DeltaLake) -> None:
    """Time appends of several sizes."""
    for count in (1_000, 10_000, 100_000):
        frames = [predictions(seq, count, 0) for seq in range(1, 7)]
        model, times = f"a{count}", []
        for seq, frame in enumerate(frames, 1):
            begin = time.perf_counter()
            lake.append(model, P, frame, upto=seq)
            times.append(time.perf_counter() - begin)
        row(f"append {count} rows of one day, on disk (median)", sorted(times)[3] * 1e3)
    spread = predictions(7, 30_000, 0, 30 * 86_400)
    begin = time.perf_counter()
    lake.append("spread", P, spread, upto=7)
    row("append 30000 rows of 30 days", (time.perf_counter() - begin) * 1e3)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--rows", type=int, default=100_000, help="rows of a day")
    given = parser.parse_args()
    print(f"{'what':<64}{'ms':>9}")
    with tempfile.TemporaryDirectory(prefix="bench-lake-") as folder:
        lake = DeltaLake(Path(folder))
        appends(lake)
        for day in range(given.days):
            for part in range(10):
                frame = predictions(day * 10 + part + 1, given.rows // 10, day)
                lake.append("m", P, frame, upto=day * 10 + part + 1)
                lake.append("m", OUT, outcomes(frame, 1.5), upto=day * 10 + part + 1)
        answers(lake, "as appended")
        begin = time.perf_counter()
        for kind in EventKind:
            while lake.compact("m", kind).removed:
                pass
        row("compaction of both tables", (time.perf_counter() - begin) * 1e3)
        answers(lake, "compacted")


def answers(lake: DeltaLake, state: str) -> None:
    """Time what readers ask."""
    middle = NIGHT + timedelta(days=10)
    rare = (RowFilter("x3", ">", 4.0),)
    one = lake.scan_predictions("m", middle, middle + timedelta(minutes=1), ["_id"])["_id"][0]
    row(f"{state}: first page", best(lambda: lake.explore("m", RowQuery())))
    row(f"{state}: page in the middle", best(lambda: lake.explore("m", RowQuery(end=middle))))
    row(
        f"{state}: page with a filter of 1 in 30000 rows",
        best(lambda: lake.explore("m", RowQuery(filters=rare))),
    )
    wrong = (RowFilter("_outcome", "=", 0), RowFilter("x3", ">", 2.0))
    row(f"{state}: page with a filter on outcomes", best(lambda: lake.explore("m", RowQuery(filters=wrong))))
    row(f"{state}: one id, anywhere", best(lambda: lake.explore("m", RowQuery(id=one))))
    row(f"{state}: joined, a day of rows", best(lambda: lake.joined("m", middle, middle + timedelta(days=1))))
    day = (middle, middle + timedelta(days=1), None, timedelta(days=3))
    row(f"{state}: joined, a day of rows, horizon 3 days", best(lambda: lake.joined("m", *day)))
    row(
        f"{state}: scan a day, two columns", best(lambda: lake.scan_predictions("m", *day[:2], ["_id", "x1"]))
    )


if __name__ == "__main__":
    main()
