"""How often the limits of every measure of performance hold the truth: windows drawn from worlds whose truth is known.

Known to be off, and not among these worlds:
- top shares of fewer than about ten rows: limits of shares jump with the count; wide (98 to 100 %) but for the
  precision of the top 1 % of 200 rows (90 %);
- squared errors and R² of errors without a fourth moment (Student's t with 3 degrees: 75 to 85 %);
- costs, and everything else that hangs on a cell which has come fewer than ten times.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.special import expit

import anchorwatch.metrics  # noqa: F401 - they register on import
from anchorwatch.core.schema import ModelSpec, Task
from anchorwatch.profile.build import build_grid
from anchorwatch.profile.fold import JoinedRows, fold_outcomes
from anchorwatch.profile.measure import MEASURES, Family

if TYPE_CHECKING:
    from anchorwatch.profile.profile import Profile

LABELS = {Task.BINARY: ("0", "1"), Task.MULTICLASS: ("a", "b", "c"), Task.REGRESSION: ()}
GRIDS = {
    task: build_grid(ModelSpec(name="m", task=task, labels=labels), None) for task, labels in LABELS.items()
}
WITHOUT_LIMITS = {"brier_within", "max_error", "predicted_rate", "detector_alarms"}
NEVER_TOO_NARROW = {"mce", "mce_mass"}
DRAWS = 400
NOISE = 0.03
"""What so many draws leave open: 2.6 standard errors of a coverage of 95 %."""


def window(task: Task, predicted: np.ndarray, scores: np.ndarray, actual: np.ndarray) -> Profile:
    """A profile of rows, without a table."""
    joined = JoinedRows(predicted.astype(float), scores, actual.astype(float))
    return fold_outcomes(joined, np.zeros(len(actual), np.int64), 1, GRIDS[task])[0]


def binary(rng: np.random.Generator, n: int, slope: float = 1.0, shift: float = 0.0) -> Profile:
    """Scores of a model that is calibrated when slope is 1 and shift 0."""
    odds = rng.normal(-1.0, 1.2, n)
    return window(Task.BINARY, odds >= 0, expit(odds)[:, None], rng.random(n) < expit(shift + slope * odds))


def many(rng: np.random.Generator, n: int, sharp: float = 1.0) -> Profile:
    """Three classes of different size."""
    odds = rng.normal([0.8, 0, -0.6], 1.3, (n, 3))
    given, true = (np.exp(each) / np.exp(each).sum(axis=1, keepdims=True) for each in (odds, sharp * odds))
    return window(
        Task.MULTICLASS,
        given.argmax(axis=1),
        given,
        (true.cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1),
    )


def numbers(rng: np.random.Generator, n: int, uneven: bool = False) -> Profile:
    """Skew outcomes with normal errors and a bias, the errors growing with the outcome when `uneven`."""
    outcome = rng.gamma(4, 10, n)
    error = rng.normal(size=n) * (outcome / 10 if uneven else 4.0) + 1.0
    return window(Task.REGRESSION, outcome + error, np.empty((n, 0)), outcome)


WORLDS = {
    "calibrated": (Task.BINARY, binary, {}),
    "too extreme": (Task.BINARY, binary, {"slope": 0.6, "shift": -0.4}),
    "three classes": (Task.MULTICLASS, many, {}),
    "three classes, too extreme": (Task.MULTICLASS, many, {"sharp": 0.6}),
    "numbers": (Task.REGRESSION, numbers, {}),
    "numbers, uneven": (Task.REGRESSION, numbers, {"uneven": True}),
}


@pytest.mark.slow
@pytest.mark.parametrize("n", [200, 1000, 10_000])
@pytest.mark.parametrize("world", WORLDS)
def test_limits_hold_the_truth_in_95_of_100_windows(world: str, n: int) -> None:
    """93 to 97 % and what so few draws leave open; limits said to be wide may be wider, few rows are let be."""
    task, draw, settings = WORLDS[world]
    items = [
        item
        for item in MEASURES.values()
        if item.family is Family.PERFORMANCE
        and task in (item.tasks or set(Task))
        and item.name not in WITHOUT_LIMITS
    ]
    whole = draw(np.random.default_rng(99), 2_000_000, **settings)
    truth = {item.name: item(None, whole).value for item in items}
    held: dict[str, list[np.ndarray]] = {item.name: [] for item in items}
    rng = np.random.default_rng([n, len(world)])
    for _ in range(DRAWS):
        profile = draw(rng, n, **settings)
        for item in items:
            found, true = item(None, profile), truth[item.name]
            held[item.name].append((found.low - 1e-9 <= true) & (true <= found.high + 1e-9))
    covered = {name: float(np.mean(each)) for name, each in held.items()}
    wrong = {
        name: share for name, share in covered.items() if not _least(name, n) <= share <= _most(name, task, n)
    }
    assert not wrong


def _few(name: str, n: int) -> bool:
    """A top share of fewer than a hundred rows."""
    percent = name.rpartition("_p")[2]
    return name.startswith(("lift", "precision_at", "recall_at")) and n * int(percent) < 10_000


def _least(name: str, n: int) -> float:
    return 0.85 if _few(name, n) else 0.93 - NOISE


def _most(name: str, task: Task, n: int) -> float:
    wide = task is Task.MULTICLASS or name in NEVER_TOO_NARROW or name.startswith(("ece", "brier_rel"))
    return 1.0 if wide or _few(name, n) else 0.97 + NOISE / 2
