"""Unit tests of the exported rules, for `promtool test rules`: each alert fires where it should, and else does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anchorwatch.exporters.prometheus_rules import SILENT_WINDOWS
from anchorwatch.exporters.prometheus_text import labelled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anchorwatch.exporters.prometheus_site import Site, Watched

_AT = {"job": "anchorwatch", "instance": "here"}
_Case = tuple[str, list[tuple[str, str]], str, list[dict[str, str]]]
"""Alert, series, when it is looked at, labels of the alerts that then fire (but those of every alert)."""


def tests_of(models: Sequence[Watched], site: Site, rules: str) -> dict[str, Any]:
    """The body of the file of tests."""
    cases = [*_incidents(), *_itself(), *(case for model in models for case in _model(model))]
    return {
        "rule_files": [rules],
        "evaluation_interval": "1m",
        "tests": [*(_test(case) for case in cases), _records()] if site.pages else [],
    }


def _series(name: str, **labels: str) -> str:
    return name + labelled({**labels, **_AT})


def _test(case: _Case) -> dict[str, Any]:
    alert, series, at, firing = case
    return {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series],
        "promql_expr_test": [
            {
                "expr": "ALERTS"
                + labelled({"alertname": alert, "alertstate": "firing", "model": _of(series)}),
                "eval_time": at,
                "exp_samples": [
                    {
                        "labels": "ALERTS" + labelled({"alertname": alert, "alertstate": "firing", **labels}),
                        "value": 1,
                    }
                    for labels in firing
                ],
            }
        ],
    }


def _of(series: list[tuple[str, str]]) -> str:
    """The model whose series these are, when it is only one's: others' alerts fire for want of theirs."""
    found = [part.split('"')[1] for name, _ in series for part in name.split(",") if "model=" in part]
    return found[0] if found else ""


def _incidents() -> list[_Case]:
    labels = {"model": "m", "cause": "drift"}
    firing = _series("anchorwatch_incident_firing", **labels, severity="page")
    silenced = _series("anchorwatch_incident_silenced", **labels)
    told = [{**labels, "severity": "page", **_AT}]
    name = "AnchorwatchIncident"
    return [
        (name, [(firing, "0 0 1 1 1"), (silenced, "_ _ 0 0 0")], "4m", told),
        (name, [(firing, "0 0 1 1 0"), (silenced, "_ _ 0 0 stale")], "4m", []),
        (name, [(firing, "1x5"), (silenced, "1x5")], "4m", []),
    ]


def _itself() -> list[_Case]:
    consumer = {"consumer": "roller"}
    stuck = _series("anchorwatch_consumer_up", **consumer)
    age = _series("anchorwatch_inbox_oldest_age_seconds")
    aside = _series("anchorwatch_set_aside_batches", **consumer)
    disk = (_series("anchorwatch_disk_size_bytes"), "1000x30")
    free = _series("anchorwatch_disk_free_bytes")
    page, warn = {"severity": "page"}, {"severity": "warn"}
    return [
        ("AnchorwatchDown", [(_series("up"), "1 0x10")], "5m", [{**page, **_AT}]),
        ("AnchorwatchDown", [(_series("up"), "1 0 1x10")], "5m", []),
        ("AnchorwatchConsumerStuck", [(stuck, "1 0x10")], "8m", [{**consumer, **page, **_AT}]),
        ("AnchorwatchConsumerStuck", [(stuck, "1 0 0 1x10")], "8m", []),
        ("AnchorwatchBehind", [(age, "0+100x20")], "12m", [{**warn, **_AT}]),
        ("AnchorwatchBehind", [(age, "30x20")], "12m", []),
        ("AnchorwatchSetAside", [(aside, "0 0 2 2")], "3m", [{**consumer, **warn, **_AT}]),
        ("AnchorwatchSetAside", [(aside, "2 2 0 0")], "3m", []),
        ("AnchorwatchDiskFilling", [disk, (free, "50x30")], "20m", [{**page, **_AT}]),
        ("AnchorwatchDiskFilling", [disk, (free, "500x30")], "20m", []),
    ]


def _model(model: Watched) -> list[_Case]:
    labels, warn = {"model": model.name}, {"severity": "warn"}
    last = _series("anchorwatch_last_prediction_timestamp_seconds", **labels)
    ripe = _series("anchorwatch_service_maturity_ratio", **labels)
    there = _series("anchorwatch_model_info", **labels)
    before = -round(SILENT_WINDOWS * model.window)  # time begins at 0 in these tests
    return [
        ("AnchorwatchModelGone", [(there, "1 stale")], "20m", [{**labels, **warn}]),
        ("AnchorwatchModelGone", [(there, "1x30")], "20m", []),
        ("AnchorwatchModelSilent", [(last, f"{before}x5")], "2m", [{**labels, **warn, **_AT}]),
        ("AnchorwatchModelSilent", [(last, "0x5")], "2m", []),
        ("AnchorwatchOutcomesMissing", [(ripe, "1 0.2")], "1m", [{**labels, **warn, **_AT}]),
        ("AnchorwatchOutcomesMissing", [(ripe, "1 0.9")], "1m", []),
    ]


def _records() -> dict[str, Any]:
    model = {"model": "m"}
    series = {
        _series("anchorwatch_predictions_total", **model, version="1"): "0+60x10",
        _series("anchorwatch_predictions_total", **model, version="2"): "0+60x10",
        _series("anchorwatch_window_errors", **model): "5x10",
        _series("anchorwatch_window_predictions", **model): "50x10",
        _series("anchorwatch_drift_moved_ratio", **model, column="a"): "0.3x10",
        _series("anchorwatch_drift_moved_ratio", **model, column="b"): "0.05x10",
        _series("anchorwatch_drift_moved_limit_ratio", **model, rule="drift", side="above"): "0.1x10",
        _series("anchorwatch_incident_firing", **model, cause="drift", severity="warn"): "1x10",
        _series("anchorwatch_incident_firing", **model, cause="service", severity="warn"): "0x10",
    }
    wanted = {
        "model:anchorwatch_predictions:rate5m": 2,
        "model:anchorwatch_window_errors:ratio": 0.1,
        "model:anchorwatch_drift_moved_ratio:max": 0.3,
        "model:anchorwatch_drifted_columns:count": 1,
        "model:anchorwatch_incidents_firing:sum": 1,
    }
    return {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [
            {
                "expr": name,
                "eval_time": "10m",
                "exp_samples": [{"labels": _series(name, **model), "value": value}],
            }
            for name, value in wanted.items()
        ],
    }
