"""What rules would have fired, as people and programs read it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from anchorwatch.app.view import FOREVER
from anchorwatch.core.times import iso
from anchorwatch.flow.replay import replay
from anchorwatch.profile.measure import MEASURES
from anchorwatch.rules.chance import level
from anchorwatch.rules.check import check_rules
from anchorwatch.rules.form import to_dict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anchorwatch.core.types import Rule
    from anchorwatch.flow.books import Ledger
    from anchorwatch.flow.replay import Expected, Firing, Replayed


def replayed(
    ledger: Ledger,
    name: str,
    rules: Sequence[Rule] | None = None,
    *,
    start: int = FOREVER[0],
    end: int = FOREVER[1],
) -> dict[str, Any]:
    """Judge a model's stored windows by `rules` (or its own), without a trace: incidents, breaches, false alarms.

    Times are microseconds since 1970. Raises `UnknownError` for the model, `ConfigError` for a rule that cannot work.
    """
    with ledger.read() as books:
        model = books.models.get(name)
        wanted = model.rules if rules is None else tuple(rules)
        check_rules(wanted, model.spec)
        found = replay(books, model, wanted, start, end)
    return {
        "model": name,
        "start": iso(found.start),
        "end": iso(found.end),
        "windows": found.windows,
        "incidents": [_incident(firing) for firing in found.firings],
        "expected_false_alarms": round(found.budgeted, 3),
        "rules": [_rule(each, found) for each in found.expected],
    }


def over_reference(ledger: Ledger, name: str) -> dict[str, Any]:
    """What each rule in force allows itself and did over the reference's own windows, in which nothing is wrong.

    `level` is the p-value that a window of the model's must be under; rules whose measure is not imported are left out.
    """
    with ledger.read() as books:
        model = books.models.get(name)
        known = [rule for rule in model.rules if rule.measure in MEASURES]
        found = replay(books, model, known, FOREVER[1], FOREVER[1])  # no window starts so late
    start = datetime(2001, 1, 1, tzinfo=UTC)
    window = model.spec.window.window(start, model.spec.timezone)
    rules = []
    for each in found.expected:
        at = level(each.rule, window)
        rules.append(
            {"name": each.rule.name, "level": None if at is None else round(at, 6), **_expected(each)}
        )
    return {"model": name, "rules": rules}


def _incident(firing: Firing) -> dict[str, Any]:
    incident = firing.incident
    return {
        "cause": incident.cause,
        "severity": incident.severity.value,
        "summary": incident.summary,
        "began_at": iso(firing.began),
        "fired_at": iso(firing.fired),
        "resolved_at": None if firing.resolved is None else iso(firing.resolved),
        "delay_seconds": firing.delay.total_seconds(),
    }


def _rule(expected: Expected, found: Replayed) -> dict[str, Any]:
    return {
        "rule": to_dict(expected.rule) | {"name": expected.rule.name},
        "breaches": found.breaches[expected.rule.name],
        **_expected(expected),
    }


def _expected(expected: Expected) -> dict[str, Any]:
    return {
        "budget": expected.budget,
        "reference": {
            "windows": expected.windows,
            "breaches": expected.breaches,
            "fired": expected.fired,
        },
    }
