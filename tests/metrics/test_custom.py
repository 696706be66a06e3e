# ruff: noqa: ANN001, ANN202 - functions as users write them
"""Measures of users: registered by one function, Missing where it fails, replaced when it is defined anew."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as sk

import anchorwatch as aw
from anchorwatch.core.errors import ConfigError, ConflictError, UnknownError
from anchorwatch.profile.example import labels, pair, scores, values
from anchorwatch.profile.measure import MEASURES
from anchorwatch.profile.profile import Profile
from anchorwatch.testing import check_measure


def test_costs_are_those_of_the_rows() -> None:
    """The mean and the normal limits of what each row cost."""
    rng = np.random.default_rng(1)
    actual, called = rng.choice(["0", "1"], (2, 400))
    cost = aw.cost_measure("cost", {("1", "0"): -100, ("0", "1"): -5})
    each = np.where((actual == "1") & (called == "0"), -100.0, np.where(actual < called, -5.0, 0.0))
    found = cost(*labels("", "", list(called), list(actual)))[""]
    half = 1.959964 * each.std(ddof=1) / 20
    assert (found.value, found.low, found.high) == pytest.approx(
        (each.mean(), each.mean() - half, each.mean() + half), rel=1e-6
    )
    many = labels("", "", "ab", "ba")[1]
    assert cost(None, many)[""].reason == "the model has no label '0'"
    with pytest.raises(ConfigError, match="finite"):
        aw.cost_measure("cost", {("1", "0"): float("nan")})


def test_losses_of_rows_are_their_means() -> None:
    """A loss of scores, of labels and of errors is what the rows themselves give."""
    rng = np.random.default_rng(2)
    chance = rng.random(1000)
    came = rng.random(1000) < chance

    @aw.loss("Logarithm", of="scores")
    def logarithm(came, chance):
        return -np.log(np.where(came, chance, 1 - chance))

    profile = scores(chance, np.where(came, "1", "0").tolist())
    assert logarithm(None, profile)[""].value == pytest.approx(sk.log_loss(came, chance), rel=1e-7)

    @aw.loss("Wrong", of="labels", high=1)
    def wrong(actual, called):
        return actual != called

    assert wrong(None, profile)[""].value == pytest.approx(np.mean(came != (chance >= 0.5)))

    @aw.loss("Too low by", of="errors")
    def too_low(error):
        return np.maximum(-error, 0)

    predicted, actual = rng.normal(size=(2, 300))
    found = too_low(*values([], [], predicted, actual))[""]
    assert found.value == pytest.approx(np.maximum(actual - predicted, 0).mean(), rel=1e-9)
    assert found.low < found.value < found.high
    with pytest.raises(ConfigError, match="did you mean 'scores'"):
        aw.loss("x", of="score")


def test_what_its_code_raises_is_the_reason() -> None:
    """A mistake, a number that is not finite, a subject that is not there: Missing, saying so."""

    @aw.metric("Broken")
    def broken(_reference, _current):
        return 1 / 0

    profile = labels("", "", "10", "10")[1]
    assert broken(None, profile)[""].reason == "its code failed: ZeroDivisionError: division by zero"

    @aw.metric("Endless")
    def endless(_reference, _current):
        return float("inf")

    assert endless(None, profile)[""].reason == "its number is not finite"

    @aw.metric("Strange", per_class=True)
    def strange(_reference, _current):
        return {"7": 1.0}

    assert "no subject '7'" in strange(None, profile)["0"].reason


def test_it_is_not_asked_without_what_it_needs() -> None:
    """A part that is lacking is a reason, before its code runs."""

    @aw.metric("Rows", needs={"confusion"})
    def rows(_reference, current):
        return current.confusion.matrix.sum()

    profile = labels("", "", "10", "10")[1]
    assert rows(None, profile)[""].value == 2
    assert rows(None, Profile(profile.grid))[""].reason == "no outcomes yet"


def test_columns_answer_one_by_one() -> None:
    """A mapping by column becomes a result per column; columns it says nothing of are Missing."""

    @aw.metric("Largest", "quality", outcomes=False, kinds={"number"}, needs={"numbers"})
    def largest(_reference, current):
        return {"x": aw.Value(float(current.numbers.high[0]), 2, p=0.5)}

    found = largest(*pair({"x": [1.0], "y": [2.0]}, {"x": [3.0, 4.0], "y": [1.0, 1.0]}))
    assert found["x"] == aw.Value(4.0, 2, p=0.5)
    assert found["y"].reason == "it said nothing of this"


def test_defined_anew_it_is_replaced_and_ours_stay() -> None:
    """A notebook's cell may run twice; nobody takes a name of ours."""
    for number in (1.0, 2.0):
        aw.cost_measure("worth", {("1", "1"): number})
    assert MEASURES["worth"].high == 2.0
    with pytest.raises(ConflictError, match="'accuracy' is registered already"):
        aw.cost_measure("accuracy", {("1", "1"): 1})


def test_the_check_tells_all_faults() -> None:
    """Out of range, limits beside the value, a raise, a dependence on order: each is told by its window."""

    @aw.metric("Wild", needs={"confusion"}, low=0, high=0.5, tasks={"binary"})
    def wild(_reference, current):
        n = current.confusion.matrix.sum()
        return aw.Value(7.0, int(n), low=8.0) if n > 5 else 1 / 0

    with pytest.raises(AssertionError) as problem:
        check_measure(wild)
    told = str(problem.value)
    assert "7.0 is not within 0 … 0.5" in told
    assert "lower limit 8.0 is over the value" in told
    assert "ZeroDivisionError" in told
    with pytest.raises(UnknownError, match="not registered"):
        check_measure(lambda _reference, current: current)
    check_measure("accuracy")
