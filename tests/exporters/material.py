"""A watch with two models whose figures are exported: one well, one degraded in its newest windows."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from anchorwatch.core.calendar import Grain
from anchorwatch.core.schema import Column, Kind, ModelSpec, Task
from anchorwatch.core.types import EventKind
from anchorwatch.flow.take import Batch

if TYPE_CHECKING:
    from anchorwatch.app.watch import Watch

NOW = datetime(2026, 1, 10, 12, tzinfo=UTC)
WINDOW = timedelta(hours=1)
ROWS = 200
INPUTS = (Column("x", Kind.NUMBER), Column('odd "name"\\', Kind.NUMBER), Column("carrier", Kind.CATEGORY))
FARES = ModelSpec(
    name="fares", task=Task.REGRESSION, columns=INPUTS, window=Grain.parse("1h"), outcome_delay=WINDOW
)
LATE = ModelSpec(
    name="late",
    task=Task.BINARY,
    columns=INPUTS,
    labels=("0", "1"),
    window=Grain.parse("1h"),
    outcome_delay=WINDOW,
)


@dataclass
class HandClock:
    """Stands still until it is moved."""

    seconds: float = 0.0
    at: datetime = NOW

    def now(self) -> datetime:
        """The tenth of January, and as far on as it was moved."""
        return self.at + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        """As far as it was moved."""
        return self.seconds


def rows(spec: ModelSpec, begin: datetime, windows: int, seed: int, *, shift: float = 0.0) -> pl.DataFrame:
    """Windows of predictions and their outcomes; `shift` moves the inputs and spoils the predictions."""
    rng = np.random.default_rng(seed)
    count = windows * ROWS
    steps = np.arange(count) * int(WINDOW.total_seconds() * 1e6 / ROWS)
    at = pl.Series(np.datetime64(begin.replace(tzinfo=None), "us") + steps.astype("timedelta64[us]"))
    score = rng.uniform(size=count)
    noise = rng.normal(size=count) * (1 + 4 * shift)
    binary = spec.task is Task.BINARY
    outcome = (rng.uniform(size=count) < score).astype(int) if binary else score * 10 + noise
    frame = {
        "_id": [f"{seed}-{index}" for index in range(count)],
        "_at": at.dt.replace_time_zone("UTC"),
        "_version": np.where(np.arange(count) % 4 == 0, "2", "1"),
        "_prediction": (score > 0.5).astype(int).astype(str) if binary else score * 10,
        "_latency": rng.gamma(2.0, 0.01, count),
        "_error": pl.Series([None] * (count - 1) + ["boom"], dtype=pl.String),
        "x": rng.normal(size=count) + 3 * shift,
        'odd "name"\\': rng.normal(size=count),
        "carrier": rng.choice(["AA", "UA", "DL"], count),
        "_outcome": outcome.astype(str) if binary else outcome,
    }
    if binary:
        frame["_score"] = score
    return pl.DataFrame(frame)


def feed(watch: Watch, spec: ModelSpec, frame: pl.DataFrame, name: str) -> None:
    """Predictions and their outcomes, worked off."""
    parts = {
        EventKind.PREDICTIONS: frame.drop("_outcome"),
        EventKind.OUTCOMES: frame.filter(pl.col("_error").is_null()).select("_id", "_at", "_outcome"),
    }
    for kind, some in parts.items():
        watch.take(Batch(id=f"{name} {kind.value}", model=spec.name, kind=kind, frame=some))
    watch.settle()


def declare(watch: Watch, spec: ModelSpec) -> None:
    """The model with a reference of a day."""
    names = {
        "_prediction": "prediction",
        "_outcome": "outcome",
        "_at": "at",
        "_latency": "latency",
        "_score": "score",
    }
    past = rows(spec, NOW - timedelta(days=9), 24, seed=7).drop("_id", "_version", "_error")
    watch.register(spec, past.rename({key: value for key, value in names.items() if key in past.columns}))


def tool(name: str) -> str:
    """Where a program is; the test skips without it, but under CI it fails."""
    found = shutil.which(name)
    if found is None:
        text = f"{name} is not installed; on Debian: apt-get install prometheus prometheus-alertmanager"
        if os.environ.get("CI") == "true":
            pytest.fail(text)
        pytest.skip(text)
    return found


def fill(watch: Watch) -> None:
    """Six good hours of both models, then six in which `fares` is degraded."""
    for spec in (FARES, LATE):
        declare(watch, spec)
        begin = NOW - timedelta(hours=12)
        feed(watch, spec, rows(spec, begin, 6, seed=1), "good")
        bad = 1.0 if spec is FARES else 0.0
        feed(watch, spec, rows(spec, begin + timedelta(hours=6), 6, seed=2, shift=bad), "later")
