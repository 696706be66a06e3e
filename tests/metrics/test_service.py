"""Events, errors, latency and maturity."""

from dataclasses import replace

import numpy as np
import pytest

from anchorwatch.core.results import Missing, Value
from anchorwatch.metrics import maturity, service
from anchorwatch.profile.example import service as served
from anchorwatch.profile.example import values
from anchorwatch.profile.parts import Joined
from anchorwatch.profile.profile import Profile


def test_quantiles_are_numpys_to_a_cell() -> None:
    """Median, 95th and 99th percentile lie within a cell's width of the raw ones, inside their limits."""
    latency = np.random.default_rng(0).gamma(2, 0.02, 20_000)
    profile = served(latency.tolist())
    for measure, q in ((service.latency_p50, 0.5), (service.latency_p95, 0.95), (service.latency_p99, 0.99)):
        found = measure(None, profile)[""]
        assert found.value == pytest.approx(np.quantile(latency, q, method="inverted_cdf"), rel=0.02)
        assert found.low < found.value < found.high
    mean = service.latency_mean(None, profile)[""]
    assert mean.value == pytest.approx(latency.mean())
    assert mean.high - mean.low == pytest.approx(2 * 1.96 * latency.std(ddof=1) / np.sqrt(20_000), rel=0.01)


def test_few_latencies_leave_limits_open() -> None:
    """No order statistic of fifty bounds the 99th percentile from above."""
    found = service.latency_p99(None, served([0.001 * i for i in range(1, 51)]))[""]
    assert found.value == pytest.approx(0.05, rel=0.02)
    assert found.low == pytest.approx(0.048, rel=0.02)
    assert found.high is None


def test_quantile_limits_cover() -> None:
    """Limits of order statistics hold the true percentile in at least 95 % of windows, whatever the shape."""
    rng = np.random.default_rng(1)
    truth = np.exp(1.6448536) / 100
    covered = 0
    for _ in range(300):
        found = service.latency_p95(None, served((rng.lognormal(size=300) / 100).tolist()))[""]
        covered += found.low * 0.99 <= truth <= found.high * 1.01
    assert covered / 300 > 0.925


def test_errors_and_events_are_counted() -> None:
    """Errors are events; a window without events has a throughput of 0 and no error rate."""
    profile = served([0.1] * 9, errors=1)
    assert service.throughput(None, profile)[""] == Value(10.0, 10)
    assert service.error_rate(None, profile)[""].value == 0.1
    nothing = Profile(profile.grid)
    assert service.throughput(None, nothing)[""] == Value(0.0, 0)
    assert service.error_rate(None, nothing)[""] == Missing("no events in this window")
    assert service.latency_p50(None, nothing)[""] == Missing("no latency was logged")
    assert service.latency_mean(None, nothing)[""] == Missing("no latency was logged")


def test_maturity_leaves_errors_out() -> None:
    """Of ten predictions and two errors, six outcomes are 60 %; two that expired are 20 %."""
    profile = replace(served([0.1] * 10, errors=2), joined=Joined(6, 2))
    assert maturity.maturity(None, profile)[""] == Value(0.6, 10)
    assert maturity.expired_share(None, profile)[""] == Value(0.2, 10)


def test_maturity_before_and_without_outcomes() -> None:
    """0 before any came, never over 1, and missing when nothing was predicted."""
    assert maturity.maturity(None, served([0.1]))[""] == Value(0.0, 1)
    assert maturity.maturity(None, replace(served([0.1]), joined=Joined(3, 0)))[""] == Value(1.0, 1)
    assert maturity.maturity(None, served([], errors=3))[""] == Missing("no predictions in this window")
    assert maturity.maturity(*values([], [], [1.0, 2.0], [1.0, 2.0]))[""] == Value(1.0, 2)
