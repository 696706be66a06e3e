"""Could it be chance? The p-value a rule is judged by, and the level its budget of false alarms allows.

A budget is kept without any assumption about how windows depend on each other: the expected number of windows that
breach by chance is the sum of their levels, and an incident takes a breach.
"""

from __future__ import annotations

from datetime import timedelta
from math import inf, sqrt
from typing import TYPE_CHECKING

from anchorwatch.core.results import Missing, Value
from anchorwatch.profile.measure import MEASURES
from anchorwatch.stats.deviates import rescaled, upper
from anchorwatch.stats.intervals import Z

if TYPE_CHECKING:
    from anchorwatch.core.calendar import Window
    from anchorwatch.core.types import Rule
    from anchorwatch.rules.ground import Ground, Inflation
    from anchorwatch.rules.limits import Limit

MONTH = timedelta(days=30)
"""What budgets are counted by."""

LOOSEST = 0.05
"""The level is never over it, however long the windows are."""


def level(rule: Rule, window: Window) -> float | None:
    """The p-value that a breach must be under in this window; None when the rule does not ask.

    With a budget of `b` false alarms in 30 days: `b · length / 30 days`, and no more than 0.05.

    >>> from datetime import UTC, datetime
    >>> from anchorwatch.core.calendar import Window
    >>> from anchorwatch.core.types import Rule
    >>> day = Window(datetime(2013, 7, 1, tzinfo=UTC), datetime(2013, 7, 2, tzinfo=UTC))
    >>> round(level(Rule(name="drift", measure="drift", above=0.1, budget=0.5), day), 4)
    0.0167
    """
    if rule.budget is None:
        return rule.alpha
    return min(rule.budget * ((window.end - window.start) / MONTH), LOOSEST)


def chance(rule: Rule, reading: Value, ground: Ground, limit: Limit | None) -> float | Missing:
    """The probability of a reading as bad as this one when nothing has changed.

    - a rule with `worse`: that of the next window of the reference, from the spread of its windows (Student's t), or
      from both intervals when it has too few;
    - a measure with a p-value: that, corrected by how the reference's own windows vary;
    - else: that the true value lies on the good side of the limit, from the reading's interval.
    """
    if rule.worse is not None:
        return _worse(rule, reading, ground)
    if reading.p is not None:
        return calibrated(reading.p, ground.inflation, reading.n) if rule.budget is not None else reading.p
    if rule.budget is None or limit is None:
        return Missing("it has no p-value to rule out chance")
    error = standard_error(reading)
    if error is None:
        return Missing("it has neither p-value nor interval to rule out chance")
    gap = reading.value - limit.at
    return upper(gap if limit.upper else -gap, error, inf)


def calibrated(p: float, inflation: Inflation, rows: int = 0) -> float:
    """A p-value that took `rows` rows for independent, in the light of how the reference's windows vary.

    `P(F₁,d ≥ x/λ)` with `x` the squared deviate of `p`, `λ` the inflation at so many rows and `d` its degrees of
    freedom: the tail of a t distribution, since `λ` is an estimate. Source: Devlin and Roeder 1999 (genomic control).

    >>> from anchorwatch.rules.ground import Inflation
    >>> calibrated(0.001, Inflation()), round(calibrated(1e-6, Inflation(4.0, 34)), 4)
    (0.001, 0.0198)
    """
    if inflation.freedom == inf:
        return p
    return rescaled(p, inflation.at(rows) if rows else inflation.factor, inflation.freedom)


def standard_error(reading: Value) -> float | None:
    """Of a value, from the width of its 95 % interval; None without one."""
    if reading.low is None or reading.high is None:
        return None
    return (reading.high - reading.low) / (2 * Z)


def _worse(rule: Rule, reading: Value, ground: Ground) -> float | Missing:
    centre = ground.centre
    if centre is None:
        return Missing("the reference has no value to be held against")
    if (reading.low is None) != (reading.high is None):
        return Missing(f"of {reading.n} rows it may be anything beyond its interval")
    gap = (reading.value - centre) * (1 if worsens_upward(rule.measure) else -1)
    error = standard_error(reading)
    if ground.band is not None:
        spread = max(ground.band.sd**2, (error or 0.0) ** 2)
        return upper(gap, sqrt(spread + ground.band.sd**2 / ground.band.n), ground.band.n - 1)
    base = None if ground.whole is None else standard_error(ground.whole)
    if error is None or base is None:
        return Missing("the reference has too few windows, and there is no interval to go by")
    return upper(gap, sqrt(error**2 + base**2), inf)


def worsens_upward(measure: str) -> bool:
    """Whether a larger value of the measure is a worse one."""
    return measure in MEASURES and MEASURES[measure].better != "higher"
