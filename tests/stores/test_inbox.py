"""The durable inbox."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from anchorwatch.core.errors import BusyError
from anchorwatch.core.types import EventKind, Rejection
from anchorwatch.stores import inbox as module
from anchorwatch.stores.inbox import Entry, Inbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def entry(batch: str, rows: int = 2, payload: bytes = b"rows", **changes: Any) -> Entry:
    """A batch of predictions."""
    return Entry(batch, "m", EventKind.PREDICTIONS, payload, rows, 10, **changes)


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[Inbox]:
    """An empty inbox on disk."""
    opened = Inbox(tmp_path / "inbox.db")
    yield opened
    opened.close()


def test_batches_come_out_in_order_of_arrival(inbox: Inbox) -> None:
    """Each once, with what it holds, from after a sequence number."""
    receipts = [inbox.submit(entry(f"b{index}", payload=bytes([index]))).result() for index in range(5)]
    assert [(one.batch, one.accepted, one.duplicate) for one in receipts] == [
        (f"b{index}", 2, False) for index in range(5)
    ]
    stored = inbox.read(0, 1000)
    assert [item.payload for item in stored] == [bytes([index]) for index in range(5)]
    assert inbox.read(stored[2].seq, 1000) == stored[3:]
    assert inbox.last() == stored[-1].seq


def test_reading_stops_at_about_so_many_rows(inbox: Inbox) -> None:
    """At least one batch, else no more rows than asked."""
    for index in range(4):
        inbox.submit(entry(f"b{index}", rows=10)).result()
    assert len(inbox.read(0, 25)) == 2
    assert len(inbox.read(0, 1)) == 1
    assert inbox.read(99, 1) == []


def test_a_batch_counts_once_also_within_a_group(inbox: Inbox) -> None:
    """Sent again, at once or later, it answers as it did and is kept once."""
    answers = (
        inbox.submit(entry("b", rejected=(Rejection(3, "x", "no"),), rejected_count=7)),
        inbox.submit(entry("b", rows=9)),
    )
    first, second = (future.result() for future in answers)
    third = inbox.submit(entry("b")).result()
    assert (first.duplicate, second.duplicate, third.duplicate) == (False, True, True)
    assert second == third
    assert (third.accepted, third.rejected, third.rejected_count) == (2, (Rejection(3, "x", "no"),), 7)
    assert len(inbox.read(0, 100)) == 1
    assert inbox.depth().rows == 2


def test_other_models_and_kinds_have_their_own_names(inbox: Inbox) -> None:
    """One batch id of two models is two batches."""
    inbox.submit(entry("b")).result()
    other = Entry("b", "m", EventKind.OUTCOMES, b"", 1, 10)
    assert not inbox.submit(other).result().duplicate


def test_a_batch_of_which_nothing_is_left_is_remembered(inbox: Inbox) -> None:
    """No row of it waits, and a retry answers the same."""
    rejected = {"rejected": (Rejection(0, "x", "no"),), "rejected_count": 1}
    inbox.submit(entry("b", rows=0, payload=b"", **rejected)).result()
    assert inbox.submit(entry("b", rows=0, payload=b"", **rejected)).result().duplicate
    assert inbox.depth().batches == 0
    assert inbox.read(0, 10) == []


def test_what_is_done_with_goes_and_names_stay_until_they_are_forgotten(inbox: Inbox) -> None:
    """Trimming drops the rows; the names go by age, and only then a name is new again."""
    inbox.submit(entry("b")).result()
    inbox.trim(inbox.last(), forget_before=10)
    assert inbox.depth() == module.Depth(0, 0, 0, None)
    assert inbox.submit(entry("b")).result().duplicate
    inbox.trim(inbox.last(), forget_before=11)
    assert not inbox.submit(entry("b")).result().duplicate


def test_numbers_are_never_given_twice(tmp_path: Path) -> None:
    """Not even when the inbox was emptied and opened anew."""
    with_one = Inbox(tmp_path / "inbox.db")
    with_one.submit(entry("a")).result()
    seq = with_one.last()
    with_one.trim(seq, forget_before=0)
    with_one.close()
    again = Inbox(tmp_path / "inbox.db")
    assert again.submit(entry("a")).result().duplicate
    again.submit(entry("b")).result()
    assert again.last() > seq
    again.close()


def test_what_was_acknowledged_is_there_after_reopening(tmp_path: Path) -> None:
    """Rows, depth and order."""
    first = Inbox(tmp_path / "inbox.db")
    for name in "abc":
        first.submit(entry(name, payload=name.encode()))
    first.close()
    second = Inbox(tmp_path / "inbox.db")
    assert [item.payload for item in second.read(0, 100)] == [b"a", b"b", b"c"]
    assert second.depth() == module.Depth(3, 6, 3, 10)
    second.close()


def test_a_full_inbox_refuses_until_there_is_room(tmp_path: Path) -> None:
    """Over its bound it says so; after trimming it takes again."""
    inbox = Inbox(tmp_path / "inbox.db", bound=3)
    inbox.submit(entry("a", payload=b"12345")).result()
    with pytest.raises(BusyError, match="wait in the inbox, over its bound"):
        inbox.submit(entry("b")).result()
    inbox.trim(inbox.last(), forget_before=0)
    assert not inbox.submit(entry("b")).result().duplicate
    inbox.close()


def test_a_closed_inbox_takes_nothing(tmp_path: Path) -> None:
    """It answers so rather than never."""
    inbox = Inbox(tmp_path / "inbox.db")
    inbox.close()
    with pytest.raises(BusyError, match="the store is closed"):
        inbox.submit(entry("a")).result(timeout=5)


def test_one_flush_serves_all_that_wait(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one group is written, all that come wait together and are written as one."""
    sizes: list[int] = []
    begun, go = threading.Event(), threading.Event()
    real = module._insert

    def slow(connection: Any, entries: list[Entry]) -> Any:
        sizes.append(len(entries))
        begun.set()
        go.wait(10)
        return real(connection, entries)

    monkeypatch.setattr(module, "_insert", slow)
    futures = [inbox.submit(entry("first"))]
    assert begun.wait(10)
    futures += [inbox.submit(entry(f"b{index}")) for index in range(50)]
    go.set()
    assert not any(future.result(10).duplicate for future in futures)
    assert sizes == [1, 50]
