"""Whether more or fewer events come than in the reference's time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from anchorwatch.core.results import Results
from anchorwatch.drift.subjects import refusal
from anchorwatch.profile.measure import Family, measure

if TYPE_CHECKING:
    from anchorwatch.profile.profile import Profile

_Z = 1.959963984540054


@measure(
    "Change of volume",
    Family.DRIFT,
    needs=frozenset({"service", "extent"}),
    unit="share",
    low=-1.0,
    better="none",
    source="ratio of two Poisson rates; interval: logarithmic",
)
def volume_change(reference: Profile | None, current: Profile) -> Results:
    """Events per time against those of the reference's windows, as a share more or fewer.

    `(n / t) / (m / s) - 1`, with `n` events in `t` of this window and `m` in `s` of the reference's windows (those
    in which it has any). -1 or more, best 0: as many as ever; 1 is twice as many, -0.5 half of them. 95 % interval of
    Poisson counts, `ln((n/t)/(m/s)) ± 1.96 √(1/n + 1/m)`, which is too narrow where volume swings by itself. Means
    nothing when the reference is a selection of rows. Missing without a reference that has times, and when the
    window has no events. Source: the definition.

    >>> from anchorwatch.profile.example import timed
    >>> volume_change(*timed([0, 10, 70, 80], [125, 130, 150, 170]))[""].value
    1.0
    """
    refused = refusal(reference, current)
    if refused or reference is None:
        return Results.missing("volume_change", [""], refused)
    if reference.extent is None or not reference.events:
        return Results.missing("volume_change", [""], "the reference has no times")
    if current.extent is None or not current.events:
        return Results.missing("volume_change", [""], "no events in this window")
    n, m = current.events, reference.events
    ratio = (n / current.extent.length) / (m / reference.extent.length)
    spread = float(np.exp(_Z * np.sqrt(1 / n + 1 / m)))
    return Results.of("volume_change", [""], ratio - 1, n=n, low=ratio / spread - 1, high=ratio * spread - 1)
