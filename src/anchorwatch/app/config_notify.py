"""`channels:`, `routes:`, `quiet:` and `digest:` of `watch.yaml`: who is told of incidents, and when.

```yaml
channels:
  on-call: {kind: pagerduty, key: {env: PD_KEY}}
  ml-team: ["slack://${SLACK_TOKEN}@ml-alerts", "mailtos://…"]
routes:
  - {severity: page, to: on-call, escalate: [{after: 15m, to: ml-team}], continue: true}
  - {to: ml-team, model: flights-*, quiet: nights, repeat: 12h}
quiet:
  nights: {from: "22:00", to: "07:00", timezone: Europe/Berlin, severity: [info, warn]}
digest: {at: "08:00", timezone: Europe/Berlin, to: ml-team}
```

Secrets are looked up where the channels are opened, in the process that sends; nothing here shows them.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field
from datetime import time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from anchorwatch.core.calendar import duration
from anchorwatch.core.errors import ConfigError
from anchorwatch.core.registry import unknown
from anchorwatch.core.types import Severity
from anchorwatch.incidents.digest import Digest
from anchorwatch.incidents.mute import DAYS, Quiet
from anchorwatch.incidents.routing import RULE, WAIT, Match, Route, Rung

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from anchorwatch.app.yaml_source import Document, Key

KEYS = ("channels", "routes", "quiet", "digest")
"""What of the file is about telling people."""
ROUTE_KEYS = (
    "name",
    "to",
    "model",
    "severity",
    "cause",
    "segment",
    "continue",
    "wait",
    "repeat",
    "quiet",
    "escalate",
)
QUIET_KEYS = ("from", "to", "timezone", "days", "severity")
DIGEST_KEYS = ("at", "timezone", "to")
LONGEST_WAIT = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifyConfig:
    """Who is told of what, as a file declares it; `channels` may hold secrets and is not shown.

    `where` says where each channel stands in the file, `folder` from where files of secrets are looked for.
    """

    channels: dict[str, Any] = field(default_factory=dict, repr=False)
    where: dict[str, str] = field(default_factory=dict)
    routes: tuple[Route, ...] = ()
    quiets: dict[str, Quiet] = field(default_factory=dict)
    digest: Digest | None = None
    folder: Path = Path()


def read_notify(document: Document, folder: Path) -> NotifyConfig:
    """What a file says of channels and routes; raises `ConfigError` with file, line and key, never with a value."""
    top = document.value or {}
    channels = _channels(document) if top.get("channels") is not None else {}
    quiets = _quiets(document) if top.get("quiet") is not None else {}
    routes = _routes(document, channels, quiets) if top.get("routes") is not None else everybody(channels)
    digest = _digest(document, channels) if top.get("digest") is not None else None
    lines = {name: f"{document.name}:{document.lines['channels', name]}" for name in channels}
    return NotifyConfig(
        channels=channels, where=lines, routes=routes, quiets=quiets, digest=digest, folder=folder
    )


def everybody(channels: Iterable[str]) -> tuple[Route, ...]:
    """Without routes, every channel hears everything."""
    names = tuple(channels)
    return (Route(name="all", to=names),) if names else ()


def known_channels(
    names: Iterable[str], channels: Iterable[str], error: Callable[[str], ConfigError]
) -> None:
    """Refuse a name that is no channel of the file."""
    listed = list(channels)
    for name in names:
        if name not in listed:
            near = difflib.get_close_matches(name, listed, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(listed) or 'none'}"
            raise error(f"no channel is named {name!r} under 'channels'; {hint}")


def _channels(document: Document) -> dict[str, Any]:
    found = document.mapping(
        ("channels",), "write a name and where it leads, such as 'ml-team: \"slack://…\"'"
    )
    for name, given in found.items():
        if not isinstance(given, (str, dict, list)) or not given:
            raise document.error(("channels", name), "write a URL, a mapping with 'kind', or a list of them")
    return found


def _routes(document: Document, channels: dict[str, Any], quiets: dict[str, Quiet]) -> tuple[Route, ...]:
    listed = document.sequence(("routes",), "write a list, such as [{to: ml-team}]")
    found = [_route(document, ("routes", place), (channels, quiets)) for place in range(len(listed))]
    names: set[str] = {RULE}
    for place, item in enumerate(found):
        if item.name in names:
            raise document.error(
                ("routes", place), f"another route is named {item.name!r}; name it otherwise"
            )
        names.add(item.name)
    return tuple(found)


def _route(document: Document, path: Key, known: tuple[dict[str, Any], dict[str, Quiet]]) -> Route:
    channels, quiets = known
    body = document.mapping(path, "write a route, such as {to: ml-team, severity: page}")
    document.only(path, ROUTE_KEYS)
    if body.get("to") is None:
        raise document.error(path, "'to' is missing: the channels that hear of it")
    to = _texts(document, (*path, "to"))
    known_channels(to, channels, lambda text: document.error((*path, "to"), text))
    quiet = _texts(document, (*path, "quiet"))
    for name in quiet:
        if name not in quiets:
            raise document.error((*path, "quiet"), unknown("quiet hours", name, quiets))
    repeat = body.get("repeat", "1d")
    wait = _span(document, (*path, "wait")) if body.get("wait") is not None else WAIT
    if wait > LONGEST_WAIT:
        raise document.error((*path, "wait"), "a first message waits 10m at most")
    return Route(
        name=str(body.get("name") or f"{path[-1] + 1} to {', '.join(to)}"),  # type: ignore[operator]
        to=to,
        match=_match(document, path),
        go_on=_flag(document, (*path, "continue")),
        wait=wait,
        repeat=None if repeat in ("never", False) else _repeat(document, path, repeat),
        quiet=quiet,
        escalate=_escalate(document, (*path, "escalate"), channels),
    )


def _match(document: Document, path: Key) -> Match:
    return Match(
        models=_texts(document, (*path, "model")),
        severities=_severities(document, (*path, "severity")),
        causes=_texts(document, (*path, "cause")),
        segments=_texts(document, (*path, "segment")),
    )


def _repeat(document: Document, path: Key, given: Any) -> timedelta:
    span = (
        _span(document, (*path, "repeat")) if document.at(path).get("repeat") is not None else duration(given)
    )
    if span < timedelta(minutes=1):
        raise document.error((*path, "repeat"), "a reminder follows after 1m at the earliest; or write never")
    return span


def _escalate(document: Document, path: Key, channels: dict[str, Any]) -> tuple[Rung, ...]:
    if document.at(path) is None:
        return ()
    listed = document.sequence(path, "write a list, such as [{after: 15m, to: lead}]")
    rungs = []
    for place in range(len(listed)):
        at = (*path, place)
        body = document.mapping(at, "write {after: 15m, to: lead}")
        document.only(at, ("after", "to"))
        if body.get("after") is None or body.get("to") is None:
            raise document.error(at, "'after' and 'to' are needed, such as {after: 15m, to: lead}")
        to = _texts(document, (*at, "to"))
        known_channels(to, channels, lambda text, at=at: document.error((*at, "to"), text))  # type: ignore[misc]
        rungs.append(Rung(_span(document, (*at, "after")), to))
    if [rung.after for rung in rungs] != sorted({rung.after for rung in rungs}):
        raise document.error(path, "each step needs a longer 'after' than the one before")
    return tuple(rungs)


def _quiets(document: Document) -> dict[str, Quiet]:
    found = document.mapping(
        ("quiet",), "write a name and its hours, such as nights: {from: '22:00', to: '07:00'}"
    )
    return {name: _quiet(document, ("quiet", name), name) for name in found}


def _quiet(document: Document, path: Key, name: str) -> Quiet:
    body = document.mapping(path, "write {from: '22:00', to: '07:00'}")
    document.only(path, QUIET_KEYS)
    days = tuple(day.lower()[:3] for day in _texts(document, (*path, "days"))) or DAYS
    for day in days:
        if day not in DAYS:
            raise document.error((*path, "days"), unknown("day", day, DAYS))
    severities = _severities(document, (*path, "severity"))
    usual = Quiet(name=name, start=time(0), end=time(0)).severities
    for key in ("from", "to"):
        if body.get(key) is None:
            raise document.error(path, f"{key!r} is missing; write {{from: '22:00', to: '07:00'}}")
    return Quiet(
        name=name,
        start=_time(document, (*path, "from")),
        end=_time(document, (*path, "to")),
        zone=_zone(document, (*path, "timezone")),
        days=days,
        severities=severities or usual,
    )


def _digest(document: Document, channels: dict[str, Any]) -> Digest:
    path: Key = ("digest",)
    body = document.mapping(path, "write {at: '08:00', to: ml-team}")
    document.only(path, DIGEST_KEYS)
    to = _texts(document, (*path, "to"))
    if not to:
        raise document.error(path, "'to' is missing: the channels that get the digest")
    known_channels(to, channels, lambda text: document.error((*path, "to"), text))
    at = _time(document, (*path, "at")) if body.get("at") is not None else time(8)
    return Digest(to=to, at=at, zone=_zone(document, (*path, "timezone")))


def _texts(document: Document, path: Key) -> tuple[str, ...]:
    """One text or a list of them; none where nothing is given."""
    given = document.at(path)
    listed = given if isinstance(given, list) else [] if given is None else [given]
    if not all(isinstance(item, str) for item in listed) or given == []:
        raise document.error(path, "a text or a list of texts is needed")
    return tuple(listed)


def _severities(document: Document, path: Key) -> tuple[Severity, ...]:
    found = _texts(document, path)
    for name in found:
        if name not in list(Severity):
            raise document.error(path, unknown("severity", name, list(Severity)))
    return tuple(Severity(name) for name in found)


def _flag(document: Document, path: Key) -> bool:
    given = document.at(path)
    if given is not None and not isinstance(given, bool):
        raise document.error(path, f"true or false is needed, {given!r} was given")
    return bool(given)


def _span(document: Document, path: Key) -> timedelta:
    given = document.at(path)
    try:
        span = (
            duration(given) if isinstance(given, (str, int, float)) and not isinstance(given, bool) else None
        )
    except (ConfigError, OverflowError) as problem:
        raise document.error(path, str(problem)) from None
    if span is None or span < timedelta(0):
        raise document.error(path, "a length of time is needed, such as 15m or 12h")
    return span


def _time(document: Document, path: Key) -> time:
    given = document.at(path)
    match = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)", str(given))
    if match is None:
        raise document.error(path, f"a time of day is needed, such as '22:00'; {given!r} was given")
    return time(int(match[1]), int(match[2]))


def _zone(document: Document, path: Key) -> str:
    given = document.at(path)
    if given is None:
        return "UTC"
    try:
        ZoneInfo(str(given))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise document.error(
            path, f"no time zone is named {given!r}; write one such as Europe/Berlin"
        ) from None
    return str(given)
