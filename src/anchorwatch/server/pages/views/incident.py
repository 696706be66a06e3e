"""The incident page: how bad, since when, and which windows to look at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from anchorwatch.core.types import Severity
from anchorwatch.server.pages.scope import query
from anchorwatch.server.pages.views.chart import incident_span
from anchorwatch.server.pages.views.format import iso, moment, span

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

Json = dict[str, Any]
SILENCES = {
    "1h": timedelta(hours=1),
    "8h": timedelta(hours=8),
    "1d": timedelta(days=1),
    "7d": timedelta(days=7),
}
# How much is shown around an incident, in windows of the model.
_BEFORE, _AFTER = 30, 10


def ranked(findings: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Breaches first, then the most severe, then the furthest beyond its limit."""
    return sorted(findings, key=_weight)


def excess(finding: Mapping[str, Any]) -> float:
    """How far beyond its limit a value is, as a multiple of the limit; 0 when unknown.

    >>> excess({"value": 0.5, "limit": 0.2}), excess({"value": None, "limit": 0.2})
    (1.5, 0.0)
    """
    value, limit = finding.get("value"), finding.get("limit")
    if value is None or not limit:
        return 0.0
    return abs(float(value) - float(limit)) / abs(float(limit))


def times(finding: Mapping[str, Any]) -> str:
    """A value as a multiple of its limit, where that says something.

    >>> times({"value": 0.9, "limit": 0.2}), times({"value": 0.19, "limit": 0.2})
    ('4.5×', '')
    """
    value, limit = finding.get("value"), finding.get("limit")
    if value is None or not limit or value / limit < 1.15:
        return ""
    ratio = value / limit
    return f"{ratio:.1f}×" if ratio < 100 else f"{ratio:,.0f}×"


@dataclass(frozen=True, slots=True)
class Around:
    """The span of time that is worth seeing with an incident."""

    start: str
    end: str


def around(incident: Mapping[str, Any], window: timedelta) -> Around:
    """Some windows before it began to some after it was last seen."""
    began = moment(incident["opened_at"])
    last = moment(incident.get("resolved_at") or incident["updated_at"])
    if began is None or last is None:
        raise ValueError("an incident without times")
    return Around(iso(began - _BEFORE * window), iso(last + _AFTER * window))


def lasted(incident: Mapping[str, Any], now: datetime) -> str:
    """How long it lasted, or has lasted; counted on the data's own clock when that is older than a week."""
    start, end = incident_span(incident)
    began, over = moment(start), moment(end) or moment(incident.get("updated_at"))
    if began is None or over is None:
        return ""
    if end is None and timedelta(0) <= now - over < timedelta(days=7):
        over = now
    return span((over - began).total_seconds()) if over > began else ""


def last_window(findings: Sequence[Mapping[str, Any]]) -> Json | None:
    """The latest window that was bad, as the address of a distribution takes it.

    >>> day = {"start": "2013-07-01T04:00:00Z", "end": "2013-07-02T04:00:00Z"}
    >>> last_window([{"window": day, "version": ""}])
    {'start': '2013-07-01T04:00:00Z', 'end': '2013-07-02T04:00:00Z', 'version': ''}
    """
    last = max(findings, key=lambda item: str(item["window"]["start"]), default=None)
    return None if last is None else {**last["window"], "version": last["version"]}


def model_link(finding: Mapping[str, Any], model: str, seen: Around, family: str) -> str:
    """Where the finding's measure is shown at its time: the tab of its family."""
    tab = {"drift": "/drift", "quality": "/quality", "service": "/service"}.get(family, "")
    scope = {
        "start": seen.start,
        "end": seen.end,
        "version": finding["version"],
        "segment": finding["segment"],
    }
    metric = finding["measure"] if family in {"performance", "drift"} else ""
    return f"/models/{model}{tab}{query({**scope, 'metric': metric})}"


def rows_link(finding: Mapping[str, Any], model: str) -> str:
    """The rows of the finding's window."""
    window = finding["window"]
    pairs = {"model": model, "start": window["start"], "end": window["end"], "version": finding["version"]}
    column, _, value = finding["segment"].partition("=")
    extra = {"column": column, "op": "=", "value": value} if column else {}
    return f"/predictions{query({**pairs, **extra})}"


def _weight(finding: Mapping[str, Any]) -> tuple[bool, int, float]:
    severity = Severity(finding.get("severity", "warn"))
    return (finding["verdict"] != "breach", -severity.rank, -excess(finding))
