"""Grafana's dashboards and what provisions them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from anchorwatch.exporters.grafana_boards import boards
from anchorwatch.exporters.prometheus_config import dumped

if TYPE_CHECKING:
    from anchorwatch.exporters.prometheus_site import Site

FOLDER = "/var/lib/grafana/dashboards/anchorwatch"
"""Where the provisioning file looks for dashboards, unless told otherwise."""


def grafana_files(site: Site, folder: str = FOLDER) -> dict[str, str]:
    """Dashboards, a data source and a provider of dashboards, by name of file.

    >>> from anchorwatch.exporters.prometheus_site import Site
    >>> for name in grafana_files(Site()): print(name)
    dashboards/anchorwatch-fleet.json
    dashboards/anchorwatch-model.json
    dashboards/anchorwatch-drift.json
    dashboards/anchorwatch-service.json
    provisioning/dashboards/anchorwatch.yaml
    provisioning/datasources/anchorwatch.yaml
    """
    files = {
        f"dashboards/{board.uid}.json": json.dumps(_bare(board.data(site.pages)), indent=2) + "\n"
        for board in boards(site.pages)
    }
    files["provisioning/dashboards/anchorwatch.yaml"] = dumped(
        {"apiVersion": 1, "providers": [_provider(folder)]}
    )
    files["provisioning/datasources/anchorwatch.yaml"] = dumped(
        {"apiVersion": 1, "datasources": [_source(site)]}
    )
    return files


def _provider(folder: str) -> dict[str, Any]:
    return {
        "name": "anchorwatch",
        "folder": "Anchorwatch",
        "type": "file",
        "allowUiUpdates": True,
        "options": {"path": folder},
    }


def _source(site: Site) -> dict[str, Any]:
    return {
        "name": "Prometheus of Anchorwatch",
        "uid": "anchorwatch-prometheus",
        "type": "prometheus",
        "access": "proxy",
        "url": site.prometheus,
        "jsonData": {"timeInterval": "15s", "httpMethod": "POST"},
    }


def _bare(body: Any) -> Any:
    """Without descriptions that are empty."""
    if isinstance(body, dict):
        return {
            key: _bare(value) for key, value in body.items() if not (key == "description" and value == "")
        }
    return [_bare(item) for item in body] if isinstance(body, list) else body
