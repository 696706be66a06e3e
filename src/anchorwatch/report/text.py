"""A report as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anchorwatch.report.words import chance, reading, share

if TYPE_CHECKING:
    from collections.abc import Sequence

MARKS = {"failed": "■", "unknown": "○", "passed": "●"}
LONGEST = 40
MOST = 20


def text(found: dict[str, Any]) -> str:
    """Summary, drifted columns, metrics, other findings."""
    rows = found["rows"]
    parts = [
        f"{MARKS[found['state']]} {found['state']}  {_line(found['summary'])}",
        f"{rows['current']:,} rows against {rows['reference']:,}",
    ]
    drifted = [column for column in found["columns"] if column["state"] == "drifted"]
    if drifted:
        parts += [
            "",
            *_table(("drifted", "elsewhere", "p", "what"), [_drifted(item) for item in drifted[:MOST]]),
        ]
        parts += [f"… and {len(drifted) - MOST} more"] if len(drifted) > MOST else []
    metrics = [item for item in found["metrics"] if item["main"]]
    if metrics:
        parts += ["", *_table(("metric", "reference", "current", ""), [_metric(item) for item in metrics])]
    others = [
        item
        for item in found["findings"]
        if item["family"] not in {"drift", "performance"}
        or (item["family"] == "drift" and not item["subject"])
    ]
    if others:
        parts += [
            "",
            *(f"{'▲' if item['severity'] != 'info' else '·'} {_line(item['reason'])}" for item in others),
        ]
    return "\n".join(parts)


def _drifted(column: dict[str, Any]) -> tuple[str, ...]:
    told = column["change"]["text"] if column["change"] else column["reasons"][0]
    return (_cut(column["name"]), share(column["effect"]), chance(column["p"]), _line(told))


def _metric(item: dict[str, Any]) -> tuple[str, ...]:
    unit = item["unit"]
    verdict = {"breach": "▲ worse", "unknown": "○ unknown"}.get(item["verdict"] or "", "")
    return (item["title"], reading(item["reference"], unit), reading(item["current"], unit), verdict)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[place]) for row in (head, *rows)) for place in range(len(head))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (head, *rows)
    ]


def _cut(name: str) -> str:
    line = _line(name)
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"


def _line(words: str) -> str:
    """Without line feeds and other marks that move a terminal's cursor."""
    return "".join(mark if mark.isprintable() else " " for mark in words)
