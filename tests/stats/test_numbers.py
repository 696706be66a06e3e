"""Exact measures of numbers against SciPy and published figures."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial.distance import jensenshannon

from anchorwatch.stats import bridge, numbers

ANY = st.lists(st.floats(-1e6, 1e6, allow_nan=False, width=32), min_size=1, max_size=60)
TIED = st.lists(st.integers(0, 6), min_size=1, max_size=60)
TESTS = (numbers.ks, numbers.cramer_von_mises, numbers.anderson_darling)
DISTANCES = (numbers.wasserstein, numbers.energy)


@given(st.one_of(ANY, TIED), st.one_of(ANY, TIED))
@settings(deadline=None)
def test_distances_are_scipys(one: list[float], other: list[float]) -> None:
    """Wasserstein, energy and Kolmogorov–Smirnov of any two lists."""
    largest = max(map(abs, [*one, *other, 1]))
    assert numbers.wasserstein(one, other) == pytest.approx(
        stats.wasserstein_distance(one, other), rel=1e-9, abs=1e-9 * largest
    )
    assert numbers.energy(one, other) == pytest.approx(
        stats.energy_distance(one, other), rel=1e-6, abs=1e-6 * np.sqrt(largest)
    )
    at = np.array([*one, *other])[:, None]
    distance = np.abs((np.array(one) <= at).mean(axis=1) - (np.array(other) <= at).mean(axis=1)).max()
    assert numbers.ks(one, other).statistic == pytest.approx(distance, abs=1e-12)


@pytest.mark.parametrize(
    ("m", "n", "shift"), [(100, 100, 0.0), (100, 100, 0.5), (1000, 300, 0.2), (30, 1000, 0.6)]
)
def test_cramer_von_mises_is_scipys_without_ties(m: int, n: int, shift: float) -> None:
    """Statistic to rounding; the limit's p-value to a ten thousandth where SciPy's series holds."""
    rng = np.random.default_rng(m + n)
    one, other = rng.normal(size=m), rng.normal(shift, size=n)
    found, expected = (
        numbers.cramer_von_mises(one, other),
        stats.cramervonmises_2samp(one, other, method="asymptotic"),
    )
    assert found.statistic == pytest.approx(expected.statistic, rel=1e-9)
    assert found.p == pytest.approx(expected.pvalue, rel=1e-3)


def test_published_figures() -> None:
    """Cramér–von Mises of two normal samples of 100 and Anderson–Darling of two of 8, as a peer's tests have them."""
    one, other = (np.random.RandomState(seed).normal(size=100) for seed in (0, 1))
    assert numbers.cramer_von_mises(one, other).p == pytest.approx(0.8076839, abs=1e-4)
    rough = [38.7, 41.5, 43.8, 44.5, 45.5, 46.0, 47.7, 58.0]
    smooth = [39.2, 39.3, 39.7, 41.4, 41.8, 42.9, 43.3, 45.8]
    found = numbers.anderson_darling(rough, smooth)
    assert stats.anderson_ksamp([rough, smooth], variant="midrank").pvalue == pytest.approx(0.0635, abs=1e-4)
    assert found.p == pytest.approx(_exact(8, found.statistic), rel=0.06)


@pytest.mark.filterwarnings("ignore:p-value")
@given(
    st.lists(st.integers(0, 9), min_size=4, max_size=80), st.lists(st.integers(0, 9), min_size=4, max_size=80)
)
@settings(deadline=None)
def test_anderson_darling_is_scipys_standardised(one: list[int], other: list[int]) -> None:
    """With ties, less its mean of 1 and over its standard deviation."""
    if len(set(one + other)) < 2:
        assert numbers.anderson_darling(one, other).statistic == 0
        return
    expected = stats.anderson_ksamp([one, other], variant="midrank").statistic
    deviation = _deviation(len(one), len(other))
    assert numbers.anderson_darling(one, other).statistic == pytest.approx(
        1 + expected * deviation, rel=1e-6, abs=1e-6
    )


def _exact(size: int, statistic: float) -> float:
    """How many of all ways to share out twice `size` values without ties are as far apart."""
    ways = list(combinations(range(2 * size), size))
    taken = np.zeros((len(ways), 2 * size))
    np.put_along_axis(taken, np.array(ways), 1.0, axis=1)
    gap = np.cumsum(2 * taken - 1, axis=1)[:, :-1] / size
    each = np.full(len(ways), size)
    found = bridge.anderson_darling(gap, np.full(taken.shape, 0.5 / size), each, each)[0]
    return float(np.mean(found >= statistic - 1e-9))


def _deviation(n: int, m: int) -> float:
    """Equation 4 of Scholz and Stephens 1987, by its double sum."""
    rows = n + m
    h = sum(1 / i for i in range(1, rows))
    g = sum(1 / ((rows - i) * j) for i in range(1, rows - 1) for j in range(i + 1, rows))
    inverse = 1 / n + 1 / m
    a = (4 * g - 6) + (10 - 6 * g) * inverse
    b = (2 * g - 4) * 4 + 8 * h * 2 + (2 * g - 14 * h - 4) * inverse - 8 * h + 4 * g - 6
    c = (6 * h + 2 * g - 2) * 4 + (4 * h - 4 * g + 6) * 2 + (2 * h - 6) * inverse + 4 * h
    d = (2 * h + 6) * 4 - 4 * h * 2
    return float(np.sqrt((a * rows**3 + b * rows**2 + c * rows + d) / ((rows - 1) * (rows - 2) * (rows - 3))))


@pytest.mark.parametrize("shift", [0.15, 0.3])
def test_anderson_darling_has_scipys_p_in_its_tables(shift: float) -> None:
    """Between 0.1 and 25 %, where SciPy interpolates, within a tenth."""
    rng = np.random.default_rng(int(100 * shift))
    one, other = rng.normal(size=400), rng.normal(shift, size=300)
    expected = stats.anderson_ksamp([one, other], variant="midrank").pvalue
    assert 0.001 < expected < 0.25
    assert numbers.anderson_darling(one, other).p == pytest.approx(expected, rel=0.1)


def textbook(expected: np.ndarray, actual: np.ndarray) -> float:
    """The stability index as everybody copies it: equal-width bins, 0.0001 for none."""
    points = np.arange(0, 11) / 10 * 100
    points += -np.min(points)
    points /= np.max(points) / (np.max(expected) - np.min(expected))
    points += np.min(expected)
    one, other = (np.histogram(side, points)[0] / len(side) for side in (expected, actual))
    total = 0.0
    for e, a in zip(one, other, strict=True):
        e, a = e or 0.0001, a or 0.0001  # noqa: PLW2901
        total += (e - a) * np.log(e / a)
    return total


@pytest.mark.parametrize("shift", [0.0, 0.5, 3.0, 50.0])
def test_the_classic_index_is_the_textbooks(shift: float) -> None:
    """Also when much is out of range."""
    rng = np.random.default_rng(1)
    one, other = rng.normal(50, 10, 20_000), rng.normal(50 + 10 * shift, 12, 15_000)
    assert numbers.psi_classic(one, other) == pytest.approx(textbook(one, other), rel=1e-12)


def test_measures_over_tenths() -> None:
    """The deciles' counts decide."""
    rng = np.random.default_rng(2)
    one, other = rng.normal(size=3000), rng.normal(0.4, 1.3, 2000)
    cuts = np.quantile(one, np.arange(1, 10) / 10)
    p, q = (np.bincount(np.searchsorted(cuts, side), minlength=10) / side.size for side in (one, other))
    assert numbers.psi(one, other) == pytest.approx(np.sum((q - p) * np.log(q / p)))
    assert numbers.jensen_shannon(one, other) == pytest.approx(jensenshannon(p, q, base=2))
    assert numbers.hellinger(one, other) == pytest.approx(np.sqrt(1 - np.sum(np.sqrt(p * q))))
    assert numbers.total_variation(one, other) == pytest.approx(np.abs(p - q).sum() / 2)
    assert numbers.wasserstein_normed(one, other) == pytest.approx(
        stats.wasserstein_distance(one, other) / one.std()
    )


@given(TIED, TIED, st.floats(0.1, 9), st.floats(-5, 5))
@settings(deadline=None)
def test_order_sides_and_units_change_nothing(
    one: list[int], other: list[int], factor: float, offset: float
) -> None:
    """Reversed, swapped, in another unit, with another sign: the same statistic and p-value."""
    for test in TESTS:
        plain = test(one, other)
        changed = [
            test(one[::-1], other[::-1]),
            test(other, one),
            test(np.array(one) * factor + offset, np.array(other) * factor + offset),
            test(-np.array(one), -np.array(other)),
        ]
        for found in changed:
            assert found.statistic == pytest.approx(plain.statistic, rel=1e-9, abs=1e-9)
            assert found.p == pytest.approx(plain.p, rel=1e-6, abs=1e-12)
    for distance in DISTANCES:
        scaled = distance(np.array(one) * factor, np.array(other) * factor)
        power = 0.5 if distance is numbers.energy else 1.0
        assert scaled == pytest.approx(distance(one, other) * factor**power, rel=1e-6, abs=1e-7)


def test_degenerate_samples() -> None:
    """Equal constants are one; what is not finite is left out; nothing at all is refused."""
    for test in TESTS:
        assert (test([3], [3, 3]).statistic, test([3], [3, 3]).p) == (0, 1)
        assert test([1, 2, np.nan, np.inf], [1, 2]) == test([1, 2], [1, 2])
        with pytest.raises(ValueError, match="current sample holds no finite number"):
            test([1.0], [np.nan])
    assert numbers.wasserstein_normed([1, 1], [2]) == np.inf
    assert numbers.wasserstein_normed([1, 1], [1]) == 0
    assert numbers.psi_classic([1, 1], [1]) == 0
