"""Times as people and programs give them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from anchorwatch.app.moments import moment
from anchorwatch.core.errors import InputError

JULY = 1_372_636_800_000_000


@pytest.mark.parametrize(
    ("given", "micros"),
    [
        ("2013-07-01", JULY),
        ("2013-07-01T00:00:00Z", JULY),
        ("2013-07-01T00:00", JULY),
        ("2013-07-01T02:00:00+02:00", JULY),
        ("2013-07-01T02:00:00 02:00", JULY),  # a plus sign that an address turned into a space
        (JULY / 1e6, JULY),
        (JULY // 1_000_000, JULY),
        (datetime(2013, 7, 1, tzinfo=UTC), JULY),
        (datetime(2013, 7, 1), JULY),  # noqa: DTZ001 - without a zone it is UTC
        (datetime(2013, 7, 1, 5, tzinfo=timezone(timedelta(hours=5))), JULY),
        (0, 0),
        (None, 7),
        ("", 7),
    ],
)
def test_moments(given: Any, micros: int) -> None:
    """Every way of writing one; the default where none is given."""
    assert moment(given, "start", 7) == micros


@pytest.mark.parametrize("given", ["yesterday", "2013-13-01", "2013-07-01T25:00", "now", "1/7/2013"])
def test_what_is_no_time(given: str) -> None:
    """Is refused with the parameter's name and what would do."""
    with pytest.raises(InputError, match=r"end: '.*' is no time; write 2013-07-01"):
        moment(given, "end", 0)
