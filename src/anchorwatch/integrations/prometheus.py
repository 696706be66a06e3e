"""Predictions, errors and latencies of a model in the process that serves it, through `prometheus_client`.

What a server's `/metrics` tells is windows; this counts each call as it happens. Needs the extra `prometheus`.
"""

from __future__ import annotations

import os
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary

from anchorwatch.client.model import Model

try:
    from prometheus_client import REGISTRY, Counter, Histogram
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
    from prometheus_client.registry import Collector
except ImportError as problem:  # pragma: no cover - the tests have it
    raise ImportError("prometheus_client is missing; pip install 'anchorwatch[prometheus]'") from problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from prometheus_client import CollectorRegistry
    from prometheus_client.core import Metric

VERSIONS = 20
"""Versions of a model with series of their own, the first that come; further ones share `other`."""
OTHER = "other"
_REST = "\0"
"""The key of further versions; no version is called so."""
_LONGEST = 100
"""OpenMetrics bounds an exemplar to 128 characters."""


class Exported(Model):
    """A model whose `log`, `outcome`, `predicting` and `watched` also count in a Prometheus registry.

    | metric | labels |
    |---|---|
    | `anchorwatch_client_predictions_total`: predictions logged, errors included | `model`, `version` |
    | `anchorwatch_client_prediction_errors_total`: errors instead of predictions | `model`, `version` |
    | `anchorwatch_client_prediction_latency_seconds`: histogram, with the id as exemplar | `model`, `version` |
    | `anchorwatch_client_outcomes_total`: outcomes told | `model` |
    | `anchorwatch_client_events_sent_total`: events the server has on its disk | `model` |
    | `anchorwatch_client_events_dropped_total`: events lost | `model`, `reason` |
    | `anchorwatch_client_events_waiting`: events in memory or in the spool | `model` |

    With `PROMETHEUS_MULTIPROC_DIR` set, as under Gunicorn, the first four add up over processes; the others are of one
    process alone and are left out, and exemplars are not kept.

    Args:
        model: what `watch.model(name)` or `watch.register(…)` gave.
        registry: where to count; default: the one of `prometheus_client`.

    >>> import anchorwatch as aw
    >>> from prometheus_client import CollectorRegistry
    >>> registry = CollectorRegistry()
    >>> with aw.connect("http://localhost:8321", exit_timeout=0) as watch:
    ...     model = Exported(watch.model("fares"), registry=registry)
    ...     _ = model.log({"distance": 3.1}, prediction=12.5, version="3", latency=0.004)
    >>> registry.get_sample_value("anchorwatch_client_predictions_total", {"model": "fares", "version": "3"})
    1.0
    """

    __slots__ = ("_counts", "_series")

    def __init__(self, model: Model, *, registry: CollectorRegistry = REGISTRY) -> None:
        super().__init__(model.name, model._sender)  # noqa: SLF001 - the same model, with ears
        self._counts = _counts_in(registry)
        self._series: dict[str | int | None, _Series] = {}
        if self._counts.standing is not None:
            self._counts.standing.models[model.name] = model

    def log(
        self,
        features: Mapping[str, Any],
        *,
        prediction: Any = None,
        score: float | None = None,
        scores: Mapping[str, float] | None = None,
        id: str | None = None,  # noqa: A002 - the field's own name
        version: str | int | None = None,
        at: datetime | float | str | None = None,
        latency: float | None = None,
        error: BaseException | str | None = None,
    ) -> str:
        """Log a prediction as `Model.log` does, and count it: about three microseconds in all."""
        name = super().log(
            features,
            prediction=prediction,
            score=score,
            scores=scores,
            id=id,
            version=version,
            at=at,
            latency=latency,
            error=error,
        )
        series = self._series.get(version) or self._of(version)
        series.predictions.inc()
        if error is not None:
            series.errors.inc()
        if isinstance(latency, int | float):
            series.latency.observe(latency, {"id": name} if len(name) <= _LONGEST else None)
        return name

    def outcome(self, id: str, value: Any, at: datetime | float | str | None = None) -> None:  # noqa: A002
        """Tell what really happened as `Model.outcome` does, and count it."""
        super().outcome(id, value, at)
        self._counts.outcomes.labels(self.name).inc()

    def _of(self, version: str | int | None) -> _Series:
        """The series of a version, looked up once; bounded, whatever is logged."""
        if len(self._series) >= VERSIONS:
            return self._series.get(_REST) or self._made(_REST, OTHER)
        return self._made(version, "" if version is None else str(version))

    def _made(self, key: str | int | None, label: str) -> _Series:
        counts, of = self._counts, (self.name, label)
        self._series[key] = _Series(
            counts.predictions.labels(*of), counts.errors.labels(*of), counts.latency.labels(*of)
        )
        return self._series[key]


class _Series(NamedTuple):
    """What is counted of one version."""

    predictions: Counter
    errors: Counter
    latency: Histogram


class _Counts:
    """The families of one registry, which all its models share."""

    def __init__(self, registry: CollectorRegistry) -> None:
        of = ["model", "version"]
        prefix = "anchorwatch_client_"
        self.predictions = Counter(
            f"{prefix}predictions", "Predictions logged, errors included.", of, registry=registry
        )
        self.errors = Counter(
            f"{prefix}prediction_errors", "Errors logged instead of predictions.", of, registry=registry
        )
        self.latency = Histogram(
            f"{prefix}prediction_latency_seconds", "Time that predictions took.", of, registry=registry
        )
        self.outcomes = Counter(f"{prefix}outcomes", "Outcomes told.", ["model"], registry=registry)
        self.standing = None if "PROMETHEUS_MULTIPROC_DIR" in os.environ else _Standing()
        if self.standing is not None:
            registry.register(self.standing)


class _Standing(Collector):
    """What became of events in this process, asked when somebody scrapes."""

    def __init__(self) -> None:
        self.models: dict[str, Model] = {}

    def collect(self) -> Iterator[Metric]:
        """Read each model's stats."""
        prefix = "anchorwatch_client_events_"
        sent = CounterMetricFamily(
            f"{prefix}sent", "Events that the server has on its disk.", labels=["model"]
        )
        lost = CounterMetricFamily(f"{prefix}dropped", "Events lost.", labels=["model", "reason"])
        waiting = GaugeMetricFamily(f"{prefix}waiting", "Events in memory or in the spool.", labels=["model"])
        for name, model in list(self.models.items()):
            stats = model.stats
            sent.add_metric([name], stats.sent)
            waiting.add_metric([name], stats.queued + stats.spooled)
            for reason, count in stats.dropped.items():
                lost.add_metric([name, reason], count)
        yield from (sent, lost, waiting)


_KNOWN: WeakKeyDictionary[CollectorRegistry, _Counts] = WeakKeyDictionary()
_LOCK = Lock()


def _counts_in(registry: CollectorRegistry) -> _Counts:
    with _LOCK:
        if registry not in _KNOWN:
            _KNOWN[registry] = _Counts(registry)
        return _KNOWN[registry]
