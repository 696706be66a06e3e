"""Unseen values are told apart by name, so that rare ones do not pass for drift."""

from __future__ import annotations

import numpy as np
import pytest

from anchorwatch.drift.cells import cells_of
from anchorwatch.drift.drift import drift
from anchorwatch.drift.subjects import Side
from anchorwatch.drift.unseen import by_name
from anchorwatch.profile.example import pair


def texts(*codes: int) -> list[str]:
    """Categories of whole numbers."""
    return [f"v{code}" for code in codes]


def test_each_unseen_name_has_a_cell() -> None:
    """In place of the one for all; the other columns stay as they were."""
    before = {"x": [1.0, 2.0, 3.0, 4.0], "c": ["a", "a", "b", "b"], "d": ["k", "k", "k", "l"]}
    after = {"x": [1.0, 2.0, 3.0, 4.0], "c": ["a", "y", "z", "z"], "d": ["k", "k", "k", "l"]}
    reference, current = pair(before, after)
    plain = cells_of(reference, current, Side.INPUTS)
    apart = by_name(plain, reference, current, Side.INPUTS)
    assert apart.column.size == plain.column.size + 1
    for one, other in ((plain.reference, apart.reference), (plain.current, apart.current)):
        np.testing.assert_array_equal(plain.sums(one), apart.sums(other))
    third = apart.column == apart.column[-1] - 1
    assert sorted(apart.current[third].tolist()) == [0, 0, 1, 1, 2]
    np.testing.assert_array_equal(apart.starts, np.searchsorted(apart.column, np.arange(apart.starts.size)))


def test_more_names_than_are_remembered_are_taken_to_be_alike() -> None:
    """Two thousand rows of names that come twice are a thousand cells of two."""
    reference, current = pair({"c": texts(*range(500))}, {"c": texts(*range(1000, 2000)) * 2})
    cells = by_name(cells_of(reference, current, Side.INPUTS), reference, current, Side.INPUTS)
    assert cells.sums(cells.current)[-1] == pytest.approx(2000)
    assert np.count_nonzero(cells.current[cells.starts[-1] :]) == pytest.approx(1000, abs=64)


def test_a_column_of_identifiers_never_drifts() -> None:
    """All values are new, as they were among the old ones: nothing can be said, and nothing is."""
    found = drift(*pair({"c": texts(*range(3000))}, {"c": texts(*range(3000, 4000))}))["c"]
    assert getattr(found, "p", None) is None or found.p > 0.5


@pytest.mark.parametrize("rows", [1000, 10_000])
def test_a_new_category_is_drift(rows: int) -> None:
    """One name in a tenth of the rows, beside many rare ones."""
    rng = np.random.default_rng(rows)
    shares = 1 / np.arange(1, 1001)
    draw = rng.choice(1000, 3000 + rows, p=shares / shares.sum()).tolist()
    after = ["new"] * (rows // 10) + texts(*draw[3000 : 3000 + rows - rows // 10])
    assert drift(*pair({"c": texts(*draw[:3000])}, {"c": after}))["c"].p < 1e-3


@pytest.mark.parametrize(("n", "m"), [(100, 300), (1000, 300), (1000, 3000)])
def test_rare_values_keep_the_level(n: int, m: int) -> None:
    """Of a thousand categories after Zipf; with one cell for all unseen values every window was drift."""
    rng = np.random.default_rng([n, m])
    shares = 1 / np.arange(1, 1001)
    shares /= shares.sum()
    p = []
    for _ in range(60):
        before, after = rng.choice(1000, m, p=shares), rng.choice(1000, n, p=shares)
        p.append(drift(*pair({"c": texts(*before)}, {"c": texts(*after)}))["c"].p)
    assert np.mean(np.array(p) < 0.05) < 0.05 + 4 * np.sqrt(0.05 / 60)
