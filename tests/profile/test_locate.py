from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anchorwatch.profile.build import _ladder
from anchorwatch.profile.locate import FEW, Locator

finite = st.floats(allow_nan=False, allow_infinity=False)
UINT8 = np.dtype(np.uint8)


def near(edges: np.ndarray) -> np.ndarray:
    """The edges and the numbers next to them."""
    with np.errstate(over="ignore"):
        return np.concatenate([edges, np.nextafter(edges, -np.inf), np.nextafter(edges, np.inf)])


def check(edges: np.ndarray, numbers: np.ndarray) -> None:
    """By table as by search, for many and for few."""
    locator = Locator.of(edges, UINT8)
    wanted = np.searchsorted(edges, numbers)
    for some in (numbers, np.resize(numbers, FEW + 1 + numbers.size)):
        found = np.empty(some.size, np.uint8)
        locator(some, found)
        np.testing.assert_array_equal(found, np.resize(wanted, some.size))


@given(st.sets(finite, min_size=1, max_size=50), st.lists(st.floats(allow_nan=False), max_size=50))
def test_the_table_answers_as_a_search(edges: set[float], numbers: list[float]) -> None:
    """Any edges and any numbers, infinities and subnormals among them."""
    ascending = np.unique(np.array(sorted(edges)))
    check(ascending, np.concatenate([numbers, near(ascending), -ascending]))


SHAPES = {
    "normal": lambda rng, n: rng.normal(size=n),
    "offset": lambda rng, n: 1.7e9 + rng.normal(size=n),
    "lognormal": lambda rng, n: rng.lognormal(0, 3, n),
    "twelve decades": lambda rng, n: 10.0 ** rng.uniform(-6, 6, n),
    "cauchy": lambda rng, n: rng.standard_cauchy(n),
    "whole": lambda rng, n: rng.integers(0, 24, n).astype(float),
    "mostly zero": lambda rng, n: np.where(rng.random(n) < 0.9, 0.0, rng.lognormal(0, 2, n)),
    "two scales": lambda rng, n: np.where(rng.random(n) < 0.5, 1e-6, 1e6) * rng.normal(size=n),
    "constant": lambda rng, n: np.full(n, 7.0),
    "huge": lambda rng, n: rng.uniform(-1, 1, n) * 1.7e308,
    "subnormal": lambda rng, n: rng.normal(size=n) * 1e-310,
}


@pytest.mark.parametrize("shape", SHAPES)
def test_the_table_answers_as_a_search_for_many(shape: str) -> None:
    """Quantile edges of many a distribution, and numbers of it, of another and around the edges."""
    rng = np.random.default_rng(3)
    values = SHAPES[shape](rng, 100_000)
    cuts = np.unique(values[rng.integers(0, values.size, 239)])
    edges = np.unique(np.concatenate([cuts, np.nextafter(cuts[:3], -np.inf)]))
    check(edges, np.concatenate([values, near(edges), rng.normal(size=1000), [np.inf, -np.inf, 0.0, -0.0]]))


def test_the_ladder_is_located() -> None:
    """The edges of columns that no reference has shown."""
    ladder = _ladder()
    check(ladder, np.concatenate([ladder, -ladder, np.random.default_rng(4).lognormal(0, 9, 10_000)]))


def test_a_nan_is_no_error() -> None:
    """NaN passes without warning; its place is the caller's business."""
    Locator.of(np.array([0.0, 1.0]), UINT8)(np.full(FEW + 1, np.nan), np.empty(FEW + 1, np.uint8))
