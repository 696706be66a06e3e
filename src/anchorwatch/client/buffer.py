"""Where `log()` puts an event: one append, no lock, no encoding."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Any

from anchorwatch.client.options import WhenFull

if TYPE_CHECKING:
    from collections.abc import Callable

Event = tuple[Any, ...]
"""`(tally, kind, id, at, …)`; see `encode` for the rest. A bare tuple: nothing is cheaper to make."""


class Bell:
    """Wakes a sleeping thread without ever making the ringer wait.

    A lock used as a binary semaphore; `threading.Event` would make the ringer take a lock.
    """

    __slots__ = ("_lock",)

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def ring(self) -> None:
        """Wake the sleeper, or the next one to lie down."""
        try:
            self._lock.release()
        except RuntimeError:  # rung already
            return

    def wait(self, seconds: float | None) -> bool:
        """Sleep until rung, at most so long; whether it rang."""
        return self._lock.acquire(timeout=-1 if seconds is None else max(0.0, seconds))


class Buffer:
    """Events that wait to be encoded: bounded, in order, safe under any number of threads.

    The bound may be passed by as many events as threads log at the same instant.
    """

    __slots__ = ("_drop_oldest", "_rouse", "asleep", "bell", "bound", "closed", "queue")

    def __init__(self, bound: int, when_full: WhenFull, rouse: Callable[[], None]) -> None:
        self.bound = bound
        self._drop_oldest = when_full is WhenFull.DROP_OLDEST
        self._rouse = rouse
        self.queue: deque[Event] = deque()
        self.reset()

    def reset(self) -> None:
        """Empty it, as a forked child must: what is in it is its parent's to send."""
        self.queue.clear()
        self.bell = Bell()
        self.asleep = True
        self.closed = False

    def put(self, event: Event) -> None:
        """Take an event, and rouse the sender when it sleeps."""
        queue = self.queue
        if (len(queue) >= self.bound or self.closed) and not self._make_room(event):
            return
        queue.append(event)
        # The sender sets `asleep` before it looks at the queue a last time: no event is overlooked.
        if self.asleep:
            self.asleep = False
            self._rouse()

    def _make_room(self, event: Event) -> bool:
        if self.closed:
            event[0].late.take()
            return False
        if not self._drop_oldest:
            event[0].overflowed.take()
            return False
        try:
            oldest = self.queue.popleft()
        except IndexError:  # the sender was faster
            return True
        oldest[0].overflowed.take()
        return True

    def close(self) -> None:
        """Take nothing more; what comes now is counted as dropped."""
        self.closed = True
