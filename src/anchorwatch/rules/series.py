"""Made-up series for tests of rules, in the notation of promtool.

- `1 2 3`: three windows; `_`: a window without a value
- `5x3`: 5 and three more like it, four windows; `_x3`: three windows without a value
- `1+2x3`: 1, 3, 5, 7: from 1 on, three steps of 2; `9-2x3`: 9, 7, 5, 3
"""

from __future__ import annotations

import re

from anchorwatch.core.errors import ConfigError

_NUMBER = r"(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?"
_TOKEN = re.compile(rf"(?P<first>_|[-+]?{_NUMBER})(?P<step>[-+]{_NUMBER})?(?:x(?P<times>\d{{1,5}}))?")

Series = tuple[float | None, ...]
"""A value per window; None where there is none."""


def series(text: str) -> Series:
    """Read the notation; raises `ConfigError`.

    >>> series("20 1+2x3 _x2 0.5x1")
    (20.0, 1.0, 3.0, 5.0, 7.0, None, None, 0.5, 0.5)
    """
    found: list[float | None] = []
    for token in text.split():
        found += _values(token)
    if not found:
        raise ConfigError("a series needs a value; write for example '20 20 61 _ 1+2x5'")
    return tuple(found)


def _values(token: str) -> list[float | None]:
    match = _TOKEN.fullmatch(token)
    if match is None or (match["step"] and (match["times"] is None or match["first"] == "_")):
        raise ConfigError(f"{token!r} is no value of a series; write '5', '_', '5x3', '1+2x3' or '9-2x3'")
    times = int(match["times"] or 0)
    if match["first"] == "_":
        return [None] * (times if match["times"] else 1)
    first, step = float(match["first"]), float(match["step"] or 0)
    return [first + step * count for count in range(times + 1)]
