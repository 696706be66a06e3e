"""Which window each row belongs to."""

from __future__ import annotations

from functools import lru_cache
from math import gcd
from typing import TYPE_CHECKING

import numpy as np

from anchorwatch.core.calendar import Grain
from anchorwatch.core.times import from_micros, micros, span_micros
from anchorwatch.stats.codes import distinct

if TYPE_CHECKING:
    from numpy.typing import NDArray

_STEP = 900_000_000
"""A quarter of an hour: every zone's offset since 1972 is a multiple of it, so windows of a day begin on one."""


def windows(at: NDArray[np.int64], grain: str, zone: str) -> tuple[NDArray[np.int64], dict[int, int]]:
    """Start of each row's window, and the end of every window met; all in microseconds.

    Looks each quarter of an hour (less, for windows that are no multiple of it) up once, whatever the number of rows.
    """
    step = gcd(_STEP, span_micros(Grain(grain).length))
    cells, inverse = distinct(at // step)
    spans = [_window(int(cell) * step, grain, zone) for cell in cells]
    starts = np.array([start for start, _ in spans], dtype=np.int64)
    return starts[inverse], dict(spans)


@lru_cache(maxsize=1 << 17)
def _window(at: int, grain: str, zone: str) -> tuple[int, int]:
    window = Grain(grain).window(from_micros(at), zone)
    return micros(window.start), micros(window.end)


def window_at(at: int, grain: str, zone: str) -> tuple[int, int]:
    """Start and end of the window that holds one moment."""
    return _window(at, grain, zone)
