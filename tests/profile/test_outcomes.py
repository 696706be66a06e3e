from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score
from tests.profile.material import SPECS, frames, groups_of, joined

from anchorwatch.core.errors import InputError
from anchorwatch.core.schema import ModelSpec, Task
from anchorwatch.profile.build import build_grid
from anchorwatch.profile.fold import (
    RESIDUAL_CELLS,
    SCORE_CELLS,
    JoinedRows,
    fold_outcomes,
    label_codes,
    logit_key,
)
from anchorwatch.profile.grid import OUTCOME, Grid
from anchorwatch.profile.histogram import Histogram

if TYPE_CHECKING:
    from anchorwatch.profile.profile import Profile

BINARY = build_grid(SPECS[Task.BINARY])
MANY = build_grid(SPECS[Task.MULTICLASS])


def one(rows: JoinedRows, grid: Grid) -> Profile:
    """All rows in one group."""
    return fold_outcomes(rows, np.zeros(rows.outcome.size, np.int64), 1, grid)[0]


def area(histogram: Histogram) -> float:
    """The area under the ROC curve, ties within a cell counted half."""
    negative, positive = histogram.counts
    below = np.cumsum(negative) - negative
    return float((positive * (below + negative / 2)).sum() / (negative.sum() * positive.sum()))


@pytest.mark.parametrize("task", [Task.BINARY, Task.MULTICLASS])
@given(st.data())
def test_classes_follow_the_definition(task: Task, data: st.DataObject) -> None:
    """Confusion, outcome counts and how many came, row by row."""
    rows = data.draw(joined(task))
    count = data.draw(st.integers(1, 3))
    groups = data.draw(st.composite(groups_of)(rows.outcome.size, count))
    grid = {Task.BINARY: BINARY, Task.MULTICLASS: MANY}[task]
    other = len(grid.labels)
    for group, profile in enumerate(fold_outcomes(rows, groups, count, grid)):
        matrix, outcomes = np.zeros((other + 1, other + 1), np.int64), [0] * (other + 1)
        for predicted, actual, own in zip(rows.prediction, rows.outcome, groups, strict=True):
            if own != group or math.isnan(actual):
                continue
            outcomes[min(int(actual), other)] += 1
            if not math.isnan(predicted):
                matrix[min(int(actual), other), min(int(predicted), other)] += 1
        assert profile.confusion is not None
        assert profile.categories is not None
        assert profile.joined is not None
        np.testing.assert_array_equal(profile.confusion.matrix, matrix)
        column = grid.categories.index(OUTCOME)
        assert profile.categories.counts[column].tolist() == outcomes[:-1]
        assert profile.categories.unseen.sum() == outcomes[-1]
        assert sum(counts.sum() for counts in profile.categories.counts) == sum(outcomes[:-1])
        assert (profile.joined.outcomes, profile.joined.expired) == (sum(outcomes), 0)


@given(joined(Task.BINARY))
def test_binary_scores_follow_the_definition(rows: JoinedRows) -> None:
    """Log loss and Brier score are scikit-learn's on the rows that have a probability and an outcome."""
    scores = one(rows, BINARY).scores
    assert scores is not None
    known = (rows.scores[:, 0] <= 1) & ~np.isnan(rows.outcome)
    p, y = rows.scores[known, 0], rows.outcome[known] == 1
    assert scores.n == known.sum()
    assert scores.histograms[0].counts.sum(axis=1).tolist() == [(~y).sum(), y.sum()]
    if known.any():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            brier = brier_score_loss(y, p, labels=[False, True])
        losses = -np.log(np.clip(np.where(y, p, 1 - p), 1e-15, 1 - 1e-15))
        rounded = log_loss(y, np.clip(p, 1e-15, 1 - 1e-15), labels=[False, True])
        assert scores.log_loss / scores.n == pytest.approx(rounded, rel=1e-4, abs=1e-12)
        assert scores.log_loss == pytest.approx(losses.sum(), rel=1e-9)
        assert scores.log_loss_square == pytest.approx((losses**2).sum(), rel=1e-9)
        assert scores.brier / scores.n == pytest.approx(brier, abs=1e-12)
        assert scores.brier_square == pytest.approx(((p - y) ** 4).sum(), rel=1e-9, abs=1e-12)


@given(joined(Task.MULTICLASS))
def test_multiclass_scores_follow_the_definition(rows: JoinedRows) -> None:
    """The log of the probability of the class that came; squared differences summed over the classes."""
    scores = one(rows, MANY).scores
    assert scores is not None
    n, loss, brier = 0, 0.0, 0.0
    for given_scores, actual in zip(rows.scores, rows.outcome, strict=True):
        if math.isnan(actual) or actual > 2 or not (given_scores <= 1).all():
            continue
        n += 1
        loss -= math.log(min(max(given_scores[int(actual)], 1e-15), 1 - 1e-15))
        brier += sum((p - (label == actual)) ** 2 for label, p in enumerate(given_scores))
    assert scores.n == n
    assert scores.log_loss == pytest.approx(loss, rel=1e-9, abs=1e-12)
    assert scores.brier == pytest.approx(brier, rel=1e-9, abs=1e-12)
    assert [histogram.total for histogram in scores.histograms] == [n] * 3


def judged(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Calibrated scores of a skilful model, and what came."""
    score = 1 / (1 + np.exp(-rng.normal(-1, 2, n)))
    return score, (rng.random(n) < score).astype(float)


@pytest.mark.parametrize(
    ("n", "digits", "error"),
    [(2_000, 17, 1e-12), (100_000, 3, 1e-12), (100_000, 17, 1e-5), (1_000_000, 17, 2e-6)],
)
def test_the_area_under_the_curve_is_that_of_raw_scores(n: int, digits: int, error: float) -> None:
    """Exact with up to so many different scores as there are cells; else far within the sampling error."""
    score, came = judged(np.random.default_rng(12), n)
    score = score.round(digits)
    scores = one(JoinedRows(came, score[:, None], came), BINARY).scores
    assert scores is not None
    assert scores.histograms[0].cells.size <= SCORE_CELLS
    assert area(scores.histograms[0]) == pytest.approx(roc_auc_score(came, score), abs=error)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=50))
def test_the_key_keeps_the_order_of_scores(scores: list[float]) -> None:
    """Ascending in the score, between two powers of two, and 0.999 apart from 0.9999."""
    ascending = np.sort(scores)
    keys = logit_key(ascending)
    assert (np.diff(keys) >= -1e-12).all()
    assert ((keys > 128) & (keys < 256)).all()


def test_the_key_keeps_single_precision_apart() -> None:
    """Neighbouring 32-bit scores never share a cell of the finest level, down to 10⁻²⁰."""
    for start in (1e-20, 1e-3, 0.25, 0.5, 0.999, 0.999999):
        scores = np.nextafter(np.float32(start), np.float32(2)), np.float32(start)
        assert Histogram.of([logit_key(np.array(scores, np.float64))]).cells.size == 2


def test_scores_that_are_no_probabilities_are_not_scored() -> None:
    """Margins have no log loss; a rounding error beyond 1 is forgiven."""
    rows = JoinedRows(
        np.ones(4), np.array([[1.0000001], [-1e-9], [3.0], [-2.0]]), np.array([1.0, 0.0, 1.0, 0.0])
    )
    scores = one(rows, BINARY).scores
    assert scores is not None
    assert scores.n == 2
    assert scores.log_loss == pytest.approx(0, abs=1e-12)


def test_without_scores_there_is_no_such_part() -> None:
    """A multiclass model that logs labels alone has no scores to measure."""
    rows = JoinedRows(np.zeros(2), np.empty((2, 0)), np.zeros(2))
    assert one(rows, MANY).scores is None


def test_labels_appended_later_are_other_to_an_older_grid() -> None:
    """Scores of more classes than the grid knows are read as far as it knows them."""
    rows = JoinedRows(
        np.array([4.0, 1.0]), np.array([[0.1, 0.2, 0.3, 0.4], [0, 1, 0, 0]]), np.array([4.0, 1.0])
    )
    found = one(rows, MANY)
    assert found.scores is not None
    assert found.confusion is not None
    assert found.scores.n == 1
    assert found.confusion.matrix[3, 3] == 1


@given(st.data())
def test_residuals_follow_the_definition(data: st.DataObject) -> None:
    """Sums of what each row adds, on any numbers."""
    grid = build_grid(SPECS[Task.REGRESSION], data.draw(st.one_of(st.none(), frames(Task.REGRESSION, 10))))
    rows = data.draw(joined(Task.REGRESSION))
    found = one(rows, grid)
    assert found.residuals is not None
    known = np.isfinite(rows.prediction) & np.isfinite(rows.outcome)
    p, y = rows.prediction[known], rows.outcome[known]
    column = grid.numbers.index(OUTCOME)
    with np.errstate(all="ignore"):
        e = np.clip(p - y, -1e290, 1e290)
        z = np.clip((y - grid.centre[column]) / grid.scale[column], -1e100, 1e100)
        nonzero = y != 0
        size = np.abs(p / 4) + np.abs(y / 4)
        symmetric = 2 * np.abs(p / 4 - y / 4)[size > 0] / size[size > 0]
        terms = [
            e,
            np.abs(e),
            e**2,
            e**4,
            z,
            z**2,
            np.abs(y),
            np.abs(e[nonzero] / y[nonzero]),
            nonzero,
            symmetric,
            (e[nonzero] / y[nonzero]) ** 2,
            symmetric**2,
            np.abs(e) * np.abs(y),
            z**3,
            z**4,
            e**2 * z,
            e**2 * z**2,
            np.maximum(e, 0) ** 2,
        ]
        terms = [np.clip(np.nan_to_num(term, nan=0.0), -1e290, 1e290) for term in terms]
        wanted = [term.sum() for term in terms]
        loose = 1e-9 * np.array([np.abs(term).sum() for term in terms])
        bound = loose + 1e-9 * np.abs(wanted) + 1e-150
    same = np.asarray(wanted) == found.residuals.sums
    with np.errstate(invalid="ignore"):
        assert (same | (np.abs(found.residuals.sums - wanted) <= bound)).all()
    assert found.residuals.n == known.sum()
    absolute = Histogram.of([-e[e < 0], e[e >= 0]], RESIDUAL_CELLS)
    np.testing.assert_array_equal(found.residuals.absolute.counts, absolute.counts)
    np.testing.assert_array_equal(found.residuals.absolute.cells, absolute.cells)
    assert found.numbers is not None
    outcomes = rows.outcome[~np.isnan(rows.outcome)]
    assert found.numbers.counts.sum() == np.isfinite(outcomes).sum()
    assert found.numbers.infinite.sum() == np.isinf(outcomes).sum()
    assert found.numbers.missing.sum() == 0


def test_label_codes_are_places() -> None:
    """Known labels by place, any other one after the last, none as NaN; few rows and many."""
    for repeat in (1, 1_000):
        labels = pl.Series(["0", "1", "x", None] * repeat)
        np.testing.assert_array_equal(label_codes(labels, BINARY), [0.0, 1.0, 2.0, np.nan] * repeat)


def test_a_binary_model_may_not_know_its_negative_label() -> None:
    """Whatever is not the positive label counts as a negative for scores."""
    grid = build_grid(ModelSpec(name="b", task=Task.BINARY, positive="yes"))
    codes = label_codes(pl.Series(["yes", "no", "no"]), grid)
    scores = one(JoinedRows(codes, np.array([[0.9], [0.2], [0.1]]), codes), grid).scores
    assert scores is not None
    assert scores.histograms[0].counts.sum(axis=1).tolist() == [2, 1]


def test_each_row_needs_a_group() -> None:
    """Lengths that differ are refused."""
    with pytest.raises(InputError, match="group"):
        fold_outcomes(
            JoinedRows(np.zeros(2), np.zeros((2, 1)), np.zeros(2)), np.zeros(1, np.int64), 1, BINARY
        )
