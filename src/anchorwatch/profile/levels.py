"""Categories as codes: which known level of a column a text is."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from anchorwatch.profile.parts import Categories
from anchorwatch.profile.unseen import LONGEST, merge_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from anchorwatch.profile.grid import Grid
    from anchorwatch.profile.rows import Rows

FEW = 300
"""Up to so many rows a dictionary is quicker than Polars' own hashing."""


@dataclass(frozen=True, eq=False)
class Levels:
    """Finds the place of a text among the known levels; no slots, so that what is derived is made once."""

    names: tuple[str, ...]

    @property
    def unseen(self) -> int:
        """The code of a text that is no level; one more is the code of a null."""
        return len(self.names)

    @cached_property
    def _places(self) -> dict[str | None, int]:
        return {**{name: place for place, name in enumerate(self.names)}, None: self.unseen + 1}

    @cached_property
    def _type(self) -> pl.Enum:
        return pl.Enum(self.names)

    def codes(self, texts: pl.Series) -> NDArray[np.unsignedinteger]:
        """The code of each text, shape (rows,)."""
        dtype = np.min_scalar_type(self.unseen + 1)
        if len(texts) <= FEW:
            places, other = self._places, self.unseen
            return np.array([places.get(text, other) for text in texts.to_list()], dtype=dtype)
        known = texts.cast(self._type, strict=False).to_physical().cast(pl.UInt32)
        codes = known.fill_null(self.unseen).to_numpy().astype(dtype)
        if texts.null_count():
            codes[texts.is_null().to_numpy()] = self.unseen + 1
        return codes


@dataclass(frozen=True, slots=True, eq=False)
class Texts:
    """A categorical column: its place in `grid.categories`, its texts, and the code of each."""

    column: int
    texts: pl.Series
    codes: NDArray[np.unsignedinteger]
    unseen: int

    @classmethod
    def of(cls, column: int, texts: pl.Series, levels: Levels) -> Texts:
        """Look up the code of each text."""
        return cls(column, texts, levels.codes(texts), levels.unseen)

    def count(self, rows: Rows) -> NDArray[np.int64]:
        """How often each code comes in each group, shape (groups, levels + 2)."""
        return rows.tally(rows.pick(self.codes), self.unseen + 2)

    def names(self, rows: Rows) -> dict[int, dict[str, int]]:
        """The unseen names to remember, for each group that has any."""
        found = np.flatnonzero(rows.pick(self.codes) == self.unseen)
        if not found.size:
            return {}
        places = rows.pick(np.arange(len(self.texts)))[found]
        return _names(self.texts.gather(places), rows.group[found])


def _names(texts: pl.Series, groups: NDArray[np.int64]) -> dict[int, dict[str, int]]:
    table = pl.DataFrame({"group": groups, "name": texts.str.slice(0, LONGEST)})
    if table.height <= FEW:
        counted = [(group, name, count) for (group, name), count in Counter(table.iter_rows()).items()]
    else:
        counted = table.group_by("group", "name").len().rows()
    by_group: dict[int, dict[str, int]] = {}
    for group, name, count in counted:
        by_group.setdefault(group, {})[name] = count
    return {group: merge_names([names]) for group, names in by_group.items()}


def count_texts(columns: Sequence[Texts], rows: Rows, grid: Grid) -> list[Categories]:
    """Categorical columns counted by group; a column that is not among `columns` counts nothing."""
    width = len(grid.categories)
    counts: list[NDArray[np.int64]] = [
        np.zeros((rows.count, len(levels)), np.int64) for levels in grid.levels
    ]
    odd = np.zeros((2, rows.count, width), np.int64)
    names: list[dict[int, dict[str, int]]] = [{} for _ in grid.categories]
    for column in columns:
        tally = column.count(rows)
        counts[column.column] = tally[:, : column.unseen]
        odd[:, :, column.column] = tally[:, column.unseen :].T
        if odd[0, :, column.column].any():
            names[column.column] = column.names(rows)
    return [
        Categories(
            tuple(count[group] for count in counts),
            odd[1, group],
            odd[0, group],
            tuple(named.get(group, {}) for named in names),
        )
        for group in range(rows.count)
    ]
