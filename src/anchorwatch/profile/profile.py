"""A window as sufficient statistics: everything measures need, nothing they could re-read."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from anchorwatch.core.errors import ConflictError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from anchorwatch.profile.contents import Contents
    from anchorwatch.profile.extent import Extent
    from anchorwatch.profile.forest import Isolated
    from anchorwatch.profile.grid import Grid
    from anchorwatch.profile.parts import Categories, Confusion, Joined, Numbers, Residuals, Scores, Service
    from anchorwatch.profile.refused import Refused
    from anchorwatch.profile.sample import Sample
    from anchorwatch.profile.vectors import Vectors


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
    sample: Sample | None = None
    vectors: Vectors | None = None
    contents: Contents | None = None
    extent: Extent | None = None
    isolated: Isolated | None = None
    refused: Refused | None = None

    def __add__(self, other: Profile) -> Profile:
        return Profile.sum(self.grid, (self, other))

    @classmethod
    def sum(cls, grid: Grid, profiles: Iterable[Profile]) -> Profile:
        """All of them together, in one pass; of none: the empty profile.

        Raises:
            ConflictError: one of them is on another grid.
        """
        given = list(profiles)
        if any(profile.grid.digest != grid.digest for profile in given):
            raise ConflictError(
                "profiles on different grids do not add; measure each against its own reference"
            )
        return cls(grid, **{name: _sum([getattr(profile, name) for profile in given]) for name in PARTS})

    @property
    def events(self) -> int:
        """Predictions logged, errors included."""
        return self.service.events if self.service else 0


PARTS = tuple(item.name for item in fields(Profile) if item.name != "grid")


def _sum(parts: Sequence[Any]) -> Any:
    known = [part for part in parts if part is not None]
    return type(known[0]).sum(known) if len(known) > 1 else next(iter(known), None)
