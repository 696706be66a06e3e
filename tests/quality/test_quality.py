"""Quality of columns against plain counting."""

import numpy as np
import pytest
from scipy.stats import binomtest

from anchorwatch.core.results import Missing
from anchorwatch.profile.example import inputs, pair
from anchorwatch.quality.constant import constant
from anchorwatch.quality.infinite_share import infinite_share
from anchorwatch.quality.missing_share import missing_share
from anchorwatch.quality.out_of_range_share import out_of_range_share
from anchorwatch.quality.unseen_share import unseen_share

INF = float("inf")
BASE = {"x": [1.0, 2.0, 3.0], "y": [5.0, 5.0, 5.0], "c": ["a", "b", "b"]}


def test_missing_values_are_counted_in_every_kind_of_column() -> None:
    """Nulls and NaN of numbers, nulls of categories, with Wilson's limits; infinities are not missing."""
    profile = inputs({"x": [1.0, None, float("nan"), INF], "c": ["a", None, "b", "c"]})
    found = missing_share(None, profile)
    assert (found["x"].value, found["c"].value) == (0.5, 0.25)
    expected = binomtest(1, 4).proportion_ci(method="wilson")
    assert (found["c"].low, found["c"].high) == pytest.approx((expected.low, expected.high))
    assert infinite_share(None, profile)["x"].value == 0.25
    assert "c" not in infinite_share(None, profile).subjects


def test_out_of_range_is_beyond_the_references_extremes() -> None:
    """The extremes themselves are in range, a constant column has a range of one value, infinities are left out."""
    found = out_of_range_share(
        *pair(BASE, {"x": [1.0, 3.0, 0.999, 3.001, INF], "y": [5.0, 4.0, 5.0, 6.0, 5.0], "c": list("aaaaa")})
    )
    assert (found["x"].value, found["x"].n) == (0.5, 4)
    assert (found["y"].value, found["y"].n) == (0.4, 5)


def test_out_of_range_needs_a_range() -> None:
    """Without a reference, or one without numbers, there is none."""
    assert out_of_range_share(None, inputs({"x": [1.0]}))["x"] == Missing("no reference")
    empty = pair({"x": np.array([np.nan]), "y": [1.0]}, {"x": [1.0], "y": [np.nan]})
    assert out_of_range_share(*empty)["x"].reason == "no numbers in the reference"
    assert out_of_range_share(*empty)["y"].reason == "no numbers in this window"


def test_unseen_leaves_missing_out() -> None:
    """Of three values that are there, two were never seen."""
    found = unseen_share(*pair({"c": ["a", "b"]}, {"c": ["x", "y", "a", None]}))["c"]
    assert (found.value, found.n) == (pytest.approx(2 / 3), 3)
    assert unseen_share(None, inputs({"c": ["a"]}))["c"] == Missing("no reference")
    assert unseen_share(*pair({"c": ["a"]}, {"c": [None]}))["c"].reason == "no values in this window"


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ([7.0, 7.0, 7.0], 1),
        ([7.0, None, 7.0, INF], 1),
        ([7.0, 7.0, 7.5], 0),
        (["a", "a"], 1),
        (["new", "new", None], 1),
        (["new", "newer"], 0),
        (["a", "new"], 0),
    ],
)
def test_constant_is_one_value_throughout(column: list[object], expected: float) -> None:
    """Known or unseen, finite or not: one distinct value among those that are there."""
    base = {"x": ["a", "b"] if isinstance(column[0], str) else [1.0, 2.0]}
    assert constant(*pair(base, {"x": column}))["x"].value == expected


def test_one_value_is_not_constant_yet() -> None:
    """A single value says nothing of sameness."""
    assert constant(None, inputs({"x": [1.0, None]}))["x"] == Missing(
        "fewer than two values in this window", 1
    )
