"""Which change matters: what moved, times how much the answer hangs on it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from anchorwatch.drift.change import ChangeKind
from anchorwatch.explain.causes import causes
from anchorwatch.explain.influence import Influence
from anchorwatch.profile.example import pair

INPUTS = ("a", "b", "c", "d", "e", "f")


def table(seed: int, rows: int) -> dict[str, Any]:
    """Six inputs of falling weight; the last counts for nothing."""
    random = np.random.default_rng(seed)
    values = random.normal(size=(6, rows))
    weights = np.array([4.0, 2.0, 1.0, 0.5, 0.25, 0.0])
    return dict(zip(INPUTS, values, strict=True)) | {"_prediction": weights @ values}


def test_importance_is_the_correlation_ratio() -> None:
    """Of linear inputs: their share of the answer's variance, to what deciles keep of it."""
    influence = Influence.of(pair(table(1, 4000), table(2, 100))[0])
    assert influence is not None
    squares = np.array([16, 4, 1, 0.25, 0.0625, 0]) / 21.3125
    assert influence.importance == pytest.approx(squares, abs=0.04)
    assert influence.importance[0] > 0.6
    assert influence.answer == "prediction"


@pytest.mark.parametrize("culprit", range(3))
def test_the_cause_that_was_planted_comes_first(culprit: int) -> None:
    """Among changes of the same size in all inputs of less weight."""
    reference, current = table(1, 4000), table(2, 1000)
    for name in INPUTS[culprit:]:
        current[name] = current[name] + 0.8
    found = causes(*pair(reference, current))
    assert found[0].column == INPUTS[culprit]


def test_the_effect_is_what_the_shift_does_to_the_mean() -> None:
    """A shift by 1 of an input of weight 4 moves the mean by 4, less what deciles do not see at the upper end."""
    current = table(2, 2000)
    current["a"] = current["a"] + 1
    found = causes(*pair(table(1, 4000), current))[0]
    assert (found.column, found.change.kind) == ("a", ChangeKind.SHIFT)
    assert found.effect == pytest.approx(3.0, rel=0.1)
    assert "by itself moves the mean prediction by +" in found.text


def test_what_the_answers_do_not_hang_on_comes_last() -> None:
    """However far it moved; and it is said."""
    current = table(2, 1000)
    current["f"] = current["f"] * 67
    current["b"] = current["b"] + 0.5
    found = causes(*pair(table(1, 4000), current))
    assert [cause.column for cause in found] == ["b", "f"]
    assert found[1].change.kind is ChangeKind.UNIT
    assert found[1].importance == pytest.approx(0, abs=0.02)
    none = replace(found[1], importance=0.001)
    assert none.text.endswith("the model's answers hardly depend on it")


def test_nothing_changed_has_no_cause() -> None:
    """At one in a thousand, corrected over the inputs."""
    reference = table(1, 4000)
    found = [causes(*pair(reference, table(seed, 500))) for seed in range(10, 30)]
    assert sum(len(each) for each in found) <= 1


def test_without_answers_what_moved_counts() -> None:
    """No prediction was logged with the reference: importance is not known, the order is that of the shares."""
    reference, current = table(1, 2000), table(2, 500)
    for side in (reference, current):
        del side["_prediction"]
    current["e"], current["f"] = current["e"] + 1, current["f"] + 2
    found = causes(*pair(reference, current))
    assert [cause.column for cause in found] == ["f", "e"]
    assert found[0].importance is None
    assert found[0].text.endswith("% of its rows moved")


def test_categories_and_missing_values_are_causes() -> None:
    """A level that answers hang on becomes rare; a number goes missing."""
    random = np.random.default_rng(3)

    def side(rows: int, share: float, gone: float) -> dict[str, Any]:
        colour = np.where(random.random(rows) < share, "red", "blue")
        x = random.normal(size=rows)
        return {
            "colour": colour,
            "x": np.where(random.random(rows) < gone, np.nan, x),
            "_prediction": np.where(colour == "red", 3.0, 0.0) + 0.3 * x,
        }

    found = causes(*pair(side(4000, 0.5, 0.0), side(1000, 0.1, 0.3)))
    assert [(cause.column, cause.change.kind) for cause in found] == [
        ("colour", ChangeKind.MIX),
        ("x", ChangeKind.MISSING),
    ]
    assert found[0].effect == pytest.approx(-1.2, abs=0.15)


def test_no_reference_no_causes() -> None:
    """And none on other bins."""
    one, other = pair(table(1, 500), table(2, 500)), pair(table(3, 600), table(4, 600))
    assert causes(None, one[1]) == ()
    assert causes(one[0], other[1]) == ()


def test_the_correlation_ratio_is_anova_s() -> None:
    """Epsilon squared of a one-way analysis of variance over the same cells."""
    random = np.random.default_rng(5)
    level = random.choice(list("pqrs"), size=1000)
    answer = random.normal(size=1000) + (level == "p")
    found = Influence.of(pair({"c": level, "_prediction": answer}, {"c": level[:50]})[0])
    assert found is not None
    f = stats.f_oneway(*(answer[level == name] for name in "pqrs")).statistic
    between, within = 3, 996
    assert found.importance[0] == pytest.approx((f - 1) * between / (f * between + within), abs=0.05)
