"""Importing is cheap, and does nothing."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest

HEAVY = {
    "numpy",
    "polars",
    "pandas",
    "scipy",
    "sqlalchemy",
    "fastapi",
    "pydantic",
    "deltalake",
    "pyarrow",
    "rich",
    "typer",
}
SLACK = 4
"""Times the budget, since other tests run beside these; what is imported is judged exactly."""


def imported(module: str) -> tuple[float, set[str]]:
    """Seconds that a fresh interpreter takes to import `module`, the best of three, and what it then holds."""
    script = (
        "import sys, time; begin = time.perf_counter(); "
        f"import {module}; print(time.perf_counter() - begin, *{{name.partition('.')[0] for name in sys.modules}})"
    )
    runs = [
        subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True)
        for _ in range(3)
    ]
    seconds = min(float(run.stdout.split()[0]) for run in runs)
    return seconds, set(runs[0].stdout.split()[1:])


@pytest.mark.parametrize(("module", "budget"), [("anchorwatch.client", 0.05), ("anchorwatch", 0.3)])
def test_importing_is_cheap(module: str, budget: float) -> None:
    """The client imports within 50 ms and the package within 0.3 s, with slack for a busy machine."""
    seconds, _ = imported(module)
    assert seconds < budget * SLACK


def test_the_client_is_light() -> None:
    """A model service that imports the client gets the standard library and no more."""
    assert not imported("anchorwatch.client")[1] & HEAVY


@pytest.mark.parametrize("module", ["anchorwatch", "anchorwatch.client"])
def test_doors_show_what_they_list(module: str) -> None:
    """`__all__` is sorted, every name in it exists, and no other public name of ours stands beside it."""
    door = import_module(module)
    listed = list(getattr(door, "__all__", ()))
    assert listed == sorted(set(listed))
    assert all(getattr(door, name) is not None for name in listed)
    stray = [
        name
        for name, thing in vars(door).items()
        if not name.startswith("_")
        and name not in listed
        and getattr(thing, "__module__", "").startswith("anchorwatch")
    ]
    assert not stray
