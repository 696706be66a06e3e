"""Windows held against the reference, a season of it, a version's, the window before, the last weeks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest

from anchorwatch.app.embedded import open as open_watch
from anchorwatch.core.schema import ModelSpec
from anchorwatch.core.times import micros
from anchorwatch.flow.against import companions, season
from anchorwatch.flow.bands import grounds_of
from anchorwatch.flow.ports import Reference
from anchorwatch.flow.reference import profile_reference
from anchorwatch.testing import FrozenClock

if TYPE_CHECKING:
    from pathlib import Path

START = datetime(2024, 1, 1, tzinfo=UTC)  # a Monday
ROWS = 120


def table(first: int, means: list[float], seed: int = 0, version: str = "1") -> pl.DataFrame:
    """Days of rows of `x` around a mean each, the first of them `first` days after the start."""
    random = np.random.default_rng(seed)
    return pl.concat(
        pl.DataFrame(
            {
                "id": [f"{version}-{first + day}-{row}" for row in range(ROWS)],
                "at": [START + timedelta(days=first + day, minutes=row) for row in range(ROWS)],
                "version": version,
                "x": random.normal(mean, 1, ROWS),
                "prediction": 0.0,
            }
        )
        for day, mean in enumerate(means)
    )


def spec(against: str) -> ModelSpec:
    """A model of one number."""
    return ModelSpec.from_dict(
        {"name": "m", "task": "regression", "columns": {"x": "number"}, "against": against}
    )


def drift(
    folder: Path, against: str, reference: list[float], current: list[float], first: int = 28
) -> list[float | None]:
    """The share of rows that moved, day by day."""
    with open_watch(folder / "store", clock=FrozenClock(START + timedelta(days=200))) as watch:
        model = watch.register(spec(against), table(0, reference), version="1", rules=())
        model.log_table(table(first, current, seed=1))
        watch.settle()
        found: list[float | None] = watch.query("series", model="m", measure="drift", subject="x")["value"]
        return found


def test_the_reference_is_one_whole(tmp_path: Path) -> None:
    """Days that moved from it have drifted for good."""
    found = drift(tmp_path, "reference", [0.0] * 14, [0.0, 2.0, 2.0, 2.0])
    assert [value is not None and value > 0.4 for value in found] == [False, True, True, True]


def test_the_window_before_shows_sudden_changes_only(tmp_path: Path) -> None:
    """The first has none before it; then the day of the move, and none after."""
    found = drift(tmp_path, "previous window", [0.0] * 14, [0.0, 0.0, 2.0, 2.0])
    assert found[0] is None
    assert [value is not None and value > 0.4 for value in found[1:]] == [False, True, False]


def test_the_last_days_roll(tmp_path: Path) -> None:
    """Two days back: the move shows while the old days are in sight."""
    found = drift(tmp_path, "last 2d", [0.0] * 14, [0.0, 0.0, 2.0, 2.0, 2.0, 2.0])
    assert found[0] is None
    assert [round(value or 0, 1) > 0.2 for value in found[1:]] == [False, True, True, False, False]


def test_a_weekday_is_held_against_its_like(tmp_path: Path) -> None:
    """Sundays are far from Mondays in the reference and in the window alike: no drift; a Monday like a Sunday is."""
    week = [0.0] * 6 + [3.0]
    usual = drift(tmp_path / "a", "same weekday", week * 4, week)
    assert all(value is not None and value < 0.2 for value in usual), usual
    odd = drift(tmp_path / "b", "same weekday", week * 4, [3.0])
    assert odd[0] is not None
    assert odd[0] > 0.7
    plain = drift(tmp_path / "c", "reference", week * 4, week)
    assert plain[6] is not None
    assert plain[6] > 0.7


def test_another_version_s_reference_serves_all(tmp_path: Path) -> None:
    """Version 2 has a reference of its own that is off; pinned to version 1, its days have not drifted."""
    seen: dict[str, Any] = {}
    for against in ("reference", "version 1"):
        folder = tmp_path / against.replace(" ", "")
        with open_watch(folder, clock=FrozenClock(START + timedelta(days=200))) as watch:
            model = watch.register(spec(against), table(0, [0.0] * 14), version="1", rules=())
            watch.register(spec(against), table(0, [3.0] * 14, seed=5), version="2", rules=())
            model.log_table(table(28, [0.0, 0.0], seed=1, version="2"))
            watch.settle()
            seen[against] = watch.query("series", model="m", measure="drift", subject="x", version="2")[
                "value"
            ]
    assert min(seen["reference"]) > 0.7
    assert max(seen["version 1"]) < 0.2


def test_seasons_are_of_the_model_s_own_time() -> None:
    """Midnight in Auckland is another day's noon in UTC."""
    there = spec("same hour of week").evolve(timezone="Pacific/Auckland")
    assert season(there, micros(datetime(2024, 1, 1, 11, tzinfo=UTC))) == (1, 0)
    assert season(spec("same hour"), micros(datetime(2024, 1, 1, 11, tzinfo=UTC))) == (11,)
    assert season(spec("same weekday"), micros(datetime(2024, 1, 7, tzinfo=UTC))) == (6,)


@pytest.mark.parametrize(
    ("against", "alone"),
    [("reference", 0), ("previous window", 1), ("last 2d", 1), ("same weekday", 0)],
)
def test_each_window_of_the_reference_has_what_it_would_have_had(against: str, alone: int) -> None:
    """Never itself; the first has none before it."""
    model = spec(against)
    found = profile_reference(model, table(0, [0.0] * 14))
    reference = Reference(1, found.whole, tuple(found.windows.items()))
    pairs = companions(model, reference)
    assert sum(other is None for _, other in pairs) == alone
    rows = [int(other.numbers.counts[0].sum()) for _, other in pairs if other is not None and other.numbers]
    expected = {"reference": 13, "previous window": 1, "last 2d": 2, "same weekday": 1}[against]
    assert max(rows) == expected * ROWS
    assert all(other is not profile for profile, other in pairs)


def test_weekends_inflate_the_whole_and_not_the_season() -> None:
    """How windows of the reference differ by themselves follows what they are compared with."""
    week = [0.0] * 5 + [2.0] * 2
    found = profile_reference(spec("reference"), table(0, week * 4))
    reference = Reference(1, found.whole, tuple(found.windows.items()))
    whole, seasonal = (
        grounds_of(spec(against), reference, "drift")["x"].inflation.factor
        for against in ("reference", "same weekday")
    )
    assert whole > 10
    assert seasonal < 3
