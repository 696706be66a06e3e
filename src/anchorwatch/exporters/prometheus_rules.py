"""Recording and alerting rules.

Anchorwatch judges; Prometheus need not judge again: an alert follows an incident of ours, which has persisted, been
corrected for chance and grouped already. Beside that, what only an outsider can see: that Anchorwatch itself is away,
that it is stuck, that nothing comes in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from anchorwatch.exporters.prometheus_site import Site, Watched

BY = "job, instance, model"
SILENT_WINDOWS = 3
"""Windows without a prediction after which a model counts as silent."""
FEW_OUTCOMES = 0.5
"""Share of outcomes that must have come when they are due."""
JOB = 'job="anchorwatch"'

_LIMIT = f'min by ({BY}) (anchorwatch_drift_moved_limit_ratio{{side="above"}})'


def records() -> list[dict[str, Any]]:
    """A figure per model, named `level:metric:operations` as Prometheus's guide has it."""
    drifted = f"anchorwatch_drift_moved_ratio > on ({BY}) group_left () {_LIMIT}"
    return [
        _record(
            "model:anchorwatch_predictions:rate5m", f"sum by ({BY}) (rate(anchorwatch_predictions_total[5m]))"
        ),
        _record(
            "model:anchorwatch_window_errors:ratio",
            f"sum by ({BY}) (anchorwatch_window_errors) / (sum by ({BY}) (anchorwatch_window_predictions) > 0)",
        ),
        _record("model:anchorwatch_drift_moved_ratio:max", f"max by ({BY}) (anchorwatch_drift_moved_ratio)"),
        _record(
            "model:anchorwatch_drifted_columns:count",
            f"count by ({BY}) ({drifted}) or 0 * count by ({BY}) (anchorwatch_drift_moved_ratio)",
        ),
        _record("model:anchorwatch_incidents_firing:sum", f"sum by ({BY}) (anchorwatch_incident_firing)"),
    ]


def alerts_of_incidents(pages: str) -> list[dict[str, Any]]:
    """One alert per firing incident that nobody silenced; its severity is the incident's."""
    return [
        {
            "alert": "AnchorwatchIncident",
            "expr": "anchorwatch_incident_firing == 1 unless on (job, instance, model, cause) "
            "anchorwatch_incident_silenced == 1",
            "annotations": {
                "summary": "{{ $labels.model }}: {{ $labels.cause }}",
                "description": "Anchorwatch has an open incident for the {{ $labels.cause }} of the model "
                "{{ $labels.model }}.",
                "link": f"{pages}/models/{{{{ $labels.model }}}}",
            },
        }
    ]


def alerts_of_itself(pages: str) -> list[dict[str, Any]]:
    """Who watches the watchman."""
    return [
        _alert(
            "AnchorwatchDown",
            f"up{{{JOB}}} == 0",
            ("2m", "page"),
            "Anchorwatch at {{ $labels.instance }} does not answer: no model is watched.",
            pages,
        ),
        _alert(
            "AnchorwatchConsumerStuck",
            "anchorwatch_consumer_up == 0",
            ("5m", "page"),
            "The {{ $labels.consumer }} of Anchorwatch cannot go on; its status says why.",
            pages,
        ),
        _alert(
            "AnchorwatchBehind",
            "anchorwatch_inbox_oldest_age_seconds > 300",
            ("5m", "warn"),
            "Events wait for {{ $value | humanizeDuration }} before Anchorwatch works them off.",
            pages,
        ),
        _alert(
            "AnchorwatchSetAside",
            "anchorwatch_set_aside_batches > 0",
            ("0m", "warn"),
            "{{ $value }} batches could not be done by the {{ $labels.consumer }} and were set aside.",
            pages,
        ),
        _alert(
            "AnchorwatchDiskFilling",
            "anchorwatch_disk_free_bytes / anchorwatch_disk_size_bytes < 0.1",
            ("10m", "page"),
            "Only {{ $value | humanizePercentage }} of Anchorwatch's disk is free.",
            pages,
        ),
    ]


def alerts_of_model(model: Watched, site: Site) -> list[dict[str, Any]]:
    """What only an outsider sees of one model: it is watched no more, sends nothing, gets no outcomes."""
    of, link = f"{{model={model.quoted}}}", model.link(site)
    silence = number(SILENT_WINDOWS * model.window)
    alerts = [
        _alert(
            "AnchorwatchModelGone",
            f"absent(anchorwatch_model_info{of})",
            ("10m", "warn"),
            "The model {{ $labels.model }} is watched no more.",
            link,
        ),
        _alert(
            "AnchorwatchModelSilent",
            f"time() - anchorwatch_last_prediction_timestamp_seconds{of} > {silence}",
            ("0m", "warn"),
            "{{ $labels.model }} has predicted nothing for {{ $value | humanizeDuration }}.",
            link,
        ),
        _alert(
            "AnchorwatchOutcomesMissing",
            f"anchorwatch_service_maturity_ratio{of} < {FEW_OUTCOMES}",
            ("0m", "warn"),
            "Only {{ $value | humanizePercentage }} of the outcomes of {{ $labels.model }} came though they are due.",
            link,
        ),
    ]
    return [{**alert, "labels": {"model": model.name, **alert["labels"]}} for alert in alerts]


def number(value: float) -> str:
    """A number of PromQL."""
    return f"{value:g}" if abs(value) < 1e6 else str(round(value))


def _record(name: str, expr: str) -> dict[str, Any]:
    return {"record": name, "expr": expr}


def _alert(name: str, expr: str, when: tuple[str, str], summary: str, link: str) -> dict[str, Any]:
    wait, severity = when
    body: dict[str, Any] = {"alert": name, "expr": expr}
    if wait != "0m":
        body["for"] = wait
    return body | {"labels": {"severity": severity}, "annotations": {"summary": summary, "link": link}}
