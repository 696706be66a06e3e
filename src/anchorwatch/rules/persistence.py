"""n of m windows: a breach counts when it lasts.

A pure fold over judged windows. The state is a value, so a restart goes on exactly where it stopped, and a
window that is judged again replaces what was noted of it.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from anchorwatch.core.types import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from anchorwatch.core.types import Finding, Rule


class Key(NamedTuple):
    """What persists: one rule about one subject of one slice."""

    rule: str
    subject: str
    version: str
    segment: str

    @classmethod
    def of(cls, finding: Finding) -> Key:
        """The key of a finding."""
        return cls(finding.rule, finding.subject, finding.version, finding.segment)


class Mark(NamedTuple):
    """A window that could be judged, by its start, and whether it was a breach."""

    start: datetime
    breach: bool


@dataclass(frozen=True, slots=True)
class State:
    """What persistence remembers of a model.

    `marks` holds per key the latest windows that could be judged, oldest first, no more than its rule's
    `within`; `latest` holds per rule the start of the newest window it could judge.
    """

    marks: Mapping[Key, tuple[Mark, ...]] = field(default_factory=dict)
    latest: Mapping[str, datetime] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {
            "marks": [[*key, _written(marks)] for key, marks in self.marks.items()],
            "latest": {rule: start.isoformat() for rule, start in self.latest.items()},
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> State:
        """What `to_dict` wrote; of an empty mapping, the state before all windows."""
        return cls(
            marks={
                Key(*names): tuple(Mark(datetime.fromisoformat(start), breach) for start, breach in marks)
                for *names, marks in stored.get("marks", ())
            },
            latest={rule: datetime.fromisoformat(start) for rule, start in stored.get("latest", {}).items()},
        )


@dataclass(frozen=True, slots=True)
class Persisted:
    """One window after persistence: its findings, which breaches last, and what to remember.

    `late` holds the rules that could judge a newer window before this one. Windows that were unknown, such as
    those judged before their outcomes came, make nothing late.
    """

    state: State
    findings: tuple[Finding, ...]
    lasting: frozenset[Key]
    late: frozenset[str]


def step(state: State, findings: Iterable[Finding], rules: Iterable[Rule]) -> Persisted:
    """Take the findings of one window by `rules` into the state.

    A breach lasts when at least `count` of the latest `within` windows are breaches. Windows that are unknown
    are not counted, neither for nor against. Windows may come again, which replaces them, and out of order:
    the state is that of the latest `within` windows that could be judged, whatever the order they came in.
    """
    by_name = {rule.name: rule for rule in rules}
    found = tuple(finding for finding in findings if finding.rule in by_name)
    marks, latest = dict(state.marks), dict(state.latest)
    lasting, late = set(), set()
    for finding in found:
        key, start, rule = Key.of(finding), finding.window.start, by_name[finding.rule]
        marks[key] = _marked(marks.get(key, ()), start, finding.verdict, rule.within)
        if start < state.latest.get(rule.name, start):
            late.add(rule.name)
        elif finding.verdict is not Verdict.UNKNOWN:
            latest[rule.name] = start
        if finding.verdict is Verdict.BREACH and sum(mark.breach for mark in marks[key]) >= rule.count:
            lasting.add(key)
    kept = {key: streak for key, streak in marks.items() if streak}
    return Persisted(State(kept, latest), found, frozenset(lasting), frozenset(late))


def _written(marks: tuple[Mark, ...]) -> list[list[str | bool]]:
    return [[mark.start.isoformat(), mark.breach] for mark in marks]


def _marked(marks: tuple[Mark, ...], start: datetime, verdict: Verdict, within: int) -> tuple[Mark, ...]:
    place = bisect_left(marks, start, key=lambda mark: mark.start)
    after = place + (place < len(marks) and marks[place].start == start)
    new = () if verdict is Verdict.UNKNOWN else (Mark(start, verdict is Verdict.BREACH),)
    return (*marks[:place], *new, *marks[after:])[-within:]


def progress(state: State, key: Key, rule: Rule) -> str:
    """How far a breach has come: `1 of 3 windows, 2 needed`."""
    breaches = sum(mark.breach for mark in state.marks.get(key, ()))
    if rule.count == rule.within:
        return f"{breaches} of {rule.count} windows in a row"
    return f"{breaches} of the last {rule.within} windows, {rule.count} needed"
