"""The model page: which measures stand where, and how a segment compares with the whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from anchorwatch.core.errors import UnknownError
from anchorwatch.core.registry import unknown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Json = dict[str, Any]

VECTORS = "Vectors"
TABS = (
    ("", "Performance"),
    ("drift", "Drift"),
    ("quality", "Data quality"),
    ("service", "Service"),
    ("segments", "Segments"),
    ("versions", "Versions"),
)


def measures_of(model: Mapping[str, Any], family: str, *, subjects: str = "") -> list[Json]:
    """The model's measures of one family, optionally only those whose subjects are `model` or `columns`.

    Left out is what windows do not have: costly measures that no rule asks for, those of vectors without a vector.
    """
    asked = {rule["measure"] for rule in model["rules"]}
    vectors = any(column["kind"] == "vector" for column in model["columns"])
    return [
        item
        for item in model["measures"]
        if item["family"] == family
        and (not subjects or item["subjects"] == subjects)
        and (not item["costly"] or item["name"] in asked)
        and (vectors or item["group"] != VECTORS)
    ]


def first(model: Mapping[str, Any], measures: Iterable[Json]) -> list[Json]:
    """Those a page shows before it is asked to: the main ones, and what a rule of the model's judges."""
    asked = {rule["measure"] for rule in model["rules"]}
    return [item for item in measures if item["main"] or item["name"] in asked]


def grouped(measures: Iterable[Json]) -> dict[str, list[Json]]:
    """Measures under their headings, in order.

    >>> grouped([{"name": "mae", "group": "Errors"}, {"name": "ece", "group": "Calibration"}])
    {'Errors': [{'name': 'mae', 'group': 'Errors'}], 'Calibration': [{'name': 'ece', 'group': 'Calibration'}]}
    """
    found: dict[str, list[Json]] = {}
    for item in measures:
        found.setdefault(item["group"], []).append(item)
    return found


def judging(model: Mapping[str, Any], measure: str) -> list[str]:
    """The names of the rules that judge a measure."""
    return [rule["name"] for rule in model["rules"] if rule["measure"] == measure]


def chosen(measures: Sequence[Json], name: str, default: str = "") -> Json | None:
    """The measure of that name; else the default one; else the first; None when there is none.

    Raises `UnknownError` for a name that is given and not among them.
    """
    named = {item["name"]: item for item in measures}
    if name and name not in named:
        raise UnknownError(unknown("measure", name, named))
    return named.get(name) or named.get(default) or (measures[0] if measures else None)


@dataclass(frozen=True, slots=True)
class Panel:
    """One chart: measures of one kind that share its axes."""

    title: str
    measures: tuple[str, ...]
    stage: str


def panels(measures: Iterable[Mapping[str, Any]]) -> list[Panel]:
    """One chart per measure; quantiles of one thing (`latency_p50`, `latency_p95`) share one.

    >>> [panel.measures for panel in panels([
    ...     {"name": "latency_p50", "title": "Latency, median", "stage": "inputs"},
    ...     {"name": "latency_p99", "title": "Latency, 99th", "stage": "inputs"},
    ...     {"name": "error_rate", "title": "Error rate", "stage": "inputs"}])]
    [('latency_p50', 'latency_p99'), ('error_rate',)]
    """
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for item in measures:
        stem, _, tail = item["name"].rpartition("_p")
        groups.setdefault(stem if stem and tail.isdigit() else item["name"], []).append(item)
    return [
        Panel(
            group[0]["title"] if len(group) == 1 else stem.replace("_", " ").capitalize(),
            tuple(item["name"] for item in group),
            group[0]["stage"],
        )
        for stem, group in groups.items()
    ]


@dataclass(frozen=True, slots=True)
class SegmentRow:
    """A segment's value of the main metric: the latest one known, against the whole at the same window."""

    value: str
    last: float | None
    low: float | None
    high: float | None
    n: int | None
    whole: float | None
    spark: tuple[float | None, ...]
    reason: str
    differs: bool


def segment_row(value: str, series: Mapping[str, Any], whole: Mapping[str, Any]) -> SegmentRow:
    """Compare one segment's series with that of the whole model."""
    at = last_known(series["value"])
    if at is None:
        reasons = [reason for reason in series["reason"] if reason]
        reason = reasons[-1] if reasons else "no rows in this span"
        return SegmentRow(value, None, None, None, None, None, (), reason, differs=False)
    beside = dict(zip(whole["start"], whole["value"], strict=True)).get(series["start"][at])
    low, high = series["low"][at], series["high"][at]
    apart = beside is not None and low is not None and high is not None and not low <= beside <= high
    return SegmentRow(
        value=value,
        last=series["value"][at],
        low=low,
        high=high,
        n=series["n"][at],
        whole=beside,
        spark=tuple(series["value"][-48:]),
        reason="",
        differs=apart,
    )


def by_distance(rows: Sequence[SegmentRow], better: str) -> list[SegmentRow]:
    """Those apart from the whole first, the furthest on its wrong side leading; then by how much is known of them."""
    sign = -1.0 if better == "higher" else 1.0

    def badness(row: SegmentRow) -> tuple[int, float]:
        if row.last is None or row.whole is None:
            return (3, 0.0)
        trust = 2 if row.low is None else int(not row.differs)
        return (trust, -sign * (row.last - row.whole))

    return sorted(rows, key=badness)


def last_known(values: Sequence[float | None]) -> int | None:
    """Index of the last value that is known."""
    return next((index for index in range(len(values) - 1, -1, -1) if values[index] is not None), None)


@dataclass(frozen=True, slots=True)
class Confusion:
    """A confusion matrix with, per cell, its share of the outcome's row and a tone from 0 to 9."""

    labels: tuple[str, ...]
    rows: tuple[tuple[str, tuple[tuple[int, float, int], ...], int], ...]
    total: int


def confusion(result: Mapping[str, Any]) -> Confusion:
    """Rows are outcomes, columns predictions.

    >>> confusion({"labels": ["0", "1"], "matrix": [[90, 10], [5, 5]]}).rows[1]
    ('1', ((5, 0.5, 5), (5, 0.5, 5)), 10)
    """
    rows = []
    for label, counts in zip(result["labels"], result["matrix"], strict=True):
        total = sum(counts)
        shares = [number / total if total else 0.0 for number in counts]
        cells = tuple(
            (int(number), share, round(share * 9 + 0.01))
            for number, share in zip(counts, shares, strict=True)
        )
        rows.append((label, cells, int(total)))
    return Confusion(tuple(result["labels"]), tuple(rows), sum(row[2] for row in rows))


def distribution_chart(result: Mapping[str, Any]) -> Json:
    """Shares per bin, the reference beside now."""
    bins = result["bins"]
    return {
        "kind": result["kind"],
        "label": [bin_["label"] for bin_ in bins],
        "reference": [_share(bin_["reference"]) for bin_ in bins],
        "current": [_share(bin_["current"]) for bin_ in bins],
    }


def distances(measures: Sequence[Json]) -> tuple[list[Json], list[Json]]:
    """The results that are shown first, and the others; of an outcome those that are first of an input."""
    leading = [item for item in measures if item["main"] or item["name"].removeprefix("target_") in _LEADING]
    return leading, [item for item in measures if item not in leading]


_LEADING = frozenset({"drift", "psi", "ks", "jensen_shannon", "wasserstein"})


def named(measures: Iterable[Mapping[str, Any]], found: Mapping[str, Mapping[str, Any]]) -> list[Json]:
    """The results of a distribution with the titles and units of their measures, in the measures' order."""
    return [{**item, **found[item["name"]]} for item in measures if item["name"] in found]


def _share(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
