"""The sums of a regression model's errors by name, and what follows from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from anchorwatch.core.results import Missing
from anchorwatch.metrics.whole import NO_OUTCOMES, whole
from anchorwatch.profile.grid import OUTCOME

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchorwatch.core.results import Results, Value
    from anchorwatch.profile.profile import Profile

UNIT = "outcome's unit"


@dataclass(frozen=True, slots=True)
class Sums:
    """The sums of `profile.parts.Residuals` by name, of `n` > 0 rows."""

    n: int
    error: float
    absolute: float
    square: float
    fourth: float
    outcome: float  # standardised
    outcome_square: float  # standardised
    size: float
    relative: float
    relative_n: float
    symmetric: float
    relative_square: float
    symmetric_square: float
    absolute_size: float  # Σ|e||y|
    outcome_cube: float  # standardised
    outcome_fourth: float  # standardised
    square_outcome: float  # Σe²z
    square_outcome_square: float  # Σe²z²
    over_square: float  # Σe² of errors above 0


def judge(name: str, current: Profile, ask: Callable[[Sums], Value | Missing]) -> Results:
    """Results of the measure `name`: what `ask` finds in the sums, when there are any."""
    residuals = current.residuals
    if residuals is None or not residuals.n:
        return whole(name, Missing(NO_OUTCOMES))
    return whole(name, ask(Sums(residuals.n, *residuals.sums.tolist())))


def standard(current: Profile) -> tuple[float, float]:
    """What was taken from outcomes, and what they were divided by, when they were standardised."""
    grid = current.grid
    column = grid.numbers.index(OUTCOME)
    return float(grid.centre[column]), float(grid.scale[column])
