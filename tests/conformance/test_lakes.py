"""Every lake keeps the same promises: the one on disk, and the one in memory that stands in for it."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from anchorwatch.core.errors import InputError, UnknownError
from anchorwatch.core.ports import RowFilter, RowQuery
from anchorwatch.core.types import EventKind
from anchorwatch.stores.lake import DeltaLake
from anchorwatch.stores.memory_lake import MemoryLake

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from anchorwatch.core.ports import Lake

P, OUT = EventKind.PREDICTIONS, EventKind.OUTCOMES
NIGHT = datetime(2013, 1, 1, tzinfo=UTC)
TIME = pl.Datetime("us", "UTC")


@pytest.fixture(params=["delta", "memory"])
def lake(request: pytest.FixtureRequest, tmp_path: Path) -> Lake:
    """Each of them, empty."""
    return DeltaLake(tmp_path / "lake") if request.param == "delta" else MemoryLake()


def at(hours: float) -> datetime:
    """So many hours into 2013."""
    return NIGHT + timedelta(hours=hours)


def rows(seq: int, hours: Iterable[float], **columns: list[Any]) -> pl.DataFrame:
    """Predictions of batch `seq` at these hours, called `<seq>.<row>`."""
    times = [at(hour) for hour in hours]
    frame = pl.DataFrame(
        {
            "_id": [f"{seq}.{row}" for row in range(len(times))],
            "_at": pl.Series(times, dtype=TIME),
            "_seq": pl.Series([seq] * len(times), dtype=pl.Int64),
            "_row": pl.Series(range(len(times)), dtype=pl.Int32),
            "_version": ["1"] * len(times),
            "_prediction": pl.Series([float(hour) for hour in hours], dtype=pl.Float64),
        }
    )
    return frame.with_columns(**{name: pl.Series(values) for name, values in columns.items()})


def outcomes(seq: int, known: dict[str, float], hour: float) -> pl.DataFrame:
    """Outcomes of batch `seq` by id, all at one hour."""
    return pl.DataFrame(
        {
            "_id": list(known),
            "_at": pl.Series([at(hour)] * len(known), dtype=TIME),
            "_seq": pl.Series([seq] * len(known), dtype=pl.Int64),
            "_row": pl.Series(range(len(known)), dtype=pl.Int32),
            "_outcome": pl.Series(known.values(), dtype=pl.Float64),
        }
    )


def all_rows(lake: Lake, columns: list[str] | None = None) -> pl.DataFrame:
    """All predictions of `m` in order of arrival."""
    wanted = None if columns is None else ["_seq", "_row", *columns]
    frame = lake.scan_predictions("m", None, None, wanted).sort("_seq", "_row")
    return frame if columns is None else frame.select(columns)


def test_empty(lake: Lake) -> None:
    """A model without rows answers every question with nothing."""
    assert lake.applied("m", P) == 0
    assert lake.files("m", P).rows == 0
    assert lake.scan_predictions("m", None, None).is_empty()
    assert lake.scan_outcomes("m", at(0), None, ["_id", "_outcome"]).is_empty()
    joined = lake.joined("m", at(0), at(1))
    assert joined.is_empty()
    assert "_outcome" in joined.columns
    page = lake.explore("m", RowQuery(filters=(RowFilter("x", "=", 1),)))
    assert (page.rows.height, page.next) == (0, None)
    assert lake.expire("m", at(0)) == 0
    assert lake.compact("m", P).added == 0
    assert lake.vacuum("m") == 0


def test_what_goes_in_comes_out(lake: Lake) -> None:
    """Rows come back as they were: times to the microsecond, nulls, NaN and infinities, odd names and texts."""
    names = [
        "a b",
        "a,b",
        "a=b",
        "x.y",
        "ü",
        "{x};",
        'q"uote',
        "tab\tx",
        "a(b)",
        "`bt`",
        "a/b",
        "a%20b",
        "'s'",
        "\\",
    ]
    odd = {name: [1.5, None, float("nan"), float("-inf")] for name in names}
    frame = rows(7, [0, 23.9999999, 24, 48], **odd, text=["", None, "x\n\0y", "a" * 70_000])
    frame = frame.with_columns(_id=pl.Series(["", "a" * 300, "ü", "\U0001f6a2"]))
    assert lake.append("m", P, frame, upto=9)
    assert lake.applied("m", P) == 9
    assert all_rows(lake).select(frame.columns).equals(frame, null_equal=True)
    assert lake.files("m", P).rows == 4


def test_a_repeat_is_skipped(lake: Lake) -> None:
    """An append that was done before is not done again, and of one that overlaps only what is new."""
    first, second = rows(1, [1, 2]), rows(2, [3])
    assert lake.append("m", P, first, upto=1)
    assert not lake.append("m", P, first, upto=1)
    assert lake.append("m", P, pl.concat([first, second]), upto=2)
    assert not lake.append("m", P, second, upto=2)
    assert all_rows(lake, ["_id"])["_id"].to_list() == ["1.0", "1.1", "2.0"]
    assert lake.applied("m", OUT) == 0
    assert lake.append("m", OUT, outcomes(1, {"1.0": 1.0}, 5), upto=1)


def test_an_append_of_no_rows(lake: Lake) -> None:
    """A batch whose rows were all duplicates still moves the number."""
    assert lake.append("m", P, rows(1, [1]).head(0), upto=1)
    assert lake.append("m", P, rows(2, [1]), upto=2)
    assert lake.append("m", P, rows(3, [1]).head(0), upto=3)
    assert lake.applied("m", P) == 3
    assert not lake.append("m", P, rows(3, [1]), upto=3)
    assert all_rows(lake).height == 1


def test_columns_come_and_stay(lake: Lake) -> None:
    """A model may gain columns and leave others out; rows without them have null."""
    lake.append("m", P, rows(1, [1], x=[1.0], only=["once"]), upto=1)
    lake.append("m", P, rows(2, [2], x=[2.0], **{"new one": ["here"]}), upto=2)
    lake.append("m", P, rows(3, [3]).with_columns(x=pl.lit(None)), upto=3)
    found = all_rows(lake, ["x", "only", "new one"])
    assert found.rows() == [(1.0, "once", None), (2.0, None, "here"), (None, None, None)]
    with pytest.raises(UnknownError, match="did you mean 'new one'"):
        lake.scan_predictions("m", None, None, ["new onw"])


def test_a_kind_declared_anew(lake: Lake) -> None:
    """A column whose kind changes stops nothing and loses nothing."""
    lake.append("m", P, rows(1, [1], number=[1.5], name=["a"]), upto=1)
    lake.append("m", P, rows(2, [2, 3], number=["7", "b"], name=[2.0, None]), upto=2)
    found = all_rows(lake, ["number", "number (text)", "name"])
    assert found.rows() == [(1.5, None, "a"), (7.0, "7", "2.0"), (None, "b", None)]


def test_ranges_of_time(lake: Lake) -> None:
    """A range includes its start and excludes its end, whatever days it cuts."""
    hours = [0, 5, 23.5, 24, 30, 47.9, 48, 100, -30]
    lake.append("m", P, rows(1, hours), upto=1)
    chance = random.Random(5)
    for _ in range(30):
        low, high = sorted(chance.choices([*hours, 24.5, 72, -50, 200], k=2))
        found = lake.scan_predictions("m", at(low), at(high), ["_prediction"])["_prediction"]
        assert sorted(found.to_list()) == sorted(hour for hour in hours if low <= hour < high)
    assert lake.scan_predictions("m", at(48), None).height == 2
    assert lake.scan_predictions("m", None, at(0)).height == 1


def test_joined_takes_the_latest_outcome(lake: Lake) -> None:
    """Each prediction comes once, with the outcome that arrived last, also months later."""
    lake.append("m", P, rows(1, [1, 2, 30]), upto=1)
    lake.append("m", OUT, outcomes(2, {"1.0": 5.0, "1.2": 6.0}, 3), upto=2)
    lake.append("m", OUT, outcomes(3, {"1.0": 7.0, "other": 1.0}, 24 * 100), upto=3)
    repeated = outcomes(4, {"1.2": 8.0}, 24 * 90)
    lake.append(
        "m", OUT, pl.concat([repeated, repeated.with_columns(_row=pl.lit(1, pl.Int32), _outcome=9.0)]), upto=4
    )
    found = lake.joined("m", at(0), at(31))
    assert found.select("_id", "_outcome").rows() == [("1.0", 7.0), ("1.1", None), ("1.2", 9.0)]
    narrow = lake.joined("m", at(0), at(24), ["_prediction"], timedelta(days=30))
    assert narrow.rows() == [(1.0, 5.0), (2.0, None)]
    assert lake.scan_outcomes("m", at(24 * 50), None, ["_id"]).height == 4


def everything(lake: Lake, query: RowQuery) -> list[str]:
    """Ids of all pages."""
    found: list[str] = []
    for _ in range(1000):
        page = lake.explore("m", query)
        assert page.rows.height <= query.limit
        found += page.rows["_id"].to_list()
        if page.next is None:
            return found
        query = RowQuery(**{name: getattr(query, name) for name in query.__slots__} | {"after": page.next})
    raise AssertionError("pages never end")


def test_pages_newest_first(lake: Lake) -> None:
    """Pages of any size, put together, are all rows from the newest on, each once; equal times too."""
    chance = random.Random(6)
    told: list[tuple[float, int, int]] = []
    for seq in range(1, 6):
        hours = [chance.choice([1, 2, 25, 49, 700, 24 * 40]) + chance.choice([0, 0.5]) for _ in range(20)]
        lake.append("m", P, rows(seq, hours), upto=seq)
        told += [(hour, seq, row) for row, hour in enumerate(hours)]
    expected = [f"{seq}.{row}" for _, seq, row in sorted(told, reverse=True)]
    for limit in (1, 7, 99, 100, 101):
        assert everything(lake, RowQuery(limit=limit)) == expected
    some = [f"{seq}.{row}" for hour, seq, row in sorted(told, reverse=True) if 2 <= hour < 49.5]
    assert everything(lake, RowQuery(limit=3, start=at(2), end=at(49.5))) == some
    with pytest.raises(InputError, match="no token"):
        lake.explore("m", RowQuery(after="yesterday"))


def test_a_search_that_takes_long_can_be_gone_on_with(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """After many rows without a full page a token comes back, and the rest is found with it."""
    monkeypatch.setattr("anchorwatch.stores.lake_query._BUDGET", 3)
    lake.append("m", P, rows(1, [24 * day for day in range(40)]), upto=1)
    first = lake.explore("m", RowQuery(id="1.0"))
    assert (first.rows.height, first.next is None) == (0, False)
    assert everything(lake, RowQuery(id="1.0")) == ["1.0"]


FILTERS = [
    (("x", ">", 2), [4, 3]),
    (("x", ">=", "2"), [4, 3, 2]),
    (("x", "<", 2.5), [2, 1]),
    (("x", "<=", 1), [1]),
    (("x", "=", 3), [3]),
    (("x", "!=", 3), [4, 2, 1, 0]),
    (("x", "=", None), [0]),
    (("x", "!=", None), [4, 3, 2, 1]),
    (("c d", "contains", "a.b"), [1]),
    (("c d", "=", 7), [3]),
    (("c d", "!=", "a.b"), [4, 3, 2, 0]),
    (("_at", ">=", "2013-01-01T03:00:00Z"), [4, 3]),
    (("_seq", "=", 1), [4, 3, 2, 1, 0]),
    (("_version", "=", "2"), []),
    (("_outcome", ">", 0), [4, 2]),
    (("_outcome", "=", None), [1, 0]),
]


@pytest.mark.parametrize(
    ("asked", "expected"), FILTERS, ids=[" ".join(map(str, asked)) for asked, _ in FILTERS]
)
def test_filters(lake: Lake, asked: tuple[str, str, Any], expected: list[int]) -> None:
    """Each comparison finds the rows it says, missing values and outcomes among them."""
    frame = rows(1, [0, 1, 2, 3, 4], x=[None, 1.0, 2.0, 3.0, 4.0], **{"c d": [None, "a.b", "axb", "7", ""]})
    lake.append("m", P, frame, upto=1)
    lake.append("m", OUT, outcomes(2, {"1.2": 1.0, "1.3": 0.0, "1.4": 2.0}, 5), upto=2)
    page = lake.explore("m", RowQuery(filters=(RowFilter(*asked),)))
    assert page.rows["_prediction"].to_list() == expected
    assert page.rows["_outcome"].to_list() == [{2: 1.0, 3: 0.0, 4: 2.0}.get(row) for row in expected]
    assert everything(lake, RowQuery(filters=(RowFilter(*asked),), limit=1)) == [
        f"1.{row}" for row in expected
    ]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (("y", "=", 1), "no column is named 'y'"),
        (("x", "~", 1), "no comparison"),
        (("x", "<", None), "needs a value"),
        (("x", "<", "much"), "a number, not 'much'"),
        (("_at", "<", "noon"), "a moment"),
    ],
)
def test_filters_that_cannot_be(lake: Lake, asked: tuple[str, str, Any], message: str) -> None:
    """A filter that makes no sense is told with its column."""
    lake.append("m", P, rows(1, [0], x=[1.0]), upto=1)
    with pytest.raises((InputError, UnknownError), match=message):
        lake.explore("m", RowQuery(filters=(RowFilter(*asked),)))


def test_version_and_id(lake: Lake) -> None:
    """One version's rows, and one event."""
    lake.append("m", P, rows(1, [1, 2]), upto=1)
    lake.append("m", P, rows(2, [3]).with_columns(_version=pl.lit("2")), upto=2)
    assert everything(lake, RowQuery(version="1")) == ["1.1", "1.0"]
    assert everything(lake, RowQuery(version="2")) == ["2.0"]
    assert everything(lake, RowQuery(id="1.1", version="1")) == ["1.1"]


def test_upkeep_changes_no_answer(lake: Lake) -> None:
    """Compaction and vacuuming leave every row as it was."""
    for seq in range(1, 13):
        lake.append("m", P, rows(seq, [1, 30, 60], x=[float(seq)] * 3), upto=seq)
        lake.append("m", OUT, outcomes(seq, {f"{seq}.0": float(seq)}, 70), upto=seq)
    before = lake.joined("m", at(0), at(100))
    for kind in EventKind:
        lake.compact("m", kind)
    lake.vacuum("m")
    assert lake.joined("m", at(0), at(100)).equals(before)
    assert lake.applied("m", P) == 12
    assert not lake.append("m", P, rows(12, [1]), upto=12)


def test_expired_days_are_gone(lake: Lake) -> None:
    """Days that ended by then go, whole days only; what was appended stays known."""
    lake.append("m", P, rows(1, [1, 23, 25, 47, 49]), upto=1)
    lake.append("m", OUT, outcomes(1, {"1.0": 1.0}, 3), upto=1)
    assert lake.expire("m", at(30)) == 3
    assert lake.expire("m", at(30)) == 0
    assert all_rows(lake, ["_prediction"])["_prediction"].to_list() == [25.0, 47.0, 49.0]
    assert lake.scan_outcomes("m", None, None).is_empty()
    assert (lake.applied("m", P), lake.applied("m", OUT)) == (1, 1)
    assert lake.append("m", P, rows(2, [2]), upto=2)
    assert lake.files("m", P).rows == 4


def test_models_are_apart(lake: Lake) -> None:
    """One model's rows are not another's."""
    lake.append("m", P, rows(1, [1]), upto=1)
    lake.append("m.2", P, rows(1, [1, 2]), upto=1)
    assert lake.scan_predictions("m", None, None).height == 1
    assert lake.scan_predictions("m.2", None, None).height == 2


def test_rows_without_what_all_have(lake: Lake) -> None:
    """A frame that lacks a needed column, or has one that is neither number nor name, is refused."""
    with pytest.raises(InputError, match="_seq"):
        lake.append("m", P, rows(1, [1]).drop("_seq"), upto=1)
    with pytest.raises(InputError, match="neither a number nor a name"):
        lake.append("m", P, rows(1, [1]).with_columns(x=pl.lit([1])), upto=1)
    assert lake.applied("m", P) == 0


def test_a_late_batch_is_appended_once_whatever_came_since(lake: Lake) -> None:
    """It keeps its own number, moves no mark, and each late batch is counted by itself."""
    lake.append("m", P, rows(5, [1]), upto=5)
    assert lake.append("m", P, rows(2, [2]), upto=2, late=True)
    assert not lake.append("m", P, rows(2, [2]), upto=2, late=True)
    assert lake.append("m", P, rows(3, [3]), upto=3, late=True)
    assert lake.applied("m", P) == 5
    assert not lake.append("m", P, rows(4, [4]), upto=4)
    assert lake.append("m", P, rows(6, [6]), upto=6)
    assert all_rows(lake)["_seq"].to_list() == [2, 3, 5, 6]
    assert not lake.append("m", P, rows(3, [3]), upto=3, late=True)


def test_outcomes_on_named_days_are_joined_too(lake: Lake) -> None:
    """What came long before or after is found on the days that are named, the last to arrive holds."""
    lake.append("m", P, rows(1, [100, 101, 102]), upto=1)
    lake.append("m", OUT, outcomes(2, {"1.0": 1.0, "1.1": 1.0}, 101), upto=2)
    lake.append("m", OUT, outcomes(3, {"1.1": 2.0}, 1), upto=3)
    lake.append("m", OUT, outcomes(4, {"1.2": 3.0}, 2000), upto=4)
    span = (at(100), at(103), ["_id"], timedelta(days=1))
    blind = dict(lake.joined("m", *span).rows())
    assert blind == {"1.0": 1.0, "1.1": 1.0, "1.2": None}
    days = [at(1).date(), at(101).date(), at(2000).date()]
    assert dict(lake.joined("m", *span, days).rows()) == {"1.0": 1.0, "1.1": 2.0, "1.2": 3.0}


def test_the_last_outcome_of_an_event_is_found_whenever_it_came(lake: Lake) -> None:
    """By arrival, not by its own time; events without one are left out."""
    assert lake.outcomes_of("m", pl.Series(["a"])).is_empty()
    lake.append("m", OUT, outcomes(1, {"a": 1.0, "b": 1.0}, 500), upto=1)
    lake.append("m", OUT, outcomes(2, {"a": 2.0}, 3), upto=2)
    found = lake.outcomes_of("m", pl.Series(["a", "b", "c"])).sort("_id")
    assert found.select("_id", "_outcome", "_at").rows() == [("a", 2.0, at(3)), ("b", 1.0, at(500))]
