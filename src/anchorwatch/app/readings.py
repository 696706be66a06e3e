"""Figures over time, as plain JSON types."""

from __future__ import annotations

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
from anchorwatch.flow.unkept import Windows, unkept, worked_out
from anchorwatch.profile.measure import MEASURES, Family
from anchorwatch.stores.ledger.results import Sheets, Spans

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from anchorwatch.app.view import View
    from anchorwatch.core.results import Missing, Results
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
    """One measure of one subject, window by window, columnar.

    Of a measure that windows do not keep days are shown where windows shorter than that would be many.
    """
    lacking = unkept(view.model, view.segment, [measure]) if view.stored else []
    if lacking and not lacking[0].costly:
        slice_id = view.slice_id(books)
        if slice_id is not None and crowded(books, view, slice_id, _MANY // _WINDOWS_A_BUCKET):
            view = replace(view, grain="1d")
        columns = _worked_out(books, view, lacking[0], subject)
    elif view.stored:
        columns = _kept(books, view, measure, subject)
    else:
        columns = _summed(books, view, measure, subject)
    refuse_unknown(measure, columns["start"])
    return {
        "measure": measure,
        **told(measure),
        "subject": subject,
        "grain": view.grain,
        "reference": reference_body(books, view.model, measure, subject),
        **columns,
    }


def refuse_unknown(measure: str, found: Sequence[Any]) -> None:
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
    points: list[Point] = []
    base = view.model.spec.window.text
    first = None if slice_id is None else books.results.first(slice_id, base, view.start)
    last = None if slice_id is None else books.results.latest(slice_id, base, view.end)
    nothing = first is None or last is None or measure not in MEASURES
    rows = measure in MEASURES and "sample" in MEASURES[measure].needs
    for start, end in () if nothing else view.spans(first or 0, last or 0):
        profile = view.profile(books, start, end, rows=rows)
        if profile is None:
            continue
        results = MEASURES[measure](view.reference(books, profile, start), profile)
        if subject not in results.subjects:
            continue
        points.append((start, end, results[subject], _ratio(MEASURES[MATURITY](None, profile))))
    return _lined(points)


Point = tuple[int, int, "Value | Missing", float | None]
"""Start, end, what was found there, and the share of predictions whose outcome is known."""


def _worked_out(books: Transaction, view: View, item: Measure, subject: str) -> dict[str, list[Any]]:
    """A measure that windows do not keep, from their profiles."""
    points: list[Point] = []
    for start, end, panel in worked_out(books, view.model, [item, MEASURES[MATURITY]], _windows(books, view)):
        found = {results.measure: results for results in panel}
        if item.name in found and subject in found[item.name].subjects:
            points.append((start, end, found[item.name][subject], _ratio(found.get(MATURITY))))
    return _lined(points)


def _windows(books: Transaction, view: View) -> Windows:
    slice_id = view.slice_id(books)
    spans = Spans() if slice_id is None else books.results.spans(slice_id, view.grain, view.start, view.end)
    return Windows(view.parts(books), view.grain, list(zip(spans.start, spans.finish, strict=True)))


def _ratio(maturity: Results | None) -> float | None:
    found = maturity.at(0) if maturity is not None and len(maturity) else None
    return found.value if isinstance(found, Value) else None


def _lined(points: Sequence[Point]) -> dict[str, list[Any]]:
    bodies = [result_body(found) for _, _, found, _ in points]
    return {
        "start": [iso(start) for start, _, _, _ in points],
        "end": [iso(end) for _, end, _, _ in points],
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


def crowded(books: Transaction, view: View, slice_id: int, buckets: int) -> bool:
    """Whether a view's windows are shorter than a day and would be many to each of so many buckets."""
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
