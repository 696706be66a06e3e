"""`/models/{m}` and its tabs: one model over time."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from anchorwatch.core.errors import InputError
from anchorwatch.server.pages.scope import RANGES, Scope
from anchorwatch.server.pages.site import View
from anchorwatch.server.pages.views import model as views
from anchorwatch.server.pages.views.chart import chart
from anchorwatch.server.pages.views.heat import heat, ordered

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anchorwatch.server.pages.site import Ask

Json = dict[str, Any]
BUCKETS = 120
SEGMENTS_SHOWN = 60
CLASSES_SHOWN = LINES = 8


@dataclass(frozen=True, slots=True)
class Looked:
    """A model under a scope: what every tab starts from."""

    name: str
    model: Json
    scope: Scope
    start: str | None
    end: str | None
    zone: str

    @property
    def span(self) -> dict[str, str | None]:
        """Start and end, as queries take them."""
        return {"start": self.start, "end": self.end}

    @property
    def slice(self) -> dict[str, str]:
        """Version and segment, as queries take them."""
        return self.scope.slice()


def performance(ask: Ask) -> View:
    """The main metric in large, the other main ones in small, all others by what they tell."""
    looked = look(ask)
    measures = views.measures_of(looked.model, "performance", subjects="model")
    labels = looked.model["spec"].get("labels") or []
    classes = views.measures_of(looked.model, "performance", subjects="classes") if len(labels) > 2 else []
    shown = views.first(looked.model, measures)
    context = {
        "main": views.chosen(measures, looked.scope.metric, looked.model["main_metric"]),
        "shown": shown,
        "groups": views.grouped([*(item for item in measures if item not in shown), *classes]),
        "labels": labels[:CLASSES_SHOWN],
        "classifier": looked.model["spec"]["task"] != "regression",
        "detectors": looked.model["spec"].get("detectors") or [],
    }
    return _tab(ask, looked, "performance", context)


def calibration(ask: Ask) -> View:
    """How often what was given such a probability came: the twin of a chart."""
    looked = look(ask)
    result = ask.queries.calibration(
        looked.name,
        looked.span["start"],
        looked.span["end"],
        label=ask.param("label"),
        mass=ask.param("mass") == "1",
        **looked.slice,
    )
    return View("", {}, twin=result)


def confusion(ask: Ask) -> View:
    """What was taken for what: a part of the performance tab that comes by itself, as it sums every window."""
    looked = look(ask)
    result = ask.queries.confusion(looked.name, looked.start, looked.end, **looked.slice)
    context = {"name": looked.name, "confusion": views.confusion(result), "reason": result.get("reason")}
    return View("model/confusion.html", context, twin=result)


def drift(ask: Ask) -> View:
    """Columns by time, the most drifted first; then what no single column shows."""
    looked = look(ask)
    measures = views.measures_of(looked.model, "drift", subjects="columns")
    by_column = [item for item in measures if item["group"] != views.VECTORS]
    main = views.chosen(by_column, looked.scope.metric, "drift")
    result = None if main is None else _heatmap(ask, looked, main)
    shown = None if main is None or result is None else heat(result, looked.zone, main["unit"])
    context = {
        "main": main,
        "measures": by_column,
        "groups": views.grouped(by_column),
        "heat": shown,
        "rules": views.judging(looked.model, main["name"]) if main else [],
        "joint": [
            item
            for item in views.measures_of(looked.model, "drift", subjects="model")
            if item["name"] != "volume_change"
        ],
        "vectors": [item for item in measures if item["group"] == views.VECTORS],
        "vector_columns": [item["name"] for item in looked.model["columns"] if item["kind"] == "vector"],
    }
    return _tab(ask, looked, "drift", context, twin=result)


def quality(ask: Ask) -> View:
    """How many rows, how fresh, how many twice; then missing, unseen, out of range and outlying by column."""
    looked = look(ask)
    by_column = views.measures_of(looked.model, "quality", subjects="columns")
    shown = views.first(looked.model, by_column)
    results = [_heatmap(ask, looked, item) for item in shown]
    maps = ordered(
        heat(result, looked.zone, item["unit"], hide_quiet=True)
        for item, result in zip(shown, results, strict=True)
    )
    whole = [
        *(item for item in views.measures_of(looked.model, "service") if item["name"] == "throughput"),
        *(item for item in views.measures_of(looked.model, "drift") if item["name"] == "volume_change"),
        *views.measures_of(looked.model, "quality", subjects="model"),
    ]
    context = {
        "maps": maps,
        "panels": views.panels(whole),
        "others": views.grouped([item for item in by_column if item not in shown]),
    }
    return _tab(ask, looked, "quality", context, twin=results)


def heat_of(ask: Ask) -> View:
    """One measure of every column over time: a part of the quality tab that comes when it is opened."""
    looked = look(ask)
    columns = [item for item in looked.model["measures"] if item["subjects"] == "columns"]
    item = views.chosen(columns, ask.param("measure"))
    if item is None:
        raise InputError("measure: name one")
    result = _heatmap(ask, looked, item)
    drawn = heat(result, looked.zone, item["unit"], hide_quiet=True)
    return View("model/heat.html", {"looked": looked, "heat": drawn, "unit": item["unit"]}, twin=result)


def service(ask: Ask) -> View:
    """How fast, how much, and how often it failed."""
    looked = look(ask)
    panels = views.panels(views.measures_of(looked.model, "service"))
    return _tab(ask, looked, "service", {"panels": panels})


def segments(ask: Ask) -> View:
    """Each segment's latest value against the whole."""
    looked = look(ask)
    measures = views.measures_of(looked.model, "performance", subjects="model")
    main = views.chosen(measures, looked.scope.metric, looked.model["main_metric"])
    groups = {} if main is None else _segment_rows(ask, looked, main)
    twin = {column: [asdict(row) for row in rows] for column, rows in groups.items()}
    menu = views.grouped(measures)
    context = {"main": main, "menu": menu, "groups": groups, "limit": SEGMENTS_SHOWN}
    return _tab(ask, looked, "segments", context, twin=twin)


def versions(ask: Ask) -> View:
    """Which versions ran when, and whether each has a reference."""
    looked = look(ask)
    return _tab(ask, looked, "versions", {}, twin=looked.model["versions"])


def series(ask: Ask) -> View:
    """One measure over time: the twin of a chart."""
    looked = look(ask)
    return View("", {}, twin=_series(ask, looked, ask.param("measure"), ask.param("subject")))


def drawn(ask: Ask) -> View:
    """What a chart draws: measures or subjects that share its axes, incidents that touch them, detectors' alarms."""
    looked = look(ask)
    names = ask.request.query_params.getlist("measure")
    subjects = ask.request.query_params.getlist("subject") or [""]
    if not 0 < len(names) <= LINES or len(subjects) > LINES or min(len(names), len(subjects)) > 1:
        raise InputError(f"measure: name one to eight, {len(names)} were given")
    found = [_series(ask, looked, name, subject) for name in names for subject in subjects]
    incidents = ask.queries.incidents(model=looked.name, limit=100)
    family = next((item["family"] for item in looked.model["measures"] if item["name"] == names[0]), "")
    alarms = []
    if family == "performance":
        span = (looked.span["start"], looked.span["end"])
        alarms = ask.queries.alarms(looked.name, *span, **looked.slice)["alarms"]
    return View("", {}, twin=chart(found, looked.zone, incidents, family=family, alarms=alarms))


def distribution(ask: Ask) -> View:
    """One column, the reference beside a span of time: the panel a heat map's cell opens."""
    looked = look(ask)
    column = ask.param("column")
    if looked.start is None or looked.end is None:
        raise InputError("start and end: both are needed for a distribution")
    result = ask.queries.distribution(looked.name, column, looked.start, looked.end, **looked.slice)
    known = [item for item in looked.model["measures"] if item["family"] in {"drift", "quality"}]
    leading, others = views.distances(views.named(known, result["measures"]))
    context = {
        "looked": looked,
        "result": result,
        "chart": views.distribution_chart(result),
        "measures": leading,
        "others": others,
        "start": looked.start,
        "end": looked.end,
    }
    return View("model/distribution.html", context, twin=result)


def look(ask: Ask) -> Looked:
    """Read the scope of a request about one model."""
    name = ask.path("model")
    model = ask.queries.model(name)
    scope = Scope.read(ask.request.query_params)
    zone = model["spec"].get("timezone", "UTC")
    start, end = scope.bounds(model["first"], model["last"], zone)
    return Looked(name, model, scope, start, end, zone)


def _tab(ask: Ask, looked: Looked, tab: str, context: Mapping[str, Any], twin: Any = None) -> View:
    """A tab with the frame that all tabs share."""
    summary = ask.queries.card(looked.name)
    found = ask.queries.incidents(model=looked.name, limit=20)
    base = f"/models/{looked.name}"
    frame = {
        "looked": looked,
        "model": looked.model,
        "scope": looked.scope,
        "summary": summary,
        "firing": [item for item in found if item["state"] == "firing"],
        "tab": tab,
        "tabs": views.TABS,
        "base": base,
        "here": base if tab == "performance" else f"{base}/{tab}",
        "ranges": RANGES,
    }
    return View(f"model/{tab}.html", {**frame, **context}, twin=looked.model if twin is None else twin)


def _series(ask: Ask, looked: Looked, measure: str, subject: str = "", **changes: Any) -> Json:
    asked: Json = {
        "subject": subject,
        "grain": looked.scope.grain or None,
        **looked.span,
        **looked.slice,
        **changes,
    }
    return ask.queries.series(looked.name, measure, **asked)


def _heatmap(ask: Ask, looked: Looked, item: Mapping[str, Any]) -> Json:
    asked: Json = {**looked.span, **looked.slice, "buckets": BUCKETS}
    return ask.queries.heatmap(looked.name, item["name"], **asked)


def _segment_rows(ask: Ask, looked: Looked, main: Mapping[str, Any]) -> dict[str, list[views.SegmentRow]]:
    whole = _series(ask, looked, main["name"], segment="")
    return {
        column: views.by_distance(
            [
                views.segment_row(
                    value, _series(ask, looked, main["name"], segment=f"{column}={value}"), whole
                )
                for value in values[:SEGMENTS_SHOWN]
            ],
            main["better"],
        )
        for column, values in looked.model["segments"].items()
    }
