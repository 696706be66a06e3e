"""The JSON Schema of `watch.yaml`, derived from what reads it; editors complete and check with it."""

from __future__ import annotations

from typing import Any

from anchorwatch.app.config import MODEL_KEYS
from anchorwatch.core.schema import Kind, Task
from anchorwatch.core.types import Severity
from anchorwatch.profile.measure import MEASURES
from anchorwatch.rules import form
from anchorwatch.rules.check import SIDES

_TEXT = {"type": "string"}
_NUMBER = {"type": "number"}
_COUNT = {"type": "integer", "minimum": 1}
_SPAN = {"type": ["string", "number"], "description": "90s, 15m, 6h, 2d, 1w, or seconds"}
_TEXTS = {"type": "array", "items": {"type": ["string", "number", "boolean"]}}

_MODEL: dict[str, Any] = {
    "task": {"enum": [task.value for task in Task]},
    "columns": {"type": "object", "additionalProperties": {"enum": [kind.value for kind in Kind]}},
    "fields": {"type": "object"},
    "labels": _TEXTS,
    "positive": {"type": ["string", "number", "boolean"]},
    "threshold": _NUMBER,
    "window": {"type": "string", "examples": ["15m", "1h", "1d", "1w", "1mo"]},
    "segments": _TEXTS,
    "private": {"type": "boolean"},
    "detectors": _TEXTS,
    "defaults": {"type": "boolean"},
    "timezone": _TEXT,
    "outcomes": {
        "type": "object",
        "properties": {"delay": _SPAN, "horizon": _SPAN},
        "additionalProperties": False,
    },
    "reference": {
        "oneOf": [
            _TEXT,
            {
                "type": "object",
                "properties": {"file": _TEXT, "version": {"type": ["string", "number"]}},
                "required": ["file"],
                "additionalProperties": False,
            },
        ]
    },
    "rules": {"type": "array", "items": {"$ref": "#/$defs/rule"}},
}
_RULE: dict[str, Any] = {
    **dict.fromkeys(("above", "below", "band", "alpha"), _NUMBER),
    **dict.fromkeys(("mean_of", "keep", "min_rows", "unknown_after"), _COUNT),
    "columns": _TEXTS,
    "notify": {"oneOf": [_TEXT, _TEXTS]},
    "side": {"enum": list(SIDES)},
    "severity": {"enum": [severity.value for severity in Severity]},
    "for": {"type": ["string", "integer"], "examples": ["2 windows", "2 of 3 windows"]},
}


_WORDS = {"oneOf": [_TEXT, {"type": "array", "items": _TEXT}]}
_TIME = {"type": "string", "pattern": "^([01]?[0-9]|2[0-3]):[0-5][0-9]$"}
_SEVERITIES = {"oneOf": [_RULE["severity"], {"type": "array", "items": _RULE["severity"]}]}
_ROUTE: dict[str, Any] = {
    **dict.fromkeys(("to", "model", "cause", "segment", "quiet"), _WORDS),
    "name": _TEXT,
    "severity": _SEVERITIES,
    "continue": {"type": "boolean"},
    "wait": _SPAN,
    "repeat": {"oneOf": [_SPAN, {"const": False}]},
    "escalate": {
        "type": "array",
        "items": {
            "type": "object",
            "properties": {"after": _SPAN, "to": _WORDS},
            "required": ["after", "to"],
            "additionalProperties": False,
        },
    },
}
_QUIET: dict[str, Any] = {
    "from": _TIME,
    "to": _TIME,
    "timezone": _TEXT,
    "days": _WORDS,
    "severity": _SEVERITIES,
}
_DIGEST: dict[str, Any] = {"at": _TIME, "timezone": _TEXT, "to": _WORDS}


def _object(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


def schema() -> dict[str, Any]:
    """The schema, as plain types."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "watch.yaml",
        "type": "object",
        "properties": {
            "imports": _TEXTS,
            "models": {"type": "object", "additionalProperties": {"$ref": "#/$defs/model"}},
            "channels": {
                "type": "object",
                "additionalProperties": {"type": ["string", "object", "array"], "minLength": 1},
            },
            "routes": {"type": "array", "items": _object(_ROUTE, "to")},
            "quiet": {"type": "object", "additionalProperties": _object(_QUIET, "from", "to")},
            "digest": _object(_DIGEST, "to"),
        },
        "anyOf": [{"required": ["models"]}, {"required": ["channels"]}],
        "additionalProperties": False,
        "$defs": {
            "model": {
                "type": "object",
                "properties": {key: _MODEL.get(key, _SPAN) for key in MODEL_KEYS},
                "required": ["task"],
                "additionalProperties": False,
            },
            "rule": {
                "type": "object",
                "properties": {key: _rule(key) for key in form.KEYS},
                "oneOf": [{"required": [word]} for word in form.WORDS],
                "additionalProperties": False,
            },
        },
    }


def _rule(key: str) -> dict[str, Any]:
    if key in form.WORDS:
        return {"enum": [item.name for item in MEASURES.values() if item.family in form.WORDS[key]]}
    return dict(_RULE.get(key, _TEXT))
