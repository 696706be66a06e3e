"""Windows that remember each other tell less than as many that do not."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.signal import lfilter

from anchorwatch.core.results import Missing, Value
from anchorwatch.core.types import Rule
from anchorwatch.rules.band import ReferenceBand
from anchorwatch.rules.chance import chance
from anchorwatch.rules.ground import Ground, Inflation


def of_days(rho: float, days: int, runs: int = 300) -> list[Inflation]:
    """Inflations of references whose days vary five times as much as chance, each like the one before by `rho`."""
    rng = np.random.default_rng([int(rho * 10), days])
    noise = rng.standard_normal((runs, days + 200)) * (1 - rho**2) ** 0.5
    drawn = lfilter([1.0], [1.0, -rho], noise, axis=1)[:, 200:] * 5**0.5
    return [Inflation.of(row.tolist()) for row in 2 * stats.norm.sf(np.abs(drawn))]


def test_independent_days_count_in_full() -> None:
    """In nearly all references, so that nothing is lost where nothing is remembered."""
    found = of_days(0.0, 40)
    assert np.mean([one.freedom == 40 for one in found]) > 0.8
    assert np.median([one.factor for one in found]) == pytest.approx(5, rel=0.1)


def test_days_with_memory_count_as_fewer() -> None:
    """The longer the memory, the fewer."""
    freedoms = [np.median([one.freedom for one in of_days(rho, 60)]) for rho in (0.0, 0.7, 0.95)]
    assert freedoms[0] == 60
    assert freedoms[0] > freedoms[1] > freedoms[2]


def test_an_open_interval_is_no_ground_to_judge_on() -> None:
    """The 95th percentile of thirty latencies may be anything upwards."""
    rule = Rule(name="slow", measure="latency_p95", worse=0.5, budget=1.0)
    ground = Ground(ReferenceBand(0.2, 0.01, 30))
    assert isinstance(chance(rule, Value(0.9, 30, low=0.3), ground, None), Missing)
    assert isinstance(chance(rule, Value(0.9, 300, low=0.7, high=1.2), ground, None), float)
