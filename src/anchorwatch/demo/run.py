"""The demo as a person sees it: progress, incidents as they open, the address of the pages."""

from __future__ import annotations

import math
import signal
import threading
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

from anchorwatch.core.clock import SystemClock
from anchorwatch.core.errors import ConfigError
from anchorwatch.demo import flights, models, replay
from anchorwatch.demo.faults import Fault, broken
from anchorwatch.demo.host import Host, near, serving
from anchorwatch.demo.replay import Pacer, State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console

    from anchorwatch.client.watch import Watching
    from anchorwatch.core.clock import Clock
    from anchorwatch.demo.models import Stream

SPEED = 4.0
"""Days per second: the ten months take about 77 s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the demo is told.

    Attributes:
        path: folder of the store.
        port: of the web pages; 0 takes any that is free.
        fault: what breaks.
        since: when it breaks; default: in the middle of the replay, or where a former run stopped.
        speed: days of 2013 per second; None plays as fast as the store takes it.
        serve: show web pages.
        leave: stop when the year is over instead of serving on.
    """

    path: Path = Path("anchorwatch-demo")
    port: int = 8321
    fault: Fault | None = None
    since: datetime | None = None
    speed: float | None = SPEED
    serve: bool = True
    leave: bool = False


def run(options: Options, console: Console) -> None:
    """Play the year, or the rest of it, and serve until interrupted.

    Raises `ConfigError` without the extra `demo`, and `BusyError` when another process holds the store.
    """
    flights.folder()
    state = planned(State.read(options.path), options)
    with stopping() as stop, _host(options) as host:
        if host.address:
            console.print(f"Anchorwatch is at [bold link={host.address}]{host.address}[/]", highlight=False)
        streams = prepare(state, console)
        if not stop.is_set():
            _play(host, streams, state, options, stop, console)
        if host.address and not options.leave and not stop.is_set():
            console.print(f"The year is over; serving on at {host.address}. Ctrl-C stops.", highlight=False)
            stop.wait()
    console.print(f"Stopped. The store is in {options.path}; a second run continues.", highlight=False)


def planned(kept: State | None, options: Options) -> State:
    """Where to begin and what breaks when: as the last run left it, but for a fault that is new.

    >>> from anchorwatch.demo.models import MIDDLE
    >>> planned(None, Options(fault=Fault.TIMEZONE)).since == MIDDLE
    True
    """
    state = kept or State()
    if options.fault is None or (options.fault is state.fault and options.since is None):
        return state
    since = options.since or max(models.MIDDLE, state.next)
    if since < state.next:
        raise ConfigError(
            f"--from: {options.path} was played until {_day(state.next)}; name a later day or another --path"
        )
    return replace(state, fault=options.fault, since=since)


def prepare(state: State, console: Console) -> list[Stream]:
    """Read the flights and train both models on what came before the replay."""
    with console.status("Reading 336,776 flights of 2013 …"):
        known = flights.load()
    with console.status("Training two models on January and February …"):
        return models.train(known, broken(known, state.fault, state.since))


@contextmanager
def stopping() -> Iterator[threading.Event]:
    """An event that Ctrl-C or a polite kill sets; a second Ctrl-C interrupts at once."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def handle(number: int, _frame: object) -> None:
        stop.set()
        signal.signal(number, signal.default_int_handler)

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _host(options: Options) -> AbstractContextManager[Host]:
    return serving(options.path, options.port) if options.serve else near(options.path)


def _play(
    host: Host, streams: list[Stream], state: State, options: Options, stop: threading.Event, console: Console
) -> None:
    clock = SystemClock()
    replay.register(host.watching, streams)
    state.write(options.path)
    with _progress(console) as progress:
        last = max(stream.outcomes["at"][-1] for stream in streams)
        task = progress.add_task(_day(state.next), total=_days(last), completed=_days(state.next))
        teller = Teller(host.watching, progress.console.print, clock)

        def seen(now: State, _rows: int) -> None:
            now.write(options.path)
            progress.update(task, description=_day(now.next), completed=min(_days(now.next), _days(last)))
            teller.tell(at_most_every=0.5)

        if replay.play(host.watching, streams, state, Pacer(options.speed, clock, stop), seen):
            host.settle()
            teller.tell()


def _days(at: datetime) -> int:
    """Days of the replay until `at`."""
    return (at - models.BEGIN) // timedelta(days=1)


def _progress(console: Console) -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("days"),
        TimeElapsedColumn(),
        console=console,
    )


class Teller:
    """Says each turn of an incident once."""

    def __init__(self, watching: Watching, say: Callable[[str], None], clock: Clock) -> None:
        self._watching = watching
        self._say = say
        self._clock = clock
        self._asked = -math.inf
        self._told: set[tuple[int, str]] = set()

    def tell(self, *, at_most_every: float = 0.0) -> None:
        """Say what is new, unless it was asked less than `at_most_every` seconds ago."""
        now = self._clock.monotonic()
        if now - self._asked < at_most_every:
            return
        self._asked = now
        for incident in sorted(self._watching.incidents(), key=lambda one: str(one["updated_at"])):
            told = (incident["id"], incident["state"])
            if incident["state"] != "pending" and told not in self._told:
                self._told.add(told)
                self._say(_sentence(incident))


def _sentence(incident: dict[str, Any]) -> str:
    if incident["state"] == "resolved":
        return (
            f"[green]resolved[/] {incident['resolved_at'][:10]}  {incident['model']}: {incident['summary']}"
        )
    colour = {"page": "red", "warn": "yellow"}.get(incident["severity"], "blue")
    since = incident["fired_at"] or incident["opened_at"]
    return f"[{colour}]{incident['severity']:<8}[/] {since[:10]}  {incident['model']}: {incident['summary']}"


def _day(at: datetime) -> str:
    return at.astimezone(ZoneInfo(flights.ZONE)).strftime("%d %b %Y")
