"""Which drifted input probably matters: what moved, times how much the answer hangs on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from anchorwatch.core.results import Value
from anchorwatch.drift.change import ChangeKind
from anchorwatch.drift.drift import drift
from anchorwatch.drift.kind import kinds
from anchorwatch.explain.influence import Influence

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from anchorwatch.drift.change import Change
    from anchorwatch.profile.profile import Profile

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Cause:
    """An input that changed.

    Attributes:
        column: which.
        moved: share of its rows that lie elsewhere (see `drift`), 0 to 1.
        importance: share of the variance of the model's answers that the input explains, 0 to 1; None when not known.
        effect: by how much the mean answer moves because of it alone, in the answer's unit (the largest change of a
            class's share for multiclass models); None when not known.
        answer: what `effect` is of: `score`, `prediction` or `classes`.
        change: what kind of change it was.
        weight: what causes are ranked by: `moved · √importance`, or the effect in standard deviations (what few rows
            leave in doubt taken off) where that is larger.
    """

    column: str
    moved: float
    importance: float | None
    effect: float | None
    answer: str
    change: Change
    weight: float

    @property
    def text(self) -> str:
        """One sentence for a person at night.

        `wind: values look 67 times larger: a change of unit? 93 % of its rows moved; by itself that moves the mean
        prediction by +4.1.`
        """
        what = self.change.text or "its distribution changed"
        parts = [f"{self.column}: {what}"]
        parts += ["" if what.endswith("?") else ";", f" {100 * self.moved:.0f} % of its rows moved"]
        if self.importance is not None and self.effect is not None:
            parts.append(f"; {self._effect()}")
        return "".join(parts)

    def _effect(self) -> str:
        effect, importance = self.effect or 0.0, self.importance or 0.0
        if importance < 0.01:
            return "the model's answers hardly depend on it"
        what = "the share of a class" if self.answer == "classes" else f"the mean {self.answer}"
        return (
            f"it explains {100 * importance:.0f} % of the answers and by itself moves {what} by {effect:+.2g}"
        )


def causes(reference: Profile | None, current: Profile, alpha: float = 1e-3) -> tuple[Cause, ...]:
    """Inputs that changed by more than chance, the ones that matter most to the model's answers first.

    The effect of an input alone is `Σ (q - p) m` over its cells, with `p` and `q` the cells' shares in reference and
    window and `m` the reference's mean answer in each: what the change would do if nothing else changed, and if the
    answers depended on inputs as they did in the reference. Inputs that go together share their effect, so each shows
    it. Without sampled rows (private models) causes are ranked by what moved alone.

    Args:
        reference: profile of the reference, on the window's grid.
        current: profile of the window.
        alpha: p-value, times the number of columns, under which a column counts as changed.

    >>> from anchorwatch.profile.example import pair
    >>> random = np.random.default_rng(1)
    >>> x, y = random.normal(size=(2, 2000))
    >>> before = {"x": x, "y": y, "_prediction": 3 * x}
    >>> after = {"x": x[:500] + 1, "y": y[:500] + 1, "_prediction": 3 * x[:500] + 3}
    >>> [cause.column for cause in causes(*pair(before, after))]
    ['x', 'y']
    """
    if reference is None or reference.grid.digest != current.grid.digest:
        return ()
    results = drift(reference, current)
    inputs = [name for name in results.subjects if not name.startswith("_")]
    changes, influence = kinds(reference, current), Influence.of(reference)
    found = []
    for name in inputs:
        moved = results[name]
        if (
            not isinstance(moved, Value)
            or moved.p is None
            or moved.p * len(inputs) >= alpha
            or not moved.value
        ):
            continue
        change = changes.get(name)
        if change is None or (change.kind is ChangeKind.NONE and moved.value < 0.02):
            continue
        found.append(_cause(name, moved.value, change, (influence, reference, current)))
    return tuple(sorted(found, key=lambda cause: (-cause.weight, cause.column)))


def _cause(
    name: str, moved: float, change: Change, where: tuple[Influence | None, Profile, Profile]
) -> Cause:
    influence, reference, current = where
    if influence is None or name not in influence.columns:
        return Cause(name, moved, None, None, "", change, moved)
    place = influence.columns.index(name)
    importance = float(influence.importance[place])
    gap = _shares(current, name, influence, place) - _shares(reference, name, influence, place)
    effects = gap @ influence.means[place]
    largest = int(np.abs(effects).argmax())
    effect, spread = float(effects[largest]), float(influence.spread[largest]) or 1.0
    certain = (effect / spread) ** 2 - 4 * float(gap**2 @ influence.doubts[place])
    weight = max(moved * float(np.sqrt(importance)), float(np.sqrt(max(certain, 0.0))))
    return Cause(name, moved, importance, effect, influence.answer, change, weight)


def _shares(profile: Profile, name: str, influence: Influence, place: int) -> Floats:
    """Share of a profile's rows in each cell of an input."""
    grid, cell = profile.grid, influence.cells[place]
    if name in grid.numbers and profile.numbers is not None:
        lane = grid.numbers.index(name)
        width = grid.edges[lane].size + 1
        lost = profile.numbers.missing[lane] + profile.numbers.infinite[lane]
        counts = np.append(profile.numbers.counts[lane, :width], lost)
    elif profile.categories is not None:
        lane = grid.categories.index(name)
        odd = [profile.categories.unseen[lane], profile.categories.missing[lane]]
        counts = np.concatenate([profile.categories.counts[lane], odd])
    else:
        return np.zeros(len(influence.means[place]))
    summed = np.bincount(cell, counts, len(influence.means[place]))
    return np.asarray(summed / max(summed.sum(), 1), dtype=np.float64)
