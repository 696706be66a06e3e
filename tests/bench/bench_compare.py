"""Comparing two tables: time and memory from tables in memory to files larger than it, beside others on the same data.

Bars, on two cores: 1 M + 1 M rows of 20 numeric and 4 categorical columns in 0.6 s and with less than twice the data's
size in memory; 10,000 + 10,000 rows in 25 ms; 1,000 columns in time proportional to columns; a file in memory that
does not grow with it.

Others run where the variable ANCHORWATCH_PEERS names a folder of environments, one for each of `tests/bench/peers`
(`python -m venv alibi-detect` and so on); what is not there is left out.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

import anchorwatch as aw  # noqa: E402 - the path is set above

NUMBERS, LEVELS = 20, (3, 12, 50, 1_000)
PEERS = Path(__file__).parent / "peers"
PATIENCE = 240
"""Seconds that another's run may take."""


def table(rows: int, seed: int, numbers: int = NUMBERS, levels: tuple[int, ...] = LEVELS) -> pl.DataFrame:
    """Normal and lognormal numbers by turns, and names; the same law whatever the seed."""
    random = np.random.default_rng(seed)
    columns: dict[str, object] = {
        f"x{place}": random.normal(size=rows) if place % 2 else random.lognormal(size=rows)
        for place in range(numbers)
    }
    for place, count in enumerate(levels):
        names = pl.Series([f"name {one}" for one in range(count)])
        columns[f"c{place}"] = names.gather(random.integers(0, count, rows))
    return pl.DataFrame(columns)


def best(work: Callable[[], object], rounds: int) -> tuple[float, float]:
    """Seconds by the clock, and of all processors, each the best of some rounds after a first one."""
    work()
    wall, spent = [], []
    for _ in range(rounds):
        clock, processor = time.perf_counter(), time.process_time()
        work()
        wall.append(time.perf_counter() - clock)
        spent.append(time.process_time() - processor)
    return min(wall), min(spent)


def peak(reset: bool = False) -> float:
    """Largest memory held since the last reset, in MB; Linux only."""
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1000


def in_memory() -> None:
    """The bars for tables in memory."""
    for rows, rounds in ((10_000, 20), (100_000, 5), (1_000_000, 3)):
        pair = table(rows, 1), table(rows, 2)
        size = sum(one.estimated_size() for one in pair) / 1e6
        wall, spent = best(lambda pair=pair: aw.compare(*pair), rounds)  # type: ignore[misc]
        before = peak(reset=True)
        report = aw.compare(*pair)
        more = peak() - before
        clock = time.perf_counter()
        page = len(report.to_html())
        drawn = time.perf_counter() - clock
        print(
            f"{rows:>9,} + {rows:<9,} 20 + 4 columns {wall * 1e3:8.1f} ms {spent * 1e3:8.1f} ms of processors "
            f"{size:6.0f} MB data {more:6.0f} MB more   page {page / 1000:.0f} kB in {drawn * 1e3:.0f} ms"
        )


def many_columns() -> None:
    """Time in proportion to columns."""
    for columns in (100, 300, 1_000):
        pair = table(50_000, 1, columns, ()), table(50_000, 2, columns, ())
        wall, spent = best(lambda pair=pair: aw.compare(*pair), 1)  # type: ignore[misc]
        print(
            f"   50,000 + 50,000    {columns:5,} columns  {wall * 1e3:8.1f} ms {spent * 1e3:8.1f} ms of processors "
            f"{wall / columns * 1e3:.2f} ms per column"
        )


def from_files(folder: Path) -> None:
    """Memory that does not grow with the file."""
    for million in (4, 12):
        path = folder / f"{million}.parquet"
        pieces = [table(500_000, seed, 10, (12, 50)) for seed in (1, 2)]
        scans = [piece.with_columns(pl.selectors.float().round(3)).lazy() for piece in pieces] * million
        pl.concat(scans).sink_parquet(path, row_group_size=250_000)
        script = (
            f"import sys, time; sys.path.insert(0, {str(ROOT)!r}); import anchorwatch as aw; "
            "from tests.bench.bench_compare import peak; begin = peak(); clock = time.perf_counter(); "
            f"aw.compare({str(path)!r}, {str(path)!r}); "
            "print(f'{time.perf_counter() - clock:6.1f} s {peak() - begin:7.0f} MB more')"
        )
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True)
        whole = million * 1e6 * 12 * 8 / 1e9
        told = f"{whole:.1f} GB unpacked: {done.stdout.strip()}"
        print(f"{million:>5} M + {million} M rows of a Parquet file, 10 + 2 columns, {told}")
        path.unlink()


def others(folder: Path) -> None:
    """The same tables, drift alone, by those that are there; each in its own environment."""
    home = os.environ.get("ANCHORWATCH_PEERS")
    if not home:
        print("others: not asked for (ANCHORWATCH_PEERS names no folder)")
        return
    for rows in (10_000, 1_000_000):
        paths = [folder / f"{seed}.parquet" for seed in (1, 2)]
        for seed, path in enumerate(paths, 1):
            table(rows, seed).write_parquet(path)
        for script in sorted(PEERS.glob("with_*.py")):
            name = script.stem.removeprefix("with_").replace("_", "-")
            python = Path(home) / name / "bin" / "python"
            if python.exists():
                print(f"{rows:>9,} + {rows:<9,} {name:<14} {_run(python, script, paths)}")


def _run(python: Path, script: Path, paths: list[Path]) -> str:
    try:
        done = subprocess.run(
            [str(python), str(script), *map(str, paths)],
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
    except subprocess.TimeoutExpired:
        return f"no answer in {PATIENCE} s"
    if done.returncode:
        return f"failed: {(done.stderr.strip().splitlines() or ['without a word'])[-1][:100]}"
    return done.stdout.strip().splitlines()[-1]


def main() -> None:
    """Print all of it."""
    in_memory()
    many_columns()
    with tempfile.TemporaryDirectory() as folder:
        from_files(Path(folder))
        others(Path(folder))


if __name__ == "__main__":
    main()
