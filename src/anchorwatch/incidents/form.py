"""Incidents and findings as JSON can hold them, and back."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from anchorwatch.core.calendar import Window
from anchorwatch.core.types import Finding, Incident, IncidentState, Severity, Step, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping


def to_dict(incident: Incident) -> dict[str, Any]:
    """Every field; times in ISO 8601."""
    return {
        **_plain(incident),
        "findings": [finding_to_dict(finding) for finding in incident.findings],
        "timeline": [_plain(entry) for entry in incident.timeline],
    }


def from_dict(stored: Mapping[str, Any]) -> Incident:
    """What `to_dict` wrote; fields that are not there have their defaults."""
    given = _timed(stored, "opened_at", "updated_at", "fired_at", "resolved_at", "silenced_until")
    given["state"] = IncidentState(given["state"])
    given["severity"] = Severity(given["severity"])
    given["findings"] = tuple(finding_from_dict(finding) for finding in given.get("findings", ()))
    given["timeline"] = tuple(Step(**_timed(entry, "at")) for entry in given.get("timeline", ()))
    return Incident(**given)


def finding_to_dict(finding: Finding) -> dict[str, Any]:
    """Every field; the window as `{"start", "end"}`."""
    window = finding.window
    return {**_plain(finding), "window": {"start": window.start.isoformat(), "end": window.end.isoformat()}}


def finding_from_dict(stored: Mapping[str, Any]) -> Finding:
    """What `finding_to_dict` wrote."""
    given = dict(stored)
    given["window"] = Window(**_timed(given["window"], "start", "end"))
    given["verdict"] = Verdict(given["verdict"])
    given["severity"] = Severity(given["severity"])
    return Finding(**given)


def _plain(noun: Incident | Finding | Step) -> dict[str, Any]:
    return {item.name: _scalar(getattr(noun, item.name)) for item in fields(noun)}


def _scalar(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return value.value if isinstance(value, StrEnum) else value


def _timed(stored: Mapping[str, Any], *names: str) -> dict[str, Any]:
    given = dict(stored)
    for name in names:
        if given.get(name) is not None:
            given[name] = datetime.fromisoformat(given[name])
    return given
