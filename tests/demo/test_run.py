"""The demo as a whole, on a real store."""

from __future__ import annotations

import io
import signal
import threading
import urllib.request
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.error import URLError

import polars as pl
import pytest
from rich.console import Console

from anchorwatch.core.clock import SystemClock
from anchorwatch.core.errors import ConfigError
from anchorwatch.demo import flights, models, replay
from anchorwatch.demo.faults import Fault, broken
from anchorwatch.demo.host import Host, near, serving
from anchorwatch.demo.models import MIDDLE, midnight
from anchorwatch.demo.replay import Pacer, State
from anchorwatch.demo.run import Options, Teller, planned, run, stopping

if TYPE_CHECKING:
    from pathlib import Path


CAUSE = {Fault.WIND_UNIT: "instruments", Fault.STUCK_SENSOR: "instruments", Fault.TIMEZONE: "schedule"}


PLAYED = State(midnight(9, 1), Fault.TIMEZONE, MIDDLE)
WIND = Options(fault=Fault.WIND_UNIT, since=midnight(5, 2))


@pytest.mark.parametrize(
    ("kept", "options", "wanted"),
    [
        (None, Options(), State()),
        (None, Options(fault=Fault.TIMEZONE), State(fault=Fault.TIMEZONE)),
        (
            State(midnight(9, 1)),
            Options(fault=Fault.TIMEZONE),
            State(midnight(9, 1), Fault.TIMEZONE, midnight(9, 1)),
        ),
        (PLAYED, Options(), PLAYED),
        (PLAYED, Options(fault=Fault.TIMEZONE), PLAYED),
        (None, WIND, State(fault=Fault.WIND_UNIT, since=midnight(5, 2))),
    ],
)
def test_a_run_goes_on_as_the_last_one_left_it(kept: State | None, options: Options, wanted: State) -> None:
    """A fault begins on the day named, in the middle, or where the replay is by now; a kept one stays."""
    assert planned(kept, options) == wanted


def test_the_past_cannot_be_broken() -> None:
    """A fault that should begin before what was played already is refused with the remedy."""
    with pytest.raises(ConfigError, match="was played until 01 Sep 2013; name a later day or another --path"):
        planned(State(next=midnight(9, 1)), Options(fault=Fault.TIMEZONE, since=midnight(8, 1)))


class Incidents:
    """A watch with incidents that a test sets."""

    def __init__(self) -> None:
        self.now: list[dict[str, Any]] = []

    def incidents(self) -> list[dict[str, Any]]:
        """What is set."""
        return self.now


def test_every_turn_of_an_incident_is_told_once() -> None:
    """Nothing while it is pending; once when it fires, once when it is resolved."""
    one = {
        "id": 1, "model": "m", "severity": "page", "summary": "mae 3 is over", "opened_at": "2013-03-01T00:00:00Z",
        "fired_at": "2013-03-02T00:00:00Z", "resolved_at": "2013-03-05T00:00:00Z", "updated_at": "2013-03-05T00:00:00Z",
    }  # fmt: skip
    watch, said = Incidents(), []
    teller = Teller(watch, said.append, SystemClock())
    for state in ("pending", "firing", "firing", "resolved", "resolved"):
        watch.now = [one | {"state": state}]
        teller.tell()
    assert len(said) == 2
    assert "page" in said[0]
    assert "2013-03-02" in said[0]
    assert "resolved" in said[1]


def test_ctrl_c_finishes_the_slice_and_gives_the_handler_back() -> None:
    """The first interrupt asks to stop, the handlers of before return afterwards."""
    before = signal.getsignal(signal.SIGINT)
    with stopping() as stop:
        signal.raise_signal(signal.SIGINT)
        assert stop.is_set()
    assert signal.getsignal(signal.SIGINT) is before


def stored_ids(host: Host) -> list[str]:
    """Ids of the predictions of one model in the lake."""
    return sorted(host.watching.watch.lake.scan_predictions("late-arrival", None, None)["_id"].to_list())


@pytest.mark.slow
def test_the_demo_plays_all_there_is_and_a_second_run_finds_it_over(
    few: pl.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All events are in the store, each once; a second run sends nothing."""
    spring = few.filter(pl.col("at") < midnight(4, 20))
    monkeypatch.setattr(flights, "load", lambda: spring)
    monkeypatch.setattr(replay, "SLICE", timedelta(days=5))
    options = Options(path=tmp_path / "demo", speed=None, serve=False, leave=True)
    wanted = spring.filter(pl.col("at") >= models.BEGIN)["id"].sort().to_list()
    sent = []
    for _ in range(2):
        screen = io.StringIO()
        run(options, Console(file=screen, width=200))
        assert "Stopped. The store is in" in screen.getvalue()
        with near(options.path) as host:
            sent.append(host.watching.query("status")["consumers"][0]["offset"])
            assert {model["name"] for model in host.watching.models()} == {"late-arrival", "arrival-delay"}
            assert stored_ids(host) == wanted
    assert sent[0] == sent[1] > 40


def test_the_pages_are_served_while_it_plays(tmp_path: Path) -> None:
    """The address that is printed answers, and no more once the demo is over."""
    with serving(tmp_path, 0) as host, urllib.request.urlopen(f"{host.address}/api/v1/health/live") as answer:
        assert answer.status == 200
    with pytest.raises(URLError):
        urllib.request.urlopen(f"{host.address}/api/v1/health/live")


def suspects(year: pl.DataFrame, fault: Fault | None, folder: Path) -> set[tuple[str, str]]:
    """Model and cause of what fired in the days around the one on which a fault begins."""
    streams = models.train(year, broken(year, fault, MIDDLE))
    with near(folder) as host:
        replay.register(host.watching, streams)
        pacer = Pacer(None, SystemClock(), threading.Event())
        replay.play(host.watching, streams, State(next=midnight(7, 28)), pacer, lambda _state, _rows: None)
        host.settle()
        return {
            (one["model"], one["cause"]) for one in host.watching.incidents() if one["state"] != "pending"
        }


@pytest.mark.slow
@pytest.mark.parametrize("fault", [None, *Fault])
def test_each_fault_opens_its_incident_and_nothing_else_does(
    year: pl.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Fault | None
) -> None:
    """In both models; without a fault neither instruments nor schedule are suspected."""
    monkeypatch.setattr(replay, "SLICE", timedelta(days=1))
    found = suspects(year.filter(pl.col("at") < midnight(8, 10)), fault, tmp_path)
    about = {(model, cause) for model, cause in found if cause in {"instruments", "schedule"}}
    assert about == ({(name, CAUSE[fault]) for name in ("late-arrival", "arrival-delay")} if fault else set())
