"""How a model served: events, errors and latency."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anchorwatch.core.results import Missing, Value
from anchorwatch.metrics.classification import share
from anchorwatch.metrics.probability import mean
from anchorwatch.metrics.quantile import quantile
from anchorwatch.metrics.whole import whole
from anchorwatch.profile.measure import Family, measure

if TYPE_CHECKING:
    from anchorwatch.core.results import Results
    from anchorwatch.profile.profile import Profile

_NEEDS = frozenset({"service"})
_ORDER = "order statistics: Conover 1999, section 3.2"


@measure("Throughput", Family.SERVICE, unit="events", source="count")
def throughput(_reference: Profile | None, current: Profile) -> Results:
    """Predictions logged in the window, errors included.

    `events`: a count, 0 or more, none is best; no interval. Never missing: a window without events has 0.
    Source: the definition.

    >>> from anchorwatch.profile.example import service
    >>> throughput(None, service([0.1, 0.2], errors=1))[""]
    Value(value=3.0, n=3, low=None, high=None, p=None)
    """
    return whole("throughput", Value(float(current.events), current.events))


@measure(
    "Error rate",
    Family.SERVICE,
    needs=_NEEDS,
    unit="share",
    high=1.0,
    better="lower",
    source="Wilson 1927",
)
def error_rate(_reference: Profile | None, current: Profile) -> Results:
    """Share of events that were errors instead of predictions.

    `errors / events`. A share, 0 to 1, best 0, with Wilson's 95 % interval. Missing when there are no events.
    Source: Wilson 1927.

    >>> from anchorwatch.profile.example import service
    >>> error_rate(None, service([0.1, 0.2, 0.3], errors=1))[""]
    Value(value=0.25, n=4, low=0.05, high=0.70, p=None)
    """
    part = current.service
    if part is None or not part.events:
        return whole("error_rate", Missing("no events in this window"))
    return whole("error_rate", share(part.errors, part.events))


@measure("Median latency", Family.SERVICE, needs=_NEEDS, unit="seconds", better="lower", source=_ORDER)
def latency_p50(_reference: Profile | None, current: Profile) -> Results:
    """Time that half of the predictions took no longer than.

    The latency of rank `⌈n/2⌉`, for even n the mean with the next one, to a cell of at most 2 %. In
    seconds, 0 or more, best 0; distribution-free 95 % interval, open on a side with too few. Missing when
    no latency was logged. Source: Conover 1999, section 3.2.

    >>> from anchorwatch.profile.example import service
    >>> latency_p50(None, service([0.1, 0.2, 0.3]))[""]
    Value(value=0.2, n=3, low=None, high=None, p=None)
    """
    return whole("latency_p50", _latency(current, 0.5))


@measure(
    "Latency, 95th percentile", Family.SERVICE, needs=_NEEDS, unit="seconds", better="lower", source=_ORDER
)
def latency_p95(_reference: Profile | None, current: Profile) -> Results:
    """Time that 95 % of the predictions took no longer than.

    The latency of rank `⌈0.95 n⌉`, to a cell of at most 2 %. In seconds, 0 or more, best 0;
    distribution-free 95 % interval, open above under 72 latencies. Missing when no latency was logged.
    Source: Conover 1999, section 3.2.

    >>> from anchorwatch.profile.example import service
    >>> latency_p95(None, service([0.1] * 19 + [0.9]))[""].value
    0.1
    """
    return whole("latency_p95", _latency(current, 0.95))


@measure(
    "Latency, 99th percentile", Family.SERVICE, needs=_NEEDS, unit="seconds", better="lower", source=_ORDER
)
def latency_p99(_reference: Profile | None, current: Profile) -> Results:
    """Time that 99 % of the predictions took no longer than.

    The latency of rank `⌈0.99 n⌉`, to a cell of at most 2 %. In seconds, 0 or more, best 0;
    distribution-free 95 % interval, open above under 368 latencies. Missing when no latency was logged.
    Source: Conover 1999, section 3.2.

    >>> from anchorwatch.profile.example import service
    >>> latency_p99(None, service([0.1] * 19 + [0.9]))[""].value
    0.9
    """
    return whole("latency_p99", _latency(current, 0.99))


@measure(
    "Mean latency",
    Family.SERVICE,
    needs=_NEEDS,
    unit="seconds",
    better="lower",
    source="mean; interval: normal",
)
def latency_mean(_reference: Profile | None, current: Profile) -> Results:
    """Mean time a prediction took.

    `Σ latency / n`. In seconds, 0 or more, best 0; normal 95 % interval, its variance from the histogram's
    cells. Missing when no latency was logged. Source: the definition.

    >>> from anchorwatch.profile.example import service
    >>> latency_mean(None, service([0.1, 0.2, 0.3]))[""]
    Value(value=0.2, n=3, low=0.09, high=0.31, p=None)
    """
    part = current.service
    if part is None or not part.latency.total:
        return whole("latency_mean", Missing("no latency was logged"))
    middles, counts = part.latency.middles(), part.latency.counts.sum(axis=0)
    n = part.latency.total
    centre = part.latency_total / n
    spread = float(counts @ (middles - centre) ** 2)
    return whole("latency_mean", mean(part.latency_total, spread + n * centre**2, n))


def _latency(current: Profile, q: float) -> Value | Missing:
    part = current.service
    if part is None or not part.latency.total:
        return Missing("no latency was logged")
    return quantile(part.latency, q)
