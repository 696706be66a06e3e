"""Which window each row belongs to."""

from __future__ import annotations

from zoneinfo import available_timezones

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from anchorwatch.core.calendar import Grain
from anchorwatch.core.times import from_micros, micros
from anchorwatch.flow.times import window_at, windows

SINCE_1973 = st.integers(100_000_000_000_000, 2**51)


@given(
    at=st.lists(SINCE_1973, max_size=30),
    grain=st.sampled_from(["1m", "5m", "15m", "20m", "1h", "6h", "1d", "1w", "1mo"]),
    zone=st.sampled_from(sorted(available_timezones())),
)
def test_rows_are_in_their_windows(at: list[int], grain: str, zone: str) -> None:
    """All at once is the same as `Grain.window` row by row, in every zone."""
    starts, spans = windows(np.array(at, np.int64), grain, zone)
    for moment, start in zip(at, starts.tolist(), strict=True):
        window = Grain(grain).window(from_micros(moment), zone)
        assert (start, spans[start]) == (micros(window.start), micros(window.end))
        assert window_at(moment, grain, zone) == (start, spans[start])
    assert set(spans) == set(starts.tolist())
