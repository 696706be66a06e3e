"""The dashboards: well formed, and every question they ask is answered by a real Prometheus."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from tests.exporters.servers import Prometheus, anchorwatch, prometheus, until
from tests.exporters.test_exports import write

from anchorwatch.app.exports import Site, grafana_files, prometheus_files, watched
from anchorwatch.exporters import prometheus_names as names

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.exporters.material import HandClock

    from anchorwatch.app.watch import Watch

BOARDS = {
    name: json.loads(text) for name, text in grafana_files(Site()).items() if name.startswith("dashboards/")
}
FILLED = {"$model": "fares", "$column": ".+", "$version": "1"}


def queries(board: dict[str, Any]) -> list[tuple[str, str]]:
    """Title of the panel and what it asks, with the variables filled in."""
    found = []
    for panel in board["panels"]:
        for target in panel["targets"]:
            expr = target["expr"]
            for name, value in FILLED.items():
                expr = expr.replace(name, value)
            found.append((panel["title"], expr))
    return found


@pytest.mark.parametrize("name", BOARDS)
def test_a_dashboard_is_what_grafana_calls_one(name: str) -> None:
    """Grafana's own SDK reads it and writes the same panels, queries and variables."""
    from grafana_foundation_sdk.models.dashboard import Dashboard

    board = BOARDS[name]
    read = Dashboard.from_json(board).to_json()
    assert read["title"] == board["title"]
    assert read["uid"] == board["uid"]
    assert len(read["panels"]) == len(board["panels"])
    assert [item.name for item in read["templating"].list_val] == [
        item["name"] for item in board["templating"]["list"]
    ]


@pytest.mark.parametrize("name", BOARDS)
def test_panels_do_not_overlap_and_link_back(name: str) -> None:
    """Each cell of the raster belongs to one panel; panels and dashboards lead to Anchorwatch's pages."""
    cells: set[tuple[int, int]] = set()
    for panel in BOARDS[name]["panels"]:
        place = panel["gridPos"]
        mine = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not mine & cells
        assert max(x for x, _ in mine) < 24
        cells |= mine
    assert any("links" in panel["fieldConfig"]["defaults"] for panel in BOARDS[name]["panels"])
    assert BOARDS[name]["links"][0]["url"] == Site().pages
    assert any(
        panel["fieldConfig"]["defaults"]["thresholds"]["steps"][1:] for panel in BOARDS[name]["panels"]
    )


def test_dashboards_name_only_metrics_that_are_documented() -> None:
    """A name in a query is a family of ours, or Prometheus's own."""
    known = {family.sample for family in names.families()} | {"up", "scrape_duration_seconds"}
    known |= {f"{names.WINDOW_LATENCY.name}_bucket"}
    for board in BOARDS.values():
        for _, expr in queries(board):
            used = set(re.findall(r"\banchorwatch_[a-z0-9_]+\b(?!\.)", expr))
            assert used <= known | {"anchorwatch_performance_"}, expr


def test_variables_that_are_used_are_declared() -> None:
    """No query asks for a choice that the dashboard does not offer."""
    for board in BOARDS.values():
        used = {name for _, expr in queries_raw(board) for name in re.findall(r"\$([a-z]+)", expr)}
        assert used <= {item["name"] for item in board["templating"]["list"]}


def queries_raw(board: dict[str, Any]) -> list[tuple[str, str]]:
    """As `queries`, with the variables as they stand."""
    return [(panel["title"], target["expr"]) for panel in board["panels"] for target in panel["targets"]]


def test_provisioning_names_the_data_source_and_the_folder() -> None:
    """What Grafana reads at its start."""
    files = grafana_files(Site(prometheus="http://prometheus:9090"), "/boards")
    (source,) = yaml.safe_load(files["provisioning/datasources/anchorwatch.yaml"])["datasources"]
    (provider,) = yaml.safe_load(files["provisioning/dashboards/anchorwatch.yaml"])["providers"]
    assert source["url"] == "http://prometheus:9090"
    assert provider["options"]["path"] == "/boards"


@pytest.fixture
def real(watch: Watch, clock: HandClock, tmp_path: Path) -> Iterator[Prometheus]:
    """A real Prometheus that has scraped a real server at least twice, with the exported configuration."""
    with anchorwatch(watch, clock) as address:
        models = watched([watch.queries.model(item["name"]) for item in watch.queries.models()])
        folder = tmp_path / "prometheus"
        folder.mkdir()
        write(folder, prometheus_files(models, Site(server=address)))
        with prometheus(folder) as running:
            until(lambda: running.ask("rate(anchorwatch_uptime_seconds[1m])"), "two scrapes")
            until(lambda: running.ask("model:anchorwatch_drifted_columns:count"), "an evaluation")
            yield running


@pytest.mark.slow
def test_every_question_is_answered(real: Prometheus) -> None:
    """Every query of every panel, every variable and every record has series; links to models lead somewhere."""
    asked = 0
    for board in BOARDS.values():
        for title, expr in queries(board):
            assert real.ask(expr), f"{board['title']}: {title}: {expr}"
            asked += 1
        for item in board["templating"]["list"]:
            if item["type"] == "query":
                metric, label = re.fullmatch(r"label_values\((.*), (\w+)\)", item["definition"]).groups()
                assert all(label in found["metric"] for found in real.ask(metric.replace("$model", "fares")))
    assert asked > 50
    for rule in (
        "predictions:rate5m",
        "window_errors:ratio",
        "drift_moved_ratio:max",
        "incidents_firing:sum",
    ):
        assert real.ask(f"model:anchorwatch_{rule}"), rule
    drifted = real.ask('model:anchorwatch_drifted_columns:count{model="fares"}')
    assert float(drifted[0]["value"][1]) == 1
    limit = 'anchorwatch_performance_mae_limit{side="above"}'
    assert real.ask(
        f"anchorwatch_performance_mae > on (model) group_right () {limit}"
    )  # docs/how-to/prometheus.md
    with pytest.raises(ValueError, match="parse error"):
        real.ask("sum by (")
    assert real.ask("anchorwatch_no_such_thing") == []
