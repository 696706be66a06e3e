"""Threads and silences as JSON can hold them, and back."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from anchorwatch.core.types import Severity
from anchorwatch.incidents.mute import Silence
from anchorwatch.incidents.notice import Thread, ThreadState
from anchorwatch.incidents.routing import Match

if TYPE_CHECKING:
    from collections.abc import Mapping


def thread_to_dict(thread: Thread) -> dict[str, Any]:
    """Every field; times in ISO 8601."""
    times = {name: getattr(thread, name).isoformat() for name in ("opened_at", "said_at")}
    return asdict(thread) | times


def thread_from_dict(stored: Mapping[str, Any]) -> Thread:
    """What `thread_to_dict` wrote; fields that are not there have their defaults."""
    given = dict(stored)
    for name in ("opened_at", "said_at"):
        given[name] = datetime.fromisoformat(given[name])
    for name in ("incidents", "firing", "acknowledged", "quiet"):
        given[name] = tuple(given.get(name, ()))
    given["escalate"] = tuple((after, tuple(to)) for after, to in given.get("escalate", ()))
    given["state"], given["severity"] = ThreadState(given["state"]), Severity(given["severity"])
    return Thread(**given)


def match_to_dict(match: Match) -> dict[str, Any]:
    """Lists of patterns, those that are empty left out."""
    return {name: [str(item) for item in value] for name, value in asdict(match).items() if value}


def match_from_dict(stored: Mapping[str, Any]) -> Match:
    """What `match_to_dict` wrote."""
    given = {name: tuple(value) for name, value in stored.items()}
    given["severities"] = tuple(Severity(item) for item in given.get("severities", ()))
    return Match(**given)


def silence_to_dict(silence: Silence) -> dict[str, Any]:
    """Every field; times in ISO 8601."""
    return {
        "match": match_to_dict(silence.match),
        "author": silence.author,
        "reason": silence.reason,
        "start": silence.start.isoformat(),
        "until": silence.until.isoformat(),
        "id": silence.id,
    }


def silence_from_dict(stored: Mapping[str, Any]) -> Silence:
    """What `silence_to_dict` wrote."""
    times = {name: datetime.fromisoformat(stored[name]) for name in ("start", "until")}
    return Silence(**{**stored, **times, "match": match_from_dict(stored["match"])})
