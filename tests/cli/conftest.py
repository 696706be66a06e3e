"""A watch with a model that went wrong, made once by the command line itself."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl
import pytest
from numpy.random import default_rng
from typer.testing import CliRunner, Result

from anchorwatch.cli.main import app

if TYPE_CHECKING:
    from pathlib import Path

START = datetime(2024, 1, 1, tzinfo=UTC)
ROWS = 60

WATCH = """
models:
  toy:
    task: regression
    columns: {x: number, c: category}
    outcomes: {delay: 2h}
    reference: {file: reference.parquet, version: 1}
    defaults: true
    rules: [{metric: mae, above: 5, for: 2 windows, severity: page}]
"""

Run = Callable[..., Result]


def run_in(folder: Path) -> Run:
    """Run the command line as from a shell; `{}` in arguments stands for `folder`."""

    def run(*arguments: str, env: dict[str, str] | None = None) -> Result:
        clean = {"ANCHORWATCH_STORE": None, "ANCHORWATCH_URL": None, "ANCHORWATCH_TOKEN": None, **(env or {})}
        return CliRunner().invoke(app, [item.replace("{}", str(folder)) for item in arguments], env=clean)

    return run


def days(first: int, last: int, wrong_from: int = 1000) -> pl.DataFrame:
    """Predictions and outcomes; from a day on, predictions are 20 too high."""
    random = default_rng(first)
    frames = []
    for day in range(first, last):
        x = random.normal(size=ROWS)
        at = [START + timedelta(days=day, minutes=20 * row) for row in range(ROWS)]
        frame = {
            "id": [f"{day}-{row}" for row in range(ROWS)],
            "at": at,
            "prediction": 3 * x + (20 if day >= wrong_from else 0),
            "outcome": 3 * x + random.normal(size=ROWS),
            "x": x,
            "c": random.choice(["a", "b"], ROWS),
        }
        frames.append(pl.DataFrame(frame))
    return pl.concat(frames)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with files and a store; tests that change the store take `store` instead."""
    folder = tmp_path_factory.mktemp("watch")
    (folder / "watch.yaml").write_text(WATCH)
    days(0, 10).write_parquet(folder / "reference.parquet")
    table = days(10, 16, wrong_from=13)
    times = table.with_columns(pl.col("at").dt.strftime("%Y-%m-%dT%H:%M:%SZ"))
    times.drop("outcome").write_csv(folder / "predictions.csv")
    table.select("id", pl.col("at").dt.offset_by("1h"), "outcome").write_parquet(folder / "outcomes.parquet")
    run = run_in(folder)
    for arguments in (
        ("apply", "{}/watch.yaml", "--store", "{}/store"),
        ("log", "{}/predictions.csv", "--model", "toy", "--store", "{}/store"),
        ("log", "{}/outcomes.parquet", "--outcomes", "--model", "toy", "--store", "{}/store"),
    ):
        result = run(*arguments)
        assert result.exit_code == 0, result.output
    return folder


@pytest.fixture
def store(made: Path, tmp_path: Path) -> Run:
    """The command line on a copy of the store, which `{}/store` names."""
    shutil.copytree(made, tmp_path / "copy")
    return run_in(tmp_path / "copy")


@pytest.fixture
def look(made: Path) -> Run:
    """The command line on the store that all tests share, for looking only."""
    return run_in(made)
