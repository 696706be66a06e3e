"""The dashboards: fleet, model, drift, service."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from anchorwatch.exporters.grafana_panels import BAD, WARN, Board, Panel, Query, Variable

MOVED = ((0.1, WARN), (0.3, BAD))
SOME = ((1, BAD),)
MODEL = Variable("model", "Model", "label_values(anchorwatch_model_info, model)")
MODELS = replace(MODEL, many=True)
COLUMN = Variable(
    "column", "Column", 'label_values(anchorwatch_drift_moved_ratio{model="$model"}, column)', many=True
)

_ONE = '{model="$model"}'
_SOME = '{model=~"$model"}'
_COLUMNS = '{model="$model", column=~"$column"}'
_MAIN = "anchorwatch_main_measure"
_PAGING = 'anchorwatch_incidents{model=~"$model", state="firing", severity="page"}'
_EVERY = (
    '{__name__=~"anchorwatch_performance_.+", __name__!~".+_(lower|upper|limit|reference)(_ratio)?", '
    'model="$model"}'
)
_OMITTED = "Columns and versions beyond what is told, so that the number of series stays bounded."


def stat(title: str, expr: str, legend: str = "", **more: Any) -> Panel:
    """One number, as of now."""
    return Panel(
        kind="stat", title=title, queries=(Query(expr, legend, instant=True),), **({"size": (4, 4)} | more)
    )


def chart(title: str, *queries: tuple[str, str], **more: Any) -> Panel:
    """Lines over time."""
    return Panel(kind="timeseries", title=title, queries=tuple(Query(*query) for query in queries), **more)


def table(title: str, *exprs: str, **more: Any) -> Panel:
    """Rows, as of now."""
    asked = tuple(Query(expr, instant=True, format="table") for expr in exprs)
    return Panel(kind="table", title=title, queries=asked, **more)


def boards(pages: str) -> tuple[Board, ...]:
    """All dashboards, with links to Anchorwatch's pages."""
    one = f"{pages}/models/${{model}}"
    return (
        fleet(f"{pages}/models/${{__field.labels.model}}", f"{pages}/incidents"),
        model(one),
        drift(f"{one}/drift"),
        service(f"{pages}/settings"),
    )


def fleet(link: str, incidents: str) -> Board:
    """Every model on one page."""
    age = "time() - anchorwatch_last_prediction_timestamp_seconds"
    return Board(
        uid="anchorwatch-fleet",
        title="Anchorwatch: fleet",
        about="Every model: is it well, how busy is it, has it drifted.",
        variables=(MODELS,),
        panels=(
            stat("Models", "count(anchorwatch_model_info)"),
            stat(
                "Incidents firing",
                f"sum(anchorwatch_incident_firing{_SOME})",
                thresholds=SOME,
                link=incidents,
            ),
            stat("Models that page", f"count(sum by (model) ({_PAGING}) > 0) or vector(0)", thresholds=SOME),
            stat("Predictions", f"sum(anchorwatch_predictions_total{_SOME})", size=(6, 4)),
            stat("Longest silence of a model", f"max({age}{_SOME})", unit="s", size=(6, 4)),
            table(
                "Incidents",
                f"max by (model, cause, severity) (anchorwatch_incident_firing{_SOME}) == 1",
                about="Causes that fire now.",
                link=incidents,
            ),
            table(
                "Main measure of each model",
                f"max by (model, measure) ({_MAIN}{_SOME})",
                f"max by (model, measure) ({_MAIN}_reference{_SOME})",
                about="Now, and in the reference.",
            ),
            *_fleet_charts(link),
        ),
    )


def _fleet_charts(link: str) -> tuple[Panel, ...]:
    busy = f"sum by (model) (rate(anchorwatch_predictions_total{_SOME}[5m]))"
    return (
        chart("Predictions per second", (busy, "{{model}}"), unit="reqps", link=link, low=0),
        chart(
            "Incidents firing",
            (f"sum by (model) (anchorwatch_incident_firing{_SOME})", "{{model}}"),
            thresholds=SOME,
            link=link,
            low=0,
        ),
        chart(
            "Most drifted column of each model",
            (f"max by (model) (anchorwatch_drift_moved_ratio{_SOME})", "{{model}}"),
            about="Share of rows that lie where they would not have been.",
            unit="percentunit",
            thresholds=MOVED,
            link=link,
            low=0,
        ),
        chart(
            "Error ratio",
            (f"max by (model) (anchorwatch_service_error_ratio{_SOME})", "{{model}}"),
            unit="percentunit",
            thresholds=((0.05, BAD),),
            link=link,
            low=0,
        ),
    )


def model(link: str) -> Board:
    """One model in full."""
    return Board(
        uid="anchorwatch-model",
        title="Anchorwatch: model",
        about="How one model does: its measure against limit and reference, its service, its incidents.",
        variables=(MODEL,),
        panels=(*_standing(link), *_performance(link), *_serving(link)),
    )


def _standing(link: str) -> tuple[Panel, ...]:
    drifted = f"count(anchorwatch_drift_moved_ratio{_ONE} > 0.1) or vector(0)"
    last = f"time() - anchorwatch_last_prediction_timestamp_seconds{_ONE}"
    ended = f"time() - anchorwatch_window_end_timestamp_seconds{_ONE}"
    maturity = f"anchorwatch_service_maturity_ratio{_ONE}"
    return (
        stat("Incidents firing", f"sum(anchorwatch_incident_firing{_ONE})", thresholds=SOME, link=link),
        stat("Drifted columns", drifted, about="More than a tenth moved.", thresholds=SOME, link=link),
        stat("Outcomes that came", maturity, unit="percentunit"),
        stat("Predictions in the window", f"anchorwatch_window_predictions{_ONE}"),
        stat("Since the last prediction", last, unit="s"),
        stat("Since the window ended", ended, "{{stage}}", unit="s"),
    )


def _performance(link: str) -> tuple[Panel, ...]:
    return (
        chart(
            "Main measure",
            (f"{_MAIN}{_ONE}", "{{measure}}"),
            (f"{_MAIN}_lower{_ONE}", "lower"),
            (f"{_MAIN}_upper{_ONE}", "upper"),
            (f"{_MAIN}_reference{_ONE}", "reference"),
            (f"{_MAIN}_limit{_ONE}", "limit: {{rule}}"),
            about="With its 95 % interval, its reference and the limits of rules.",
            link=link,
        ),
        chart(
            "Main measure by version", (f"anchorwatch_version_main_measure{_ONE}", "{{version}}"), link=link
        ),
        table("Every measure of performance", _EVERY, link=link),
        chart(
            "Incidents by cause",
            (f"max by (cause) (anchorwatch_incident_firing{_ONE})", "{{cause}}"),
            thresholds=SOME,
            link=link,
            low=0,
        ),
    )


def _serving(link: str) -> tuple[Panel, ...]:
    latency, buckets = "anchorwatch_service_latency", "anchorwatch_window_latency_seconds_bucket"
    return (
        chart(
            "Latency",
            *((f"{latency}_{rank}_seconds{_ONE}", rank) for rank in ("p50", "p95", "p99")),
            unit="s",
            link=link,
            low=0,
        ),
        Panel(
            kind="heatmap",
            title="Latencies of the window",
            queries=(Query(f"sum by (le) ({buckets}{_ONE})", "{{le}}", format="heatmap"),),
            unit="s",
        ),
        chart(
            "Error ratio",
            (f"anchorwatch_service_error_ratio{_ONE}", "errors"),
            (f"anchorwatch_service_error_limit_ratio{_ONE}", "limit: {{rule}}"),
            unit="percentunit",
            link=link,
            low=0,
        ),
        chart(
            "Predictions in the window by version",
            (f"anchorwatch_version_window_predictions{_ONE}", "{{version}}"),
            link=link,
            low=0,
        ),
    )


def drift(link: str) -> Board:
    """A model's columns: how far they moved, how sure that is, and what is wrong with them."""
    moved = "anchorwatch_drift_moved"
    top = Query(f"topk(20, {moved}_ratio{_COLUMNS})", "{{column}}", instant=True)
    return Board(
        uid="anchorwatch-drift",
        title="Anchorwatch: drift",
        about="How far each column of a model moved from its reference, and what is wrong with its values.",
        variables=(MODEL, COLUMN),
        panels=(
            Panel(
                kind="bargauge",
                title="Moved most",
                about="Share of rows that lie where they would not have been.",
                queries=(top,),
                unit="percentunit",
                thresholds=MOVED,
                link=link,
                low=0,
            ),
            _ratio(link, "Moved", f"{moved}_ratio", limit=f"{moved}_limit_ratio"),
            chart(
                "p-values of drift",
                (f"{moved}_p_value{_COLUMNS}", "{{column}}"),
                about="How probable so much drift would be by chance; not corrected for the number of columns.",
                link=link,
                low=0,
            ),
            chart(
                "Target moved",
                (f"anchorwatch_drift_target_moved_ratio{_ONE}", "{{column}}"),
                unit="percentunit",
                thresholds=MOVED,
                link=link,
                low=0,
            ),
            _ratio(link, "Missing", "anchorwatch_quality_missing_ratio"),
            _ratio(link, "Out of range", "anchorwatch_quality_out_of_range_ratio"),
            _ratio(link, "Unseen categories", "anchorwatch_quality_unseen_ratio"),
            chart(
                "Change of volume",
                (f"anchorwatch_drift_volume_change_ratio{_ONE}", "against the reference"),
                unit="percentunit",
                link=link,
            ),
        ),
    )


def _ratio(link: str, title: str, name: str, limit: str = "") -> Panel:
    """A share by column, with the rule's limit where one is named."""
    limits = [(f"{limit}{_ONE}", "limit: {{rule}}")] if limit else []
    thresholds = () if limit else ((0.05, WARN),)
    return chart(
        title,
        (f"{name}{_COLUMNS}", "{{column}}"),
        *limits,
        unit="percentunit",
        thresholds=thresholds,
        link=link,
        low=0,
    )


def service(link: str) -> Board:
    """Anchorwatch itself."""
    free = "anchorwatch_disk_free_bytes / anchorwatch_disk_size_bytes"
    oldest = "anchorwatch_inbox_oldest_age_seconds"
    stuck = "count(anchorwatch_consumer_up == 0) or vector(0)"
    more: dict[str, Any] = {"size": (8, 7), "link": link, "low": 0}
    omitted = "sum by (model) (anchorwatch_columns_omitted + anchorwatch_versions_omitted)"
    busy = "rate(anchorwatch_consumer_busy_seconds_total[5m])"
    where = "{{instance}}"
    return Board(
        uid="anchorwatch-service",
        title="Anchorwatch: service",
        about="How Anchorwatch itself does: what waits, what is late, what was set aside, what room is left.",
        panels=(
            stat("Up", 'up{job="anchorwatch"}', where),
            stat("Version", "anchorwatch_build_info", "{{version}}"),
            stat("Consumers stuck", stuck, thresholds=SOME, link=link),
            stat("Batches set aside", "sum(anchorwatch_set_aside_batches)", thresholds=SOME, link=link),
            stat("Oldest event waiting", oldest, where, unit="s", thresholds=((60, WARN), (300, BAD))),
            stat("Disk free", free, where, unit="percentunit"),
            chart("Rows waiting", ("anchorwatch_inbox_rows", where), **more),
            chart("Batches behind", ("anchorwatch_consumer_lag_batches", "{{consumer}}"), **more),
            chart("Busy", (busy, "{{consumer}}"), unit="percentunit", **more),
            chart("Store", ("anchorwatch_store_bytes", "{{part}}"), unit="bytes", **more),
            chart("Inbox", ("anchorwatch_inbox_bytes", where), unit="bytes", **more),
            chart("Left out", (omitted, "{{model}}"), about=_OMITTED, **more),
            chart("Scrape", ('scrape_duration_seconds{job="anchorwatch"}', where), unit="s", **more),
            chart("Samples scraped", ('scrape_samples_scraped{job="anchorwatch"}', where), **more),
            chart("Gathering", ("anchorwatch_collect_duration_seconds", where), unit="s", **more),
        ),
    )
