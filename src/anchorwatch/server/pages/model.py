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
    """The main metric in large, the others in small."""
    looked = look(ask)
    measures = views.measures_of(looked.model, "performance", subjects="model")
    main = views.chosen(measures, looked.scope.metric, looked.model["main_metric"])
    classifier = looked.model["spec"]["task"] != "regression"
    return _tab(ask, looked, "performance", {"main": main, "others": measures, "classifier": classifier})


def confusion(ask: Ask) -> View:
    """What was taken for what: a part of the performance tab that comes by itself, as it sums every window."""
    looked = look(ask)
    result = ask.queries.confusion(looked.name, looked.start, looked.end, **looked.slice)
    context = {"name": looked.name, "confusion": views.confusion(result), "reason": result.get("reason")}
    return View("model/confusion.html", context, twin=result)


def drift(ask: Ask) -> View:
    """Columns by time, the most drifted first."""
    looked = look(ask)
    measures = views.measures_of(looked.model, "drift", subjects="columns")
    main = views.chosen(measures, looked.scope.metric, "psi")
    result = None if main is None else _heatmap(ask, looked, main)
    shown = None if main is None or result is None else heat(result, looked.zone, main["unit"])
    return _tab(ask, looked, "drift", {"main": main, "measures": measures, "heat": shown}, twin=result)


def quality(ask: Ask) -> View:
    """Missing, unseen and out of range by column; volume by window."""
    looked = look(ask)
    by_column = views.measures_of(looked.model, "quality", subjects="columns")
    results = [_heatmap(ask, looked, item) for item in by_column]
    maps = ordered(
        heat(result, looked.zone, item["unit"], hide_quiet=True)
        for item, result in zip(by_column, results, strict=True)
    )
    whole = views.panels(views.measures_of(looked.model, "quality", subjects="model"))
    return _tab(ask, looked, "quality", {"maps": maps, "panels": whole}, twin=results)


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
    context = {"main": main, "measures": measures, "groups": groups, "limit": SEGMENTS_SHOWN}
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
    """What a chart draws: measures that share its axes, and the incidents that touch them."""
    looked = look(ask)
    names = ask.request.query_params.getlist("measure")
    if not 0 < len(names) <= 8:
        raise InputError(f"measure: name one to eight, {len(names)} were given")
    found = [_series(ask, looked, name, ask.param("subject")) for name in names]
    incidents = ask.queries.incidents(model=looked.name, limit=100)
    family = next((item["family"] for item in looked.model["measures"] if item["name"] == names[0]), "")
    return View("", {}, twin=chart(found, looked.zone, incidents, family=family))


def distribution(ask: Ask) -> View:
    """One column, the reference beside a span of time: the panel a heat map's cell opens."""
    looked = look(ask)
    column = ask.param("column")
    if looked.start is None or looked.end is None:
        raise InputError("start and end: both are needed for a distribution")
    result = ask.queries.distribution(looked.name, column, looked.start, looked.end, **looked.slice)
    measures = views.measures_of(looked.model, "drift") + views.measures_of(looked.model, "quality")
    context = {
        "looked": looked,
        "result": result,
        "chart": views.distribution_chart(result),
        "measures": views.named(measures, result["measures"]),
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
