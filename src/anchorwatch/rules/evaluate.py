"""From results to findings: what a rule says of one window, with the reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil
from typing import TYPE_CHECKING

from anchorwatch.core.results import Missing, Value
from anchorwatch.core.types import Finding, Verdict
from anchorwatch.rules.limits import around, fixed, nearest
from anchorwatch.rules.place import cause_of
from anchorwatch.rules.sentence import figure, rows, what, windows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anchorwatch.core.results import Results
    from anchorwatch.core.types import Rule
    from anchorwatch.rules.band import ReferenceBand
    from anchorwatch.rules.limits import Limit
    from anchorwatch.rules.place import Place

Found = Value | Missing
_Window = Mapping[str, Found]


@dataclass(frozen=True, slots=True)
class Past:
    """What came before the window that is judged.

    `results` are the same measure in the windows before, oldest first, windows without data included (as
    Missing); `history_needed(rule)` of them are enough. `bands` are the reference's, by subject.
    """

    results: Sequence[Results] = ()
    bands: Mapping[str, ReferenceBand] = field(default_factory=dict)


NOTHING = Past()
_LEAST = 1e-12


@dataclass(frozen=True, slots=True)
class _Call:
    verdict: Verdict
    reason: str
    value: float | None = None
    limit: float | None = None


def evaluate(rule: Rule, place: Place, results: Results, past: Past = NOTHING) -> list[Finding]:
    """Judge one measure in one window: a finding per subject the rule looks at, in order.

    A subject is a breach when every condition of the rule holds: over `above` or under `below`, outside the
    reference's band, and (with `alpha`) not by chance, its p-value times the number of subjects judged. What
    cannot be said is `unknown`, never ok: no value, too few rows, no band, no p-value. Unknown for
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
    ('breach', 'mae 57.3 is over its limit 55.0')
    """
    now = dict(results)
    before = [dict(earlier) for earlier in past.results]
    readings = {subject: _reading(rule, subject, now, before) for subject in rule.columns or results.subjects}
    judged = sum(isinstance(reading, Value) for reading in readings.values()) * place.slices
    findings = []
    for subject, reading in readings.items():
        call = _call(rule, reading, past.bands.get(subject), judged)
        if call.verdict is Verdict.UNKNOWN and isinstance(reading, Missing):
            call = _patience(rule, subject, call, before)
        findings.append(_finding(rule, place, subject, call))
    return findings


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


def _call(rule: Rule, reading: Found, band: ReferenceBand | None, judged: int) -> _Call:
    if isinstance(reading, Missing):
        return _Call(Verdict.UNKNOWN, f"is not known: {reading.reason}")
    value = reading.value
    groups = (fixed(rule), around(rule, band) if band else ())
    closest = [nearest(group, value) for group in groups if group]
    held = [limit for limit in closest if not limit.broken(value)]
    if held:
        return _Call(Verdict.OK, held[0].text(value) + _notes(rule, held), value, held[0].at)
    if not closest and rule.band is None and rule.alpha is None:
        return _Call(Verdict.OK, f"{figure(value)} is known", value)
    if rule.band is not None and band is None:
        return _Call(Verdict.UNKNOWN, f"{figure(value)} has no reference windows to be held against", value)
    return _breach(rule, reading, closest, judged)


def _breach(rule: Rule, reading: Value, broken: Sequence[Limit], judged: int) -> _Call:
    """All limits are broken; whether that may be chance is left to say."""
    value = reading.value
    first = broken[-1] if broken else None
    text = first.text(value) if first else figure(value)
    limit = first.at if first else None
    if rule.alpha is None:
        return _Call(Verdict.BREACH, text + _notes(rule, broken), value, limit)
    if reading.p is None:
        return _Call(Verdict.UNKNOWN, f"{text}, but it has no p-value to rule out chance", value, limit)
    corrected = min(1.0, reading.p * judged)
    chance = f"p {_probability(reading.p)}"
    if judged > 1 and corrected >= _LEAST:
        chance += f" times {judged} is {_probability(corrected)}"
    if corrected < rule.alpha:
        return _Call(Verdict.BREACH, text + _notes(rule, broken, chance), value, limit)
    return _Call(
        Verdict.OK, f"{text}, but that may be chance ({chance}, not under {rule.alpha:g})", value, limit
    )


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
