"""Run benchmarks and keep what they print in docs/benchmarks.md, each with its day and its machine."""

from __future__ import annotations

import ast
import os
import platform
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from scripts.tools.house import ROOT

PAGE = ROOT / "docs" / "benchmarks.md"
INTRO = """# Benchmarks

What `scripts/bench` measured; `scripts/bench NAME` renews one section. Bars, and what others do on the same work, stand
in the benchmarks themselves, under `tests/bench`.
"""


def machine() -> str:
    """The day and the machine, in one line."""
    return (
        f"{datetime.now(UTC):%Y-%m-%d} · {processor()} · {os.cpu_count()} cores · {memory()} "
        f"· Python {platform.python_version()} · {platform.system()} {platform.release().partition('-')[0]}"
    )


def processor() -> str:
    """The processor's name, as far as the system tells."""
    try:
        told = re.search(
            r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE
        )
    except OSError:
        told = None
    return told[1].strip() if told else platform.processor() or platform.machine()


def memory() -> str:
    """Physical memory."""
    return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB"


def sections(page: str) -> dict[str, str]:
    """The sections of a page by their heading."""
    parts = re.split(r"^## (\w+)\n", page, flags=re.MULTILINE)
    return {name: text.strip() for name, text in zip(parts[1::2], parts[2::2], strict=True)}


def section(file: Path, printed: str) -> str:
    """What a benchmark is about, where and when it ran, and what it printed."""
    about = (ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or "").split("\n\n")[0]
    return f"{about}\n\n{machine()}\n\n```text\n{printed.rstrip()}\n```"


def name_of(file: Path) -> str:
    """`bench_log.py` is `log`."""
    return file.stem.removeprefix("bench_")


def main(arguments: list[str]) -> int:
    """Run the benchmarks named, or all; 1 when one of them failed.

    From the first option on, arguments are for the benchmark; such a run has a section of its own (`ingest_minutes`).
    """
    first = next((place for place, word in enumerate(arguments) if word.startswith("--")), len(arguments))
    names, options = arguments[:first], arguments[first:]
    files = {name_of(file): file for file in sorted((ROOT / "tests" / "bench").glob("bench_*.py"))}
    if unknown := set(names) - files.keys():
        print(
            f"no benchmark is named {', '.join(sorted(unknown))}; known: {', '.join(files)}", file=sys.stderr
        )
        return 2
    kept = sections(PAGE.read_text(encoding="utf-8")) if PAGE.exists() else {}
    failed = False
    for name in names or files:
        print(f"{name} …", file=sys.stderr)
        done = subprocess.run(
            [sys.executable, str(files[name]), *options], stdout=subprocess.PIPE, text=True, check=False
        )
        print(done.stdout)
        failed |= done.returncode != 0
        if done.returncode == 0:
            kept["_".join([name, *options[:1]]).replace("_--", "_")] = section(files[name], done.stdout)
        write(kept)
    return int(failed)


def write(found: dict[str, str]) -> None:
    """The page, sections by name."""
    body = [f"## {name}\n\n{text}" for name, text in sorted(found.items())]
    PAGE.write_text("\n\n".join([INTRO.rstrip(), *body]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
