"""The thread that keeps the road moving."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from anchorwatch.flow.pump import Pump

log = logging.getLogger("anchorwatch")

BEAT = 0.5
"""Seconds between rounds when nothing arrives: windows close by the clock, too."""
UPKEEP = 3600.0
"""Seconds between rounds of retention and compaction."""


class Worker:
    """Runs a pump until it is stopped; one round at a time, shared with whoever settles.

    Upkeep of the lake has a thread of its own, because compaction takes seconds and gets in no append's way.
    """

    def __init__(self, pump: Pump) -> None:
        self.pump = pump
        self.lock = threading.Lock()
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, name="anchorwatch-worker", daemon=True),
            threading.Thread(target=self._keep_up, name="anchorwatch-upkeep", daemon=True),
        ]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def wake(self) -> None:
        """Something arrived."""
        self._wake.set()

    def settle(self) -> None:
        """Do all there is to do, in the calling thread; raises what stands in the way."""
        with self.lock:
            self.pump.settle()

    def stop(self) -> None:
        """Finish the round and end."""
        self._stop.set()
        self._wake.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            with self.lock:
                moved = self._round()
            if not moved:
                self._wake.wait(BEAT)
                self._wake.clear()

    def _round(self) -> bool:
        try:
            return self.pump.step()
        except Exception:  # the loop must outlive whatever a round trips over
            log.exception("a round of the worker failed; it goes on")
            return False

    def _keep_up(self) -> None:
        while not self._stop.wait(UPKEEP):
            self.pump.upkeep()
