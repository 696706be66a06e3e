"""A model's own process counts in a Prometheus registry what it logs."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

import anchorwatch as aw
from anchorwatch.integrations.prometheus import VERSIONS, Exported

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def registry() -> CollectorRegistry:
    """Of one test."""
    return CollectorRegistry()


@pytest.fixture
def model(registry: CollectorRegistry) -> Iterator[Exported]:
    """Logs to a server that is away."""
    with aw.connect("http://127.0.0.1:1", exit_timeout=0) as watch:
        yield Exported(watch.model("fares"), registry=registry)


def test_calls_are_counted_as_they_happen(model: Exported, registry: CollectorRegistry) -> None:
    """Predictions, errors and latencies by version, whichever way they are logged; outcomes too."""
    model.log({"x": 1}, prediction=2.0, version=3, latency=0.02, id="first")
    with model.predicting({"x": 1}, version=3) as made:
        made.prediction = 1.0

    @model.watched(version=3)
    def broken(x: int) -> float:
        raise ValueError(x)

    with pytest.raises(ValueError, match="7"):
        broken(7)
    model.outcome("first", 2.5)
    of = {"model": "fares", "version": "3"}
    assert registry.get_sample_value("anchorwatch_client_predictions_total", of) == 3
    assert registry.get_sample_value("anchorwatch_client_prediction_errors_total", of) == 1
    assert registry.get_sample_value("anchorwatch_client_prediction_latency_seconds_count", of) == 3
    assert registry.get_sample_value("anchorwatch_client_outcomes_total", {"model": "fares"}) == 1
    assert model.stats.accepted == 4


def test_a_latency_carries_the_id_as_its_exemplar(model: Exported, registry: CollectorRegistry) -> None:
    """From a slow bucket one gets to the prediction; an id too long for OpenMetrics is left out."""
    model.log({"x": 1}, prediction=2.0, latency=0.02, id="slow-one")
    model.log({"x": 1}, prediction=2.0, latency=4.0, id="x" * 300)
    families = text_string_to_metric_families(generate_latest(registry).decode())
    exemplars = [
        sample.exemplar.labels
        for family in families
        for sample in family.samples
        if sample.exemplar is not None
    ]
    assert exemplars == [{"id": "slow-one"}]


def test_versions_are_bounded(model: Exported, registry: CollectorRegistry) -> None:
    """However many versions are logged, there are a few series."""
    for version in range(3 * VERSIONS):
        model.log({"x": 1}, prediction=2.0, version=version)
    (family,) = [item for item in registry.collect() if item.name == "anchorwatch_client_predictions"]
    totals = [sample for sample in family.samples if sample.name.endswith("_total")]
    assert len(totals) == VERSIONS + 1
    assert sum(sample.value for sample in totals) == 3 * VERSIONS


def test_losses_and_what_waits_are_told(model: Exported, registry: CollectorRegistry) -> None:
    """What the client's own stats say, at the moment of a scrape."""
    model.log({"x": 1}, prediction=2.0)
    model.log(None, prediction=1.0)  # type: ignore[arg-type]
    lost = {"model": "fares", "reason": "invalid"}
    assert registry.get_sample_value("anchorwatch_client_events_dropped_total", lost) == 1
    assert registry.get_sample_value("anchorwatch_client_events_waiting", {"model": "fares"}) == 1
    assert registry.get_sample_value("anchorwatch_client_events_sent_total", {"model": "fares"}) == 0


def test_models_share_a_registry(model: Exported, registry: CollectorRegistry) -> None:
    """A second model is a second label, not a second metric of the same name."""
    with aw.connect("http://127.0.0.1:1", exit_timeout=0) as watch:
        Exported(watch.model("late"), registry=registry).log({"x": 1}, prediction=0)
    model.log({"x": 1}, prediction=2.0)
    for name in ("late", "fares"):
        of = {"model": name, "version": ""}
        assert registry.get_sample_value("anchorwatch_client_predictions_total", of) == 1


WORKER = """
import anchorwatch as aw
from anchorwatch.integrations.prometheus import Exported
with aw.connect("http://127.0.0.1:1", exit_timeout=0) as watch:
    model = Exported(watch.model("fares"))
    for _ in range(5):
        model.log({"x": 1}, prediction=2.0, version="1", latency=0.01)
"""


def test_processes_add_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In multiprocess mode, as under Gunicorn, what two processes counted is one number."""
    from prometheus_client.multiprocess import MultiProcessCollector

    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    for _ in range(2):
        subprocess.run([sys.executable, "-c", WORKER], check=True)
    together = CollectorRegistry()
    MultiProcessCollector(together)
    of = {"model": "fares", "version": "1"}
    assert together.get_sample_value("anchorwatch_client_predictions_total", of) == 10
    assert together.get_sample_value("anchorwatch_client_prediction_latency_seconds_count", of) == 10
