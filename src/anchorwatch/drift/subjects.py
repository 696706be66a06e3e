"""Which columns a drift measure looks at, and why it may have no answer.

`_prediction` and `_score` are columns like the inputs. `_outcome` is not known before outcomes come, so the
measures of the inputs leave it out and the `target_…` measures look at it alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from anchorwatch.profile.grid import OUTCOME

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from anchorwatch.profile.grid import Grid
    from anchorwatch.profile.profile import Profile


class Side(StrEnum):
    """What may drift: what came in and went out, or what really happened."""

    INPUTS = "inputs"
    TARGET = "target"


@dataclass(frozen=True, slots=True, eq=False)
class Chosen:
    """Indices of the numeric and the categorical columns of a side, and their names in that order."""

    numbers: NDArray[np.int64]
    categories: NDArray[np.int64]
    subjects: tuple[str, ...]


@lru_cache(maxsize=64)
def chosen(grid: Grid, side: Side) -> Chosen:
    """The columns of a side."""
    wanted = side is Side.TARGET
    numbers = [index for index, name in enumerate(grid.numbers) if (name == OUTCOME) is wanted]
    categories = [index for index, name in enumerate(grid.categories) if (name == OUTCOME) is wanted]
    names = [grid.numbers[index] for index in numbers] + [grid.categories[index] for index in categories]
    return Chosen(np.array(numbers, np.int64), np.array(categories, np.int64), tuple(names))


def refusal(reference: Profile | None, current: Profile) -> str:
    """Why nothing can be compared at all; empty when it can."""
    if reference is None:
        return "no reference"
    if reference.grid.digest != current.grid.digest:
        return "the reference lies on other bins"
    return ""


def absent(side: Side, base: bool, what: str) -> str:
    """Say that a window, or with `base` its reference, has none of `what`."""
    if base:
        return f"no {'outcomes' if side is Side.TARGET else what} in the reference"
    return "no outcomes yet" if side is Side.TARGET else f"no {what} in this window"


def reasons(
    reference: NDArray[np.generic], current: NDArray[np.generic], side: Side, what: str = "rows"
) -> list[str | None]:
    """Per column, why counts `reference` and `current` cannot be compared; `None` where both are over 0."""
    base, here = absent(side, True, what), absent(side, False, what)
    return [
        here if not count else None if other else base
        for count, other in zip(current.tolist(), reference.tolist(), strict=True)
    ]
