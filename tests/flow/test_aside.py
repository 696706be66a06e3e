"""A batch that cannot be done is set aside; once mended it is done as if nothing had ever been wrong."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from anchorwatch.app.watch import Watch
from anchorwatch.core.errors import FullError, StoreError
from anchorwatch.core.schema import Column, Kind, ModelSpec, Task
from anchorwatch.core.times import micros
from anchorwatch.core.types import EventKind
from anchorwatch.flow.aside import MOST, narrowed
from anchorwatch.flow.take import Batch
from anchorwatch.stores.ledger import tables

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

BEGIN = datetime(2013, 7, 1, tzinfo=UTC)
SPEC = ModelSpec(
    name="load",
    task=Task.REGRESSION,
    columns=(Column("x", Kind.NUMBER), Column("c", Kind.CATEGORY)),
    segments=("c",),
)
UTC_TIME = pl.Datetime("us", "UTC")


class Crash(BaseException):
    """The process dies here."""


def at_of(number: int) -> datetime:
    """When event `number` was predicted: spread over four days."""
    return BEGIN + timedelta(hours=(number * 7) % 96)


def predictions(name: str, numbers: Sequence[int], model: str = "load") -> Batch:
    """Events whose content follows from their number."""
    frame = pl.DataFrame(
        {
            "_id": [f"e{number}" for number in numbers],
            "_at": [at_of(number) for number in numbers],
            "_version": [str(number % 2) for number in numbers],
            "_prediction": [float(number) for number in numbers],
            "_latency": [None] * len(numbers),
            "_error": [None] * len(numbers),
            "x": [float(number) for number in numbers],
            "c": ["ab"[number % 2] for number in numbers],
        },
        schema_overrides={"_at": UTC_TIME, "_latency": pl.Float64, "_error": pl.String},
    )
    return Batch(id=name, model=model, kind=EventKind.PREDICTIONS, frame=frame)


def outcomes(name: str, numbers: Sequence[int], value: int) -> Batch:
    """The same outcome for several events."""
    frame = pl.DataFrame(
        {
            "_id": [f"e{number}" for number in numbers],
            "_at": [at_of(number) + timedelta(hours=value) for number in numbers],
            "_outcome": [float(value)] * len(numbers),
        },
        schema_overrides={"_at": UTC_TIME},
    )
    return Batch(id=name, model="load", kind=EventKind.OUTCOMES, frame=frame)


STORY: list[Batch | None] = [
    predictions("p1", range(20)),
    outcomes("o1", range(10), 1),
    None,
    predictions("p2", range(15, 40)),  # 15..19 came before
    outcomes("o2", range(5, 45), 2),  # corrects 5..9; 40..44 are not predicted yet
    predictions("p3", range(30, 50)),  # 30..39 came before
    outcomes("o3", range(25), 3),  # corrects 0..24
    None,
    outcomes("o4", range(3), 4),  # and once more
    predictions("p4", range(50, 55)),
]
"""Sequence numbers are 1 … 8 in this order; `None` lets the store work off what it has."""


def play(watch: Watch, story: Sequence[Batch | None] = tuple(STORY)) -> None:
    """Send it all and work it off."""
    for act in story:
        if act is None:
            watch.settle()
        else:
            watch.take(act)
    watch.settle()


def state(watch: Watch) -> dict[str, Any]:
    """All that windows and lake hold."""
    with watch.ledger.read() as books:
        names = {number: item for item, number in books.models.slices(1).items()}
        rows = books.connection.execute(tables.profiles.select()).all()
        profiles = {
            (names[row.slice_id], row.start, row.stage): bytes(row.blob)
            for row in rows
            if names[row.slice_id].every is False
        }
        waiting = len(books.connection.execute(tables.orphans.select()).all())
        days = sorted(books.connection.execute(tables.outcome_days.select()).all())
    predicted = watch.lake.scan_predictions("load", None, None)
    came = watch.lake.scan_outcomes("load", None, None)
    lake = [frame.sort("_seq", "_row").select(sorted(frame.columns)).rows() for frame in (predicted, came)]
    # an event that came twice is kept as it was folded first, which setting its batch aside may change
    events = predicted.drop("_seq", "_row").sort("_id").rows()
    series = [
        watch.queries.series("load", measure, version=version, segment=segment)
        for measure in ("throughput", "mae")
        for version, segment in (("", ""), ("1", ""), ("", "c=a"))
    ]
    return {
        "profiles": profiles,
        "lake": lake,
        "events": events,
        "came": lake[1],
        "series": series,
        "orphans": waiting,
        "days": days,
    }


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the story leads to when nothing is wrong."""
    with Watch.open(tmp_path_factory.mktemp("sound"), start=False) as watch:
        watch.apply(SPEC)
        play(watch)
        return state(watch)


def poison(patch: pytest.MonkeyPatch, stage: str, seq: int, problem: BaseException | None = None) -> None:
    """From now on a stage of the road trips over one batch."""
    from pkgutil import resolve_name

    place = f"anchorwatch.flow.{stage}.stacked"
    real: Callable[..., Any] = resolve_name(place)

    def stacked(batches: Any) -> Any:
        if any(batch.seq == seq for batch in batches):
            raise problem or ValueError(f"cannot do batch {seq}")
        return real(batches)

    patch.setattr(place, stacked)


CASES = [
    ("roll", "roller", 1),
    ("roll", "roller", 3),
    ("roll", "roller", 5),
    ("join", "joiner", 2),
    ("join", "joiner", 4),
    ("join", "joiner", 6),
    ("archive", "archiver", 3),
    ("archive", "archiver", 4),
    ("archive", "archiver", 5),
    ("archive", "archiver", 7),
]


@pytest.mark.parametrize(("stage", "consumer", "seq"), CASES)
def test_a_batch_that_was_set_aside_is_done_as_if_nothing_had_been_wrong(
    tmp_path: Path, sound: dict[str, Any], stage: str, consumer: str, seq: int
) -> None:
    """All others are done meanwhile; after mending, windows and lake are those of a store that never broke."""
    with Watch.open(tmp_path, start=False) as watch:
        watch.apply(SPEC)
        with pytest.MonkeyPatch.context() as patch:
            poison(patch, stage, seq)
            play(watch)
            told = watch.queries.status()
            assert [(item["seq"], item["consumer"]) for item in told["set_aside"]] == [(seq, consumer)]
            assert "cannot do batch" in told["set_aside"][0]["reason"]
            assert told["errors"] == {}
            assert watch.inbox.depth().batches == 0
            if consumer != "joiner":
                assert state(watch)["lake"] != sound["lake"]
        assert [item["problem"] for item in watch.retry_set_aside()] == [None]
        watch.settle()
        assert watch.queries.status()["set_aside"] == []
        assert watch.retry_set_aside() == []
        found = state(watch)
    for part in ("lake" if consumer != "roller" else "events", "came", "series", "orphans", "days"):
        assert found[part] == sound[part], part
    assert found["profiles"].keys() == sound["profiles"].keys()


def test_one_bad_batch_may_trip_several_consumers(tmp_path: Path, sound: dict[str, Any]) -> None:
    """Joiner and archiver each keep it; the lake is mended before windows are."""
    with Watch.open(tmp_path, start=False) as watch:
        watch.apply(SPEC)
        with pytest.MonkeyPatch.context() as patch:
            poison(patch, "join", 4)
            poison(patch, "archive", 4)
            play(watch)
            assert len(watch.queries.status()["set_aside"]) == 2
        with pytest.MonkeyPatch.context() as patch:
            poison(patch, "aside", 4)
            problems = [item["problem"] for item in watch.retry_set_aside()]
            assert problems[0] == "ValueError: cannot do batch 4"
            assert "waits until the lake has" in problems[1]
            assert [item["tries"] for item in watch.queries.status()["set_aside"]] == [2, 1]
        assert [item["problem"] for item in watch.retry_set_aside()] == [None, None]
        watch.settle()
        found = state(watch)
        assert (found["lake"], found["series"]) == (sound["lake"], sound["series"])


def test_what_came_since_holds_over_what_was_set_aside(tmp_path: Path) -> None:
    """The joiner knows the last outcome afterwards, so that one that takes it back is a correction."""
    with Watch.open(tmp_path, start=False) as watch:
        watch.apply(SPEC)
        with pytest.MonkeyPatch.context() as patch:
            poison(patch, "join", 2)
            play(watch, [predictions("p", [0]), outcomes("o", [0], 1), outcomes("newer", [0], 2)])
        assert watch.retry_set_aside()[0]["problem"] is None
        watch.settle()
        assert watch.queries.series("load", "mae")["value"] == [2.0]
        play(watch, [outcomes("back", [0], 1)])
        assert watch.queries.series("load", "mae")["value"] == [1.0]


@pytest.mark.slow
@pytest.mark.parametrize(
    "step",
    [
        "anchorwatch.stores.ledger.aside.SqlAside.put",
        "anchorwatch.stores.ledger.aside.SqlAside.drop",
        "anchorwatch.flow.aside.roll",
        "anchorwatch.flow.aside.join_frame",
        "anchorwatch.stores.lake.DeltaLake.append",
    ],
)
@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize(("stage", "seq"), [("roll", 3), ("join", 4), ("archive", 4)])
def test_a_crash_between_loses_and_doubles_nothing(
    tmp_path: Path, sound: dict[str, Any], stage: str, seq: int, step: str, before: bool
) -> None:
    """Dying before or after each step of setting aside and of doing again, and going on in a new process."""
    from pkgutil import resolve_name

    real: Any = resolve_name(step)
    left = [2]

    def dying(*args: Any, **kwargs: Any) -> Any:
        done = None if before and left[0] else real(*args, **kwargs)
        if left[0]:
            left[0] -= 1
            raise Crash
        return done

    def tried(act: Callable[[Watch], Any]) -> None:
        for _ in range(6):
            with Watch.open(tmp_path, start=False) as watch:
                try:
                    act(watch)
                except Crash:
                    continue
                return

    with Watch.open(tmp_path, start=False) as watch:
        watch.apply(SPEC)
    with pytest.MonkeyPatch.context() as patch:
        poison(patch, stage, seq)
        patch.setattr(step, dying)
        for act in STORY:
            tried(lambda watch, act=act: watch.settle() if act is None else watch.take(act))  # type: ignore[misc]
        tried(lambda watch: watch.settle())
        if left[0] < 2:
            left[0] = 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(step, dying)
        tried(lambda watch: watch.retry_set_aside())
        tried(lambda watch: watch.settle())
    with Watch.open(tmp_path, start=False) as watch:
        assert watch.queries.status()["set_aside"] == []
        found = state(watch)
    for part in ("events", "came", "series", "orphans"):
        assert found[part] == sound[part], part


def test_what_passes_by_itself_is_waited_for(tmp_path: Path) -> None:
    """A full disk blames no batch."""
    with Watch.open(tmp_path, start=False) as watch:
        watch.apply(SPEC)
        with pytest.MonkeyPatch.context() as patch:
            poison(patch, "roll", 1, FullError("no room"))
            with pytest.raises(StoreError, match="no room"):
                play(watch, STORY[:2])
            assert watch.queries.status()["set_aside"] == []
        watch.settle()
        assert watch.queries.status()["errors"] == {}


def test_no_window_is_rebuilt_while_the_lake_lacks_a_batch(tmp_path: Path) -> None:
    """A correction waits until lake and windows agree again, rather than fold half of what came."""
    with Watch.open(tmp_path, start=False) as watch:
        watch.apply(SPEC)
        with pytest.MonkeyPatch.context() as patch:
            poison(patch, "archive", 2)
            play(watch, [predictions("p", range(4)), outcomes("o", range(4), 1)])
        before = watch.queries.series("load", "mae")
        play(watch, [outcomes("c", [0], 9)])
        assert watch.queries.series("load", "mae") == before
        watch.retry_set_aside()
        watch.settle()
        after = watch.queries.series("load", "mae")
        assert after["n"] == before["n"] == [4]
        assert (before["value"], after["value"]) == ([1.0], [3.0])  # |0-1|, |1-1|, |2-1|, |3-1|; then |0-9|


def test_outcomes_wait_as_long_as_their_predictions_are_set_aside(tmp_path: Path) -> None:
    """They are not let go of when their horizon passes meanwhile."""
    with Watch.open(tmp_path, start=False) as watch:
        watch.apply(SPEC.evolve(outcome_horizon=timedelta(days=1)))
        with pytest.MonkeyPatch.context() as patch:
            poison(patch, "roll", 1)
            play(watch, [predictions("p", range(4)), outcomes("o", range(4), 1)])
            with watch.ledger.write() as books:
                books.connection.execute(tables.orphans.update().values(at=micros(BEGIN)))
            play(watch, [outcomes("later", [90], 1)])
        watch.retry_set_aside()
        watch.settle()
        assert sum(watch.queries.series("load", "mae")["n"]) == 4


def test_when_too_many_fail_it_is_not_the_batches(tmp_path: Path) -> None:
    """Beyond a bound the consumer stands still and says why; nothing is lost."""
    with Watch.open(tmp_path, start=False) as watch:
        watch.apply(SPEC)
        for number in range(MOST + 2):
            watch.take(predictions(f"p{number}", [number]))
        with pytest.MonkeyPatch.context() as patch:

            def broken(*_: Any) -> Any:
                raise ValueError("a bug")

            patch.setattr("anchorwatch.flow.roll.stacked", broken)
            with pytest.raises(StoreError, match="are set aside already"):
                watch.settle()
        assert len(watch.queries.status()["set_aside"]) == MOST
        assert all(item["problem"] is None for item in watch.retry_set_aside())
        watch.settle()
        assert sum(watch.queries.series("load", "throughput")["value"]) == MOST + 2


def test_a_damaged_batch_is_set_aside(tmp_path: Path) -> None:
    """Bytes that a disk lost are nobody else's trouble; with the bytes back, the batch is counted."""
    with Watch.open(tmp_path, start=False) as watch:
        watch.apply(SPEC)
        for number in range(5):
            watch.take(predictions(f"p{number}", [number]))
        whole = watch.inbox.read(2, 1)[0].payload
        with watch.inbox._database.write() as connection:
            connection.exec_driver_sql("UPDATE inbox SET payload = substr(payload, 1, 300) WHERE seq = 3")
        watch.settle()
        assert sum(watch.queries.series("load", "throughput")["value"]) == 4
        (told,) = watch.queries.status()["set_aside"]
        assert (told["seq"], told["consumer"], told["rows"]) == (3, "roller", 1)
        assert "batch 3 cannot be read" in told["reason"]
        assert "no Arrow stream" in str(watch.retry_set_aside()[0]["problem"])
        with watch.ledger.write() as books:
            books.aside.put(replace(books.aside.get(3, "roller"), payload=whole))
        assert watch.retry_set_aside()[0]["problem"] is None
        watch.settle()
        assert sum(watch.queries.series("load", "throughput")["value"]) == 5


class Numbered:
    """As much of a batch as narrowing looks at."""

    def __init__(self, seq: int) -> None:
        self.seq = seq


@pytest.mark.parametrize("count", [1, 2, 3, 8, 513])
def test_narrowing_finds_the_batch_and_does_the_others_once(count: int) -> None:
    """Each sound batch is done once, in order; each bad one is blamed once."""
    bad = {0, count // 2, count - 1}
    done: list[int] = []
    blamed: list[int] = []

    def work(batches: Sequence[Any]) -> None:
        if any(batch.seq in bad for batch in batches):
            raise ValueError("no")
        done.extend(batch.seq for batch in batches)

    batches: Any = [Numbered(seq) for seq in range(count)]
    narrowed(work, batches, lambda batch, _: blamed.append(batch.seq))
    assert blamed == sorted(bad)
    assert done == [seq for seq in range(count) if seq not in bad]


def test_a_batch_that_fails_once_is_done_the_second_time() -> None:
    """A fluke blames nobody."""
    failures = [ValueError("once")]

    def work(_batches: Sequence[Any]) -> None:
        if failures:
            raise failures.pop()

    blamed: list[Any] = []
    one: Any = Numbered(1)
    narrowed(work, [one], lambda batch, _: blamed.append(batch))
    assert not blamed
