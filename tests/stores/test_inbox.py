"""The durable inbox."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from anchorwatch.core.errors import BusyError, CorruptError
from anchorwatch.core.types import EventKind, Rejection
from anchorwatch.stores import inbox as module
from anchorwatch.stores.inbox import Depth, Entry, Inbox

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


def test_wide_rows_are_read_a_few_at_a_time(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """However few rows they are, their bytes bound a reading; a batch beyond the bound comes alone."""
    monkeypatch.setattr(module, "READ_BYTES", 100)
    for index, size in enumerate([60, 30, 20, 500, 10]):
        inbox.submit(entry(f"b{index}", payload=b"x" * size)).result()
    after, sizes = 0, []
    while found := inbox.read(after, 1_000_000):
        sizes.append([len(item.payload) for item in found])
        after = found[-1].seq
    assert sizes == [[60, 30], [20], [500], [10]]


def test_payloads_are_loaded_once_and_a_few_at_a_time(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where models and kinds are mixed, since consumers take one of them after the other."""
    monkeypatch.setattr(module, "LOAD_BYTES", 10)
    for index in range(12):
        kind = EventKind.OUTCOMES if index % 3 == 1 else EventKind.PREDICTIONS
        batch = Entry(f"b{index}", f"m{index % 2}", kind, b"%04d" % index, 1, 10)
        inbox.submit(batch).result()
    loads: list[list[int]] = []
    real = module._Payloads._load

    def load(payloads: module._Payloads, seq: int) -> dict[int, bytes]:
        found = real(payloads, seq)
        loads.append(list(found))
        return found

    monkeypatch.setattr(module._Payloads, "_load", load)
    found = inbox.read(0, 1000)
    assert loads == []
    for item in sorted(found, key=lambda item: (item.model, item.kind)):
        assert item.payload == b"%04d" % (item.seq - 1)
    assert sorted(seq for some in loads for seq in some) == list(range(1, 13))
    assert {len(some) for some in loads} == {2}
    assert found[3].payload == found[3].payload == b"0003"


def test_a_payload_that_was_trimmed_is_told(inbox: Inbox) -> None:
    """Never an empty batch in its place."""
    inbox.submit(entry("a")).result()
    (stored,) = inbox.read(0, 10)
    inbox.trim(stored.seq, forget_before=0)
    with pytest.raises(CorruptError, match="batch 1 is gone"):
        stored.payload  # noqa: B018 - asking is what raises


def test_senders_get_in_between_deletions(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Much is dropped in many small transactions, and what waits is known after each."""
    monkeypatch.setattr(module, "TRIM_BYTES", 10)
    monkeypatch.setattr(module, "_HEADS", 4)
    for index in range(10):
        batch = Entry(f"b{index}", "m", EventKind.PREDICTIONS, b"1234", 3, 100 + index)
        inbox.submit(batch).result()
    seen: list[Depth] = []
    real = inbox._database.write

    def write() -> Any:
        seen.append(inbox.depth())
        return real()

    monkeypatch.setattr(inbox._database, "write", write)
    inbox.trim(7, forget_before=106)
    assert [depth.bytes for depth in seen[:4]] == [40, 32, 24, 16]
    assert len(seen) == 6  # 7 batches by twos, 6 ids by fours
    assert inbox.depth() == Depth(3, 9, 12, 107)
    assert inbox._count() == inbox.depth()
    inbox.trim(10, forget_before=106)
    assert inbox.depth() == Depth(0, 0, 0, None)
    assert not inbox.submit(entry("b5")).result().duplicate
    assert inbox.submit(entry("b6")).result().duplicate


def test_nothing_to_trim_writes_nothing(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker trims each round; an idle one leaves the disk alone."""
    inbox.submit(entry("a")).result()
    monkeypatch.setattr(inbox._database, "write", None)
    inbox.trim(0, forget_before=10)
    assert inbox.depth().batches == 1


def test_rows_waiting_between_two_consumers(inbox: Inbox) -> None:
    """Of a span, without reading what waits beyond it."""
    for index in range(5):
        inbox.submit(entry(f"b{index}", rows=index + 1)).result()
    assert (inbox.waiting(1), inbox.waiting(1, 3), inbox.waiting(3, 3)) == (14, 5, 0)
