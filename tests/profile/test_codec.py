from __future__ import annotations

import struct
import zlib
from dataclasses import fields

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.profile.material import SPECS, assert_same, busy, frames, joined

from anchorwatch.core.errors import ConflictError, CorruptError, TooLargeError
from anchorwatch.core.schema import Task
from anchorwatch.profile import envelope
from anchorwatch.profile.build import build_grid
from anchorwatch.profile.codec import decode, decode_grid, encode, encode_grid
from anchorwatch.profile.envelope import seal, unseal
from anchorwatch.profile.fold import JoinedRows, fold_inputs, fold_outcomes
from anchorwatch.profile.grid import Grid
from anchorwatch.profile.parts import Joined
from anchorwatch.profile.profile import Profile
from anchorwatch.profile.sample_codec import decode_sample, encode_sample

MAGIC = b"AWp\x02"


def example(rng: np.random.Generator, n: int) -> Profile:
    """A profile with every part that a binary model has."""
    frame = busy(rng, n)
    grid = build_grid(SPECS[Task.BINARY], busy(rng, 300))
    groups = np.zeros(n, np.int64)
    rows = JoinedRows(rng.integers(0, 3, n) * 1.0, rng.random((n, 1)), rng.integers(0, 3, n) * 1.0)
    return fold_inputs(frame, groups, 1, grid, sample=20)[0] + fold_outcomes(rows, groups, 1, grid)[0]


PROFILE = example(np.random.default_rng(13), 400)
BYTES = encode(PROFILE)
TAIL = 4
SAMPLE = len(encode_sample(PROFILE.sample, PROFILE.grid))
MAIN, SAMPLED = BYTES[: -SAMPLE - TAIL], BYTES[-SAMPLE - TAIL : -TAIL]
GRID_BYTES = encode_grid(PROFILE.grid)


@pytest.mark.parametrize("task", Task)
@given(st.data())
def test_profiles_come_back(task: Task, data: st.DataObject) -> None:
    """Any profile, of inputs, of outcomes, of both or of nothing, comes back bit for bit."""
    grid = build_grid(SPECS[task], data.draw(st.one_of(st.none(), frames(task, 10))))
    frame, rows = data.draw(frames(task)), data.draw(joined(task))
    sample = data.draw(st.sampled_from([0, 3, 50]))
    inputs = fold_inputs(frame, np.zeros(frame.height, np.int64), 1, grid, sample=sample)[0]
    outcomes = fold_outcomes(rows, np.zeros(rows.outcome.size, np.int64), 1, grid)[0]
    expired = Profile(grid, joined=Joined(0, 7))
    for profile in (inputs, outcomes, inputs + outcomes, expired, Profile(grid)):
        written = encode(profile)
        assert_same(decode(written, grid), profile)
        assert encode(decode(written, grid)) == written


@pytest.mark.parametrize("task", Task)
@given(st.data())
def test_grids_come_back(task: Task, data: st.DataObject) -> None:
    """Every attribute of a grid, its digest among them."""
    grid = build_grid(SPECS[task], data.draw(st.one_of(st.none(), frames(task))))
    found = decode_grid(encode_grid(grid))
    for item in fields(Grid):
        one, other = getattr(found, item.name), getattr(grid, item.name)
        if item.name in {"edges", "deciles"}:
            assert [part.tolist() for part in one] == [part.tolist() for part in other]
        elif isinstance(one, np.ndarray):
            assert one.tolist() == other.tolist()
        else:
            assert one == other


def test_bytes_are_few() -> None:
    """A window of 1,000 rows with 24 columns takes a few kilobytes, and one of a single row half of one."""
    rng = np.random.default_rng(14)
    frame = pl.DataFrame(
        {
            "_latency": rng.lognormal(-5, 0.5, 1_000),
            **{f"x{number}": rng.normal(size=1_000) for number in range(20)},
        }
    )
    spec = SPECS[Task.REGRESSION].from_dict(
        {"name": "r", "task": "regression", "columns": {f"x{number}": "number" for number in range(20)}}
    )
    grid = build_grid(spec, frame)
    for rows, most in ((1_000, 5_000), (1, 800)):
        written = encode(fold_inputs(frame.head(rows), np.zeros(rows, np.int64), 1, grid)[0])
        assert len(written) < most


def test_another_grid_is_a_conflict() -> None:
    """A profile is read on its own grid only."""
    with pytest.raises(ConflictError, match="grid"):
        decode(BYTES, build_grid(SPECS[Task.BINARY]))


@given(st.lists(st.tuples(st.integers(0, len(BYTES) - 1), st.integers(1, 255)), min_size=1, max_size=4))
def test_damage_is_told(flips: list[tuple[int, int]]) -> None:
    """Bytes that were changed anywhere are refused as corrupt."""
    damaged = bytearray(BYTES)
    for place, change in flips:
        damaged[place] ^= change
    if damaged != BYTES:
        with pytest.raises(CorruptError):
            decode(bytes(damaged), PROFILE.grid)


@given(st.integers(0, len(BYTES) - 1))
def test_bytes_cut_short_are_told(length: int) -> None:
    """So are bytes that end too early, or go on."""
    for damaged in (BYTES[:length], BYTES + BYTES[:length] + b"."):
        with pytest.raises(CorruptError):
            decode(damaged, PROFILE.grid)


@given(st.binary(max_size=200))
def test_noise_is_told(noise: bytes) -> None:
    """Bytes from anywhere are neither profile nor grid."""
    for head in (b"", MAGIC, b"AWg\x02"):
        with pytest.raises(CorruptError):
            decode(head + noise, PROFILE.grid)
        with pytest.raises(CorruptError):
            decode_grid(head + noise)


@settings(max_examples=500)
@given(st.data())
def test_lies_under_a_true_checksum_do_no_harm(data: st.DataObject) -> None:
    """Content that was sealed properly but makes no sense is read as some profile or refused; nothing else happens."""
    content = bytearray(unseal(MAGIC, MAIN))
    ends = st.one_of(st.integers(16, 40), st.integers(16, len(content) - 1))
    for place in data.draw(st.lists(ends, min_size=1, max_size=6)):
        content[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.one_of(st.just(len(content)), st.integers(0, len(content))))
    try:
        found = decode(seal(MAGIC, bytes(content[:cut])) + bytes(TAIL), PROFILE.grid)
    except (CorruptError, ConflictError):
        return
    assert found.grid is PROFILE.grid


@settings(max_examples=200)
@given(st.data())
def test_lies_about_a_sample_do_no_harm(data: st.DataObject) -> None:
    """A sample whose keys do not ascend, whose codes do not exist or which is as long as it does not say is refused."""
    content = bytearray(unseal(b"AWs\x01", SAMPLED))
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=6)):
        content[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.one_of(st.just(len(content)), st.integers(0, len(content))))
    try:
        found = decode_sample(seal(b"AWs\x01", bytes(content[:cut])), PROFILE.grid)
    except CorruptError:
        return
    assert found.values(PROFILE.grid).shape == found.codes.shape
    assert (np.diff(found.keys.astype(object)) >= 0).all()


@settings(max_examples=500)
@given(st.data())
def test_lies_about_a_grid_do_no_harm(data: st.DataObject) -> None:
    """A grid that contradicts itself is refused."""
    content = bytearray(unseal(b"AWg\x02", GRID_BYTES))
    last = len(content) - 1
    for place in data.draw(
        st.lists(st.one_of(st.integers(0, 60), st.integers(last - 900, last)), min_size=1, max_size=6)
    ):
        content[place] = data.draw(st.integers(0, 255))
    try:
        found = decode_grid(seal(b"AWg\x02", bytes(content)))
    except CorruptError:
        return
    assert found.digest != PROFILE.grid.digest or bytes(content) == unseal(b"AWg\x02", GRID_BYTES)


def test_damage_of_any_one_byte_is_told() -> None:
    """Nowhere, not even in the checksum, is there a byte that may change."""
    for place in range(len(BYTES)):
        damaged = bytearray(BYTES)
        damaged[place] ^= 0x55
        with pytest.raises(CorruptError):
            decode(bytes(damaged), PROFILE.grid)


@pytest.mark.parametrize(
    ("length", "told"), [(2**32 - 1, "beyond"), (100, "unpack to"), (20_000_000, "unpack to")]
)
def test_a_false_length_is_told(length: int, told: str) -> None:
    """Neither more than the bound nor more than was promised is unpacked, under a true checksum."""
    packed = zlib.compress(bytes(10_000_000), 9)
    size = struct.pack("<I", length)
    sealed = struct.pack("<4sII", MAGIC, zlib.crc32(packed, zlib.crc32(size)), length) + packed
    with pytest.raises(CorruptError, match=told):
        unseal(MAGIC, sealed)


def test_too_much_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """What could not be read back is not written."""
    monkeypatch.setattr(envelope, "MOST", 10)
    with pytest.raises(TooLargeError, match="labels"):
        seal(MAGIC, bytes(11))
