"""How much of a window is known by now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anchorwatch.core.results import Missing, Value
from anchorwatch.core.types import Stage
from anchorwatch.metrics.whole import whole
from anchorwatch.profile.measure import Family, measure

if TYPE_CHECKING:
    from anchorwatch.core.results import Results
    from anchorwatch.profile.profile import Profile

_NEEDS = frozenset({"service"})


@measure(
    "Maturity",
    Family.SERVICE,
    needs=_NEEDS,
    stage=Stage.OUTCOMES,
    unit="share",
    high=1.0,
    better="higher",
    source="count",
)
def maturity(_reference: Profile | None, current: Profile) -> Results:
    """Share of the window's predictions that have an outcome by now.

    `outcomes / (events - errors)`, at most 1. A share, 0 to 1, best 1; exact, so without an interval.
    0 while no outcome has come; missing when the window has no predictions.
    Source: the definition.

    >>> from anchorwatch.profile.example import values
    >>> maturity(*values([], [], [1.0, 2.0], [1.0, 2.0]))[""]
    Value(value=1.0, n=2, low=None, high=None, p=None)
    """
    return _share("maturity", current, current.joined.outcomes if current.joined else 0)


@measure(
    "Expired share",
    Family.SERVICE,
    needs=_NEEDS,
    stage=Stage.OUTCOMES,
    unit="share",
    high=1.0,
    better="lower",
    source="count",
)
def expired_share(_reference: Profile | None, current: Profile) -> Results:
    """Share of the window's predictions that will never get an outcome: their horizon has passed.

    `expired / (events - errors)`, at most 1. A share, 0 to 1, best 0; exact, so without an interval.
    0 while none has expired; missing when the window has no predictions.
    Source: the definition.

    >>> from anchorwatch.profile.example import values
    >>> expired_share(*values([], [], [1.0, 2.0], [1.0, 2.0]))[""]
    Value(value=0.0, n=2, low=None, high=None, p=None)
    """
    return _share("expired_share", current, current.joined.expired if current.joined else 0)


def _share(name: str, current: Profile, count: int) -> Results:
    predictions = current.service.events - current.service.errors if current.service else 0
    if not predictions:
        return whole(name, Missing("no predictions in this window"))
    # Outcomes of events that ended in an error may have been joined too.
    return whole(name, Value(min(count / predictions, 1.0), predictions))
