"""Two samples of labels compared exactly: the measures of `drift` without profiles.

All take a reference and a current sample of labels, as arrays or lists; None and NaN are one label of their own. An
empty sample raises `ValueError`.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import gammaln, xlogy

from anchorwatch.stats import shares, tails
from anchorwatch.stats.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Labels = Iterable[Any] | NDArray[Any]


def chi_square(reference: Labels, current: Labels) -> Verdict:
    """Two-sample chi-square `Σ (O - E)²/E` over the 2 × k table, with the textbook's p-value of k - 1 degrees.

    Right where each label is expected five times on either side; `drift.chi_square` holds for sparse tables too. Of
    one label only: 0, with a p-value of 1. Source: Pearson 1900; `scipy.stats.chi2_contingency(correction=False)`.

    >>> round(chi_square("ab" * 50, "a" * 65 + "b" * 35).p, 4)
    0.0319
    """
    table = _table(reference, current)
    expected = _expected(table)
    return _verdict(float(np.sum((table - expected) ** 2 / expected)), table.shape[1] - 1)


def g_test(reference: Labels, current: Labels) -> Verdict:
    """Two-sample likelihood ratio `2 Σ O ln(O/E)` over the 2 × k table, with the p-value of k - 1 degrees.

    Source: Wilks 1938; `scipy.stats.chi2_contingency(correction=False, lambda_="log-likelihood")`.

    >>> round(g_test("ab" * 50, "a" * 65 + "b" * 35).p, 4)
    0.0315
    """
    table = _table(reference, current)
    statistic = 2 * float(np.sum(xlogy(table, table / _expected(table))))
    return _verdict(max(statistic, 0.0), table.shape[1] - 1)


def fisher(reference: Labels, current: Labels) -> Verdict:
    """Fisher's exact test of a table of two by two: the odds ratio, and the two-sided p-value.

    `p = Σ P(x)` over the tables with these margins that are no likelier than this one. Counts of any size. The odds
    are those of the label that sorts first, reference over current; infinite or NaN where a count is 0.
    Source: Fisher 1934; `scipy.stats.fisher_exact`.

    Raises:
        ValueError: there are not two labels on both sides together.

    >>> round(fisher("a" * 8 + "b" * 2, "a" + "b" * 5).p, 4)
    0.035
    """
    table = _table(reference, current)
    if table.shape[1] != 2:
        raise ValueError(f"Fisher's exact test needs two labels; there are {table.shape[1]}")
    (a, b), (c, d) = table.tolist()
    odds = np.divide(a * d, b * c) if b * c > 0 else (np.inf if a * d > 0 else np.nan)
    total, drawn, rows = a + c, a + b, a + b + c + d
    x = np.arange(max(0, drawn - (b + d)), min(total, drawn) + 1)
    log = -gammaln(x + 1) - gammaln(total - x + 1) - gammaln(drawn - x + 1)
    log -= gammaln(rows - total - drawn + x + 1)
    log -= log.max()
    weight = np.exp(log)
    # Sums of logarithms differ in their last digits where tables are equally likely.
    no_likelier = log <= log[int(a - x[0])] + 1e-7
    return Verdict(float(odds), min(float(weight[no_likelier].sum() / weight.sum()), 1.0))


def cramers_v(reference: Labels, current: Labels) -> float:
    """Cramér's V of label and side with Bergsma's correction, 0 to 1, 0 for one label. Source: Bergsma 2013.

    >>> round(cramers_v("ab" * 50, "a" * 65 + "b" * 35), 3)
    0.134
    """
    table = _table(reference, current)
    rows, k = float(table.sum()), table.shape[1]
    square = float(np.sum((table - _expected(table)) ** 2 / _expected(table))) / rows
    square = max(square - (k - 1) / (rows - 1), 0.0)
    narrow = min(k - (k - 1) ** 2 / (rows - 1), 2 - 1 / (rows - 1)) - 1
    return min(float(np.sqrt(square / narrow)), 1.0) if square > 0 else 0.0


def psi(reference: Labels, current: Labels) -> float:
    """Population stability index `Σ (q - p) ln(q/p)`, shares at least 1e-4; in nats. Source: Siddiqi 2006.

    >>> round(psi("ab" * 50, "a" * 65 + "b" * 35), 4)
    0.0929
    """
    return shares.psi(*_table(reference, current))


def jensen_shannon(reference: Labels, current: Labels) -> float:
    """Jensen–Shannon distance, base 2, 0 to 1. Source: Endres and Schindelin 2003.

    >>> round(jensen_shannon("ab" * 50, "a" * 65 + "b" * 35), 4)
    0.1291
    """
    return shares.jensen_shannon(*_table(reference, current))


def hellinger(reference: Labels, current: Labels) -> float:
    """Hellinger distance, 0 to 1. Source: Hellinger 1909.

    >>> round(hellinger("ab" * 50, "a" * 65 + "b" * 35), 4)
    0.1076
    """
    return shares.hellinger(*_table(reference, current))


def total_variation(reference: Labels, current: Labels) -> float:
    """Total variation distance `½ Σ |q - p|`, 0 to 1.

    >>> round(total_variation("ab" * 50, "a" * 65 + "b" * 35), 4)
    0.15
    """
    return shares.total_variation(*_table(reference, current))


def l_infinity(reference: Labels, current: Labels) -> float:
    """Largest change of a label's share, 0 to 1.

    >>> round(l_infinity("ab" * 50, "a" * 65 + "b" * 35), 4)
    0.15
    """
    return shares.l_infinity(*_table(reference, current))


def kl(reference: Labels, current: Labels) -> float:
    """Kullback–Leibler divergence `Σ q ln(q/p)`, half a row added to each label; in nats.

    Source: Kullback and Leibler 1951; smoothing: Krichevsky and Trofimov 1981.

    >>> round(kl("ab" * 50, "a" * 65 + "b" * 35), 4)
    0.0448
    """
    return shares.kl(*_table(reference, current))


def _table(reference: Labels, current: Labels) -> Floats:
    """Counts of each label on either side, shape (2, labels), labels in order of their text."""
    before, after = _count(reference, "reference"), _count(current, "current")
    labels = sorted({*before, *after}, key=lambda label: (label is None, str(label)))
    return np.array([[side[label] for label in labels] for side in (before, after)], np.float64)


def _count(sample: Labels, side: str) -> Counter[Any]:
    counts = Counter(sample.tolist() if isinstance(sample, np.ndarray) else sample)
    if not counts:
        raise ValueError(f"the {side} sample is empty; give at least one label")
    for label in [label for label in counts if label != label]:  # noqa: PLR0124 - a NaN is not itself
        counts[None] += counts.pop(label)
    return counts


def _expected(table: Floats) -> Floats:
    return np.asarray(table.sum(axis=1, keepdims=True) * (table.sum(axis=0) / table.sum()))


def _verdict(statistic: float, freedom: int) -> Verdict:
    return Verdict(statistic, float(tails.chi_square(statistic, freedom)) if freedom else 1.0)
