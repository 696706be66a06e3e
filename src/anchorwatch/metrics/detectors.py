"""What the sequential detectors said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anchorwatch.core.results import Missing, Value
from anchorwatch.core.types import Stage
from anchorwatch.metrics.whole import NO_OUTCOMES, whole
from anchorwatch.profile.measure import Family, measure

if TYPE_CHECKING:
    from anchorwatch.core.results import Results
    from anchorwatch.profile.profile import Profile


@measure(
    "Detector alarms",
    Family.PERFORMANCE,
    needs=frozenset({"joined"}),
    stage=Stage.OUTCOMES,
    unit="alarms",
    better="lower",
    source="the model's `detectors`",
)
def detector_alarms(_reference: Profile | None, current: Profile) -> Results:
    """How often the model's sequential detectors alarmed on predictions of the window.

    A count over all `detectors` of the model, 0 or more, best 0; no interval. Detectors watch a model as a whole: its
    segments have none. Missing until an outcome has come. Source: `anchorwatch.drift.sequential`.

    >>> from anchorwatch.profile.example import values
    >>> detector_alarms(*values([], [], [1.0, 2.0], [1.0, 2.0]))[""]
    Value(value=0.0, n=2, low=None, high=None, p=None)
    """
    joined = current.joined
    if joined is None or not joined.outcomes:
        return whole("detector_alarms", Missing(NO_OUTCOMES))
    return whole("detector_alarms", Value(float(joined.alarms), joined.outcomes))
