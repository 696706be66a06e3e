"""Kullback–Leibler: what is lost by taking the reference for what is now."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import rel_entr

from anchorwatch.core.schema import Kind
from anchorwatch.core.types import Stage
from anchorwatch.drift.cells import Cells, Found, over_cells
from anchorwatch.drift.chi_square import contingency
from anchorwatch.drift.subjects import Side
from anchorwatch.profile.measure import Family, measure

if TYPE_CHECKING:
    from anchorwatch.core.results import Results
    from anchorwatch.profile.profile import Profile

_SOURCE = "Kullback and Leibler 1951; smoothing: Krichevsky and Trofimov 1981"
_KINDS = frozenset({Kind.NUMBER, Kind.CATEGORY})


@measure(
    "Kullback–Leibler divergence",
    Family.DRIFT,
    kinds=_KINDS,
    unit="nats",
    better="lower",
    kept=False,
    source=_SOURCE,
)
def kl(reference: Profile | None, current: Profile) -> Results:
    """Kullback–Leibler divergence of the current shares from the reference, per column.

    `Σ q ln(q/p)` over deciles of numbers or levels of categories, in nats, 0 or more, best 0. Half a row is
    added to each cell that holds any on either side, so that a cell the reference does not have costs much, not
    everything. The cells are those of `psi`, with what is missing, infinite or unseen in cells of its own, and
    the p-value is that of `chi_square` on them.

    Missing without a reference and where either side has no rows.
    Source: Kullback and Leibler 1951; smoothing: Krichevsky and Trofimov 1981.

    >>> from anchorwatch.profile.example import pair
    >>> kl(*pair({"c": ["a", "b"] * 50}, {"c": ["a"] * 65 + ["b"] * 35}))["c"]
    Value(value=0.045, n=100, low=None, high=None, p=0.032)
    """
    return over_cells("kl", reference, current, _divergence)


@measure(
    "Kullback–Leibler divergence of the outcome",
    Family.DRIFT,
    kinds=_KINDS,
    stage=Stage.OUTCOMES,
    unit="nats",
    better="lower",
    kept=False,
    source=_SOURCE,
)
def target_kl(reference: Profile | None, current: Profile) -> Results:
    """`kl` of what really happened: target drift.

    `Σ q ln(q/p)` of classes, or of deciles of a regression's outcomes, half a row added to each. In nats, 0 or
    more, best 0. Missing without a reference, when the reference has no outcomes, and before outcomes come.
    Source: Kullback and Leibler 1951; smoothing: Krichevsky and Trofimov 1981.

    >>> from anchorwatch.profile.example import labels
    >>> target_kl(*labels("abab" * 25, "abab" * 25, "abab" * 25, "aaab" * 25))["_outcome"]
    Value(value=0.128, n=100, low=None, high=None, p=2.62e-04)
    """
    return over_cells("target_kl", reference, current, _divergence, Side.TARGET)


def _divergence(cells: Cells) -> Found:
    half = np.where(cells.reference + cells.current > 0, 0.5, 0.0)
    smooth = Cells(cells.reference + half, cells.current + half, cells.starts, cells.column)
    p, q = smooth.shares()
    # Rounding may pass 0 by 1e-16.
    return np.maximum(cells.sums(rel_entr(q, p)), 0), contingency(cells)[1], "undefined"
