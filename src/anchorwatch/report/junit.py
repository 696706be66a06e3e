"""A report as JUnit XML, which every CI system shows."""

from __future__ import annotations

import re
from typing import Any
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from anchorwatch.report.words import chance, reading, share

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(found: dict[str, Any]) -> str:
    """A test case per column and per metric; what failed says why, what cannot be judged is skipped."""
    suites = Element("testsuites", name=_clean(found["name"]))
    table = [item for item in found["findings"] if item["rule"] == "schema" and not _compared(found, item)]
    cases = [
        _case("table", "rows and columns", [item["reason"] for item in table if item["severity"] != "info"])
    ]
    _suite(suites, "table", cases)
    _suite(suites, "columns", [_column(column) for column in found["columns"]])
    _suite(suites, "metrics", [_metric(item) for item in found["metrics"] if not item["class"]])
    for total in ("tests", "failures", "skipped"):
        suites.set(total, str(sum(int(suite.get(total, "0")) for suite in suites)))
    indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(suites, encoding="unicode") + "\n"


def _compared(found: dict[str, Any], item: dict[str, Any]) -> bool:
    return any(column["name"] == item["subject"] for column in found["columns"])


def _suite(parent: Element, name: str, cases: list[Element]) -> None:
    suite = SubElement(parent, "testsuite", name=name, tests=str(len(cases)), errors="0")
    suite.set("failures", str(sum(case.find("failure") is not None for case in cases)))
    suite.set("skipped", str(sum(case.find("skipped") is not None for case in cases)))
    suite.extend(cases)


def _case(suite: str, name: str, failures: list[str], *, said: str = "", skipped: str = "") -> Element:
    case = Element("testcase", classname=f"anchorwatch.{suite}", name=_clean(name), time="0")
    if failures:
        failure = SubElement(case, "failure", message=_clean(failures[0]), type=suite)
        failure.text = _clean("\n".join(failures))
    elif skipped:
        SubElement(case, "skipped", message=_clean(skipped))
    if said:
        SubElement(case, "system-out").text = _clean(said)
    return case


def _column(column: dict[str, Any]) -> Element:
    bad = column["state"] in {"drifted", "broken"}
    told = [column["change"]["text"]] if bad and column["change"] else []
    effect, p = share(column["effect"]), chance(column["p"])
    return _case(
        "columns",
        column["name"],
        [*told, *column["reasons"]] if bad else [],
        said=f"{effect} of rows lie elsewhere, p {p}",
        skipped="; ".join(column["reasons"]) if column["state"] == "unknown" else "",
    )


def _metric(item: dict[str, Any]) -> Element:
    verdict = item["verdict"]
    before, after = reading(item["reference"], item["unit"]), reading(item["current"], item["unit"])
    return _case(
        "metrics",
        item["measure"],
        [item["reason"]] if verdict == "breach" else [],
        said=f"reference {before}, current {after}",
        skipped=item["reason"] if verdict == "unknown" else "",
    )


def _clean(words: str) -> str:
    """Without marks that no XML may hold."""
    return _FORBIDDEN.sub("\ufffd", words)
