"""A window as sufficient statistics: everything measures need, nothing they could re-read."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import reduce
from typing import TYPE_CHECKING, Any

from anchorwatch.core.errors import ConflictError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from anchorwatch.profile.grid import Grid
    from anchorwatch.profile.parts import Categories, Confusion, Joined, Numbers, Residuals, Scores, Service


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """The sum of a window's rows on a grid; parts that nothing was folded into are `None`, the neutral element.

    Profiles of one grid add: hour to day, segment to whole, worker to cluster, inputs to outcomes. Any split and
    any order of rows gives the same profile (counts exactly, sums to rounding).
    """

    grid: Grid
    numbers: Numbers | None = None
    categories: Categories | None = None
    service: Service | None = None
    confusion: Confusion | None = None
    scores: Scores | None = None
    residuals: Residuals | None = None
    joined: Joined | None = None

    def __add__(self, other: Profile) -> Profile:
        if self.grid.digest != other.grid.digest:
            raise ConflictError("profiles on different grids do not add; measure each against its own reference")
        return Profile(self.grid, **{name: _add(getattr(self, name), getattr(other, name)) for name in PARTS})

    @classmethod
    def sum(cls, grid: Grid, profiles: Iterable[Profile]) -> Profile:
        """All of them together; of none: the empty profile."""
        return reduce(cls.__add__, profiles, cls(grid))

    @property
    def events(self) -> int:
        """Predictions logged, errors included."""
        return self.service.events if self.service else 0


PARTS = tuple(item.name for item in fields(Profile) if item.name != "grid")


def _add(one: Any, other: Any) -> Any:
    if one is None or other is None:
        return other if one is None else one
    return one + other
