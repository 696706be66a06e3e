from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anchorwatch.client.spool import Spool, SpoolSync
from anchorwatch.client.transport import Outgoing
from anchorwatch.core.errors import CorruptError, FullError
from anchorwatch.core.types import EventKind

if TYPE_CHECKING:
    from pathlib import Path

ADDRESS = "http://a"


def batch(number: int, size: int = 20) -> Outgoing:
    """A batch that can be told from others; ten events."""
    body = f"{number}\n".encode() * size
    return Outgoing(model="m", kind=EventKind.PREDICTIONS, key=f"k{number}", body=body, rows=10)


def make(folder: Path, bound: int = 1 << 20, address: str = ADDRESS) -> Spool:
    """A spool that looks for orphans as soon as it is asked."""
    return Spool(folder, address, bound=bound, sync=SpoolSync.EACH)


def drain(spool: Spool) -> list[str]:
    """All keys, in order, acknowledged."""
    keys = []
    while (first := spool.first()) is not None:
        keys.append(first.key)
        spool.acknowledge(first)
    return keys


def test_batches_come_back_whole_and_in_order(tmp_path: Path) -> None:
    """What goes in comes out, once, and leaves nothing behind."""
    spool = make(tmp_path)
    given = [batch(number) for number in range(5)]
    for one in given:
        spool.append(one)
    assert spool.rows("m") == 50
    assert spool.first() == given[0]
    assert drain(spool) == [one.key for one in given]
    spool.close()
    assert list(tmp_path.iterdir()) == []


def test_the_next_process_goes_on_where_the_last_one_stopped(tmp_path: Path) -> None:
    """Acknowledged batches do not come back; the others do, before new ones."""
    spool = make(tmp_path)
    for number in range(4):
        spool.append(batch(number))
    first = spool.first()
    assert first is not None
    spool.acknowledge(first)
    spool.close()
    heir = make(tmp_path)
    heir.append(batch(9))
    assert heir.adopt() == {"m": 30}
    assert drain(heir) == ["k1", "k2", "k3", "k9"]


def test_a_living_process_keeps_its_spool(tmp_path: Path) -> None:
    """A folder whose lock is held is left alone, and so is one for another server."""
    owner = make(tmp_path)
    owner.append(batch(1))
    assert make(tmp_path).adopt() == {}
    owner.close()
    assert make(tmp_path, address="http://b").adopt() == {}
    assert make(tmp_path).adopt() == {"m": 10}


@settings(deadline=None)
@given(st.integers(min_value=0, max_value=400))
def test_a_torn_tail_costs_what_was_torn(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    """Wherever the last write broke off, all whole batches before it survive, in order."""
    folder = tmp_path_factory.mktemp("spool")
    spool = make(folder)
    for number in range(3):
        spool.append(batch(number))
    spool.close()
    (segment,) = folder.glob("*/*.seg")
    whole = segment.stat().st_size
    os.truncate(segment, max(0, whole - cut))
    heir = make(folder)
    heir.adopt()
    keys = drain(heir)
    assert keys == ["k0", "k1", "k2"][: len(keys)]
    assert len(keys) == 3 if cut == 0 else len(keys) < 3
    heir.close()


def test_damage_is_noticed(tmp_path: Path) -> None:
    """A flipped byte is told, not sent."""
    spool = make(tmp_path)
    spool.append(batch(1))
    (segment,) = tmp_path.glob("*/*.seg")
    data = bytearray(segment.read_bytes())
    data[-5] ^= 1
    segment.write_bytes(data)
    with pytest.raises(CorruptError, match="damaged"):
        spool.first()
    assert spool.discard().rows == {"m": 10}


def test_damage_in_an_inherited_spool_ends_its_segment(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What comes before the damage is sent, and the loss is told."""
    spool = make(tmp_path)
    for number in range(3):
        spool.append(batch(number))
    spool.close()
    (segment,) = tmp_path.glob("*/*.seg")
    data = bytearray(segment.read_bytes())
    data[len(data) // 2] ^= 1
    segment.write_bytes(data)
    heir = make(tmp_path)
    assert heir.adopt() == {"m": 10}
    assert drain(heir) == ["k0"]
    assert "damaged" in caplog.text


def test_the_bound_holds(tmp_path: Path) -> None:
    """More than the bound is refused, and room is made by whole segments, oldest first."""
    spool = make(tmp_path, bound=4000)
    number = 0
    with pytest.raises(FullError):  # noqa: PT012 - until it is full
        while True:
            spool.append(batch(number))
            number += 1
    assert sum(path.stat().st_size for path in tmp_path.glob("*/*.seg")) == spool.size <= 4000
    gone = spool.drop_oldest(keep_first=False)
    assert gone is not None
    spool.append(batch(number))
    assert drain(spool) == [f"k{left}" for left in range(gone.batches, number + 1)]


def test_a_full_disk_leaves_no_half_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a write that failed, the next one can be read."""
    spool = make(tmp_path)
    spool.append(batch(1))
    with monkeypatch.context() as patch:

        def full(_handle: int) -> None:
            raise OSError(28, "No space left on device")

        patch.setattr("os.fsync", full)
        with pytest.raises(OSError, match="space"):
            spool.append(batch(2))
    spool.append(batch(3))
    assert drain(spool) == ["k1", "k3"]
