"""A replay sends everything once, in order, however often it is interrupted."""

from __future__ import annotations

import itertools
import threading
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anchorwatch.core.errors import ConfigError
from anchorwatch.demo.faults import Fault
from anchorwatch.demo.models import BEGIN, Stream
from anchorwatch.demo.replay import SLICE, Pacer, State, play, register, slices, within

if TYPE_CHECKING:
    from pathlib import Path


class Told:
    """A watch that remembers what it is told, each batch once."""

    def __init__(self) -> None:
        self.batches: dict[str, pl.DataFrame] = {}
        self.sent: list[str] = []
        self.registered: dict[str, Any] = {}

    def register(self, spec: Any, reference: Any, version: str, rules: Any) -> None:
        """As a watch does."""
        self.registered[spec.name] = (reference, version, rules)

    def model(self, name: str) -> Told:
        """One for all."""
        return self

    def log_table(self, table: pl.DataFrame, *, batch: str) -> None:
        """Take a batch unless it was taken before."""
        self.sent.append(batch)
        self.batches.setdefault(batch, table)

    outcomes_table = log_table

    def rows(self) -> dict[tuple[str, str], list[str]]:
        """Ids by model and kind."""
        found = defaultdict(list)
        for batch, table in self.batches.items():
            name, _, rest = batch.partition("-2013") if "-2013" in batch else batch.partition("-2014")
            found[name, rest.rpartition("-")[2]] += table["id"].to_list()
        return dict(found)


class Ticking:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.time = 0.0

    def monotonic(self) -> float:
        """Seconds."""
        return self.time

    def now(self) -> datetime:
        """A date."""
        return datetime(2026, 1, 1, tzinfo=UTC)


class Waits(threading.Event):
    """An event that turns the clock instead of waiting."""

    def __init__(self, clock: Ticking) -> None:
        super().__init__()
        self.clock = clock

    def wait(self, timeout: float | None = None) -> bool:
        """Let the time pass at once."""
        self.clock.time += timeout or 0.0
        return self.is_set()


def free() -> Pacer:
    """A pacer that never waits."""
    return Pacer(None, Ticking(), threading.Event())


def test_everything_is_sent_once_and_in_order(streams: list[Stream]) -> None:
    """All predictions and outcomes arrive, each in one batch, slices by time."""
    watch = Told()
    assert play(watch, streams, State(), free(), lambda state, rows: None)
    rows = watch.rows()
    for stream in streams:
        assert rows[stream.spec.name, "predictions"] == stream.predictions["id"].to_list()
        assert rows[stream.spec.name, "outcomes"] == stream.outcomes["id"].to_list()
    begins = [batch.split("-")[2] for batch in watch.sent]
    assert begins == sorted(begins)


def interrupted_run(watch: Told, streams: list[Stream], folder: Path, after: int) -> bool:
    """Play on from what the folder knows, and be killed between acknowledgement and writing of the slice `after`."""
    stop = threading.Event()
    count = itertools.count(1)

    def seen(now: State, rows: int) -> None:
        if next(count) == after:
            stop.set()
        else:
            now.write(folder)

    return play(watch, streams, State.read(folder) or State(), Pacer(None, Ticking(), stop), seen)


def test_an_interrupted_replay_goes_on_where_it_was(streams: list[Stream], tmp_path: Path) -> None:
    """Stopped after every fourth slice, and once before its state was written, it still sends everything once."""
    watch = Told()
    runs = 0
    while not interrupted_run(watch, streams, tmp_path, after=4 * runs + 4):
        runs += 1
    whole = Told()
    play(whole, streams, State(), free(), lambda state, rows: None)
    assert runs > 3
    assert watch.rows() == whole.rows()


def test_models_are_declared_with_reference_and_rules(streams: list[Stream]) -> None:
    """Registering hands over all that a stream knows."""
    watch = Told()
    register(watch, streams)
    assert {name: found[2] for name, found in watch.registered.items()} == {
        s.spec.name: s.rules for s in streams
    }


def test_slices_cover_the_time_to_the_last_landing(streams: list[Stream]) -> None:
    """From March to the morning of New Year's Day, without a gap; none when all is over."""
    begins = list(slices(streams, BEGIN))
    last = max(stream.outcomes["at"][-1] for stream in streams)
    assert begins[0] == BEGIN
    assert begins[-1] <= last < begins[-1] + SLICE
    assert {after - before for before, after in itertools.pairwise(begins)} == {SLICE}
    assert list(slices(streams, last + SLICE)) == []


@given(st.lists(st.integers(-20, 20), max_size=30))
def test_a_slice_has_its_begin_and_not_its_end(hours: list[int]) -> None:
    """Rows of a slice are those from its begin to before the next."""
    times = [BEGIN + timedelta(hours=hour) for hour in sorted(hours)]
    table = pl.DataFrame({"at": pl.Series(times, dtype=pl.Datetime("us", "UTC"))})
    assert within(table, BEGIN)["at"].to_list() == [at for at in times if BEGIN <= at < BEGIN + SLICE]


def test_a_pacer_keeps_the_speed() -> None:
    """At two days a second, four slices of six hours take half a second in all, lost time made good."""
    clock = Ticking()
    pacer = Pacer(2.0, clock, Waits(clock))
    for _ in range(4):
        assert pacer.played(SLICE)
    assert clock.time == pytest.approx(0.5)
    clock.time += 10
    before = clock.time
    pacer.played(SLICE)
    assert clock.time == before


@given(st.datetimes(timezones=st.just(UTC)), st.none() | st.sampled_from(Fault))
def test_state_survives_writing(
    tmp_path_factory: pytest.TempPathFactory, at: datetime, fault: Fault | None
) -> None:
    """What is written is what is read."""
    folder = tmp_path_factory.mktemp("state")
    state = State(at, fault, at)
    state.write(folder)
    assert State.read(folder) == state


def test_a_damaged_state_is_told(tmp_path: Path) -> None:
    """A file that is no state names itself and the remedy; no file is a fresh start."""
    assert State.read(tmp_path) is None
    (tmp_path / "demo.json").write_text('{"next": 3}')
    with pytest.raises(ConfigError, match=r"demo\.json: is damaged .* remove the folder"):
        State.read(tmp_path)
