"""Figures over time, as plain JSON types."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from anchorwatch.app.groups import group_of, is_main, place_of
from anchorwatch.app.view import stored_grains
from anchorwatch.core.errors import InputError
from anchorwatch.core.registry import unknown
from anchorwatch.core.results import Value
from anchorwatch.core.times import iso, span_micros
from anchorwatch.core.types import Stage
from anchorwatch.flow.bands import grounds_of, newest_reference
from anchorwatch.flow.measure import applicable, measure_all
from anchorwatch.profile.measure import MEASURES, Family
from anchorwatch.stores.ledger.results import Sheets, Spans

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from anchorwatch.app.view import View
    from anchorwatch.core.results import Missing
    from anchorwatch.core.schema import Task
    from anchorwatch.flow.ports import Model
    from anchorwatch.profile.measure import Measure
    from anchorwatch.stores.ledger.ledger import Transaction

MATURITY = "maturity"
_WINDOWS_A_BUCKET = 8
_MANY = 500
FIGURES = ("value", "low", "high", "p", "n", "reason")


def described(item: Measure, task: Task | None = None) -> dict[str, Any]:
    """A measure as lists show it; `main` is whether pages of the task show it first."""
    return {
        "name": item.name,
        "title": item.title,
        "family": item.family.value,
        "group": group_of(item),
        "main": is_main(item, task),
        "costly": item.costly,
        "stage": item.stage.value,
        "unit": item.unit,
        "better": item.better,
        "low": _finite(item.low),
        "high": _finite(item.high),
        "subjects": item.subjects,
        "source": item.source,
    }


def measures_of(task: Task) -> list[dict[str, Any]]:
    """The measures of a task, of each family the main ones first."""
    ranked = sorted(applicable(task), key=lambda item: place_of(item, task))
    return [described(item, task) for item in ranked]


def told(measure: str) -> dict[str, str]:
    """Title, unit, better side and stage of a measure; of one that is not imported any more only its name is known."""
    if measure not in MEASURES:
        return {"title": measure, "unit": "", "better": "none", "stage": Stage.OUTCOMES.value}
    about = MEASURES[measure]
    return {"title": about.title, "unit": about.unit, "better": about.better, "stage": about.stage.value}


def result_body(found: Value | Missing) -> dict[str, Any]:
    """A value or a reason."""
    if isinstance(found, Value):
        return {
            "value": found.value,
            "low": found.low,
            "high": found.high,
            "p": found.p,
            "n": found.n,
            "reason": None,
        }
    return {"value": None, "low": None, "high": None, "p": None, "n": found.n, "reason": found.reason}


def series(books: Transaction, view: View, measure: str, subject: str) -> dict[str, Any]:
    """One measure of one subject, window by window, columnar."""
    columns = _kept(books, view, measure, subject) if view.stored else _summed(books, view, measure, subject)
    _refuse_unknown(measure, columns["start"])
    return {
        "measure": measure,
        **told(measure),
        "subject": subject,
        "grain": view.grain,
        "reference": reference_body(books, view.model, measure, subject),
        **columns,
    }


def _refuse_unknown(measure: str, found: Sequence[Any]) -> None:
    """A name that is not registered may still have results: its module is not imported any more."""
    if measure not in MEASURES and not found:
        raise InputError(unknown("measure", measure, MEASURES))


def _kept(books: Transaction, view: View, measure: str, subject: str) -> dict[str, list[Any]]:
    """Straight from the results: no profile is touched."""
    slice_id = view.slice_id(books)
    if slice_id is None:
        return {name: [] for name in (*FIGURES, "start", "end", "maturity")}
    span = (slice_id, view.grain, view.start, view.end)
    windows, heads = books.results.heads(*span)
    line = _Line.read(heads if subject == "" else books.results.tails(*span), len(windows), measure, subject)
    ripe = _Line.read(heads, len(windows), MATURITY, "")
    here = np.flatnonzero(line.here)
    reason: list[str | None] = [None] * len(windows)
    for place, text in line.reasons.items():
        reason[place] = text
    return {
        **{name: _known(getattr(line, name)[here]) for name in ("value", "low", "high", "p")},
        "n": line.n[here].tolist(),
        "reason": reason if len(here) == len(reason) else [reason[place] for place in here.tolist()],
        "start": isos(np.array(windows.start, np.int64)[here]),
        "end": isos(np.array(windows.finish, np.int64)[here]),
        "maturity": _known(ripe.value[here]),
    }


@dataclass(frozen=True, slots=True, eq=False)
class _Line:
    """One measure of one subject in many windows; `here` says which of them have it."""

    here: NDArray[np.bool_]
    value: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    p: NDArray[np.float64]
    n: NDArray[np.int64]
    reasons: dict[int, str | None]

    @classmethod
    def read(cls, sheets: Sheets, count: int, measure: str, subject: str) -> _Line:
        """Put together what the sheets of several layouts say."""
        value, low, high, p = np.full((4, count), np.nan)
        line = cls(np.zeros(count, bool), value, low, high, p, np.zeros(count, np.int64), {})
        for places, sheet, block in sheets.blocks(measure):
            if subject not in block.subjects:
                continue
            at = block.subjects.index(subject)
            line.here[places] = True
            for name in ("value", "low", "high", "p", "n"):
                getattr(line, name)[places] = getattr(block, name)[:, at]
            codes = block.reason[:, at]
            for row in np.flatnonzero(codes).tolist():
                line.reasons[int(places[row])] = sheet.reason(row, int(codes[row]))
        return line


def _known(numbers: NDArray[np.float64]) -> list[float | None]:
    known: list[float | None] = numbers.tolist()
    for place in np.flatnonzero(np.isnan(numbers)).tolist():
        known[place] = None
    return known


def _summed(books: Transaction, view: View, measure: str, subject: str) -> dict[str, list[Any]]:
    """Profiles added up to longer windows, then measured."""
    slice_id = view.slice_id(books)
    points: list[tuple[str, str, Value | Missing, float | None]] = []
    base = view.model.spec.window.text
    first = None if slice_id is None else books.results.first(slice_id, base, view.start)
    last = None if slice_id is None else books.results.latest(slice_id, base, view.end)
    nothing = first is None or last is None or measure not in MEASURES
    for start, end in () if nothing else view.spans(first or 0, last or 0):
        profile = view.profile(books, start, end)
        if profile is None:
            continue
        results = MEASURES[measure](view.reference(books, profile, start), profile)
        if subject not in results.subjects:
            continue
        ripe = MEASURES[MATURITY](None, profile)
        maturity = ripe.at(0) if len(ripe) else None
        ratio = maturity.value if isinstance(maturity, Value) else None
        points.append((iso(start), iso(end), results[subject], ratio))
    bodies = [result_body(found) for _, _, found, _ in points]
    return {
        "start": [start for start, _, _, _ in points],
        "end": [end for _, end, _, _ in points],
        "maturity": [ratio for _, _, _, ratio in points],
        **{name: [body[name] for body in bodies] for name in FIGURES},
    }


def reference_body(books: Transaction, model: Model, measure: str, subject: str) -> dict[str, Any] | None:
    """The measure on the reference itself, and its mean and spread over the reference's windows."""
    reference = newest_reference(books, model)
    if reference is None or measure not in MEASURES:
        return None
    ground = grounds_of(model.spec, reference, measure).get(subject)
    band = None if ground is None else ground.band
    value = low = high = None
    if MEASURES[measure].family is not Family.DRIFT:
        results = MEASURES[measure](reference.profile, reference.profile)
        found = results[subject] if subject in results.subjects else None
        if isinstance(found, Value):
            value, low, high = found.value, found.low, found.high
    if value is None and band is None:
        return None
    return {
        "value": value,
        "low": low,
        "high": high,
        "mean": band.mean if band else None,
        "sd": band.sd if band else None,
    }


def heatmap(books: Transaction, view: View, measure: str, buckets: int) -> dict[str, Any]:
    """A measure of every column over time; where there are more windows than buckets, a bucket shows its worst.

    Where buckets would hold many windows shorter than a day each, days are shown, which are kept measured too.
    """
    about = told(measure)
    slice_id = view.slice_id(books)
    if slice_id is not None and _crowded(books, view, slice_id, buckets):
        view = replace(view, grain="1d")
    windows, sheets = Spans(), Sheets()
    if slice_id is not None:
        span = (slice_id, view.grain, view.start, view.end)
        windows, sheets = books.results.spans(*span), books.results.tails(*span)
    blocks = sheets.blocks(measure)
    columns = list(dict.fromkeys(subject for _, _, block in blocks for subject in block.subjects))
    _refuse_unknown(measure, columns)
    value = np.full((len(columns), len(windows)), np.nan)
    p = np.full((len(columns), len(windows)), np.nan)
    for places, _, block in blocks:
        lines = np.array([columns.index(subject) for subject in block.subjects])
        value[np.ix_(lines, places)] = block.value.T
        p[np.ix_(lines, places)] = block.p.T
    breach = _breaches(books, view, measure, columns, windows)
    return {
        "measure": measure,
        "title": about["title"],
        "unit": about["unit"],
        "limit": _limit(view.model, measure),
        "grain": view.grain,
        **_bucketed(columns, windows, (value, p, breach), buckets),
    }


def _breaches(
    books: Transaction, view: View, measure: str, columns: Sequence[str], windows: Spans
) -> NDArray[np.bool_]:
    """Which columns were a breach in each window's span, in that window or in one it holds."""
    found = books.judgements.breaches(view.model.id, measure, view.start, view.end)
    lines = {column: line for line, column in enumerate(columns)}
    hit = np.zeros((len(columns), len(windows)), dtype=bool)
    for start, subject, _, segment in found:
        place = bisect_right(windows.start, start) - 1
        if segment == view.segment and subject in lines and place >= 0 and start < windows.finish[place]:
            hit[lines[subject], place] = True
    return hit


def _crowded(books: Transaction, view: View, slice_id: int, buckets: int) -> bool:
    if "1d" not in stored_grains(view.model) or view.grain == "1d":
        return False
    first = books.results.first(slice_id, view.grain, view.start)
    last = books.results.latest(slice_id, view.grain, view.end)
    length = span_micros(view.model.spec.window.length)
    return (
        first is not None
        and last is not None
        and (last - first) // length > max(_MANY, _WINDOWS_A_BUCKET * buckets)
    )


def _limit(model: Model, measure: str) -> float | None:
    return next(
        (rule.above for rule in model.rules if rule.measure == measure and rule.above is not None), None
    )


def _bucketed(
    columns: list[str], windows: Spans, layers: tuple[Any, Any, Any], buckets: int
) -> dict[str, Any]:
    value, p, breach = layers
    every = max(-(-len(windows) // max(buckets, 1)), 1)
    edges = list(range(0, len(windows), every))
    shape = (len(edges), len(columns))
    with np.errstate(all="ignore"):
        worst = np.array([_nanmax(value[:, begin : begin + every]) for begin in edges]).reshape(shape).T
        least = np.array([_nanmax(-p[:, begin : begin + every]) for begin in edges]).reshape(shape).T
    hit = np.array([breach[:, begin : begin + every].any(axis=1) for begin in edges]).reshape(shape).T
    order = (
        np.argsort(-np.nan_to_num(_nanmax(worst), nan=-1.0), kind="stable") if edges else range(len(columns))
    )
    return {
        "columns": [columns[place] for place in order],
        "start": [iso(windows.start[begin]) for begin in edges],
        "end": [iso(windows.finish[min(begin + every, len(windows)) - 1]) for begin in edges],
        "value": [_plain(worst[place]) for place in order] if edges else [],
        "p": [_plain(-least[place]) for place in order] if edges else [],
        "breach": [hit[place].tolist() for place in order] if edges else [],
    }


def _nanmax(array: Any) -> Any:
    """Row maxima, NaN where a row has no number."""
    known = np.where(np.isnan(array), -np.inf, array)
    top = known.max(axis=1, initial=-np.inf)
    return np.where(np.isneginf(top), np.nan, top)


def _plain(numbers: Any) -> list[float | None]:
    return [None if np.isnan(number) else round(float(number), 6) for number in numbers]


def window_results(books: Transaction, view: View, start: int, end: int) -> list[dict[str, Any]]:
    """Every measure of one span."""
    profile = view.profile(books, start, end)
    if profile is None:
        return []
    panel = measure_all(applicable(view.model.spec.task), view.reference(books, profile, start), profile)
    return [
        {"measure": results.measure, "subject": subject, **result_body(found)}
        for results in panel
        for subject, found in results
    ]


def isos(times: NDArray[np.int64]) -> list[str]:
    """`core.times.iso` of many moments, quicker when they are whole seconds."""
    return list(_isos(times.tobytes()))


@lru_cache(maxsize=8)
def _isos(raw: bytes) -> tuple[str, ...]:
    """The charts of one page ask for the same windows one after the other."""
    times = np.frombuffer(raw, np.int64)
    if (times % 1_000_000).any():
        return tuple(iso(at) for at in times.tolist())
    texts = np.datetime_as_string((times // 1_000_000).astype("datetime64[s]"), timezone="UTC")
    return tuple(texts.tolist())


def _finite(number: float) -> float | None:
    return number if np.isfinite(number) else None
