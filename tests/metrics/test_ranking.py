"""AUC and average precision against scikit-learn, and DeLong's variance against its definition."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit
from sklearn import metrics as sk

from anchorwatch.core.results import Missing
from anchorwatch.metrics.ranking import average_precision, roc_auc
from anchorwatch.profile.example import scores
from anchorwatch.stats.intervals import Z

GRADES = st.lists(st.tuples(st.integers(0, 8), st.sampled_from("01")), min_size=1, max_size=40)


@given(GRADES)
@settings(deadline=None)
def test_ties_count_half(rows: list[tuple[int, str]]) -> None:
    """With few distinct scores both are scikit-learn's to rounding, or missing with one class."""
    given_scores, actual = [grade / 8 for grade, _ in rows], [came for _, came in rows]
    profile = scores(given_scores, actual)
    if len(set(actual)) < 2:
        assert isinstance(roc_auc(None, profile)[""], Missing)
        assert isinstance(average_precision(None, profile)[""], Missing)
        return
    came = np.array(actual) == "1"
    assert roc_auc(None, profile)[""].value == pytest.approx(sk.roc_auc_score(came, given_scores), abs=1e-12)
    expected = sk.average_precision_score(came, given_scores)
    assert average_precision(None, profile)[""].value == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("n", [1000, 100_000])
def test_more_scores_than_cells_cost_little(n: int) -> None:
    """The area stays within a millionth, average precision within a thousandth and never too high."""
    rng = np.random.default_rng(n)
    chance = rng.beta(1, 4, n)
    came = rng.random(n) < chance
    profile = scores(chance, np.where(came, "1", "0").tolist())
    assert roc_auc(None, profile)[""].value == pytest.approx(sk.roc_auc_score(came, chance), abs=1e-6)
    missed = sk.average_precision_score(came, chance) - average_precision(None, profile)[""].value
    assert -1e-9 < missed < 1e-3


def test_limits_are_delongs() -> None:
    """The interval comes from the variance as DeLong defines it, over all pairs."""
    rng = np.random.default_rng(8)
    negatives, positives = rng.random(60).round(2) * 0.9, rng.random(40).round(2)
    wins = (positives[:, None] > negatives) + 0.5 * (positives[:, None] == negatives)
    area = wins.mean()
    variance = wins.mean(axis=1).var(ddof=1) / 40 + wins.mean(axis=0).var(ddof=1) / 60
    half = Z * np.sqrt(variance) / (area * (1 - area))
    found = roc_auc(None, scores([*negatives, *positives], "0" * 60 + "1" * 40))[""]
    assert found.value == pytest.approx(area, abs=1e-12)
    assert (found.low, found.high) == pytest.approx(
        (expit(logit(area) - half), expit(logit(area) + half)), abs=1e-9
    )


@pytest.mark.parametrize("measure", [roc_auc, average_precision])
def test_limits_cover(measure: object) -> None:
    """Over many windows the limits hold the value of all rows together in about 95 %."""
    rng = np.random.default_rng(9)

    def draw(n: int) -> tuple[np.ndarray, np.ndarray]:
        came = rng.random(n) < 0.3
        return expit(rng.normal(np.where(came, 0.5, -0.5), 1.0, n)), came

    chance, came = draw(400_000)
    truth = measure(None, scores(chance, np.where(came, "1", "0").tolist()))[""].value
    covered = 0
    for _ in range(300):
        chance, came = draw(200)
        found = measure(None, scores(chance, np.where(came, "1", "0").tolist()))[""]
        covered += found.low <= truth <= found.high
    assert 0.91 < covered / 300 <= 1


def test_many_classes_are_averaged_one_against_the_rest() -> None:
    """With all classes there, scikit-learn's macro; without one, the mean over the others."""
    rng = np.random.default_rng(10)
    chance = rng.dirichlet(np.ones(3), 200)
    actual = [rng.choice(list("abc"), p=share) for share in chance]
    found = roc_auc(None, scores(chance, actual))[""]
    assert found.value == pytest.approx(sk.roc_auc_score(actual, chance, multi_class="ovr"), abs=1e-6)
    assert found.low < found.value < found.high
    precise = average_precision(None, scores(chance, actual))[""]
    expected = np.mean(
        [sk.average_precision_score(np.array(actual) == label, chance[:, i]) for i, label in enumerate("abc")]
    )
    assert precise.value == pytest.approx(expected, abs=1e-6)


def test_separated_scores_claim_no_limits() -> None:
    """An area of 1 has variance 0, which says nothing."""
    found = roc_auc(None, scores([0.1, 0.2, 0.8, 0.9], "0011"))[""]
    assert (found.value, found.low, found.high) == (1.0, None, None)
