"""Windows of every awkward kind, of each task: what a measure has to put up with.

For tests, ours and those of whoever writes a measure; see `anchorwatch.testing.check_measure`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from anchorwatch.core.schema import Column, Kind, ModelSpec, Task
from anchorwatch.profile.build import build_grid
from anchorwatch.profile.extent import Extent
from anchorwatch.profile.fold import JoinedRows, fold_inputs, fold_outcomes, label_codes
from anchorwatch.profile.profile import Profile
from anchorwatch.profile.refused import Refused
from anchorwatch.profile.sample import WINDOW_ROWS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from anchorwatch.profile.grid import Grid

COLUMNS = (
    Column("x", Kind.NUMBER),
    Column("tied", Kind.NUMBER),
    Column("c", Kind.CATEGORY),
    Column("v", Kind.VECTOR, 2),
)
LABELS = {Task.BINARY: ("0", "1"), Task.MULTICLASS: ("a", "b", "z"), Task.REGRESSION: ()}


def spec(task: Task) -> ModelSpec:
    """A model of a task with two numbers, a category and a vector."""
    return ModelSpec(name="m", task=task, columns=COLUMNS, labels=LABELS[task], forest=True)


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """Rows of a model: a canonical frame with `_outcome`, and scores per score label."""

    task: Task
    frame: pl.DataFrame
    scores: NDArray[np.float64]

    def rows(self, index: NDArray[np.int64]) -> World:
        """Some of the rows, in the order of `index`."""
        return World(self.task, self.frame[index], self.scores[index])

    def with_columns(self, **columns: object) -> World:
        """The same with other values, each one for all rows or one per row."""
        changed = [
            pl.Series(
                name, given if isinstance(given, list) else [given] * len(self.frame), self.frame.schema[name]
            )
            for name, given in columns.items()
        ]
        return replace(self, frame=self.frame.with_columns(changed))

    def inputs(self, grid: Grid) -> Profile:
        """What is known at once."""
        zeros, frame = np.zeros(len(self.frame), np.int64), self.frame.drop("_outcome")
        profile = fold_inputs(frame, zeros, 1, grid, sample=WINDOW_ROWS)[0]
        beside = int(
            frame["_id"].str.ends_with("0").sum()
        )  # as many rows as would have been refused beside these
        refused = Refused.of({"x": beside} if beside else {})
        return replace(profile, extent=Extent.of({0: 2 * 10**15}), refused=refused)

    def profile(self, grid: Grid) -> Profile:
        """What is known when outcomes have come."""
        numeric = self.task is Task.REGRESSION
        predicted, actual = (
            self.frame[name].to_numpy().astype(np.float64) if numeric else label_codes(self.frame[name], grid)
            for name in ("_prediction", "_outcome")
        )
        joined = JoinedRows(predicted, self.scores, actual)
        return self.inputs(grid) + fold_outcomes(joined, np.zeros(len(self.frame), np.int64), 1, grid)[0]


def world(task: Task, rows: int, seed: int = 0) -> World:
    """Undramatic random rows."""
    rng = np.random.default_rng([seed, rows, len(task)])
    labels = LABELS[task]
    if task is Task.REGRESSION:
        scores = np.empty((rows, 0))
        outcome = rng.gamma(2, 10, rows)
        prediction = outcome + rng.normal(0, 4, rows)
    else:
        scores = (
            rng.dirichlet(np.ones(len(labels)), rows) if task is Task.MULTICLASS else rng.random((rows, 1))
        )
        given = scores if task is Task.MULTICLASS else np.hstack([1 - scores, scores])
        prediction = np.array(labels)[given.argmax(axis=1)]
        outcome = np.array(labels)[[rng.choice(len(labels), p=share) for share in given]]
    missing = rng.random(rows) < 0.1
    text = pl.Float64 if task is Task.REGRESSION else pl.String
    frame = pl.DataFrame(
        {
            "_id": [str(row) for row in range(rows)],
            "_at": pl.Series([datetime(2013, 1, 1, tzinfo=UTC)] * rows, dtype=pl.Datetime("us", "UTC")),
            "_version": pl.Series([""] * rows, dtype=pl.String),
            "_prediction": pl.Series(prediction, dtype=text),
            **({"_score": scores[:, 0]} if task is Task.BINARY else {}),
            "_latency": rng.gamma(2, 0.01, rows),
            "_error": pl.Series([None] * rows, dtype=pl.String),
            "_outcome": pl.Series(outcome, dtype=text),
            "x": pl.Series(
                [None if lost else value for lost, value in zip(missing, rng.normal(size=rows), strict=True)],
                dtype=pl.Float64,
            ),
            "tied": rng.integers(0, 4, rows).astype(float),
            "c": pl.Series(
                rng.choice(["red", "green", "blue"], rows, p=[0.6, 0.3, 0.1]).tolist(), dtype=pl.String
            ),
            "v": pl.Series(rng.normal(size=(rows, 2)).tolist(), dtype=pl.List(pl.Float32)),
        }
    )
    return World(task, frame, scores)


@cache
def grid(task: Task) -> Grid:
    """The bins of an undramatic reference."""
    return build_grid(spec(task), world(task, 600, seed=1).frame)


@cache
def reference(task: Task) -> Profile:
    """That reference."""
    return world(task, 600, seed=1).profile(grid(task))


@cache
def cases(task: Task) -> dict[str, Profile]:
    """Windows of every awkward kind."""
    usual = world(task, 200, seed=2)
    numeric = task is Task.REGRESSION
    one = 5.0 if numeric else LABELS[task][0]
    other = 5.0 if numeric else LABELS[task][1]
    lost = usual.with_columns(
        x=None, tied=None, c=None, v=None, _prediction=None, _latency=None, _error="failed"
    )
    strange = 1e12 if numeric else "never seen"
    infinite = float("inf")
    worlds = {
        "ordinary": usual,
        "one row": usual.rows(np.array([0])),
        "two rows": usual.rows(np.array([0, 1])),
        "constant": usual.with_columns(
            x=1.0, tied=1.0, c="red", v=[[1.0, 1.0]] * 200, _prediction=one, _outcome=one
        ),
        "one class, all wrong": usual.with_columns(_prediction=one, _outcome=other),
        "all missing": replace(lost, scores=np.full_like(lost.scores, np.nan)),
        "infinities": usual.with_columns(x=infinite, tied=[-infinite, 1.0] * 100),
        "unseen": usual.with_columns(c="purple", x=1e300, tied=-1e300, _prediction=strange, _outcome=strange),
    }
    profiles = {name: item.profile(grid(task)) for name, item in worlds.items()}
    profiles["no outcomes"] = usual.inputs(grid(task))
    profiles["no rows"] = usual.rows(np.empty(0, np.int64)).profile(grid(task))
    profiles["nothing"] = Profile(grid(task))
    return profiles
