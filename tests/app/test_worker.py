"""The thread that keeps the road moving."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

from anchorwatch.app.worker import Worker

if TYPE_CHECKING:
    import pytest


class Road:
    """A pump that tells of each round."""

    def __init__(self, *, fails: int = 0) -> None:
        self.rounds = threading.Semaphore(0)
        self.fails = fails
        self.settled = 0
        self.within = 0
        self.together = 0

    def step(self) -> bool:
        """One round."""
        self.within += 1
        self.together = max(self.together, self.within)
        self.within -= 1
        self.rounds.release()
        if self.fails:
            self.fails -= 1
            raise RuntimeError("a surprise")
        return False

    def settle(self) -> None:
        """All there is."""
        self.within += 1
        self.together = max(self.together, self.within)
        self.settled += 1
        self.within -= 1

    def upkeep(self) -> None:
        """Never, within a test."""


def working(road: Any) -> Worker:
    """A worker on a road."""
    return Worker(road)


def test_it_works_when_woken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without waiting for the beat."""
    monkeypatch.setattr("anchorwatch.app.worker.BEAT", 3600.0)
    road = Road()
    worker = working(road)
    worker.start()
    assert road.rounds.acquire(timeout=10)
    worker.wake()
    assert road.rounds.acquire(timeout=10)
    worker.stop()


def test_it_works_by_the_beat(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows close by the clock, too."""
    monkeypatch.setattr("anchorwatch.app.worker.BEAT", 0.001)
    road = Road()
    worker = working(road)
    worker.start()
    assert all(road.rounds.acquire(timeout=10) for _ in range(3))
    worker.stop()


def test_it_outlives_a_round_that_fails(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The failure is logged and the next round is tried."""
    monkeypatch.setattr("anchorwatch.app.worker.BEAT", 0.001)
    road = Road(fails=2)
    worker = working(road)
    with caplog.at_level(logging.ERROR, logger="anchorwatch"):
        worker.start()
        assert all(road.rounds.acquire(timeout=10) for _ in range(4))
        worker.stop()
    assert [record.message for record in caplog.records] == ["a round of the worker failed; it goes on"] * 2


def test_settling_and_working_take_turns() -> None:
    """Whoever settles waits for the round, and the round for them; a stopped worker still settles."""
    road = Road()
    worker = working(road)
    worker.start()
    for _ in range(50):
        worker.wake()
        worker.settle()
    worker.stop()
    worker.settle()
    assert (road.settled, road.together) == (51, 1)


def test_a_worker_that_never_started_stops() -> None:
    """As a watch opened with `start=False` does."""
    working(Road()).stop()
