"""Configurations for other people's systems, for the models of a watch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anchorwatch.core.calendar import Grain
from anchorwatch.exporters.alertmanager_config import Receivers, alertmanager_files
from anchorwatch.exporters.grafana import grafana_files
from anchorwatch.exporters.prometheus_config import prometheus_files
from anchorwatch.exporters.prometheus_site import Site, Watched

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "Receivers",
    "Site",
    "Watched",
    "alertmanager_files",
    "grafana_files",
    "prometheus_files",
    "watched",
]


def watched(models: Sequence[dict[str, Any]]) -> list[Watched]:
    """Models as `Queries.model` tells them.

    >>> watched([{"spec": {"name": "fares"}, "window": "1h", "main_metric": "mae"}])
    [Watched(name='fares', window=3600.0, main_measure='mae')]
    """
    return [
        Watched(item["spec"]["name"], Grain.parse(item["window"]).length.total_seconds(), item["main_metric"])
        for item in models
    ]
