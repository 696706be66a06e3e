"""Figures over time, as plain JSON types."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from anchorwatch.app.view import stored_grains
from anchorwatch.core.results import Value
from anchorwatch.core.times import iso, span_micros
from anchorwatch.flow.bands import grounds_of, newest_reference
from anchorwatch.flow.measure import applicable, measure_all
from anchorwatch.flow.panel import read_block, reason_of
from anchorwatch.profile.measure import MEASURES, Family

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from anchorwatch.app.view import View
    from anchorwatch.core.results import Missing
    from anchorwatch.flow.panel import Block
    from anchorwatch.flow.ports import Model
    from anchorwatch.profile.measure import Measure
    from anchorwatch.stores.ledger.ledger import Transaction

MATURITY = "maturity"
_WINDOWS_A_BUCKET = 8
_MANY = 500
FIGURES = ("value", "low", "high", "p", "n", "reason")


def described(item: Measure) -> dict[str, Any]:
    """A measure as lists show it."""
    return {
        "name": item.name,
        "title": item.title,
        "family": item.family.value,
        "stage": item.stage.value,
        "unit": item.unit,
        "better": item.better,
        "low": _finite(item.low),
        "high": _finite(item.high),
        "subjects": item.subjects,
        "source": item.source,
    }


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
    about = MEASURES[measure]
    columns = _kept(books, view, measure, subject) if view.stored else _summed(books, view, measure, subject)
    return {
        "measure": measure,
        "title": about.title,
        "unit": about.unit,
        "better": about.better,
        "subject": subject,
        "grain": view.grain,
        "stage": about.stage.value,
        "reference": reference_body(books, view.model, measure, subject),
        **columns,
    }


def _kept(books: Transaction, view: View, measure: str, subject: str) -> dict[str, list[Any]]:
    """Straight from the results: no profile is touched."""
    slice_id = view.slice_id(books)
    columns: dict[str, list[Any]] = {name: [] for name in (*FIGURES, "start", "end", "maturity")}
    rows = [] if slice_id is None else books.results.rows(slice_id, view.grain, view.start, view.end)
    for number, group in groupby(rows, key=lambda row: row.layout_id):
        some, layout = list(group), books.results.layout(number)
        blobs = [row.blob for row in some]
        block = read_block(layout, blobs, measure)
        if block is None or subject not in block.subjects:
            continue
        at = block.subjects.index(subject)
        for name in ("value", "low", "high", "p"):
            columns[name] += _known(getattr(block, name)[:, at])
        columns["n"] += block.n[:, at].tolist()
        codes = block.reason[:, at].tolist()
        columns["reason"] += [reason_of(layout, blob, code) for blob, code in zip(blobs, codes, strict=True)]
        columns["start"] += isos([row.start for row in some])
        columns["end"] += isos([row.finish for row in some])
        ripe = read_block(layout, blobs, MATURITY)
        columns["maturity"] += [None] * len(some) if ripe is None else _known(ripe.value[:, 0])
    return columns


def _known(numbers: NDArray[np.float64]) -> list[float | None]:
    return [None if number != number else number for number in numbers.tolist()]  # noqa: PLR0124 - NaN alone does


def _summed(books: Transaction, view: View, measure: str, subject: str) -> dict[str, list[Any]]:
    """Profiles added up to longer windows, then measured."""
    slice_id = view.slice_id(books)
    points: list[tuple[str, str, Value | Missing, float | None]] = []
    base = view.model.spec.window.text
    first = None if slice_id is None else books.results.first(slice_id, base, view.start)
    last = None if slice_id is None else books.results.latest(slice_id, base, view.end)
    for start, end in () if first is None or last is None else view.spans(first, last):
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
    if reference is None:
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
    about = MEASURES[measure]
    slice_id = view.slice_id(books)
    if slice_id is not None and _crowded(books, view, slice_id, buckets):
        view = replace(view, grain="1d")
    rows = [] if slice_id is None else books.results.rows(slice_id, view.grain, view.start, view.end)
    blocks = _blocks(books, rows, measure)
    columns = list(dict.fromkeys(subject for _, block in blocks for subject in block.subjects))
    value = np.full((len(columns), len(rows)), np.nan)
    p = np.full((len(columns), len(rows)), np.nan)
    for places, block in blocks:
        lines = [columns.index(subject) for subject in block.subjects]
        value[np.ix_(lines, places)] = block.value.T
        p[np.ix_(lines, places)] = block.p.T
    breach = _breaches(books, view, measure, columns, rows)
    return {
        "measure": measure,
        "title": about.title,
        "unit": about.unit,
        "limit": _limit(view.model, measure),
        "grain": view.grain,
        **_bucketed(columns, rows, (value, p, breach), buckets),
    }


def _blocks(books: Transaction, rows: Sequence[Any], measure: str) -> list[tuple[list[int], Block]]:
    """The measure in panels of each layout, with the places of those rows."""
    places: dict[int, list[int]] = {}
    for place, row in enumerate(rows):
        places.setdefault(row.layout_id, []).append(place)
    found = []
    for number, some in places.items():
        block = read_block(books.results.layout(number), [rows[place].blob for place in some], measure)
        if block is not None:
            found.append((some, block))
    return found


def _breaches(
    books: Transaction, view: View, measure: str, columns: Sequence[str], rows: Sequence[Any]
) -> NDArray[np.bool_]:
    """Which columns were a breach in each row's span, in the row's own window or in one it holds."""
    found = books.judgements.breaches(view.model.id, measure, view.start, view.end)
    lines = {column: line for line, column in enumerate(columns)}
    starts = [row.start for row in rows]
    hit = np.zeros((len(columns), len(rows)), dtype=bool)
    for start, subject, _, segment in found:
        place = bisect_right(starts, start) - 1
        if segment == view.segment and subject in lines and place >= 0 and start < rows[place].finish:
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
    columns: list[str], rows: Sequence[Any], layers: tuple[Any, Any, Any], buckets: int
) -> dict[str, Any]:
    value, p, breach = layers
    every = max(-(-len(rows) // max(buckets, 1)), 1)
    edges = list(range(0, len(rows), every))
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
        "start": [iso(rows[begin].start) for begin in edges],
        "end": [iso(rows[min(begin + every, len(rows)) - 1].finish) for begin in edges],
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


def isos(times: Sequence[int]) -> list[str]:
    """`core.times.iso` of many moments, quicker when they are whole seconds."""
    micros = np.array(times, np.int64)
    if (micros % 1_000_000).any():
        return [iso(at) for at in times]
    texts = np.datetime_as_string((micros // 1_000_000).astype("datetime64[s]"), timezone="UTC")
    return [str(text) for text in texts.tolist()]


def _finite(number: float) -> float | None:
    return number if np.isfinite(number) else None
