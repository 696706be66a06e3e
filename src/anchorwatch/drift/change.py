"""What kind of change a column went through, in a word, a sentence and figures."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class ChangeKind(StrEnum):
    """Kinds of change, by what somebody would look at first."""

    NONE = "none"
    """Nothing that chance would not explain."""

    MISSING = "missing"
    """Values went missing or became infinite, or came back."""

    STUCK = "stuck"
    """One and the same value, or nearly so, where there were many."""

    UNIT = "unit"
    """The same values in another unit, as far as can be told."""

    RENAME = "rename"
    """A level vanished and a new one came with its share."""

    NEW = "new category"
    """Values the reference does not have."""

    MIX = "mix"
    """Known categories in other shares."""

    SHIFT = "shift"
    """Numbers moved, their spread and shape unchanged."""

    SCALE = "scale"
    """Numbers spread wider or narrower."""

    SHAPE = "shape"
    """Another distribution altogether."""


@dataclass(frozen=True, slots=True)
class Change:
    """How a column changed.

    Attributes:
        kind: the one thing to look at first.
        text: a sentence for a person, without the column's name.
        figures: numbers behind it by name, such as `factor` (unit), `by` (shift, in reference standard deviations),
            `before` and `after` (shares).
        names: categories it is about: old and new by turns (rename), or new ones.
    """

    kind: ChangeKind
    text: str
    figures: Mapping[str, float] = field(default_factory=dict)
    names: tuple[str, ...] = ()


SAME = Change(ChangeKind.NONE, "no change that chance would not explain")

DOUBT = 1e-3
"""A change less unlikely than this by chance is none."""

SMALL = 0.02
"""A change of a share by less is none, however certain."""


def percent(share: float) -> str:
    """A share as people write it.

    >>> percent(0.12345), percent(0.0012), percent(1.0)
    ('12 %', '0.12 %', '100 %')
    """
    return f"{100 * share:.2g} %" if share < 0.995 else f"{100 * share:.3g} %"


def lost(before: float, after: float) -> Change:
    """Of shares of missing values."""
    what = f"{percent(after)} missing or infinite, {percent(before)} in the reference"
    return Change(ChangeKind.MISSING, what, {"before": before, "after": after})
