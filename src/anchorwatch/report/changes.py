"""In which way a column changed, where that can be told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from anchorwatch.profile.profile import Profile


@dataclass(frozen=True, slots=True)
class Changed:
    """A word for a change and a sentence about it."""

    kind: str
    text: str


def changes(reference: Profile, current: Profile) -> dict[str, Changed]:
    """The change of each column that has one."""
    return {}
