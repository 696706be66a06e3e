"""A report as plain data: the one thing that pages, texts and files are made of."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from anchorwatch.core.results import Value
from anchorwatch.core.types import Severity, Verdict
from anchorwatch.profile.measure import Family
from anchorwatch.report.judge import SCHEMA, family
from anchorwatch.report.words import answers, counted, name_of, number, percent, role_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from anchorwatch.core.results import Missing, Results
    from anchorwatch.core.types import Finding
    from anchorwatch.drift.change import Change
    from anchorwatch.report.judge import Readings
    from anchorwatch.report.report import Report

FORMAT = 1
"""Grows when a key of `to_dict` changes its meaning or goes; new keys may come."""

HEADLINES = (
    "accuracy", "roc_auc", "average_precision", "f1", "precision", "recall", "log_loss", "brier",
    "mae", "rmse", "r2", "bias", "mape", "median_absolute_error", "error_rate", "latency_p50", "latency_p95",
)  # fmt: skip
"""Metrics that are shown first; the others follow where there is room."""

_NUMBERS = frozenset({Family.PERFORMANCE, Family.SERVICE})


def content(report: Report) -> dict[str, Any]:
    """Everything in plain JSON types."""
    spec = report.spec
    reference, current = report.profiles
    modelled = any(item.measure.family is Family.PERFORMANCE for item in report.readings.values())
    return {
        "format": FORMAT,
        "name": spec.name,
        "task": answers(spec) if modelled else None,
        "passed": report.passed,
        "state": _whole(report),
        "summary": summary(report),
        "rows": {"reference": reference.events, "current": current.events},
        "drifted": report.drifted,
        "findings": [_finding(report, item) for item in report.findings],
        "metrics": _metrics(report),
        "columns": _columns(report),
        "left_out": dict(report.left_out),
    }


def summary(report: Report) -> str:
    """One sentence."""
    drifted, of = report.drifted, len(report.columns)
    parts = []
    if drifted:
        worst = report.effect(report.subject(drifted[0]))
        most = f", {drifted[0]} most" if len(drifted) > 1 else f" ({drifted[0]})"
        share = f": {percent(worst)} of its rows lie elsewhere" if worst else ""
        parts.append(f"{len(drifted):,} of {counted(of, 'column')} drifted{most}{share}")
    grave = [item for item in report.findings if item.severity is not Severity.INFO]
    if any(not item.subject and family(item) is Family.DRIFT for item in grave):
        parts.append("the columns taken together drifted")
    parts += [_worse(report, item) for item in grave if family(item) in _NUMBERS][:2]
    parts += [item.reason for item in grave if item.rule == SCHEMA and not item.subject]
    rest = {item.subject for item in grave if family(item) is Family.QUALITY and item.subject}
    if rest:
        shown = ", ".join(sorted(name_of(report.spec, subject) for subject in rest)[:3])
        parts.append(
            f"data quality fell in {counted(len(rest), 'column')} ({shown}{' …' if len(rest) > 3 else ''})"
        )
    if parts:
        text = "; ".join(parts)
        return text[:1].upper() + text[1:] + "."
    unknown = _unknown(report)
    if of and unknown == of:
        return "Nothing can be said: there are too few rows."
    rest_text = f"; {counted(unknown, 'column')} cannot be judged" if unknown else ""
    return f"No drift in {counted(of, 'column')}{rest_text}."


def _unknown(report: Report) -> int:
    return sum(column["state"] == "unknown" for column in _columns(report))


def _whole(report: Report) -> str:
    if not report.passed:
        return "failed"
    return "unknown" if report.columns and _unknown(report) == len(report.columns) else "passed"


def _worse(report: Report, item: Finding) -> str:
    """`accuracy went from 83 % to 71 %`."""
    reading = report.readings[item.measure]
    before = reading.reference[item.subject] if reading.reference is not None else None
    title = reading.measure.title[:1].lower() + reading.measure.title[1:]
    title = reading.measure.title if reading.measure.title[:2].isupper() else title
    unit = reading.measure.unit
    if not isinstance(before, Value):
        return f"{title} is {number(item.value, unit)}"
    return f"{title} went from {number(before.value, unit)} to {number(item.value, unit)}"


def _finding(report: Report, item: Finding) -> dict[str, Any]:
    return {
        "family": family(item).value,
        "severity": item.severity.value,
        "rule": item.rule,
        "measure": item.measure,
        "subject": name_of(report.spec, item.subject),
        "reason": item.reason,
        "value": item.value,
        "limit": item.limit,
    }


def _metrics(report: Report) -> list[dict[str, Any]]:
    said = _said(report.judged, lambda item: (item.measure, item.subject))
    rows = []
    for name, item in report.readings.items():
        if item.measure.family not in _NUMBERS:
            continue
        for subject in item.current.subjects:
            verdict, reason = said.get((name, subject), (None, ""))
            rows.append(
                {
                    "measure": name,
                    "title": item.measure.title,
                    "family": item.measure.family.value,
                    "class": subject,
                    "unit": item.measure.unit,
                    "better": item.measure.better,
                    "reference": _at(item.reference, subject),
                    "current": _at(item.current, subject),
                    "verdict": verdict,
                    "reason": reason,
                    "main": not subject and (verdict is not None or name in HEADLINES),
                }
            )
    last = len(HEADLINES)
    places = {name: place for place, name in enumerate(HEADLINES)}
    return sorted(rows, key=lambda row: (row["verdict"] is None, places.get(row["measure"], last)))


def _columns(report: Report) -> list[dict[str, Any]]:
    """Every column, the worst first."""
    findings: dict[str, list[Finding]] = defaultdict(list)
    for item in report.judged:
        findings[item.subject].append(item)
    per_column = [item for item in report.readings.values() if item.measure.kinds]
    changes = report.changes
    states = ("drifted", "broken", "unknown", "ok")
    rows = [
        _column(report, subject, findings[subject], per_column) | {"change": _change(changes.get(subject))}
        for subject in report.columns
    ]
    return sorted(rows, key=lambda row: (states.index(row["state"]), -(row["effect"] or 0.0)))


def _column(
    report: Report, subject: str, findings: Sequence[Finding], measures: Iterable[Readings]
) -> dict[str, Any]:
    bad = [item for item in findings if item.verdict is Verdict.BREACH]
    mine = [item for item in measures if subject in item.current.subjects]
    drift = {
        item.measure.name: _at(item.current, subject) for item in mine if item.measure.family is Family.DRIFT
    }
    quality = {
        item.measure.name: {"reference": _at(item.reference, subject), "current": _at(item.current, subject)}
        for item in mine
        if item.measure.family is Family.QUALITY
    }
    first = drift.get("drift") or drift.get("target_drift") or {}
    return {
        "name": name_of(report.spec, subject),
        "role": role_of(subject),
        "kind": kind_of(report, subject),
        "state": _state(findings, bad),
        "effect": first.get("value"),
        "p": first.get("p"),
        "reasons": [item.reason for item in bad] or _unknowns(findings),
        "drift": drift,
        "quality": quality,
    }


def _change(found: Change | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "kind": found.kind.value,
        "text": found.text,
        "figures": dict(found.figures),
        "names": [*found.names],
    }


def kind_of(report: Report, subject: str) -> str:
    """A column's kind."""
    grid = report.profiles[0].grid
    return "number" if subject in grid.numbers else "category" if subject in grid.categories else "vector"


def _state(findings: Sequence[Finding], bad: Sequence[Finding]) -> str:
    if any(family(item) is Family.DRIFT for item in bad):
        return "drifted"
    if any(item.severity is not Severity.INFO for item in bad):
        return "broken"
    judged = [item for item in findings if family(item) is Family.DRIFT]
    return "unknown" if judged and all(item.verdict is Verdict.UNKNOWN for item in judged) else "ok"


def _unknowns(findings: Sequence[Finding]) -> list[str]:
    return [
        item.reason for item in findings if item.verdict is Verdict.UNKNOWN and family(item) is Family.DRIFT
    ][:1]


def _said(findings: Iterable[Finding], key: Any) -> dict[Any, tuple[str, str]]:
    """The gravest verdict and its reason, by key."""
    order = (Verdict.OK, Verdict.UNKNOWN, Verdict.BREACH)
    said: dict[Any, tuple[str, str]] = {}
    for item in sorted(findings, key=lambda item: order.index(item.verdict)):
        said[key(item)] = (item.verdict.value, item.reason)
    return said


def _at(found: Results | None, subject: str) -> dict[str, Any] | None:
    if found is None or subject not in found.subjects:
        return None
    return _plain(found[subject])


def _plain(found: Value | Missing) -> dict[str, Any]:
    if isinstance(found, Value):
        numbers = {"value": found.value, "low": found.low, "high": found.high, "p": found.p}
        return {**numbers, "n": found.n, "reason": None}
    return {"value": None, "low": None, "high": None, "p": None, "n": found.n, "reason": found.reason}
