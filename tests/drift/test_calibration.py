"""On data that did not change, p-values fall under alpha no more often than alpha, ties and sparse cells or not."""

from collections.abc import Callable

import numpy as np
import pytest

from anchorwatch.drift.cells import Cells
from anchorwatch.drift.chi_square import compared
from anchorwatch.stats import bridge, tails

ALPHAS = np.array([0.05, 0.01, 0.001])
SIZES = [(30, 100), (30, 100_000), (100, 100), (100, 1000), (1000, 1000), (1000, 100_000), (100_000, 100_000)]
SHARES: dict[str, np.ndarray] = {
    "240 bins": np.full(240, 1 / 240),
    "10 values": np.full(10, 0.1),
    "two values": np.array([0.7, 0.3]),
    "mostly zero": np.append(0.6, np.full(100, 0.004)),
    "rarely not zero": np.array([0.97, 0.02, 0.01]),
    "zipf": 1 / np.arange(1, 1001) / np.sum(1 / np.arange(1, 1001)),
}


def over(p: np.ndarray, slack: float = 1.0) -> np.ndarray:
    """By how many standard errors the rates of rejection are over `slack` times alpha."""
    rate = (p[:, None] <= ALPHAS).mean(axis=0)
    return (rate - slack * ALPHAS) / np.sqrt(ALPHAS * (1 - ALPHAS) / len(p))


def drawn(shares: np.ndarray, size: tuple[int, int], runs: int) -> tuple[np.ndarray, np.ndarray]:
    """Counts of unchanged data, reference and current."""
    rng = np.random.default_rng([shares.size, *size])
    return rng.multinomial(size[1], shares, runs), rng.multinomial(size[0], shares, runs)


@pytest.mark.slow
@pytest.mark.parametrize("test", [bridge.cramer_von_mises, bridge.anderson_darling])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("shape", SHARES)
def test_distribution_functions_hold_their_level(
    test: Callable[..., tuple[np.ndarray, np.ndarray]], size: tuple[int, int], shape: str
) -> None:
    """Cramér–von Mises and Anderson–Darling, 4000 draws each, at 5, 1 and 0.1 %."""
    before, after = drawn(SHARES[shape], size, 4000)
    n, m = (np.full(4000, count) for count in size)
    gap = (np.cumsum(after, axis=1) / size[0] - np.cumsum(before, axis=1) / size[1])[:, :-1]
    p = test(gap, (before + after) / sum(size), n, m)[1]
    assert (over(p) < 4).all(), over(p)
    if shape in {"240 bins", "10 values"}:
        assert (p <= 0.05).mean() > 0.04


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("shape", SHARES)
def test_tables_hold_their_level(size: tuple[int, int], shape: str) -> None:
    """Chi-square and G over 2 to 1000 cells; conservative where cells are sparse, never the other way round."""
    before, after = drawn(SHARES[shape], size, 4000)
    width = before.shape[1]
    cells = Cells(
        before.ravel().astype(float),
        after.ravel().astype(float),
        np.arange(4000) * width,
        np.repeat(np.arange(4000), width),
    )
    p = compared(cells).p
    p = p[~np.isnan(p)]
    assert p.size == 0 or (over(p, 1.2) < 4).all(), over(p)


@pytest.mark.parametrize("share", [1e-4, 0.001, 0.03, 0.5])
@pytest.mark.parametrize("size", SIZES)
def test_shares_hold_their_level(size: tuple[int, int], share: float) -> None:
    """Fisher's test, of rare events and frequent ones."""
    rng = np.random.default_rng(size)
    n, m = size
    p = tails.fisher(rng.binomial(n, share, 10_000), n, rng.binomial(m, share, 10_000), m)
    assert (over(p) < 4).all(), over(p)


def test_rare_values_are_no_finding() -> None:
    """One of thirty rows holds what one of a thousand did: once in 33 times, not once in a million."""
    gap, share = np.array([[-1 / 30 + 0.001]]), np.array([[0.999, 0.001]])
    n, m = np.array([30]), np.array([100_000])
    for test in (bridge.cramer_von_mises, bridge.anderson_darling):
        assert test(gap, share, n, m)[1][0] > 0.01
    table = Cells.of([[99_000, 1000]], [[92, 8]])
    exact = float(tails.fisher(8, 100, 1000, 100_000))
    assert exact / 5 < compared(table).p[0] < 50 * exact


def test_far_tails_are_those_of_many_draws() -> None:
    """At one in ten thousand too: counts of a rare value among 100 rows against 100 000."""
    rng = np.random.default_rng(9)
    runs, shares = 100_000, np.array([0.4, 0.3, 0.2, 0.07, 0.02, 0.01])
    before, after = rng.multinomial(100_000, shares, runs), rng.multinomial(100, shares, runs)
    cells = Cells(
        before.ravel().astype(float),
        after.ravel().astype(float),
        np.arange(runs) * 6,
        np.repeat(np.arange(runs), 6),
    )
    assert np.sum(compared(cells).p <= 1e-4) <= 10 + 4 * np.sqrt(10)
