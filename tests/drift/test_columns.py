"""Drift of whole tables: what lies in which cell, and what must not go unseen."""

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon

from anchorwatch.drift.chi_square import chi_square
from anchorwatch.drift.jensen_shannon import jensen_shannon
from anchorwatch.drift.ks import ks
from anchorwatch.drift.missing_shift import missing_shift
from anchorwatch.drift.psi import psi, target_psi, terms
from anchorwatch.profile.example import labels, pair, values

RNG = np.random.default_rng(11)
BELL = RNG.normal(size=2000)


def tenths(before: np.ndarray, after: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Counts in the reference's ten decile bins, the last edges open."""
    edges = np.quantile(before, np.arange(1, 10) / 10)
    return tuple(np.bincount(np.searchsorted(edges, side), minlength=10) for side in (before, after))


@pytest.mark.parametrize("shift", [0.0, 0.3, 2.0])
def test_numbers_are_compared_in_the_references_tenths(shift: float) -> None:
    """PSI and Jensen–Shannon are the textbook's on ten quantile bins."""
    after = RNG.normal(shift, 1.2, 1500)
    sides = pair({"x": BELL}, {"x": after})
    p, q = (count / count.sum() for count in tenths(BELL, after))
    assert psi(*sides)["x"].value == pytest.approx(terms(p, q).sum(), rel=1e-9)
    assert jensen_shannon(*sides)["x"].value == pytest.approx(jensenshannon(p, q, base=2), rel=1e-9)


def test_categories_are_levels_unseen_and_missing() -> None:
    """Each level has a cell, and so has what is unseen and what is missing."""
    before = ["a"] * 50 + ["b"] * 30 + ["c"] * 20
    after = ["a"] * 20 + ["b"] * 20 + ["new"] * 6 + ["newer"] * 4 + [None] * 50
    p, q = np.array([50, 30, 20, 0, 0]) / 100, np.array([20, 20, 0, 10, 50]) / 100
    sides = pair({"c": before}, {"c": after})
    assert psi(*sides)["c"].value == pytest.approx(terms(p, q).sum())
    assert jensen_shannon(*sides)["c"].value == pytest.approx(jensenshannon(p, q, base=2))
    assert psi(*sides)["c"].n == 100


@pytest.mark.parametrize("lost", [np.nan, np.inf])
def test_sixty_percent_lost_is_drift(lost: float) -> None:
    """A column whose values vanish, or become infinite, does not read "no drift"."""
    after = RNG.normal(size=1000)
    after[:600] = lost
    sides = pair({"x": BELL}, {"x": after})
    assert psi(*sides)["x"].value > 1
    assert psi(*sides)["x"].p < 1e-100
    assert chi_square(*sides)["x"].p < 1e-100
    assert jensen_shannon(*sides)["x"].value > 0.4
    if np.isnan(lost):
        assert missing_shift(*sides)["x"].value == 0.6
        assert missing_shift(*sides)["x"].p < 1e-100


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (np.full(200, 5.0), np.full(200, 3.0)),
        (np.full(200, 5.0), np.full(200, 9.0)),
        (np.repeat([-1.0, 0.0, 1.0], [10, 180, 10]), np.repeat([-1.0, 0.0, 1.0], [190, 0, 10])),
        (np.repeat([0.0, 1.0], [190, 10]), np.repeat([-4.0, 1.0], [190, 10])),
        (
            np.concatenate([np.zeros(300), BELL[:1700] ** 2]),
            np.concatenate([-np.ones(300), BELL[:1700] ** 2]),
        ),
    ],
    ids=[
        "constant falls",
        "constant rises",
        "most common value moves down",
        "zero becomes negative",
        "few zeros do",
    ],
)
def test_an_atom_that_moves_down_is_seen(before: np.ndarray, after: np.ndarray) -> None:
    """A value that takes up a tenth or more is told apart from what lies below it."""
    sides = pair({"x": before}, {"x": after})
    for measure in (psi, chi_square, jensen_shannon, ks):
        assert measure(*sides)["x"].p < 1e-10, measure.__name__


def test_a_column_absent_in_the_reference_has_drifted_when_it_comes() -> None:
    """From all missing to none missing is a change of everything."""
    sides = pair({"x": np.full(100, np.nan), "y": BELL[:100]}, {"x": BELL[:100], "y": BELL[:100]})
    assert jensen_shannon(*sides)["x"].value == pytest.approx(1)
    assert jensen_shannon(*sides)["y"].value == 0
    assert missing_shift(*sides)["x"].value == -1


def test_predictions_are_columns_and_outcomes_are_not() -> None:
    """Prediction drift comes with the inputs; target drift has measures of its own."""
    numeric = values(BELL, BELL, BELL + 3, BELL)
    assert psi(*numeric)["_prediction"].value > 1
    assert target_psi(*numeric)["_outcome"].value == 0
    named = labels("0101" * 50, "0101" * 50, "0101" * 50, "1111" * 50)
    assert psi(*named)["_prediction"].value == 0
    assert target_psi(*named)["_outcome"].value > 1
    assert "_outcome" not in psi(*named).subjects


def test_many_columns_give_what_each_gives_alone() -> None:
    """All at once is the same as one by one, for numbers of any shape and categories of any size."""
    rng = np.random.default_rng(12)

    def table(n: int) -> dict[str, object]:
        lost = rng.normal(size=n)
        lost[: n // 5] = np.nan
        return {
            "bell": rng.normal(size=n),
            "flag": rng.integers(0, 2, n).astype(float),
            "lost": lost,
            "counts": rng.poisson(3, n).astype(float),
            "c": rng.choice(list("abc"), n).tolist(),
            "wide": [f"v{i}" for i in rng.integers(0, 40, n)],
        }

    before, after = table(900), table(400)
    together = pair(before, after)
    for measure in (psi, chi_square, jensen_shannon, missing_shift, ks):
        for name in before:
            alone = pair({name: before[name]}, {name: after[name]})
            if name in measure(*alone).subjects:
                assert measure(*together)[name] == measure(*alone)[name], (measure.__name__, name)


def test_few_rows_have_an_index_but_no_test() -> None:
    """One row has an index, by definition, and a chi-square that says why it has none."""
    sides = pair({"c": ["a", "b"] * 20}, {"c": ["a"]})
    assert psi(*sides)["c"].p is None
    assert chi_square(*sides)["c"].reason == "too few rows for a test"
