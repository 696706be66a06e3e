"""Log loss and Brier score against scikit-learn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as sk

from anchorwatch.metrics.probability import brier, log_loss
from anchorwatch.profile.example import scores


@given(st.lists(st.tuples(st.floats(0.001, 0.999), st.sampled_from("01")), min_size=1, max_size=50))
@settings(deadline=None)
def test_binary_losses_are_scikit_learns(rows: list[tuple[float, str]]) -> None:
    """Value and normal limits are those of the single terms."""
    chance, came = np.array([p for p, _ in rows]), np.array([y == "1" for _, y in rows])
    profile = scores(chance, [y for _, y in rows])
    terms = {log_loss: -np.log(np.where(came, chance, 1 - chance)), brier: (chance - came) ** 2}
    oracles = {
        log_loss: sk.log_loss(came, chance, labels=[False, True]),
        brier: np.mean((chance - came) ** 2),
    }
    for measure, each in terms.items():
        found = measure(None, profile)[""]
        assert found.value == pytest.approx(oracles[measure], rel=1e-9)
        if len(rows) == 1:
            assert found.low is None
        elif each.std() > 1e-6:
            low, high = stats.norm.interval(0.95, each.mean(), stats.sem(each))
            bound = 2.0 if measure is brier else np.inf
            assert (found.low, found.high) == pytest.approx(
                (max(low, 0), min(high, bound)), rel=1e-6, abs=1e-9
            )


def test_multiclass_losses_are_scikit_learns() -> None:
    """The loss of the class that came, and the squared differences summed over classes."""
    rng = np.random.default_rng(0)
    chance = rng.dirichlet(np.ones(3), 300)
    actual = [rng.choice(list("abc"), p=share) for share in chance]
    profile = scores(chance, actual)
    assert log_loss(None, profile)[""].value == pytest.approx(sk.log_loss(actual, chance), rel=1e-9)
    expected = sk.brier_score_loss(actual, chance, scale_by_half=False)
    assert brier(None, profile)[""].value == pytest.approx(expected, rel=1e-9)


def test_certainty_that_was_wrong_costs_much_but_not_all() -> None:
    """A probability of 0 for what came is clipped at 1e-15."""
    assert log_loss(None, scores([0.0], "1"))[""].value == pytest.approx(-np.log(1e-15))
