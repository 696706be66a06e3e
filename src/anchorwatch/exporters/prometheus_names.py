"""What Prometheus is told, and under which names: stable, in base units, listed in docs/reference/metrics.md.

A family per measure, since values of different units have no business under one name:
`anchorwatch_<family>_<measure>[_<part>][_<unit>]`. Shares are ratios, times are seconds.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from anchorwatch.exporters.prometheus_text import Family, Kind
from anchorwatch.profile.measure import MEASURES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anchorwatch.core.schema import Task
    from anchorwatch.profile.measure import Measure

COLUMNS = 100
"""Columns of a model that are told of, first in the order of its declaration; further ones are counted."""
VERSIONS = 5
"""Versions of a model that are told of, the newest; older ones are counted."""
RULES = 50
"""Rules of a model whose limits are told."""
MODELS = 1000
"""Models that are told of; further ones are counted."""
BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of latency buckets, in seconds."""
STANDARD = (
    "drift",
    "target_drift",
    "volume_change",
    "missing_share",
    "infinite_share",
    "out_of_range_share",
    "unseen_share",
    "duplicate_share",
    "freshness",
)
"""Measures of drift and quality that every model tells; others only where one of its rules asks for them."""

PARTS = {
    "": "",
    "lower": ", lower end of its 95 % interval",
    "upper": ", upper end of its 95 % interval",
    "p_value": ", p-value",
    "limit": ", beyond which a rule of the model counts a breach; `side` says which way is beyond",
    "reference": " in the reference",
}

_MODEL = ("model",)
_STEMS = {"drift": "moved", "target_drift": "target_moved"}
_UNITS = {"share": "ratio", "seconds": "seconds"}


def _model(name: str, about: str, *labels: str, kind: Kind = Kind.GAUGE) -> Family:
    return Family(f"anchorwatch_{name}", about, (*_MODEL, *labels), kind)


def _own(name: str, about: str, *labels: str, kind: Kind = Kind.GAUGE) -> Family:
    return Family(f"anchorwatch_{name}", about, labels, kind)


MODEL = _model("model", "A model under watch.", "task", "window", "main_measure", kind=Kind.INFO)
PREDICTIONS = _model("predictions", "Predictions taken, errors included.", "version", kind=Kind.COUNTER)
LAST_PREDICTION = _model("last_prediction_timestamp_seconds", "Time of the newest prediction.")
LAST_OUTCOME = _model("last_outcome_timestamp_seconds", "Time of the newest outcome.")
WINDOW_LENGTH = _model("window_length_seconds", "How long a window of the model is.")
WINDOW_END = _model(
    "window_end_timestamp_seconds",
    "End of the newest complete window; `stage` says whose figures it holds: those of inputs or of outcomes.",
    "stage",
)
WINDOW_PREDICTIONS = _model(
    "window_predictions", "Predictions in the newest complete window, errors included."
)
WINDOW_ERRORS = _model("window_errors", "Errors instead of predictions in the newest complete window.")
WINDOW_OUTCOMES = _model("window_outcomes", "Outcomes known of the newest window whose outcomes are due.")
WINDOW_LATENCY = _model(
    "window_latency_seconds", "Latency of the predictions in the newest complete window.", kind=Kind.WINDOW
)
_MAIN = (
    "The model's main measure, whichever it is (see `measure`), in the newest window whose outcomes are due"
)
MAIN = _model("main_measure", f"{_MAIN}.", "measure")
MAIN_LOWER = _model("main_measure_lower", f"{_MAIN}: lower end of its 95 % interval.", "measure")
MAIN_UPPER = _model("main_measure_upper", f"{_MAIN}: upper end of its 95 % interval.", "measure")
MAIN_REFERENCE = _model("main_measure_reference", "The model's main measure in the reference.", "measure")
MAIN_LIMIT = _model(
    "main_measure_limit", "Limits that rules set to the model's main measure.", "measure", "rule", "side"
)
VERSION_PREDICTIONS = _model(
    "version_window_predictions", "Predictions of one version in the newest complete window.", "version"
)
VERSION_ERRORS = _model(
    "version_window_error_ratio", "Share of errors of one version in the newest complete window.", "version"
)
VERSION_MAIN = _model(
    "version_main_measure",
    "The model's main measure for one version, in the newest window whose outcomes are due.",
    "version",
    "measure",
)
INCIDENTS = _model("incidents", "Incidents that are not resolved.", "state", "severity")
FIRING = _model(
    "incident_firing", "1 while an incident of this cause fires, 0 while none does.", "cause", "severity"
)
SILENCED = _model("incident_silenced", "1 while the firing incident of this cause is silenced.", "cause")
ACKNOWLEDGED = _model(
    "incident_acknowledged", "1 when somebody looks after the firing incident of this cause.", "cause"
)
FIRED = _model(
    "incident_fired_timestamp_seconds",
    "End of the window that made the incident of this cause fire.",
    "cause",
)
COLUMNS_OMITTED = _model("columns_omitted", f"Columns beyond the first {COLUMNS}, of which nothing is told.")
VERSIONS_OMITTED = _model(
    "versions_omitted", f"Versions but the newest {VERSIONS}, of which nothing is told."
)

BUILD = _own("build", "The running Anchorwatch.", "version", kind=Kind.INFO)
UPTIME = _own("uptime_seconds", "Time since the store was opened.")
MODELS_COUNT = _own("models", "Models under watch.")
MODELS_OMITTED = _own("models_omitted", f"Models beyond the first {MODELS}, of which nothing is told.")
INBOX_BATCHES = _own("inbox_batches", "Batches acknowledged and not yet done with by every consumer.")
INBOX_ROWS = _own("inbox_rows", "Rows of those batches.")
INBOX_BYTES = _own("inbox_bytes", "Size of those batches.")
INBOX_AGE = _own("inbox_oldest_age_seconds", "Age of the oldest of those batches.")
LAG = _own("consumer_lag_batches", "Batches that a consumer has still to do.", "consumer")
WORKING = _own("consumer_up", "1 while a consumer gets on, 0 while something stands in its way.", "consumer")
BUSY = _own(
    "consumer_busy_seconds", "Time a part of the worker has spent working.", "consumer", kind=Kind.COUNTER
)
ASIDE_BATCHES = _own("set_aside_batches", "Batches that a consumer could not do and put aside.", "consumer")
ASIDE_ROWS = _own("set_aside_rows", "Rows of those batches.", "consumer")
STORE_BYTES = _own("store_bytes", "Size of a part of the store.", "part")
DISK_FREE = _own("disk_free_bytes", "Free room on the store's disk.")
DISK_SIZE = _own("disk_size_bytes", "Size of the store's disk.")
COLLECT = _own("collect_duration_seconds", "Time it took to gather these figures.")

OF_MODELS = (
    MODEL,
    PREDICTIONS,
    LAST_PREDICTION,
    LAST_OUTCOME,
    WINDOW_LENGTH,
    WINDOW_END,
    WINDOW_PREDICTIONS,
    WINDOW_ERRORS,
    WINDOW_OUTCOMES,
    WINDOW_LATENCY,
    MAIN,
    MAIN_LOWER,
    MAIN_UPPER,
    MAIN_REFERENCE,
    MAIN_LIMIT,
    VERSION_PREDICTIONS,
    VERSION_ERRORS,
    VERSION_MAIN,
    INCIDENTS,
    FIRING,
    SILENCED,
    ACKNOWLEDGED,
    FIRED,
    COLUMNS_OMITTED,
    VERSIONS_OMITTED,
)
"""Families of models, but those of measures."""

OF_ITSELF = (
    BUILD,
    UPTIME,
    MODELS_COUNT,
    MODELS_OMITTED,
    INBOX_BATCHES,
    INBOX_ROWS,
    INBOX_BYTES,
    INBOX_AGE,
    LAG,
    WORKING,
    BUSY,
    ASIDE_BATCHES,
    ASIDE_ROWS,
    STORE_BYTES,
    DISK_FREE,
    DISK_SIZE,
    COLLECT,
)
"""Families of Anchorwatch's own health."""


@cache
def of_measure(name: str, part: str = "") -> Family:
    """The family of a registered measure, or of a part of it: a key of `PARTS`.

    >>> import anchorwatch.flow.measure
    >>> of_measure("missing_share").name, of_measure("error_rate", "upper").name
    ('anchorwatch_quality_missing_ratio', 'anchorwatch_service_error_upper_ratio')
    >>> of_measure("drift").name, of_measure("drift", "p_value").name
    ('anchorwatch_drift_moved_ratio', 'anchorwatch_drift_moved_p_value')
    """
    about = MEASURES[name]
    unit = _UNITS.get(about.unit, "")
    stem = _STEMS.get(name, name)
    if unit == "ratio":
        stem = stem.removesuffix("_share").removesuffix("_rate")
    words = ["anchorwatch", about.family.value, stem, part, "" if part == "p_value" else unit]
    return Family("_".join(word for word in words if word), _about(about, part), _labels(about, part))


def of_measures() -> Iterator[Family]:
    """Families of all registered measures and their parts, in order."""
    for name in MEASURES:
        for part in PARTS:
            yield of_measure(name, part)


def families() -> tuple[Family, ...]:
    """Every family there is."""
    return (*OF_MODELS, *of_measures(), *OF_ITSELF)


def told(task: Task, asked: frozenset[str]) -> tuple[Measure, ...]:
    """Measures that a model of a task tells whose rules ask for `asked`; volume is `anchorwatch_window_predictions`."""
    return tuple(item for item in MEASURES.values() if _told(item, task, asked))


def subject_label(measure: Measure) -> str:
    """The label that says what a measure's value is of; empty when it is the model."""
    return {"columns": "column", "classes": "class", "model": ""}[measure.subjects]


def _told(item: Measure, task: Task, asked: frozenset[str]) -> bool:
    if item.tasks and task not in item.tasks:
        return False
    if item.name == "throughput":
        return False
    whole = item.subjects == "model" and item.family.value in {"performance", "service"}
    return item.name in asked or item.name in STANDARD or (whole and not item.costly)


def _about(about: Measure, part: str) -> str:
    unit = {"share": "", "seconds": "", "1": ""}.get(about.unit, f" ({about.unit})")
    return f"{about.title}{PARTS[part]}{unit}."


def _labels(about: Measure, part: str) -> tuple[str, ...]:
    of = (subject_label(about),) if about.subjects != "model" else ()
    return ("model", *of, "rule", "side") if part == "limit" else ("model", *of)
