"""A measure of every column over time, as plain JSON types."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from anchorwatch.app.readings import crowded, refuse_unknown, told
from anchorwatch.core.times import iso
from anchorwatch.flow.panel import WHOLE, Block
from anchorwatch.flow.unkept import Windows, unkept, worked_out
from anchorwatch.stores.ledger.results import Sheets, Spans

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from anchorwatch.app.view import View
    from anchorwatch.flow.ports import Model
    from anchorwatch.profile.measure import Measure
    from anchorwatch.stores.ledger.ledger import Transaction


def heatmap(books: Transaction, view: View, measure: str, buckets: int) -> dict[str, Any]:
    """A measure of every column over time; where there are more windows than buckets, a bucket shows its worst.

    Where buckets would hold many windows shorter than a day each, days are shown, which are kept measured too.
    """
    about = told(measure)
    slice_id = view.slice_id(books)
    if slice_id is not None and crowded(books, view, slice_id, buckets):
        view = replace(view, grain="1d")
    windows, sheets = Spans(), Sheets()
    lacking = [item for item in unkept(view.model, view.segment, [measure]) if not item.costly]
    if slice_id is not None:
        span = (slice_id, view.grain, view.start, view.end)
        windows = books.results.spans(*span)
        sheets = Sheets() if lacking else books.results.tails(*span)
    blocks = [(places, block) for places, _, block in sheets.blocks(measure)]
    if lacking:
        blocks = _blocks(books, view, lacking[0], windows)
    columns = list(dict.fromkeys(subject for _, block in blocks for subject in block.subjects))
    refuse_unknown(measure, columns)
    value = np.full((len(columns), len(windows)), np.nan)
    p = np.full((len(columns), len(windows)), np.nan)
    for places, block in blocks:
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


def _blocks(
    books: Transaction, view: View, item: Measure, windows: Spans
) -> list[tuple[NDArray[np.int64], Block]]:
    """A measure that windows do not keep, of each of them."""
    place = {start: index for index, start in enumerate(windows.start)}
    spans = list(zip(windows.start, windows.finish, strict=True))
    found = worked_out(books, view.model, [item], Windows(view.parts(books), view.grain, spans))
    return [
        (np.array([place[start]]), Block.of(results))
        for start, _, panel in found
        for results in panel
        if results.subjects != WHOLE
    ]


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
