"""A result of the model as a whole: the single subject `""`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anchorwatch.core.results import Missing, Results

if TYPE_CHECKING:
    from anchorwatch.core.results import Value

NO_OUTCOMES = "no outcomes yet"


def whole(name: str, found: Value | Missing) -> Results:
    """Wrap what was found as the results of the measure `name`.

    >>> whole("mae", Missing("no outcomes yet"))[""]
    Missing(reason='no outcomes yet', n=0)
    """
    if isinstance(found, Missing):
        return Results.missing(name, [""], found.reason, n=found.n)
    return Results.of(
        name, [""], found.value, n=found.n, low=_limit(found.low), high=_limit(found.high), p=_limit(found.p)
    )


def _limit(number: float | None) -> float:
    return float("nan") if number is None else number
