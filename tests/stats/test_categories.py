"""Exact measures of labels against SciPy and published figures."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial.distance import chebyshev, jensenshannon

from anchorwatch.stats import categories

LABELS = st.lists(st.sampled_from("abcdef"), min_size=1, max_size=60)


def table(one: list[str], other: list[str]) -> np.ndarray:
    """Counts of every label on either side."""
    known = sorted({*one, *other})
    return np.array([[side.count(label) for label in known] for side in (one, other)], float)


@given(LABELS, LABELS)
@settings(deadline=None)
def test_tests_and_distances_are_scipys(one: list[str], other: list[str]) -> None:
    """Chi-square, G, Jensen–Shannon, L-infinity and total variation of any two lists."""
    counts = table(one, other)
    p, q = counts / counts.sum(axis=1, keepdims=True)
    if counts.shape[1] > 1:
        for test, form in ((categories.chi_square, "pearson"), (categories.g_test, "log-likelihood")):
            expected = stats.chi2_contingency(counts, correction=False, lambda_=form)
            assert test(one, other).statistic == pytest.approx(expected.statistic, rel=1e-9, abs=1e-9)
            assert test(one, other).p == pytest.approx(expected.pvalue, rel=1e-7, abs=1e-12)
    else:
        assert categories.chi_square(one, other).p == categories.g_test(one, other).p == 1
    assert categories.jensen_shannon(one, other) == pytest.approx(
        jensenshannon(p, q, base=2), rel=1e-6, abs=3e-8
    )
    assert categories.l_infinity(one, other) == pytest.approx(chebyshev(p, q), abs=1e-12)
    assert categories.total_variation(one, other) == pytest.approx(np.abs(p - q).sum() / 2, abs=1e-12)
    assert categories.hellinger(one, other) ** 2 == pytest.approx(1 - np.sum(np.sqrt(p * q)), abs=1e-9)
    smooth = counts + 0.5
    assert categories.kl(one, other) == pytest.approx(
        stats.entropy(smooth[1], smooth[0]), rel=1e-9, abs=1e-12
    )


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 40), st.integers(0, 40))
@settings(deadline=None)
def test_fisher_is_scipys(a: int, b: int, c: int, d: int) -> None:
    """Odds ratio and two-sided p-value."""
    if not (a + b and c + d and a + c and b + d):
        return
    found = categories.fisher("a" * a + "b" * b, "a" * c + "b" * d)
    expected = stats.fisher_exact([[a, b], [c, d]])
    assert found.statistic == pytest.approx(expected.statistic, nan_ok=True)
    assert found.p == pytest.approx(expected.pvalue, rel=1e-6)


def test_fisher_of_great_counts_is_scipys() -> None:
    """Hundreds of thousands of rows, far into the tail; three labels are refused."""
    rng = np.random.default_rng(0)
    one, other = rng.random(300_000) < 0.3, rng.random(200_000) < 0.308
    counts = [[np.sum(~one), np.sum(one)], [np.sum(~other), np.sum(other)]]
    found = categories.fisher(one, other).p
    assert found < 1e-6
    assert found == pytest.approx(stats.fisher_exact(counts).pvalue, rel=1e-5)
    with pytest.raises(ValueError, match="needs two labels; there are 3"):
        categories.fisher("ab", "bc")


def test_published_figures() -> None:
    """A peer's own test of G takes the reference for the truth: 0.8176. Two samples as they are differ less."""
    one, other = "a" * 5 + "b" * 5 + "c" * 8, "a" * 4 + "b" * 6 + "c" * 8
    truth = stats.power_divergence([4, 6, 8], [5, 5, 8], lambda_="log-likelihood")
    assert truth.pvalue == pytest.approx(0.8176, abs=1e-4)
    assert categories.g_test(one, other).p == pytest.approx(0.9038, abs=1e-4)


def test_cramers_v_is_bergsmas() -> None:
    """The corrected form, cell by cell; near 0 without association where the plain form is not."""
    rng = np.random.default_rng(1)
    one, other = (rng.integers(0, 30, 200).astype(str).tolist() for _ in range(2))
    counts = table(one, other)
    rows, k = counts.sum(), counts.shape[1]
    phi = stats.chi2_contingency(counts, correction=False).statistic / rows
    corrected = max(0, phi - (k - 1) / (rows - 1))
    narrow = min(k - (k - 1) ** 2 / (rows - 1), 2 - 1 / (rows - 1)) - 1
    assert categories.cramers_v(one, other) == pytest.approx(np.sqrt(corrected / narrow))
    assert categories.cramers_v(one, other) < np.sqrt(phi)
    assert categories.cramers_v("a" * 50, "b" * 50) == pytest.approx(1)
    assert categories.cramers_v("aa", "a") == 0


def test_goodness_of_fit_cries_wolf_and_ours_does_not() -> None:
    """With samples of 1000 taken for the truth, 22.4, 35.4 and 48.9 % alarm at 5 %; the two-sample form 5 %."""
    rng = np.random.default_rng(2)
    for k, rate in ((3, 0.224), (6, 0.354), (10, 0.489)):
        before, after = rng.integers(0, k, (2, 1000, 1000))
        counts = [np.stack([np.bincount(row, minlength=k) for row in side]) for side in (before, after)]
        wolf = stats.chi2.sf(((counts[1] - counts[0]) ** 2 / counts[0]).sum(axis=1), k - 1) < 0.05
        assert wolf.mean() == pytest.approx(rate, abs=0.05)
        ours = [categories.chi_square(*pair).p < 0.05 for pair in zip(before, after, strict=True)]
        assert np.mean(ours) == pytest.approx(0.05, abs=3 * np.sqrt(0.05 * 0.95 / 1000))


def test_missing_labels_are_one_label() -> None:
    """None and NaN are the same; an empty sample is refused."""
    assert categories.total_variation(["a", None], ["a", float("nan")]) == 0
    assert categories.l_infinity(["a", None], ["a", "a"]) == 0.5
    with pytest.raises(ValueError, match="reference sample is empty"):
        categories.psi([], ["a"])
    assert categories.psi(["a"] * 50 + ["b"] * 50, ["a"] * 100) == pytest.approx(
        0.5 * np.log(2) + 0.4999 * np.log(0.5 / 1e-4), rel=1e-3
    )
