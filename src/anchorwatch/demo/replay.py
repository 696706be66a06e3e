"""The year, played again: slice by slice in order of time, through the interface that anybody would use."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from anchorwatch.core.errors import ConfigError
from anchorwatch.demo.faults import Fault
from anchorwatch.demo.models import BEGIN, MIDDLE, VERSION

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    import polars as pl

    from anchorwatch.client.watch import Watching
    from anchorwatch.core.clock import Clock
    from anchorwatch.demo.models import Stream

SLICE = timedelta(hours=6)
_STATE = "demo.json"


@dataclass(frozen=True, slots=True)
class State:
    """How far a replay has come, and what it plays; kept beside the store, so that a second run continues.

    Attributes:
        next: begin of the first slice that was not acknowledged.
        fault: what is broken from `since` on.
        since: see `fault`.
    """

    next: datetime = BEGIN
    fault: Fault | None = None
    since: datetime = MIDDLE

    @classmethod
    def read(cls, folder: Path) -> State | None:
        """What the last run left in `folder`; None when there was none."""
        try:
            kept = json.loads((folder / _STATE).read_text(encoding="utf-8"))
            fault = Fault(kept["fault"]) if kept["fault"] else None
            return cls(datetime.fromisoformat(kept["next"]), fault, datetime.fromisoformat(kept["since"]))
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as problem:
            raise ConfigError(
                f"{folder / _STATE}: is damaged ({problem}); remove the folder to begin anew"
            ) from problem

    def write(self, folder: Path) -> None:
        """Keep it in `folder`, whole or not at all."""
        kept = {
            "next": self.next.isoformat(),
            "fault": self.fault.value if self.fault else None,
            "since": self.since.isoformat(),
        }
        aside = folder / f"{_STATE}.new"
        aside.write_text(json.dumps(kept), encoding="utf-8")
        aside.replace(folder / _STATE)


class Pacer:
    """Holds a replay to so many days of event time per second; without a speed it never waits."""

    def __init__(self, speed: float | None, clock: Clock, stop: threading.Event) -> None:
        self._speed = speed
        self._clock = clock
        self._stop = stop
        self._begun = clock.monotonic()
        self._played = timedelta(0)

    def played(self, span: timedelta) -> bool:
        """Wait until `span` more may have passed; whether to go on."""
        self._played += span
        if self._speed is not None:
            due = self._begun + self._played / timedelta(days=1) / self._speed
            self._stop.wait(max(0.0, due - self._clock.monotonic()))
        return not self._stop.is_set()


def register(watch: Watching, streams: Iterable[Stream]) -> None:
    """Declare the models, their rules and their references."""
    for stream in streams:
        watch.register(stream.spec, stream.reference, VERSION, stream.rules)


def slices(streams: Iterable[Stream], begin: datetime) -> Iterator[datetime]:
    """Begins of all slices from `begin` to the last landing."""
    last = max(_last(stream.outcomes) for stream in streams)
    while begin <= last:
        yield begin
        begin += SLICE


def send(watch: Watching, streams: Iterable[Stream], begin: datetime) -> int:
    """Log what happened from `begin` for one slice, and return its rows.

    The batch ids tell what they hold: a slice that is sent again, after a crash, is taken once.
    """
    sent = 0
    for stream in streams:
        model = watch.model(stream.spec.name)
        batch = f"{stream.spec.name}-{begin:%Y%m%dT%H%M}"
        sent += _send(model.log_table, within(stream.predictions, begin), f"{batch}-predictions")
        sent += _send(model.outcomes_table, within(stream.outcomes, begin), f"{batch}-outcomes")
    return sent


def within(table: pl.DataFrame, begin: datetime) -> pl.DataFrame:
    """Rows of the slice that starts at `begin`; `table` is in order of `at`."""
    first = table["at"].search_sorted(begin)
    return table.slice(first, table["at"].search_sorted(begin + SLICE) - first)


class _Sender(Protocol):
    def __call__(self, table: pl.DataFrame, *, batch: str | None) -> object: ...


def _send(log: _Sender, table: pl.DataFrame, batch: str) -> int:
    if table.height:
        log(table, batch=batch)
    return table.height


def _last(table: pl.DataFrame) -> datetime:
    last: datetime = table["at"][-1]
    return last


def play(
    watch: Watching,
    streams: list[Stream],
    state: State,
    pacer: Pacer,
    seen: Callable[[State, int], None],
) -> bool:
    """Send slice after slice from `state.next` on, telling `seen` of each; whether the end was reached."""
    for begin in slices(streams, state.next):
        rows = send(watch, streams, begin)
        seen(State(begin + SLICE, state.fault, state.since), rows)
        if not pacer.played(SLICE):
            return False
    return True
