"""Limits a value may be over or under, and which of them it breaks."""

from __future__ import annotations

from dataclasses import dataclass
from math import isclose, isfinite
from typing import TYPE_CHECKING

from anchorwatch.profile.measure import MEASURES
from anchorwatch.rules.chance import worsens_upward
from anchorwatch.rules.sentence import apart, figure

if TYPE_CHECKING:
    from anchorwatch.core.types import Rule
    from anchorwatch.rules.band import ReferenceBand


@dataclass(frozen=True, slots=True)
class Limit:
    """A value that must not be passed: upwards (`upper`) or downwards. `note` says where it is from."""

    at: float
    upper: bool
    note: str = ""

    def broken(self, value: float) -> bool:
        """Whether `value` is beyond; rounding is not (sums of parts differ in the last digit)."""
        beyond = value > self.at if self.upper else value < self.at
        return beyond and not isclose(value, self.at, rel_tol=1e-12, abs_tol=1e-15)

    def text(self, value: float) -> str:
        """`57.3 is over its limit 55.0`, `22.0 is within its limit 55.0`."""
        shown, limit = apart(value, self.at)
        where = ("over" if self.upper else "under") if self.broken(value) else "within"
        return f"{shown} is {where} its limit {limit}"


def fixed(rule: Rule) -> tuple[Limit, ...]:
    """The limits written into the rule."""
    above = () if rule.above is None else (Limit(rule.above, upper=True),)
    below = () if rule.below is None else (Limit(rule.below, upper=False),)
    return above + below


def around(rule: Rule, band: ReferenceBand) -> tuple[Limit, ...]:
    """The edges of the reference's band, on the sides that count."""
    if rule.band is None:
        return ()
    note = f"reference {figure(band.mean)} ± {figure(band.sd)}"
    reach = rule.band * band.sd
    upper = (Limit(band.mean + reach, upper=True, note=note),) if rule.side != "below" else ()
    lower = (Limit(band.mean - reach, upper=False, note=note),) if rule.side != "above" else ()
    return upper + lower


def beside(rule: Rule, centre: float) -> tuple[Limit, ...]:
    """How much worse than the reference's `centre` a value may be."""
    if rule.worse is None:
        return ()
    upper = worsens_upward(rule.measure)
    bounded = rule.measure in MEASURES and isfinite(MEASURES[rule.measure].high)
    margin = rule.worse * (1.0 if bounded else abs(centre))
    return (Limit(centre + margin * (1 if upper else -1), upper, note=f"reference {figure(centre)}"),)


def nearest(limits: tuple[Limit, ...], value: float) -> Limit:
    """The one that is broken, else the one closest to being broken."""
    return max(limits, key=lambda limit: value - limit.at if limit.upper else limit.at - value)
