"""What kind of change a categorical column went through: which level went, which came, or in what shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from anchorwatch.drift.change import DOUBT, SMALL, Change, ChangeKind, percent
from anchorwatch.stats import tails

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

MOST_NAMED = 5
"""Names told in a sentence; the rest is counted."""


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """A categorical column on both sides.

    Attributes:
        levels: known values.
        before, now: counts of them, reference and current.
        unseen: count of values that are no level, current.
        names: of those, some with their counts.
    """

    levels: tuple[str, ...]
    before: NDArray[np.int64]
    now: NDArray[np.int64]
    unseen: int
    names: Mapping[str, int]

    @property
    def m(self) -> int:
        """Values of the reference."""
        return int(self.before.sum())

    @property
    def n(self) -> int:
        """Values of the current window."""
        return int(self.now.sum()) + self.unseen


def change(column: Column) -> Change:
    """The kind of change of a column whose shares differ by more than chance."""
    renamed = _renamed(column)
    fresh = column.unseen - sum(column.names[new] for _, new in renamed)
    if renamed and fresh < SMALL * column.n:
        return _rename(column, renamed)
    if column.unseen >= 0.005 * column.n and tails.fisher(column.unseen, column.n, 0, column.m) < DOUBT:
        return _new(column)
    most = int(np.argmax(column.now))
    if column.now[most] == column.n and np.count_nonzero(column.before) > 1:
        text = f"always {column.levels[most]!r}, {percent(column.before[most] / column.m)} in the reference"
        return Change(ChangeKind.STUCK, text, names=(column.levels[most],))
    return _mix(column)


def _renamed(column: Column) -> list[tuple[str, str]]:
    """Levels that vanished, each with a new name of about its share; one that only looks different comes first."""
    m, n = column.m, column.n
    expected = column.before * (n / m)
    gone = np.flatnonzero((expected > 8) & (column.now < 0.05 * expected))
    left = dict(column.names)
    pairs = []
    for level in gone[np.argsort(-column.before[gone], kind="stable")].tolist():
        old, count = column.levels[level], int(column.before[level])
        same = {new for new, many in left.items() if float(tails.fisher(many, n, count, m)) > DOUBT}
        # A share like its own is not enough among many new names.
        best = min(
            same, key=lambda new: (_plain(new) != _plain(old), abs(left[new] - expected[level])), default=None
        )
        if best is not None:
            pairs.append((old, best))
            del left[best]
    return pairs


def _plain(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def _rename(column: Column, pairs: list[tuple[str, str]]) -> Change:
    told = ", ".join(f"{old!r} is gone and {new!r} came in its share" for old, new in pairs[:MOST_NAMED])
    more = f", and {len(pairs) - MOST_NAMED} more" if len(pairs) > MOST_NAMED else ""
    share = sum(column.names[new] for _, new in pairs) / column.n
    names = tuple(name for pair in pairs for name in pair)
    return Change(ChangeKind.RENAME, f"{told}{more}: renamed?", {"after": share}, names)


def _new(column: Column) -> Change:
    ranked = sorted(column.names, key=lambda name: (-column.names[name], name))
    told = ", ".join(f"{name!r} ({percent(column.names[name] / column.n)})" for name in ranked[:MOST_NAMED])
    share = column.unseen / column.n
    text = f"{percent(share)} are values the reference does not have: {told}"
    return Change(ChangeKind.NEW, text, {"before": 0.0, "after": share}, tuple(ranked[:MOST_NAMED]))


def _mix(column: Column) -> Change:
    before, after = column.before / column.m, column.now / column.n
    place = int(np.argmax(np.abs(after - before)))
    way = "more" if after[place] > before[place] else "less"
    text = f"{way} of {column.levels[place]!r}: {percent(after[place])}, {percent(before[place])} in the reference"
    figures = {"before": float(before[place]), "after": float(after[place])}
    return Change(ChangeKind.MIX, text, figures, (column.levels[place],))
