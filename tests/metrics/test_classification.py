"""Metrics of labels against scikit-learn on random data, and their intervals by coverage."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from anchorwatch.core.results import Missing
from anchorwatch.metrics import classes, classification
from anchorwatch.metrics.tally import Tally, tally
from anchorwatch.profile.example import inputs, labels
from anchorwatch.profile.parts import Confusion
from anchorwatch.profile.profile import Profile

BINARY = st.lists(st.tuples(st.sampled_from("01"), st.sampled_from("01")), min_size=1, max_size=60)
MANY = st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("abcd")), min_size=1, max_size=60)


def window(rows: list[tuple[str, str]]) -> tuple[list[str], list[str], Profile]:
    """Actual, predicted, and their profile; letters make it a multiclass model, even when only two came."""
    actual, predicted = [a for a, _ in rows], [b for _, b in rows]
    return actual, predicted, labels("", "", predicted, actual)[1]


def expect(found: object, expected: float | None) -> None:
    """A value within rounding of the oracle's, or missing where it has none."""
    if expected is None:
        assert isinstance(found, Missing)
    else:
        assert found.value == pytest.approx(expected, abs=1e-12)
        assert found.low is None or found.low <= found.value <= found.high


@given(BINARY)
@settings(deadline=None)
def test_binary_metrics_are_scikit_learns(rows: list[tuple[str, str]]) -> None:
    """Each equals its oracle, and is missing where that would warn and say 0."""
    actual, predicted, profile = window(rows)
    called, came = predicted.count("1"), actual.count("1")
    negatives = len(rows) - came
    oracle = {"pos_label": "1", "zero_division": 0}
    expect(classification.accuracy(None, profile)[""], sk.accuracy_score(actual, predicted))
    expect(
        classification.precision(None, profile)[""],
        sk.precision_score(actual, predicted, **oracle) if called else None,
    )
    expect(
        classification.recall(None, profile)[""],
        sk.recall_score(actual, predicted, **oracle) if came else None,
    )
    expect(
        classification.f1(None, profile)[""],
        sk.f1_score(actual, predicted, **oracle) if called + came else None,
    )
    specificity = sk.recall_score(actual, predicted, pos_label="0", zero_division=0)
    expect(classification.specificity(None, profile)[""], specificity if negatives else None)
    balanced = sk.balanced_accuracy_score(actual, predicted) if came and negatives else None
    expect(classification.balanced_accuracy(None, profile)[""], balanced)
    expect(classification.base_rate(None, profile)[""], came / len(rows))
    expect(classification.predicted_rate(None, profile)[""], called / len(rows))


@given(MANY)
@settings(deadline=None)
def test_multiclass_metrics_average_the_classes_that_have_one(rows: list[tuple[str, str]]) -> None:
    """Scikit-learn's macro averages over the classes of which there are any."""
    actual, predicted, profile = window(rows)
    came, called = sorted(set(actual)), sorted(set(predicted))
    oracle = {"average": "macro", "zero_division": 0}
    expect(classification.accuracy(None, profile)[""], sk.accuracy_score(actual, predicted))
    expect(
        classification.recall(None, profile)[""], sk.recall_score(actual, predicted, labels=came, **oracle)
    )
    expect(
        classification.precision(None, profile)[""],
        sk.precision_score(actual, predicted, labels=called, **oracle),
    )
    expect(classification.f1(None, profile)[""], sk.f1_score(actual, predicted, **oracle))
    balanced = sk.recall_score(actual, predicted, labels=came, **oracle) if len(came) > 1 else None
    expect(classification.balanced_accuracy(None, profile)[""], balanced)
    each = [
        sk.recall_score([a != label for a in actual], [b != label for b in predicted], zero_division=np.nan)
        for label in profile.grid.labels
    ]
    defined = [value for value in each if not np.isnan(value)]
    expect(classification.specificity(None, profile)[""], float(np.mean(defined)) if defined else None)


@given(MANY)
@settings(deadline=None)
def test_each_class_has_its_own(rows: list[tuple[str, str]]) -> None:
    """Recall and precision per class are scikit-learn's, and missing by name for a class without any."""
    actual, predicted, profile = window(rows)
    known = profile.grid.labels
    recalls = sk.recall_score(actual, predicted, labels=known, average=None, zero_division=0)
    precisions = sk.precision_score(actual, predicted, labels=known, average=None, zero_division=0)
    for index, label in enumerate(known):
        expect(classes.class_recall(None, profile)[label], recalls[index] if label in actual else None)
        expect(
            classes.class_precision(None, profile)[label], precisions[index] if label in predicted else None
        )
        if label not in actual:
            assert classes.class_recall(None, profile)[label].reason == f"no outcome is '{label}'"


def test_reasons_name_what_is_absent() -> None:
    """A person reads which class never came."""
    quiet = labels("", "", "000", "000")[1]
    assert classification.precision(None, quiet)[""] == Missing("no prediction is '1'")
    assert classification.recall(None, quiet)[""] == Missing("no outcome is '1'")
    assert classification.f1(None, quiet)[""] == Missing("no outcome or prediction is '1'", 3)
    assert classification.balanced_accuracy(None, quiet)[""] == Missing("all outcomes are of one class", 3)
    loud = labels("", "", "111", "111")[1]
    assert classification.specificity(None, loud)[""].reason == "every outcome is '1'"
    assert classification.accuracy(None, Profile(quiet.grid))[""] == Missing("no outcomes yet")
    assert (
        classification.predicted_rate(None, inputs({"x": [1.0]}))[""].reason
        == "no predictions in this window"
    )


def test_two_unknown_labels_are_neither_right_nor_wrong() -> None:
    """A row whose outcome and prediction are both unknown is left out; with one known it is wrong."""
    grid = labels("", "", "01", "01")[1].grid
    matrix = np.array([[3, 1, 2], [0, 4, 0], [1, 0, 9]])
    found = classification.accuracy(None, Profile(grid, confusion=Confusion(matrix)))[""]
    assert (found.n, found.value) == (11, pytest.approx(7 / 11))
    nothing = Profile(grid, confusion=Confusion(np.diag([0, 0, 5])))
    assert "declare labels" in classification.accuracy(None, nothing)[""].reason
    assert isinstance(tally(nothing), Missing)


def matrix_of(counts: np.ndarray) -> Profile:
    """A multiclass profile of a matrix of known labels."""
    grid = labels("", "", "abc", "abc")[1].grid
    return Profile(grid, confusion=Confusion(np.pad(counts.astype(np.int64), (0, 1))))


def test_macro_f1_limits_cover() -> None:
    """The delta method's limits hold the true macro F1 in about 95 % of draws."""
    shares = np.array([[0.4, 0.05, 0.05], [0.05, 0.2, 0.05], [0.02, 0.03, 0.15]])
    truth = np.mean(2 * np.diag(shares) / (shares.sum(axis=0) + shares.sum(axis=1)))
    draws = np.random.default_rng(3).multinomial(400, shares.ravel(), 1000).reshape(-1, 3, 3)
    found = [classification.f1(None, matrix_of(draw))[""] for draw in draws]
    covered = np.mean([item.low <= truth <= item.high for item in found])
    assert 0.93 < covered < 0.97


def test_binary_f1_limits_cover() -> None:
    """Limits mapped from Wilson's hold the true F1 in about 95 % of draws, with few positives too."""
    shares = np.array([0.80, 0.05, 0.05, 0.10])  # tn, fp, fn, tp
    truth = 2 * 0.1 / (2 * 0.1 + 0.1)
    grid = labels("", "", "01", "01")[1].grid
    covered = []
    for draw in np.random.default_rng(4).multinomial(150, shares, 1500).reshape(-1, 2, 2):
        found = classification.f1(None, Profile(grid, confusion=Confusion(np.pad(draw, (0, 1)))))[""]
        covered.append(found.low <= truth <= found.high)
    assert 0.93 < np.mean(covered) < 0.975


def test_perfect_macro_f1_claims_no_limits() -> None:
    """Where every row is right the variance is 0, which is no reason for certainty."""
    found = classification.f1(None, matrix_of(np.diag([5, 5, 5])))[""]
    assert (found.value, found.low, found.high) == (1.0, None, None)


def test_one_class_alone_is_that_class() -> None:
    """`only` keeps the counts of one label."""
    counts = tally(matrix_of(np.array([[5, 1, 0], [2, 3, 0], [0, 0, 4]])))
    assert isinstance(counts, Tally)
    assert counts.only(1).hits.tolist() == [3]
    assert counts.only(1).labels == ("b",)
