"""The chart in a message: small, quick, and missing where it cannot be drawn."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import pytest
from tests.notify.world import RULES, world

from anchorwatch.app.picture import picture
from anchorwatch.testing import CaptureChannel, capturing

if TYPE_CHECKING:
    from collections.abc import Sequence

HOURS = [f"2026-01-{day:02}T{hour:02}:00:00Z" for day in (1, 2) for hour in range(20)]


@pytest.mark.parametrize(
    ("starts", "values"),
    [
        (HOURS, [float(place) for place in range(40)]),
        (HOURS[:1], [3.0]),
        (HOURS[:3], [1.0, None, float("inf")]),
        (HOURS[:2], [5.0, 5.0]),
    ],
)
def test_it_is_a_png(starts: Sequence[str], values: Sequence[float | None]) -> None:
    """Of one window, with gaps, of a constant."""
    pytest.importorskip("matplotlib")
    drawn = picture(starts, values, limit=2.5, title="load: $x$ of a_b")
    assert drawn is not None
    assert drawn.startswith(b"\x89PNG")
    assert len(drawn) < 60_000


@pytest.mark.parametrize("values", [[], [None, None]])
def test_nothing_is_drawn_of_nothing(values: list[None]) -> None:
    """No window, no value that is known."""
    assert picture(HOURS[: len(values)], values) is None


def test_without_the_extra_there_is_no_chart(monkeypatch: pytest.MonkeyPatch) -> None:
    """And no error."""
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert picture(HOURS[:1], [1.0]) is None


def test_it_is_drawn_in_time() -> None:
    """Within 300 ms once the library is loaded; the best of three, others share the machine."""
    pytest.importorskip("matplotlib")
    picture(HOURS, [1.0] * 40)
    took = []
    for _ in range(3):
        begun = time.perf_counter()
        picture(HOURS, [1.0] * 40, limit=2.0, title="x")
        took.append(time.perf_counter() - begun)
    assert min(took) < 0.3


def test_a_message_carries_it() -> None:
    """The worst finding's measure, and it stays with the delivery."""
    pytest.importorskip("matplotlib")
    from dataclasses import replace

    chat = CaptureChannel("chat")
    with world(replace(capturing(chat), charts=True), RULES[:1]) as it:
        it.hour(1.0)
        it.hour(9.0)
        it.run()
        assert chat.said[0].chart is not None
        assert chat.said[0].chart.startswith(b"\x89PNG")
