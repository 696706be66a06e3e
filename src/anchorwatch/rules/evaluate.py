"""From results to findings: what a rule says of one window, with the reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil
from typing import TYPE_CHECKING

import numpy as np

from anchorwatch.core.results import Missing, Value
from anchorwatch.core.types import Finding, Verdict
from anchorwatch.rules.chance import chance, level
from anchorwatch.rules.ground import Ground
from anchorwatch.rules.limits import around, beside, fixed, nearest
from anchorwatch.rules.place import cause_of
from anchorwatch.rules.sentence import figure, rows, what, windows
from anchorwatch.stats.multiple import benjamini_hochberg

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anchorwatch.core.results import Results
    from anchorwatch.core.types import Rule
    from anchorwatch.rules.limits import Limit
    from anchorwatch.rules.place import Place

Found = Value | Missing
_Window = Mapping[str, Found]


@dataclass(frozen=True, slots=True)
class Past:
    """What came before the window that is judged.

    `results` are the same measure in the windows before, oldest first, windows without data included (as
    Missing); `history_needed(rule)` of them are enough. `grounds` say what the reference is like, by subject.
    """

    results: Sequence[Results] = ()
    grounds: Mapping[str, Ground] = field(default_factory=dict)


NOTHING = Past()
_LEAST = 1e-12


@dataclass(frozen=True, slots=True)
class _Call:
    verdict: Verdict
    reason: str
    value: float | None = None
    limit: float | None = None


@dataclass(frozen=True, slots=True)
class _Weighed:
    """A reading with the limits it is held against, and the probability that it is bad by chance."""

    reading: Found
    ground: Ground
    limits: tuple[Limit, ...] = ()
    chance: float | Missing | None = None

    @property
    def held(self) -> list[Limit]:
        """Limits that are not broken."""
        if isinstance(self.reading, Missing):
            return []
        value = self.reading.value
        return [limit for limit in self.limits if not limit.broken(value)]


def evaluate(rule: Rule, place: Place, results: Results, past: Past = NOTHING) -> list[Finding]:
    """Judge one measure in one window: a finding per subject the rule looks at, in order.

    A subject is a breach when every condition of the rule holds: over `above` or under `below`, outside the
    reference's band, `worse` than the reference, and not by chance. With `alpha` its p-value times the number of
    subjects judged must be under it. With a `budget` the p-value must be under the level the budget allows a window
    of this length, corrected over the subjects by Benjamini and Hochberg and over segments by their number.

    What cannot be said is `unknown`, never ok: no value, too few rows, no band, no p-value. Unknown for
    `unknown_after` windows in a row is a breach.

    >>> from datetime import UTC, datetime
    >>> from anchorwatch.core.calendar import Window
    >>> from anchorwatch.core.results import Results
    >>> from anchorwatch.core.types import Rule
    >>> from anchorwatch.rules.place import Place
    >>> day = Window(datetime(2013, 7, 1, tzinfo=UTC), datetime(2013, 7, 2, tzinfo=UTC))
    >>> rule = Rule(name="mae above 55", measure="mae", above=55)
    >>> found = evaluate(rule, Place(model="bikes", window=day), Results.of("mae", [""], 57.3, n=400))
    >>> found[0].verdict.value, found[0].reason
    ('breach', 'Mean absolute error 57.3 is over its limit 55.0')
    """
    now = dict(results)
    before = [dict(earlier) for earlier in past.results]
    weighed = {
        subject: _weighed(rule, _reading(rule, subject, now, before), past.grounds.get(subject, Ground()))
        for subject in rule.columns or results.subjects
    }
    judged = sum(isinstance(each.reading, Value) for each in weighed.values()) * place.slices
    corrected = _corrected(weighed, place.slices) if rule.budget is not None else None
    findings = []
    for subject, each in weighed.items():
        call = _call(rule, each, _Level(level(rule, place.window), judged, corrected, subject))
        if call.verdict is Verdict.UNKNOWN and isinstance(each.reading, Missing):
            call = _patience(rule, subject, call, before)
        findings.append(_finding(rule, place, subject, call))
    return findings


@dataclass(frozen=True, slots=True)
class _Level:
    """What a p-value is held against: `at`, after correction over all that was judged."""

    at: float | None
    judged: int
    corrected: Mapping[str, float] | None
    subject: str

    def of(self, p: float) -> float:
        if self.corrected is None:
            return min(1.0, p * self.judged)
        return self.corrected[self.subject]

    def text(self, p: float) -> str:
        """`p 0.001 times 9 is 0.009`, `p 0.001, 0.004 among 9`."""
        said = f"p {_probability(p)}"
        corrected = self.of(p)
        if self.judged < 2 or corrected < _LEAST:
            return said
        if self.corrected is None:
            return f"{said} times {self.judged} is {_probability(corrected)}"
        return f"{said}, {_probability(corrected)} among {self.judged}"


def _weighed(rule: Rule, reading: Found, ground: Ground) -> _Weighed:
    if isinstance(reading, Missing):
        return _Weighed(reading, ground)
    groups = [fixed(rule)]
    groups += [around(rule, ground.band)] if ground.band is not None else []
    groups += [beside(rule, ground.centre)] if ground.centre is not None else []
    limits = tuple(nearest(group, reading.value) for group in groups if group)
    if rule.alpha is None and rule.budget is None:
        return _Weighed(reading, ground, limits)
    return _Weighed(reading, ground, limits, chance(rule, reading, ground, limits[0] if limits else None))


def _corrected(weighed: Mapping[str, _Weighed], slices: int) -> dict[str, float]:
    """p-values corrected over the subjects judged, those within their limits too, and over segments."""
    known = {subject: each.chance for subject, each in weighed.items() if isinstance(each.chance, float)}
    adjusted = np.minimum(benjamini_hochberg(list(known.values())) * slices, 1.0)
    return dict(zip(known, adjusted.tolist(), strict=True))


def _reading(rule: Rule, subject: str, now: Mapping[str, Found], before: Sequence[_Window]) -> Found:
    """The value that is judged: the window's own, or the mean of the latest `mean_of`."""
    latest = _enough(rule, now.get(subject))
    if isinstance(latest, Missing) or rule.mean_of == 1:
        return latest
    past = [_enough(rule, earlier.get(subject)) for earlier in before[-(rule.mean_of - 1) :]]
    if len(past) + 1 < rule.mean_of:
        return Missing(f"only {len(past) + 1} of {rule.mean_of} windows so far")
    known = [found.value for found in (*past, latest) if isinstance(found, Value)]
    if len(known) < ceil(rule.mean_of / 2):
        return Missing(f"only {len(known)} of the last {rule.mean_of} windows have a value")
    return Value(sum(known) / len(known), latest.n, p=latest.p)


def _enough(rule: Rule, found: Found | None) -> Found:
    if found is None:
        return Missing("it was not measured")
    if isinstance(found, Value) and found.n < rule.min_rows:
        return Missing(f"{rows(found.n)}, fewer than the {rule.min_rows} it takes", found.n)
    return found


def _call(rule: Rule, weighed: _Weighed, needed: _Level) -> _Call:
    reading = weighed.reading
    if isinstance(reading, Missing):
        return _Call(Verdict.UNKNOWN, f"is not known: {reading.reason}")
    value, limits, held = reading.value, weighed.limits, weighed.held
    if held:
        return _Call(Verdict.OK, held[0].text(value) + _notes(rule, held), value, held[0].at)
    if not limits and (rule.band, rule.worse, needed.at) == (None, None, None):
        return _Call(Verdict.OK, f"{figure(value)} is known", value)
    if rule.band is not None and weighed.ground.band is None:
        return _Call(Verdict.UNKNOWN, f"{figure(value)} has no reference windows to be held against", value)
    if rule.worse is not None and weighed.ground.centre is None:
        return _Call(Verdict.UNKNOWN, f"{figure(value)} has no reference to be held against", value)
    return _breach(rule, weighed, value, needed)


def _breach(rule: Rule, weighed: _Weighed, value: float, needed: _Level) -> _Call:
    """All limits are broken; whether that may be chance is left to say."""
    broken = weighed.limits
    first = broken[-1] if broken else None
    text = first.text(value) if first else figure(value)
    limit = first.at if first else None
    p = weighed.chance
    if p is None or needed.at is None:
        return _Call(Verdict.BREACH, text + _notes(rule, broken), value, limit)
    if isinstance(p, Missing):
        return _Call(Verdict.UNKNOWN, f"{text}, but {p.reason}", value, limit)
    if needed.of(p) < needed.at:
        return _Call(Verdict.BREACH, text + _notes(rule, broken, needed.text(p)), value, limit)
    why = f"{text}, but that may be chance ({needed.text(p)}, not under {needed.at:.2g})"
    return _Call(Verdict.OK, why, value, limit)


def _probability(p: float) -> str:
    return f"{p:.2g}" if p >= _LEAST else f"< {_LEAST:g}"


def _notes(rule: Rule, limits: Sequence[Limit], *more: str) -> str:
    mean = (f"mean of {windows(rule.mean_of)}",) if rule.mean_of > 1 else ()
    notes = [*mean, *(limit.note for limit in limits if limit.note), *more]
    return f" ({'; '.join(notes)})" if notes else ""


def _patience(rule: Rule, subject: str, call: _Call, before: Sequence[_Window]) -> _Call:
    """Unknown for too long is a breach."""
    if rule.unknown_after is None:
        return call
    past = before[-(rule.unknown_after - 1) :] if rule.unknown_after > 1 else ()
    if len(past) < rule.unknown_after - 1 or not all(_silent(rule, subject, earlier) for earlier in past):
        return call
    if rule.unknown_after == 1:
        return _Call(Verdict.BREACH, call.reason)
    why = call.reason.removeprefix("is not known: ")
    return _Call(Verdict.BREACH, f"has not been known for {windows(rule.unknown_after)}: {why}")


def _silent(rule: Rule, subject: str, earlier: _Window) -> bool:
    """A window without data may name no subjects, so one that is absent is silent only if all are."""
    found = (earlier[subject],) if subject in earlier else earlier.values()
    return all(isinstance(_enough(rule, each), Missing) for each in found)


def _finding(rule: Rule, place: Place, subject: str, call: _Call) -> Finding:
    return Finding(
        model=place.model,
        rule=rule.name,
        measure=rule.measure,
        subject=subject,
        window=place.window,
        verdict=call.verdict,
        reason=f"{what(rule.measure, subject, place)} {call.reason}",
        version=place.version,
        segment=place.segment,
        value=call.value,
        limit=call.limit,
        severity=rule.severity,
        cause=cause_of(rule),
    )
