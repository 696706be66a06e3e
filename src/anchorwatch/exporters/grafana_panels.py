"""Panels and dashboards of Grafana as plain data (schema 36, which every Grafana from 9 on reads)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

SOURCE = {"type": "prometheus", "uid": "${datasource}"}
GOOD, WARN, BAD = "green", "orange", "red"
WIDTH = 24


@dataclass(frozen=True, slots=True)
class Query:
    """One question to Prometheus and what its series are called."""

    expr: str
    legend: str = ""
    instant: bool = False
    format: str = "time_series"


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One panel.

    Args:
        kind: `timeseries`, `stat`, `table`, `bargauge` or `heatmap`.
        title: what it shows.
        about: how to read it.
        queries: what it asks.
        unit: Grafana's name of a unit, such as `percentunit`, `s`, `bytes`, `short`.
        thresholds: (from value, colour), ascending; below the first all is well.
        size: columns of 24, and rows.
        link: where a click on a series leads.
    """

    kind: str
    title: str
    queries: tuple[Query, ...]
    about: str = ""
    unit: str = "short"
    thresholds: tuple[tuple[float, str], ...] = ()
    size: tuple[int, int] = (12, 8)
    link: str = ""
    low: float | None = None


@dataclass(frozen=True, slots=True)
class Variable:
    """A choice at the top of a dashboard: values of a label, or of anything `label_values` takes."""

    name: str
    label: str
    query: str
    many: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """A dashboard."""

    uid: str
    title: str
    about: str
    panels: tuple[Panel, ...]
    variables: tuple[Variable, ...] = field(default=())

    def data(self, pages: str) -> dict[str, Any]:
        """What Grafana imports; `pages` is where Anchorwatch's own pages are."""
        return {
            "uid": self.uid,
            "title": self.title,
            "description": self.about,
            "tags": ["anchorwatch"],
            "schemaVersion": 36,
            "version": 1,
            "editable": True,
            "graphTooltip": 1,
            "refresh": "1m",
            "time": {"from": "now-24h", "to": "now"},
            "timezone": "",
            "templating": {"list": [_datasource(), *(_variable(item) for item in self.variables)]},
            "annotations": {"list": []},
            "links": [
                _link("Anchorwatch", pages),
                {
                    **_link("Dashboards", ""),
                    "type": "dashboards",
                    "tags": ["anchorwatch"],
                    "asDropdown": True,
                },
            ],
            "panels": _laid_out(self.panels),
        }


def _laid_out(panels: Sequence[Panel]) -> list[dict[str, Any]]:
    """Left to right, then the next row."""
    found, x, y, height = [], 0, 0, 0
    for number, panel in enumerate(panels, start=1):
        width, tall = panel.size
        if x + width > WIDTH:
            x, y, height = 0, y + height, 0
        place = {"x": x, "y": y, "w": width, "h": tall}
        found.append({"id": number, "gridPos": place, **_panel(panel)})
        x, height = x + width, max(height, tall)
    return found


def _panel(panel: Panel) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"color": GOOD, "value": None}]
    steps += [{"color": colour, "value": value} for value, colour in panel.thresholds]
    defaults: dict[str, Any] = {"unit": panel.unit, "thresholds": {"mode": "absolute", "steps": steps}}
    if panel.low is not None:
        defaults["min"] = panel.low
    if panel.link:
        defaults["links"] = [{"title": "Open in Anchorwatch", "url": panel.link, "targetBlank": True}]
    if panel.kind == "timeseries" and panel.thresholds:
        defaults["custom"] = {"thresholdsStyle": {"mode": "line"}}
    if panel.kind in {"stat", "bargauge"}:
        defaults["color"] = {"mode": "thresholds"}
    return {
        "type": panel.kind,
        "title": panel.title,
        "description": panel.about,
        "datasource": SOURCE,
        "targets": [_target(index, query) for index, query in enumerate(panel.queries)],
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": _OPTIONS.get(panel.kind, {}),
        **({"transformations": [{"id": "merge", "options": {}}]} if panel.kind == "table" else {}),
    }


_REDUCED = {"calcs": ["lastNotNull"], "fields": "", "values": False}
_OPTIONS: dict[str, dict[str, Any]] = {
    "timeseries": {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
        "tooltip": {"mode": "multi", "sort": "desc"},
    },
    "stat": {"reduceOptions": _REDUCED, "colorMode": "background", "graphMode": "area", "textMode": "auto"},
    "bargauge": {"reduceOptions": _REDUCED, "orientation": "horizontal", "displayMode": "basic"},
    "table": {"showHeader": True},
    "heatmap": {"calculate": False, "yAxis": {"unit": "s"}},
}


def _target(index: int, query: Query) -> dict[str, Any]:
    return {
        "refId": chr(ord("A") + index),
        "datasource": SOURCE,
        "expr": query.expr,
        "legendFormat": query.legend or "__auto",
        "format": query.format,
        "instant": query.instant,
        "range": not query.instant,
    }


def _datasource() -> dict[str, Any]:
    return {
        "name": "datasource",
        "label": "Prometheus",
        "type": "datasource",
        "query": "prometheus",
        "refresh": 1,
        "hide": 0,
    }


def _variable(item: Variable) -> dict[str, Any]:
    return {
        "name": item.name,
        "label": item.label,
        "type": "query",
        "datasource": SOURCE,
        "query": {"query": item.query, "refId": "StandardVariableQuery"},
        "definition": item.query,
        "refresh": 2,
        "sort": 1,
        "multi": item.many,
        "includeAll": item.many,
        "hide": 0,
    }


def _link(title: str, url: str) -> dict[str, Any]:
    return {
        "title": title,
        "type": "link",
        "icon": "external link",
        "url": url,
        "tags": [],
        "asDropdown": False,
        "targetBlank": True,
        "includeVars": False,
        "keepTime": False,
        "tooltip": "",
    }
