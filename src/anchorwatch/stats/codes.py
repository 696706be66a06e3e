"""Distinct whole numbers and the place of each among them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_TABLE = 1 << 20


def distinct(numbers: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The distinct values, ascending, and for each entry its index among them.

    As `numpy.unique(…, return_inverse=True)`, but linear in the entries when they lie close together.

    >>> distinct(np.array([7, 5, 7]))
    (array([5, 7]), array([1, 0, 1]))
    """
    if numbers.size == 0:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    low, high = int(numbers.min()), int(numbers.max())
    if high - low >= max(_TABLE, 4 * numbers.size):
        values, inverse = np.unique(numbers, return_inverse=True)
        return values.astype(np.int64), inverse.reshape(-1).astype(np.int64)
    offset = (numbers - low).astype(np.int64)
    present = np.zeros(high - low + 1, dtype=bool)
    present[offset] = True
    places = np.cumsum(present) - 1
    return np.flatnonzero(present) + low, places[offset]


def paired(
    one: NDArray[Any], other: NDArray[Any]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Distinct pairs: their first members, their second members, and for each entry the index of its pair.

    >>> paired(np.array([1, 1, 2]), np.array([9, 8, 9]))
    (array([1, 1, 2]), array([8, 9, 9]), array([1, 0, 2]))
    """
    firsts, first = distinct(one)
    seconds, second = distinct(other)
    pairs, place = distinct(first * max(len(seconds), 1) + second)
    return firsts[pairs // max(len(seconds), 1)], seconds[pairs % max(len(seconds), 1)], place


BLOCK = 512
"""Groups that are worked on together, which bounds what they take in memory."""


def blocks(
    groups: NDArray[np.int64], count: int, size: int = BLOCK
) -> Iterator[tuple[slice, NDArray[np.int64]]]:
    """`count` groups in blocks of `size`: which ones, and each entry's place within the block, -1 for none.

    >>> [(part, place.tolist()) for part, place in blocks(np.array([0, 2, 1]), 3, size=2)]
    [(slice(0, 2, None), [0, -1, 1]), (slice(2, 3, None), [-1, 0, -1])]
    """
    if count <= size:
        yield slice(0, count), groups
        return
    for begin in range(0, count, size):
        end = min(begin + size, count)
        yield slice(begin, end), np.where((groups >= begin) & (groups < end), groups - begin, -1)
