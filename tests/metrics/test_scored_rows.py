"""Calibration, the Brier score's parts and the highest scores, by brute force over the rows; agreement and averages."""

import doctest

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import expit, logit
from sklearn import metrics as sk
from sklearn.calibration import calibration_curve as sk_curve
from sklearn.linear_model import LogisticRegression

import anchorwatch.metrics
from anchorwatch.core.errors import InputError
from anchorwatch.core.results import Missing
from anchorwatch.metrics.bins import calibration_curve
from anchorwatch.metrics.top import SHARES
from anchorwatch.profile.example import labels, scores
from anchorwatch.profile.measure import MEASURES
from anchorwatch.profile.profile import Profile

SEEDS = pytest.mark.parametrize("seed", range(6))


def rows(seed: int) -> tuple[np.ndarray, np.ndarray, Profile]:
    """Scores that are a little off, of some hundred rows; of odd seeds rounded, so that there are ties."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(150, 1500))
    chance = rng.beta(1, 2, n)
    chance = chance.round(2) if seed % 2 else chance
    came = rng.random(n) < expit(1.3 * logit(chance.clip(1e-6, 1 - 1e-6)) + 0.3)
    return chance, came, scores(chance, np.where(came, "1", "0").tolist())


def value(name: str, profile: Profile, subject: str = "") -> float:
    """Of one measure."""
    return MEASURES[name](None, profile)[subject].value


@SEEDS
def test_bins_are_those_of_the_rows(seed: int) -> None:
    """Calibration errors and the parts of the Brier score, which add up to it."""
    chance, came, profile = rows(seed)
    index = np.clip(np.ceil(chance * 10 - 1e-9).astype(int) - 1, 0, 9)
    there = [index == place for place in range(10) if (index == place).any()]
    weight = np.array([part.mean() for part in there])
    predicted, observed = (np.array([each[part].mean() for part in there]) for each in (chance, came))
    base = came.mean()
    expected = {
        "ece": weight @ abs(observed - predicted),
        "mce": abs(observed - predicted).max(),
        "brier_reliability": weight @ (observed - predicted) ** 2,
        "brier_resolution": weight @ (observed - base) ** 2,
        "brier_uncertainty": base * (1 - base),
    }
    for name, number in expected.items():
        assert value(name, profile) == pytest.approx(number, abs=1e-7), name
    parts = [
        value(f"brier_{part}", profile) for part in ("reliability", "resolution", "uncertainty", "within")
    ]
    assert value("brier", profile) == pytest.approx(parts[0] - parts[1] + parts[2] + parts[3], abs=1e-12)
    curve = calibration_curve(profile)
    assert curve.n.sum() == came.size
    if seed % 2 == 0:
        for ours, theirs in zip(
            (curve.observed, curve.predicted), sk_curve(came, chance, n_bins=10), strict=True
        ):
            assert ours == pytest.approx(theirs, abs=1e-7)


@SEEDS
def test_recalibration_is_logistic_regression(seed: int) -> None:
    """The slope is scikit-learn's without penalty, the intercept the root of its score."""
    chance, came, profile = rows(seed)
    odds = logit(chance.clip(1e-6, 1 - 1e-6))
    fitted = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(odds[:, None], came)
    assert value("calibration_slope", profile) == pytest.approx(fitted.coef_[0, 0], abs=1e-6)
    root = brentq(lambda level: (expit(odds + level) - came).sum(), -20, 20, xtol=1e-12)
    assert value("calibration_intercept", profile) == pytest.approx(root, abs=1e-6)


@pytest.mark.parametrize("seed", [0, 2, 4])
@pytest.mark.parametrize("percent", SHARES)
def test_the_highest_scores_are_those_of_the_rows(percent: int, seed: int) -> None:
    """Sorted and counted."""
    chance, came, profile = rows(seed)
    taken = int(np.ceil(came.size * percent / 100))
    hits = came[np.argsort(-chance)][:taken].sum()
    assert value(f"precision_at_p{percent}", profile) == pytest.approx(hits / taken)
    assert value(f"recall_at_p{percent}", profile) == pytest.approx(hits / came.sum())
    assert value(f"lift_p{percent}", profile) == pytest.approx(hits / taken / came.mean())


@SEEDS
def test_many_classes_are_scikit_learns(seed: int) -> None:
    """Agreement, weighted averages and each class against the rest."""
    rng = np.random.default_rng(seed)
    chance = rng.dirichlet(np.ones(4), 500)
    actual = (chance.cumsum(axis=1) > rng.random((500, 1))).argmax(axis=1)
    called, profile = chance.argmax(axis=1), scores(chance, ["abcd"[code] for code in actual])
    expected = {
        "matthews_correlation": sk.matthews_corrcoef(actual, called),
        "cohen_kappa": sk.cohen_kappa_score(actual, called),
        "precision_weighted": sk.precision_score(actual, called, average="weighted"),
        "f1_weighted": sk.f1_score(actual, called, average="weighted"),
        "roc_auc_weighted": sk.roc_auc_score(actual, chance, multi_class="ovr", average="weighted"),
    }
    for name, number in expected.items():
        assert value(name, profile) == pytest.approx(number, abs=1e-9), name
    mine, yours, score = actual == 1, called == 1, chance[:, 1]
    assert value("class_roc_auc", profile, "b") == pytest.approx(sk.roc_auc_score(mine, score), abs=1e-9)
    assert value("class_average_precision", profile, "b") == pytest.approx(
        sk.average_precision_score(mine, score)
    )
    assert value("class_f1", profile, "b") == pytest.approx(sk.f1_score(mine, yours))
    npv = sk.precision_score(~mine, ~yours)
    assert value("class_negative_predictive_value", profile, "b") == pytest.approx(npv)
    wrong = 1 - sk.recall_score(~mine, ~yours)
    assert value("class_false_positive_rate", profile, "b") == pytest.approx(wrong)


def test_binary_rates_are_those_of_the_matrix() -> None:
    """Matthews, kappa and the rates of errors, positive against all else."""
    _, came, _ = rows(0)
    called = np.random.default_rng(9).random(came.size) < np.where(came, 0.7, 0.2)
    profile = labels("", "", *(["01"[int(item)] for item in each] for each in (called, came)))[1]
    tn, fp, fn, tp = sk.confusion_matrix(came, called).ravel()
    assert value("matthews_correlation", profile) == pytest.approx(sk.matthews_corrcoef(came, called))
    assert value("cohen_kappa", profile) == pytest.approx(sk.cohen_kappa_score(came, called))
    assert value("false_positive_rate", profile) == fp / (fp + tn)
    assert value("false_negative_rate", profile) == fn / (fn + tp)
    assert value("negative_predictive_value", profile) == tn / (tn + fn)


def test_what_has_no_value_says_why() -> None:
    """One class, equal scores, separated scores, too few rows."""
    assert anchorwatch.metrics
    one = labels("", "", "10", "11")[1]
    for name in ("matthews_correlation", "cohen_kappa"):
        assert MEASURES[name](None, one)[""] == Missing("all outcomes are of one class", 2)
    for chance, came, reason in (
        ([0.5] * 4, "0101", "all scores are equal"),
        ([0.1, 0.2, 0.8, 0.9], "0011", "scores separate the classes wholly"),
        ([0.1, 0.2], "11", "all outcomes with scores are of one class"),
    ):
        assert MEASURES["calibration_slope"](None, scores(chance, came))[""].reason == reason
    few = scores([0.1, 0.9], "01")
    assert MEASURES["lift_p10"](None, few)[""].reason == "the top 10 % of 2 rows are less than one"
    with pytest.raises(InputError, match="of one class"):
        calibration_curve(scores([[0.5, 0.5], [0.1, 0.9]], "ab"))


def test_examples_of_measures_made_in_a_loop_run() -> None:
    """Their docstrings are filled in; what they show is true."""
    made = [
        item for item in MEASURES.values() if "_p" in item.name and item.function.__module__.endswith("top")
    ]
    assert len(made) == 3 * len(SHARES)
    for item in made:
        for test in doctest.DocTestFinder().find(item.function, item.name, globs={item.name: item.function}):
            assert doctest.DocTestRunner().run(test).failed == 0
