"""The pump: what it does in a round, what it puts off, and what it tells of."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from anchorwatch.core.errors import StoreError
from anchorwatch.core.schema import Column, Kind, ModelSpec, Task
from anchorwatch.core.types import EventKind, Rule
from anchorwatch.flow.pump import Pace, Pump
from anchorwatch.testing import memory_watch

if TYPE_CHECKING:
    from anchorwatch.flow.judge import Verdicts

BEGIN = datetime(2013, 7, 1, tzinfo=UTC)
SPEC = ModelSpec(name="load", task=Task.REGRESSION, columns=(Column("x", Kind.NUMBER),))


def offsets(watch: Any) -> dict[str, int]:
    """Where each consumer stands."""
    return {item["name"]: item["offset"] for item in watch.query("status")["consumers"]}


def test_a_round_rolls_at_once_and_archives_and_measures_when_it_is_time() -> None:
    """Each write of the lake and each measuring costs the same whatever it covers, so both are put off."""
    with memory_watch(BEGIN) as (watch, clock):
        pump = Pump(watch.watch.pump.places, clock, Pace(archive_seconds=5, measure_seconds=2))
        made = watch.register(SPEC)
        made.log({"x": 1.0}, prediction=1.0)
        watch.flush(None)
        assert pump.step()
        assert offsets(watch) == {"roller": 1, "joiner": 1, "archiver": 0}
        assert made.series("throughput")["value"] == []
        assert not pump.step()
        clock.advance(seconds=2)
        assert pump.step()
        assert made.series("throughput")["value"] == [1]
        clock.advance(seconds=3)
        pump.step()
        assert offsets(watch) == {"roller": 1, "joiner": 1, "archiver": 1}
        assert watch.query("status")["inbox"]["batches"] == 0


def test_many_rows_are_archived_without_waiting() -> None:
    """Once half of what a write may hold has come."""
    with memory_watch(BEGIN) as (watch, clock):
        pump = Pump(watch.watch.pump.places, clock, Pace(archive_rows=4, archive_seconds=1e9))
        made = watch.register(SPEC)
        for wanted in (0, 2):
            made.log({"x": 1.0}, prediction=1.0)
            watch.flush(None)
            pump.step()
            assert offsets(watch)["archiver"] == wanted


def test_a_consumer_in_trouble_stops_no_other_and_is_told_of_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The log has it once, the health for as long as it lasts; `settle` raises it."""
    with memory_watch(BEGIN) as (watch, _):
        made = watch.register(SPEC)
        made.log({"x": 1.0}, prediction=1.0)
        watch.flush(None)

        def full(*_: Any, **__: Any) -> Any:
            raise StoreError("no room")

        pump = watch.watch.pump
        with monkeypatch.context() as patch, caplog.at_level(logging.ERROR, logger="anchorwatch"):
            patch.setattr("anchorwatch.flow.pump.archive", full)
            for _ in range(3):
                pump.step(settle=True)
            assert pump.health.errors == {"archiver": "no room"}
            assert len(caplog.records) == 1
            assert made.series("throughput")["value"] == [1]
            with pytest.raises(StoreError, match="archiver: no room"):
                pump.settle()
        pump.settle()
        assert pump.health.errors == {}
        assert watch.watch.lake.files("load", EventKind.PREDICTIONS).rows == 1


def test_listeners_hear_of_each_incident_that_changed() -> None:
    """As it was stored, with what happened to it."""
    heard: list[Verdicts] = []
    with memory_watch(BEGIN) as (watch, _):
        watch.watch.pump.listen(heard.append)
        made = watch.register(SPEC, rules=[Rule(name="quiet", measure="throughput", below=5)])
        made.log({"x": 1.0}, prediction=1.0)
        made.log({"x": 1.0}, prediction=1.0, at=BEGIN + timedelta(days=1))
        watch.settle()
        assert [one.incident.id for one in heard] == [watch.incidents()[0]["id"]]
        assert [step.change.value for step in heard[0].transitions] == ["opened", "fired"]
