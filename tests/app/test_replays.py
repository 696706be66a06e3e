"""Rules tried on the past, without a trace."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest

import anchorwatch as aw
from anchorwatch.app.embedded import Embedded
from anchorwatch.app.embedded import open as open_watch
from anchorwatch.app.replays import replayed
from anchorwatch.core.errors import ConfigError, UnknownError
from anchorwatch.core.times import micros
from anchorwatch.core.types import Rule
from anchorwatch.testing import FrozenClock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

START = datetime(2024, 1, 1, tzinfo=UTC)
DAYS = 20
ROWS = 300


def table(seed: int, days: int, first: datetime, shift_from: int | None = None) -> pl.DataFrame:
    """Days of rows whose `x` moves by one standard deviation from a day on."""
    random = np.random.default_rng(seed)
    day = np.repeat(np.arange(days), ROWS)
    x = random.normal(size=day.size)
    if shift_from is not None:
        x[day >= shift_from] += 1
    at = [first + timedelta(days=int(one), seconds=number) for number, one in enumerate(day)]
    return pl.DataFrame(
        {
            "id": [f"{seed}-{number}" for number in range(day.size)],
            "at": at,
            "x": x,
            "prediction": x * 2,
        }
    )


@pytest.fixture(scope="module")
def watching(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    """Twenty days watched against ten, with a shift from the twelfth day on."""
    folder: Path = tmp_path_factory.mktemp("watch")
    spec = aw.ModelSpec.from_dict({"name": "m", "task": "regression", "columns": {"x": "number"}})
    with open_watch(folder, clock=FrozenClock(START + timedelta(days=90))) as opened:
        model = opened.register(spec, table(1, 10, START), rules=())
        model.log_table(table(2, DAYS, START + timedelta(days=30), 12))
        opened.settle()
        yield opened


DRIFT = Rule(name="moved", measure="drift", columns=("x",), above=0.1, budget=1.0, count=2, within=3, keep=2)


def test_what_would_have_fired_is_told(watching: Embedded) -> None:
    """When, how long after it began, and that it goes on; the shift is on the twelfth day, two windows make it fire."""
    found = replayed(watching.watch.ledger, "m", [DRIFT])
    (incident,) = found["incidents"]
    assert incident["began_at"] == "2024-02-12T00:00:00Z"
    assert incident["fired_at"] == "2024-02-14T00:00:00Z"
    assert incident["delay_seconds"] == 2 * 86_400
    assert incident["resolved_at"] is None
    assert found["rules"][0]["breaches"] == DAYS - 12
    assert found["windows"] == DAYS


def test_it_says_how_often_by_chance(watching: Embedded) -> None:
    """The budget over the time, and what the rule would have said of the reference's own windows."""
    found = replayed(watching.watch.ledger, "m", [DRIFT])
    assert found["expected_false_alarms"] == pytest.approx(DAYS / 30, abs=0.01)
    assert found["rules"][0]["reference"] == {"windows": 10, "breaches": 0, "fired": 0}


def test_nothing_is_left_behind(watching: Embedded) -> None:
    """No incident, no finding, no state."""
    before = watching.incidents()
    replayed(watching.watch.ledger, "m", [DRIFT])
    assert watching.incidents() == before == []


def test_a_span_of_the_past(watching: Embedded) -> None:
    """Only windows that start within it are judged."""
    start, end = START + timedelta(days=30), START + timedelta(days=42)
    found = replayed(watching.watch.ledger, "m", [DRIFT], start=micros(start), end=micros(end))
    assert (found["windows"], found["incidents"]) == (12, [])


def test_no_rules_at_all(watching: Embedded) -> None:
    """A model without rules has nothing to replay; its windows are counted."""
    found = replayed(watching.watch.ledger, "m")
    assert (found["windows"], found["incidents"], found["rules"]) == (DAYS, [], [])


@pytest.mark.parametrize(
    ("name", "rules", "problem"),
    [
        ("n", [DRIFT], UnknownError),
        ("m", [Rule(name="x", measure="accuracy", below=0.5)], ConfigError),
        ("m", [Rule(name="x", measure="nonsense", below=0.5)], ConfigError),
    ],
)
def test_what_cannot_be_replayed_is_refused(
    watching: Embedded, name: str, rules: list[Rule], problem: type[Exception]
) -> None:
    """A model that is not there, a measure of another task, a measure that is none."""
    with pytest.raises(problem):
        replayed(watching.watch.ledger, name, rules)


def test_the_model_judges_as_the_replay_said(watching: Embedded, tmp_path: Path) -> None:
    """The same rules in force from the beginning open the same incident at the same time."""
    spec = aw.ModelSpec.from_dict({"name": "m", "task": "regression", "columns": {"x": "number"}})
    with open_watch(tmp_path / "live", clock=FrozenClock(START + timedelta(days=90))) as opened:
        model = opened.register(spec, table(1, 10, START), rules=(DRIFT,))
        model.log_table(table(2, DAYS, START + timedelta(days=30), 12))
        opened.settle()
        live: list[dict[str, Any]] = opened.incidents()
    said = replayed(watching.watch.ledger, "m", [DRIFT])["incidents"]
    assert [(one["cause"], one["fired_at"]) for one in live] == [
        (one["cause"], one["fired_at"]) for one in said
    ]
