"""How long before its end a window fell silent: a source that stopped is seen before its rows are missed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anchorwatch.core.results import Results
from anchorwatch.profile.measure import Family, measure
from anchorwatch.quality import columns

if TYPE_CHECKING:
    from anchorwatch.profile.profile import Profile


@measure(
    "Freshness",
    Family.QUALITY,
    needs=frozenset({"service", "extent"}),
    unit="seconds",
    better="lower",
    source="the definition",
)
def freshness(_reference: Profile | None, current: Profile) -> Results:
    """Seconds from the last event to the end of the window.

    `end - max(event time)`. 0 or more, best 0. Of a window that is still open it counts from the end to come.
    Missing when the window has no events; a window without any is not measured at all: let a rule of `events`
    be unknown. Source: the definition.

    >>> from anchorwatch.profile.example import timed
    >>> freshness(*timed([0, 10], [60, 95]))[""].value
    25.0
    """
    service, extent = current.service, current.extent
    if service is None or extent is None or not service.events or not extent.ends.size:
        return Results.missing("freshness", [""], "no events in this window")
    return columns.whole("freshness", max(int(extent.ends.max()) - service.last, 0) / 1e6, service.events)
