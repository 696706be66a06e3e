"""Who hears of an incident: routes, asked in order, as Alertmanager does."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from anchorwatch.core.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from anchorwatch.core.types import Incident, Rule

WAIT = timedelta(seconds=1)
"""How long a first message waits for incidents of the model that change together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What routes and silences look at."""

    model: str
    severity: Severity = Severity.WARN
    cause: str = ""
    segments: tuple[str, ...] = ("",)

    @classmethod
    def of(cls, incident: Incident) -> Subject:
        """An incident's; a segment such as `carrier=AA` for each of its findings, `""` for the whole model."""
        segments = tuple(dict.fromkeys(finding.segment for finding in incident.findings)) or ("",)
        return cls(model=incident.model, severity=incident.severity, cause=incident.cause, segments=segments)


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """What must hold of a subject; what is empty matches all.

    Patterns are those of a shell (`flights-*`). An incident with several segments matches when one of them does.

    >>> match = Match(models=("flights-*",), severities=(Severity.PAGE,))
    >>> match.misses(Subject(model="flights-eu", severity=Severity.WARN))
    'severity is warn, not page'
    >>> match.misses(Subject(model="flights-eu", severity=Severity.PAGE)) is None
    True
    """

    models: tuple[str, ...] = ()
    severities: tuple[Severity, ...] = ()
    causes: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()

    def misses(self, subject: Subject) -> str | None:
        """Why `subject` does not match; None when it does."""
        asked = (
            ("model", self.models, (subject.model,)),
            ("severity", tuple(item.value for item in self.severities), (subject.severity.value,)),
            ("cause", self.causes, (subject.cause,)),
            ("segment", self.segments, subject.segments),
        )
        for what, wanted, given in asked:
            if wanted and not any(fnmatchcase(value, pattern) for value in given for pattern in wanted):
                shown = " or ".join(value or "the whole model" for value in given)
                return f"{what} is {shown}, not {' or '.join(wanted)}"
        return None

    @property
    def text(self) -> str:
        """In words."""
        asked = (
            ("model", self.models),
            ("severity", tuple(item.value for item in self.severities)),
            ("cause", self.causes),
            ("segment", self.segments),
        )
        return ", ".join(f"{what} {' or '.join(wanted)}" for what, wanted in asked if wanted) or "everything"


@dataclass(frozen=True, slots=True)
class Rung:
    """A step of an escalation: whom to tell when nobody has acknowledged for so long."""

    after: timedelta
    to: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Where incidents go that match.

    Args:
        name: shown in reasons; unique.
        to: names of channels.
        match: which incidents.
        go_on: ask the routes after this one as well; else the first match is the last.
        wait: how long the first message waits for others to go with it.
        repeat: how long after the last message a reminder follows, while nobody has acknowledged; `None`: never.
        quiet: names of the quiet hours that hold.
        escalate: whom to tell when nobody acknowledges, in order of delay.
    """

    name: str
    to: tuple[str, ...]
    match: Match = field(default_factory=Match)
    go_on: bool = False
    wait: timedelta = WAIT
    repeat: timedelta | None = timedelta(days=1)
    quiet: tuple[str, ...] = ()
    escalate: tuple[Rung, ...] = ()


@dataclass(frozen=True, slots=True)
class Hit:
    """A route that applies, and why."""

    route: Route
    reason: str


@dataclass(frozen=True, slots=True)
class Routed:
    """Routes that apply, and for each of the others why it does not, by name."""

    hits: tuple[Hit, ...]
    misses: tuple[tuple[str, str], ...] = ()

    def targets(self) -> dict[str, Hit]:
        """The first route to each channel."""
        found: dict[str, Hit] = {}
        for hit in self.hits:
            for channel in hit.route.to:
                found.setdefault(channel, hit)
        return found


def route(routes: Iterable[Route], subject: Subject, notify: tuple[str, ...] = ()) -> Routed:
    """The routes that apply to `subject`: the first that matches, and those after one that goes on.

    Channels that a rule names itself (`notify`) are told before, and instead of, what routes say.

    >>> quick = Route(name="night", to=("pager",), match=Match(severities=(Severity.PAGE,)), go_on=True)
    >>> routed = route([quick, Route(name="all", to=("chat",))], Subject(model="flights", severity=Severity.PAGE))
    >>> sorted(routed.targets()), [hit.reason for hit in routed.hits]
    (['chat', 'pager'], ["route 'night': severity page", "route 'all': everything"])
    """
    if notify:
        return Routed((Hit(Route(name=RULE, to=notify), f"its rule says notify: {', '.join(notify)}"),))
    hits: list[Hit] = []
    misses: list[tuple[str, str]] = []
    done = ""
    for item in routes:
        missed = f"route {done!r} came first and does not continue" if done else item.match.misses(subject)
        if missed is not None:
            misses.append((item.name, missed))
            continue
        hits.append(Hit(item, f"route {item.name!r}: {item.match.text}"))
        done = "" if item.go_on else item.name
    return Routed(tuple(hits), tuple(misses))


RULE = "rule"
"""The name of the route that a rule's own `notify` makes."""


def notified(incident: Incident, rules: Iterable[Rule]) -> tuple[str, ...]:
    """Channels that the rules of an incident's findings name themselves."""
    broken = {finding.rule for finding in incident.findings}
    return tuple(dict.fromkeys(name for rule in rules if rule.name in broken for name in rule.notify))


def spread(found: Routed, members: dict[str, tuple[str, ...]]) -> Routed:
    """Names of several addresses become those of each; names of none stay, to be told of."""
    hits = [
        Hit(
            replace(hit.route, to=tuple(one for name in hit.route.to for one in members.get(name, (name,)))),
            hit.reason,
        )
        for hit in found.hits
    ]
    return Routed(tuple(hits), found.misses)
