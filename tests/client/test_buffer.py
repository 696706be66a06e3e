from __future__ import annotations

import threading
from typing import Any

import pytest

from anchorwatch.client.buffer import Bell, Buffer
from anchorwatch.client.options import WhenFull
from anchorwatch.client.tally import Count, Tally


def filled(when_full: WhenFull, tally: Tally) -> Buffer:
    """A buffer of three places after five events."""
    buffer = Buffer(3, when_full, lambda: None)
    for number in range(5):
        buffer.put((tally, number))
    return buffer


@pytest.mark.parametrize(
    ("when_full", "kept"), [(WhenFull.DROP_OLDEST, [2, 3, 4]), (WhenFull.DROP_NEWEST, [0, 1, 2])]
)
def test_a_full_buffer_gives_up_what_it_was_told_to(when_full: WhenFull, kept: list[int]) -> None:
    """The bound holds, and what is given up is counted."""
    tally = Tally("m")
    buffer = filled(when_full, tally)
    assert [event[1] for event in buffer.queue] == kept
    assert tally.dropped() == {"buffer_full": 2}


def test_a_closed_buffer_counts_what_comes_too_late() -> None:
    """Events after the end are dropped, not forgotten."""
    tally = Tally("m")
    buffer = filled(WhenFull.DROP_OLDEST, tally)
    buffer.close()
    buffer.put((tally, 9))
    assert tally.dropped() == {"buffer_full": 2, "closed": 1}


def test_only_a_sleeping_sender_is_roused() -> None:
    """One ring per sleep, whatever the number of events."""
    rung: list[Any] = []
    buffer = Buffer(10, WhenFull.DROP_OLDEST, lambda: rung.append(1))
    for _ in range(5):
        buffer.put((Tally("m"),))
    assert rung == [1]
    buffer.asleep = True
    buffer.put((Tally("m"),))
    assert rung == [1, 1]


def test_a_bell_rung_before_the_sleep_is_heard() -> None:
    """No wake-up is lost, and rings do not pile up."""
    bell = Bell()
    bell.ring()
    bell.ring()
    assert bell.wait(5)
    assert not bell.wait(0)


def test_counts_lose_no_step_between_threads() -> None:
    """Eight threads take eight times as many numbers, no two alike."""
    count = Count()
    taken: list[list[int]] = [[] for _ in range(8)]
    threads = [
        threading.Thread(target=lambda mine=mine: mine.extend(count.take() for _ in range(20_000)))
        for mine in taken
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count.value == 160_000
    assert len({number for mine in taken for number in mine}) == 160_000
