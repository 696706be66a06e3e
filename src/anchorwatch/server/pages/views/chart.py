"""What a time chart draws: columns of plain numbers on the model's own clock."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import polars as pl

from anchorwatch.server.pages.views.format import COUNTS, SECONDS, SHARES, moment, unit_label

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Json = dict[str, Any]
_ISO = "%Y-%m-%dT%H:%M:%S%.fZ"


def chart(
    series: Sequence[Mapping[str, Any]],
    zone: str,
    incidents: Sequence[Mapping[str, Any]] = (),
    limit: float | None = None,
    *,
    family: str = "",
    alarms: Sequence[Mapping[str, Any]] = (),
) -> Json:
    """One or more measures of one unit on one pair of axes.

    Times are milliseconds of the wall clock in `zone`, written as if it were UTC, so that a day begins at
    its midnight whatever the reader's own zone is. The reference is the first series' one. Incidents that are
    about `family` (or any, when it is empty) are the chart's own; the others are only hinted at. Alarms are those of
    sequential detectors, one mark per window.
    """
    first = series[0]
    return {
        "title": first["title"] if len(series) == 1 else "",
        "unit": unit_label(first.get("unit", "")),
        "format": _format(first.get("unit", "")),
        "zone": zone,
        "lines": [_line(item, zone, several=len(series) > 1) for item in series],
        "reference": _reference(first),
        "limit": limit,
        "marks": [_mark(incident, zone, family) for incident in incidents],
        "alarms": _alarms(alarms, zone),
    }


def wall(text: str, zone: str | ZoneInfo) -> int:
    """Milliseconds of the wall clock in `zone`, as if it were UTC.

    >>> wall("1970-01-02T05:00:00Z", "America/New_York")
    86400000
    """
    at = datetime.fromisoformat(text).astimezone(ZoneInfo(zone) if isinstance(zone, str) else zone)
    return int(at.replace(tzinfo=UTC).timestamp() * 1000)


def incident_span(incident: Mapping[str, Any]) -> tuple[str, str | None]:
    """When an incident began (fired, or else opened) and when it was over."""
    return incident.get("fired_at") or incident["opened_at"], incident.get("resolved_at")


def walls(texts: Sequence[str], zone: str) -> list[int]:
    """`wall` of many moments at once.

    >>> walls(["1970-01-02T05:00:00Z", "1970-01-02T06:00:00Z"], "America/New_York")
    [86400000, 90000000]
    """
    return list(_walls(tuple(texts), zone))


@lru_cache(maxsize=8)
def _walls(texts: tuple[str, ...], zone: str) -> tuple[int, ...]:
    """The charts of one page stand on the same windows."""
    utc = pl.Series(texts, dtype=pl.String).str.to_datetime(_ISO, time_unit="ms", time_zone="UTC")
    local = utc.dt.convert_time_zone(zone).dt.replace_time_zone(None)
    return tuple(local.cast(pl.Int64).to_list())


def _line(series: Mapping[str, Any], zone: str, *, several: bool) -> Json:
    return {
        "name": series["subject"] if several and series["subject"] else series["title"],
        "measure": series["measure"],
        "t": walls(series["start"], zone),
        "value": _rounded(series["value"]),
        "low": _numbers(series["low"]),
        "high": _numbers(series["high"]),
        "n": list(series["n"]),
        "maturity": _numbers(series["maturity"]),
        "reason": {index: reason for index, reason in enumerate(series["reason"]) if reason},
    }


def _numbers(values: Sequence[float | None]) -> list[float | None] | None:
    """Rounded; None when there is none at all, which spares the wire."""
    return _rounded(values) if any(value is not None for value in values) else None


def _rounded(values: Sequence[float | None]) -> list[float | None]:
    """Six digits each, which is more than a screen shows.

    >>> _rounded([1 / 3, None, 1234567.0, 0.0])
    [0.333333, None, 1234570.0, 0.0]
    """
    return pl.Series(values, dtype=pl.Float64).round_sig_figs(6).to_list()


def _short(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.6g}")


def _reference(series: Mapping[str, Any]) -> Json | None:
    """What windows are held against: the measure on the whole reference; of counts, the mean of its windows."""
    reference = series.get("reference")
    if not reference:
        return None
    if series.get("unit") in COUNTS:
        return {"value": _short(reference.get("mean")), "low": None, "high": None}
    value = reference.get("value")
    return {
        "value": _short(reference.get("mean") if value is None else value),
        "low": _short(reference.get("low")),
        "high": _short(reference.get("high")),
    }


def _mark(incident: Mapping[str, Any], zone: str, family: str) -> Json:
    start, end = incident_span(incident)
    return {
        "t": wall(start, zone),
        "end": wall(end, zone) if moment(end) and end else None,
        "label": incident["summary"] or incident["cause"],
        "severity": incident["severity"],
        "own": family in {"", incident["cause"]},
        "href": f"/incidents/{incident['id']}",
    }


def _alarms(alarms: Sequence[Mapping[str, Any]], zone: str) -> list[Json]:
    """Windows in which a detector alarmed, with which ones and how often."""
    found: dict[str, Counter[str]] = {}
    for item in alarms:
        found.setdefault(item["start"], Counter())[item["detector"]] += 1
    return [
        {
            "t": wall(start, zone),
            "text": ", ".join(
                name if times == 1 else f"{name} {times}×" for name, times in sorted(each.items())
            ),
        }
        for start, each in found.items()
    ]


def _format(unit: str) -> str:
    if unit in SHARES:
        return "share"
    return "seconds" if unit in SECONDS else "number"
