"""Alerts from elsewhere: Alertmanager's webhook, read, and what it means for an incident here.

An alert that names a model is an incident of the cause `alert: <alertname>`. Alerts of one name that differ in
other labels share it; it is over when all of them are.

Source: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from anchorwatch.core.calendar import Window
from anchorwatch.core.errors import InputError
from anchorwatch.core.types import Finding, IncidentState, Severity, Verdict
from anchorwatch.incidents.grouping import Case
from anchorwatch.incidents.machine import Stepped, step
from anchorwatch.rules.persistence import Key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from anchorwatch.core.types import Incident

CAUSE = "alert: "
"""How the cause of such an incident begins; no rule watches it, alerts alone open and resolve it."""
OURS = "Anchorwatch"
"""How names of alerts begin that tell of our own incidents; heard here, they would keep themselves alive."""
MOST = 1000
"""Alerts of one delivery that are read."""
HORIZON = timedelta(hours=1)
"""An alert that comes back within seven of these opens its incident again instead of a new one."""

_SEVERITIES = {
    "page": Severity.PAGE,
    "critical": Severity.PAGE,
    "error": Severity.PAGE,
    "warn": Severity.WARN,
    "warning": Severity.WARN,
    "info": Severity.INFO,
    "none": Severity.INFO,
}
_LONGEST = 1000
_IDENTITY = ("alertname", "severity")


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert of a delivery.

    Args:
        model: what the label that names models says; empty where there is none.
        name: its `alertname`.
        firing: whether it does.
        since: when it began.
        severity: from the label `severity`; warn where that says nothing we know.
        labels: its other labels, as `job=api, zone=a`; alerts of one name are told apart by them.
        text: what its annotations say.
    """

    model: str
    name: str
    firing: bool
    since: datetime
    severity: Severity = Severity.WARN
    labels: str = ""
    text: str = ""


def read_alerts(body: Any, label: str = "model") -> tuple[Alert, ...]:
    """The alerts of a webhook's body; raises `InputError` for what is no delivery of Alertmanager's.

    Args:
        body: the JSON, version 4.
        label: which label names the model.

    >>> alert = {"status": "firing", "labels": {"alertname": "Slow", "model": "fares"}, "annotations": {},
    ...          "startsAt": "2026-01-01T00:00:00Z", "endsAt": "0001-01-01T00:00:00Z"}
    >>> read_alerts({"version": "4", "status": "firing", "alerts": [alert]})[0].name
    'Slow'
    """
    if not isinstance(body, dict) or not isinstance(body.get("alerts"), list):
        raise InputError("a delivery of Alertmanager's webhook is needed: {version: '4', alerts: […]}")
    if str(body.get("version")) != "4":
        raise InputError(
            f"version {str(body.get('version'))[:20]!r} of Alertmanager's webhook is not known; 4 is"
        )
    if len(body["alerts"]) > MOST:
        raise InputError(
            f"{len(body['alerts'])} alerts at once; {MOST} are taken: set max_alerts in the receiver"
        )
    return tuple(_alert(item, place, label) for place, item in enumerate(body["alerts"]))


def causes(alerts: Iterable[Alert]) -> dict[tuple[str, str], list[Alert]]:
    """Alerts by model and cause."""
    found: dict[tuple[str, str], list[Alert]] = {}
    for alert in alerts:
        found.setdefault((alert.model, CAUSE + alert.name), []).append(alert)
    return found


def heard(incident: Incident | None, alerts: Sequence[Alert], at: datetime) -> Stepped:
    """What alerts of one model and one name do to their incident, the latest one of that cause.

    The same delivery again changes nothing; one that says of an alert that it is over, though it began again
    since, is late and changes nothing either. Raises `InputError` for no alerts.
    """
    if not alerts:
        raise InputError("at least one alert is needed")
    model, cause = alerts[0].model, CAUSE + alerts[0].name
    window = Window(at - HORIZON, at)
    open_now = incident is not None and incident.state is not IncidentState.RESOLVED
    standing = {item.segment: item for item in incident.findings} if incident and open_now else {}
    for alert in alerts:
        known = standing.get(alert.labels)
        if known is not None and not alert.firing and alert.since < known.window.start:
            continue
        standing[alert.labels] = _finding(alert, cause, at)
    findings = tuple(standing[labels] for labels in sorted(standing))
    if not open_now and not any(item.verdict is Verdict.BREACH for item in findings):
        return Stepped(incident)
    lasting = frozenset(Key.of(item) for item in findings if item.verdict is Verdict.BREACH)
    return step(incident, Case(model=model, cause=cause, window=window, findings=findings, lasting=lasting))


def _finding(alert: Alert, cause: str, at: datetime) -> Finding:
    return Finding(
        model=alert.model,
        rule=alert.name,
        measure=alert.name,
        subject="",
        segment=alert.labels,
        window=Window(min(alert.since, at - timedelta(microseconds=1)), at),
        verdict=Verdict.BREACH if alert.firing else Verdict.OK,
        reason=alert.text,
        severity=alert.severity,
        cause=cause,
    )


def _alert(item: Any, place: int, label: str) -> Alert:
    labels = _texts(item, "labels", place)
    notes = _texts(item, "annotations", place)
    status = str(item.get("status"))
    if status not in {"firing", "resolved"}:
        raise InputError(f"alerts.{place}.status: firing or resolved is needed", row=place, column="status")
    name = labels.get("alertname", "").strip()
    if not name:
        raise InputError(f"alerts.{place}.labels: alertname is needed", row=place, column="labels")
    rest = sorted(pair for pair in labels.items() if pair[0] not in {*_IDENTITY, label})
    said = next(
        (notes[key] for key in ("summary", "description", "message") if notes.get(key, "").strip()), ""
    )
    return Alert(
        model=labels.get(label, "").strip(),
        name=_short(name, 200),
        firing=status == "firing",
        since=_moment(item.get("startsAt"), place),
        severity=_SEVERITIES.get(labels.get("severity", "").lower(), Severity.WARN),
        labels=_short(", ".join(f"{key}={value}" for key, value in rest)),
        text=_short(" ".join(said.split())) or f"the alert {name} fires",
    )


def _texts(item: Any, key: str, place: int) -> Mapping[str, str]:
    found = item.get(key) if isinstance(item, dict) else None
    if found is None and isinstance(item, dict) and key == "annotations":
        return {}
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise InputError(f"alerts.{place}.{key}: names and texts are needed", row=place, column=key)
    return found


def _moment(given: Any, place: int) -> datetime:
    try:
        found = datetime.fromisoformat(str(given))
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InputError(
            f"alerts.{place}.startsAt: a time such as 2026-01-01T00:00:00Z is needed",
            row=place,
            column="startsAt",
        ) from None


def _short(text: str, most: int = _LONGEST) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
