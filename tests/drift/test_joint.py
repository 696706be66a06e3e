"""Drift of whole rows, from samples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score

from anchorwatch.core.results import Missing, Value
from anchorwatch.drift.cells import Cells
from anchorwatch.drift.domain_auc import domain_auc
from anchorwatch.drift.drift import drift
from anchorwatch.drift.mmd import mmd
from anchorwatch.drift.moved import moved, noise
from anchorwatch.drift.pca_error import pca_error
from anchorwatch.profile.example import pair

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchorwatch.core.results import Results
    from anchorwatch.profile.profile import Profile

TESTS: list[Callable[[Profile | None, Profile], Results]] = [domain_auc, mmd, pca_error]


def rows(seed: int, count: int, tie: float, shift: float = 0.0) -> dict[str, Any]:
    """Numbers of which two are tied, and a category."""
    random = np.random.default_rng(seed)
    values = random.normal(size=(count, 4))
    values[:, 1] = tie * values[:, 0] + np.sqrt(1 - tie**2) * values[:, 1]
    values[:, 2] += shift
    return {f"x{lane}": values[:, lane] for lane in range(4)} | {"c": random.choice(list("abc"), size=count)}


def read(test: Any, reference: dict[str, Any], current: dict[str, Any]) -> Value:
    """A test that has an answer."""
    found = test(*pair(reference, current))[""]
    assert isinstance(found, Value), found
    return found


@pytest.mark.slow
@pytest.mark.parametrize("test", TESTS)
def test_what_breaks_between_columns_is_seen(test: Any) -> None:
    """Each column stays as it was, so that univariate drift is silent."""
    before, after = rows(1, 4000, 0.9), rows(2, 600, -0.9)
    assert read(test, before, after).p < 1e-6
    alone = drift(*pair(before, after))
    assert np.nanmin(alone.p) > 1e-3


@pytest.mark.slow
@pytest.mark.parametrize("test", TESTS)
def test_rows_that_are_alike_are_not_told_apart(test: Any) -> None:
    """p-values under one in twenty are about that rare."""
    before = rows(1, 3000, 0.5)
    p = [read(test, before, rows(100 + seed, 300, 0.5)).p for seed in range(24)]
    assert np.mean(np.array(p) < 0.05) <= 0.2
    assert min(p) > 1e-4


def test_the_domain_classifier_is_as_good_as_boosting() -> None:
    """On a shift of half a standard deviation, to within a few hundredths of the AUC that boosting has."""
    before, after = rows(1, 2000, 0.5), rows(2, 500, 0.5, shift=0.7)
    table = [np.column_stack([side[f"x{lane}"] for lane in range(4)]) for side in (before, after)]
    values, current = np.concatenate(table), np.arange(2500) >= 2000
    learn = np.arange(2500) % 2 == 0
    model = HistGradientBoostingClassifier(random_state=0).fit(values[learn], current[learn])
    boosting = roc_auc_score(current[~learn], model.predict_proba(values[~learn])[:, 1])
    assert read(domain_auc, before, after).value > boosting - 0.04


@pytest.mark.parametrize("test", TESTS)
def test_what_cannot_be_compared_has_a_reason(test: Any) -> None:
    """No reference, few rows, a single column."""
    few = pair(rows(1, 200, 0.5), rows(2, 20, 0.5))
    one = pair({"x": np.arange(100.0)}, {"x": np.arange(100.0)})
    assert test(None, few[1])[""] == Missing("no reference")
    assert test(*few)[""] == Missing("too few rows", 20)
    assert isinstance(test(*one)[""], Missing)


@pytest.mark.slow
@pytest.mark.parametrize("test", TESTS)
def test_missing_values_and_new_categories_count(test: Any) -> None:
    """Rows that lost a value, or whose category nobody knew, lie elsewhere."""
    before, gone, new = rows(1, 2000, 0.5), rows(2, 500, 0.5), rows(3, 500, 0.5)
    gone["x0"] = np.where(np.arange(500) % 2 == 0, np.nan, gone["x0"])
    new["c"] = np.full(500, "z")
    assert read(test, before, gone).p < 1e-3
    assert read(test, before, new).p < 1e-3


def test_the_noise_floor_is_what_chance_moves() -> None:
    """Simulated: the total variation between two samples of one distribution, in many cells or few, even or not."""
    random = np.random.default_rng(4)
    for cells, n, m in ((4, 50, 200), (20, 100, 100), (200, 300, 1000)):
        shares = random.dirichlet(np.ones(cells))
        runs = [(random.multinomial(m, shares), random.multinomial(n, shares)) for _ in range(400)]
        seen = [0.5 * np.abs(after / n - before / m).sum() for before, after in runs]
        told = [noise(Cells.of([before.tolist()], [after.tolist()]))[0] for before, after in runs]
        assert np.mean(told) == pytest.approx(np.mean(seen), rel=0.05)


def test_moved_is_the_share_that_moved() -> None:
    """With many rows: a third of one cell's rows went to another."""
    found = moved(Cells.of([[30_000, 30_000, 30_000]], [[20_000, 40_000, 30_000]]))
    assert found[0] == pytest.approx(1 / 9, abs=0.002)
    assert moved(Cells.of([[50, 50]], [[50, 50]])).tolist() == [0.0]


def test_few_rows_say_nothing_of_drift() -> None:
    """Neither a value nor an alarm under thirty rows on a side."""
    reference, current = pair({"x": np.arange(500.0)}, {"x": np.arange(29.0)})
    assert drift(reference, current)["x"] == Missing("too few rows", 29)


def test_a_column_that_goes_missing_has_drifted() -> None:
    """From nothing missing to 60 %: six rows of ten lie elsewhere."""
    values = np.random.default_rng(3).normal(size=1000)
    gone = np.where(np.arange(1000) % 10 < 6, np.nan, values)
    found = drift(*pair({"x": values}, {"x": gone}))["x"]
    assert isinstance(found, Value)
    assert found.value == pytest.approx(0.6, abs=0.02)
    assert found.p is not None
    assert found.p < 1e-100
