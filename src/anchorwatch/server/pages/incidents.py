"""`/incidents` and `/incidents/{id}`: what is wrong, and what is done about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anchorwatch.core.calendar import Grain
from anchorwatch.core.errors import InputError, UnknownError
from anchorwatch.core.times import micros
from anchorwatch.server.pages.site import Go, View
from anchorwatch.server.pages.views import incident as views
from anchorwatch.server.pages.views.chart import chart

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anchorwatch.server.pages.site import Ask

Json = dict[str, Any]
STATES = ("firing", "pending", "resolved")
SEVERITIES = ("page", "warn", "info")
PAGE_SIZE = 50


def incidents(ask: Ask) -> View:
    """Incidents, newest first, by state, model and severity."""
    state, model, severity = ask.param("state"), ask.param("model"), ask.param("severity")
    if state and state not in STATES:
        raise InputError(f"state {state!r}: take one of {', '.join(STATES)}")
    before = ask.param("before")
    found = ask.queries.incidents(
        model=model or None,
        state=state or None,
        severity=severity or None,
        limit=PAGE_SIZE + 1,
        before=int(before) if before.isdigit() else None,
    )
    shown = found[:PAGE_SIZE]
    context = {
        "incidents": shown,
        "lasted": views.lasted,
        "older": shown[-1]["id"] if len(found) > PAGE_SIZE else None,
        "chosen": {"state": state, "model": model, "severity": severity},
        "states": STATES,
        "severities": SEVERITIES,
        "zones": ask.queries.zones(),
    }
    return View("incidents.html", context, twin=shown)


def incident(ask: Ask) -> View:
    """One incident: how bad, since when, why, and what was done."""
    found = ask.queries.incident(_number(ask))
    model = ask.queries.model(found["model"])
    findings = views.ranked(found["findings"])
    seen = views.around(found, Grain(model["window"]).length)
    catalog = {item["name"]: item for item in model["measures"]}
    first = findings[0] if findings else None
    context = {
        "incident": found,
        "findings": [_shown(item, found["model"], seen, catalog) for item in findings],
        "worst": first,
        "worst_measure": _measure(first, catalog) if first else None,
        "zone": model["spec"].get("timezone", "UTC"),
        "cell": views.last_window(findings),
        "seen": seen,
        "lasted": views.lasted(found, ask.site.clock.now()),
        "times": views.times,
        "silences": tuple(views.SILENCES),
        "may_operate": ask.who is not None and ask.who.may("operate"),
    }
    return View("incident.html", context, twin=found)


def incident_chart(ask: Ask) -> View:
    """The worst finding's measure around the incident, with the limit it broke."""
    found = ask.queries.incident(_number(ask))
    model = ask.queries.model(found["model"])
    findings = views.ranked(found["findings"])
    if not findings:
        raise UnknownError(f"incident {found['id']} has no finding to draw")
    first = findings[0]
    seen = views.around(found, Grain(model["window"]).length)
    series = ask.queries.series(
        found["model"],
        first["measure"],
        subject=first["subject"],
        start=seen.start,
        end=seen.end,
        version=first["version"],
        segment=first["segment"],
    )
    zone = model["spec"].get("timezone", "UTC")
    return View("", {}, twin=chart([series], zone, [found], first["limit"]))


def acknowledge(ask: Ask) -> Go:
    """Somebody looks after it."""
    number = _number(ask)
    ask.watch.acknowledge(number, _who(ask))
    return Go(f"/incidents/{number}")


def silence(ask: Ask) -> Go:
    """Tell nobody for a while."""
    number, length = _number(ask), str(ask.form.get("for", ""))
    if length not in views.SILENCES:
        raise InputError(f"for {length!r}: take one of {', '.join(views.SILENCES)}")
    ask.watch.silence(number, micros(ask.site.clock.now() + views.SILENCES[length]), _who(ask))
    return Go(f"/incidents/{number}")


def resolve(ask: Ask) -> Go:
    """Close it by hand."""
    number = _number(ask)
    ask.watch.resolve(number, _who(ask))
    return Go(f"/incidents/{number}")


def _number(ask: Ask) -> int:
    text = ask.path("number")
    if not text.isdigit():
        raise UnknownError(f"no incident has the number {text!r}")
    return int(text)


def _who(ask: Ask) -> str:
    return ask.who.name if ask.who is not None else ""


def _measure(finding: Mapping[str, Any], catalog: Mapping[str, Json]) -> Json:
    plain = {"title": finding["measure"], "unit": "1", "family": "performance", "better": "none"}
    return catalog.get(finding["measure"], plain)


def _shown(finding: Mapping[str, Any], model: str, seen: views.Around, catalog: Mapping[str, Json]) -> Json:
    item = _measure(finding, catalog)
    return {
        **finding,
        "title": item["title"],
        "unit": item["unit"],
        "times": views.times(finding),
        "link": views.model_link(finding, model, seen, item["family"]),
        "rows": views.rows_link(finding, model),
    }
