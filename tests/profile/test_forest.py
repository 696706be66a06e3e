"""The isolation forest against scikit-learn's, and what its threshold promises."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score
from tests.profile.material import assert_same

from anchorwatch.core.schema import Column, Kind, ModelSpec, Task
from anchorwatch.flow.outliers import flagged
from anchorwatch.profile.build import build_grid
from anchorwatch.profile.codec import decode, decode_grid, encode, encode_grid
from anchorwatch.profile.fold import fold_inputs
from anchorwatch.profile.forest import QUANTILE, Forest, expected_path
from anchorwatch.quality.outlier_share_forest import outlier_share_forest


def planted(seed: int, columns: int, how: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A reference, and fresh rows with five outliers in a hundred, marked; shape (columns, rows)."""
    rng = np.random.default_rng(seed)
    mix = rng.normal(size=(columns, columns))
    plain, fresh = (mix @ rng.normal(size=(columns, n)) for n in (4_000, 2_000))
    odd = np.arange(2_000) < 100
    if how == "far":
        fresh[:, odd] *= 3
    elif how == "one column":
        fresh[0, odd] += 4 * plain[0].std()
    else:
        plain, fresh = plain**3, fresh**3
        fresh[:, odd] *= 6
    scale = plain.std(axis=1, keepdims=True)
    return plain / scale, fresh / scale, odd


@pytest.mark.parametrize("how", ["far", "one column", "heavy tails"])
@pytest.mark.parametrize("columns", [2, 8])
def test_it_ranks_as_well_as_scikit_learns(how: str, columns: int) -> None:
    """Over three seeds the area under the curve is less than 0.02 below, and scores go together."""
    ours, theirs, together = [], [], []
    for seed in range(3):
        plain, fresh, odd = planted(seed, columns, how)
        mine = Forest.grow(plain, seed).scores(fresh)
        known = (
            -IsolationForest(n_estimators=64, max_samples=256, random_state=seed)
            .fit(plain.T)
            .score_samples(fresh.T)
        )
        ours.append(roc_auc_score(odd, mine))
        theirs.append(roc_auc_score(odd, known))
        together.append(np.corrcoef(mine, known)[0, 1])
    assert np.mean(ours) > np.mean(theirs) - 0.02
    assert min(together) > 0.9


def test_the_threshold_flags_so_many_rows_of_the_reference() -> None:
    """One in two hundred of the rows it was set by, and about as many fresh ones."""
    rng = np.random.default_rng(1)
    plain = rng.normal(size=(5, 4_000))
    forest = Forest.grow(plain, 7)
    assert forest.outlying(plain).mean() == pytest.approx(1 - QUANTILE, abs=0.001)
    assert forest.outlying(rng.normal(size=(5, 20_000))).mean() == pytest.approx(1 - QUANTILE, abs=0.004)


def test_the_same_seed_grows_the_same_forest() -> None:
    """And another one another."""
    plain = np.random.default_rng(2).normal(size=(3, 500))
    one, again, other = (Forest.grow(plain, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.cut, again.cut)
    assert (one.cut != other.cut).any()


def test_awkward_rows_have_scores() -> None:
    """Missing, infinite, constant and single rows, and a column that is never known."""
    rng = np.random.default_rng(3)
    plain = rng.normal(size=(3, 300))
    plain[1, ::3], plain[2] = np.nan, np.nan
    forest = Forest.grow(plain, 1)
    rows = np.array([[np.inf, 0.0, np.nan], [-np.inf, 0.0, np.nan], [np.nan] * 3])
    scores = forest.scores(rows)
    assert ((scores > 0) & (scores <= 1)).all()
    assert scores[0] > scores[1]
    assert not Forest.grow(np.ones((2, 50)), 1).outlying(np.zeros((2, 4))).any()
    assert Forest.grow(np.ones((2, 1)), 1).scores(np.ones((2, 2))).shape == (2,)
    assert Forest.grow(np.ones((2, 0)), 1).scores(np.ones((2, 2))).shape == (2,)
    assert forest.scores(np.empty((3, 0))).size == 0


def test_expected_paths_are_those_of_search_trees() -> None:
    """None for one row, one for two, and near the harmonic sum for more."""
    assert expected_path(1) == 0
    assert expected_path(2) == 1
    assert expected_path(100) == pytest.approx(2 * sum(1 / n for n in range(1, 100)) - 2 * 99 / 100, abs=0.02)


def test_a_grid_keeps_its_forest_and_profiles_count_what_it_finds() -> None:
    """Only for models that ask; the forest comes back from bytes, makes another digest, and counts add."""
    rng = np.random.default_rng(4)
    frame = pl.DataFrame({"x": rng.normal(size=3_000), "y": rng.normal(size=3_000)})
    columns = (Column("x", Kind.NUMBER), Column("y", Kind.NUMBER))
    spec = ModelSpec(name="m", task=Task.REGRESSION, columns=columns, forest=True)
    grid = build_grid(spec, frame)
    assert grid.forest is not None
    assert build_grid(spec.evolve(forest=False), frame).forest is None
    assert build_grid(spec).forest is None
    assert (
        build_grid(spec, frame).digest == grid.digest != build_grid(spec.evolve(forest=False), frame).digest
    )
    back = decode_grid(encode_grid(grid))
    assert back.digest == grid.digest
    odd = pl.DataFrame({"x": [0.0, 9.0, None, -9.0], "y": [0.0, -9.0, 0.1, 9.0]})
    found = fold_inputs(odd, np.array([0, 0, 1, 1]), 2, back)
    assert [(part.isolated.rows, part.isolated.outlying) for part in found] == [(2, 1), (2, 1)]
    whole = found[0] + found[1]
    assert_same(decode(encode(whole), back).isolated, whole.isolated)
    assert outlier_share_forest(None, whole)[""].value == 0.5
    odd = odd.with_columns(pl.lit("").alias("_version"))
    scores = flagged(odd, {"": grid})["_outlier_score"].to_numpy()
    assert (scores > grid.forest.threshold).tolist() == [False, True, False, True]
