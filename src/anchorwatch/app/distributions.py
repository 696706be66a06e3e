"""Two distributions side by side, as a person reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from anchorwatch.app.likely import cause_body
from anchorwatch.app.readings import result_body
from anchorwatch.app.view import FOREVER
from anchorwatch.core.errors import InputError, UnknownError
from anchorwatch.core.registry import unknown
from anchorwatch.core.schema import Kind
from anchorwatch.core.times import iso
from anchorwatch.drift.kind import kinds
from anchorwatch.drift.subjects import Side
from anchorwatch.explain.causes import causes
from anchorwatch.flow.measure import applicable
from anchorwatch.profile.grid import OUTCOME
from anchorwatch.profile.profile import Profile

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from anchorwatch.app.view import View
    from anchorwatch.profile.grid import Grid
    from anchorwatch.profile.parts import Numbers
    from anchorwatch.stores.ledger.ledger import Transaction

BARS = 32
LEVELS = 24
Pair = tuple[Profile | None, Profile]


def compared(books: Transaction, view: View, column: str) -> dict[str, Any]:
    """A column in the span of a view beside the reference: bars, every measure of it, what kind of change it was.

    `change` is None where there is nothing to compare with, `cause` where the change is not beyond chance.
    """
    vectors = {item.name for item in view.model.spec.columns if item.kind is Kind.VECTOR}
    profile = view.profile(books, view.start, view.end, rows=column in vectors)
    if profile is None:
        start, end = (iso(at) if at not in FOREVER else "…" for at in (view.start, view.end))
        raise InputError(f"no window of {view.model.spec.name!r} starts between {start} and {end}")
    reference = view.reference(books, profile, view.start)
    body = distribution((reference, profile), column)
    vector = column in profile.grid.vectors
    asked = [
        item
        for item in applicable(view.model.spec.task)
        if item.kinds and (Kind.VECTOR in item.kinds) == vector
    ]
    results = [item(reference, profile) for item in asked]
    return {
        **body,
        "start": iso(view.start),
        "end": None if view.end >= FOREVER[1] else iso(view.end),
        "measures": {
            found.measure: result_body(found[column]) for found in results if column in found.subjects
        },
        **_change(reference, profile, column),
    }


def _change(reference: Profile | None, profile: Profile, column: str) -> dict[str, Any]:
    side = Side.TARGET if column == OUTCOME else Side.INPUTS
    change = None if reference is None else kinds(reference, profile, side).get(column)
    cause = next((item for item in causes(reference, profile) if item.column == column), None)
    return {
        "change": None if change is None else {"kind": change.kind.value, "text": change.text},
        "cause": None if cause is None else cause_body(cause),
    }


def distribution(pair: Pair, column: str) -> dict[str, Any]:
    """Shares per bar of the reference (when there is one) and of the current window; missing told apart."""
    grid = pair[1].grid
    if column in grid.vectors:
        return {"column": column, "kind": "vector", "bins": [], "unseen": [], **_events(pair)}
    if column in grid.numbers:
        return {"column": column, "kind": "number", **_numbers(pair, grid.numbers.index(column))}
    if column in grid.categories:
        return {"column": column, "kind": "category", **_categories(pair, grid.categories.index(column))}
    raise UnknownError(unknown("column", column, [*grid.numbers, *grid.categories, *grid.vectors]))


def _events(pair: Pair) -> dict[str, Any]:
    """How many rows; of vectors neither bars nor missing ones are kept."""
    before, now = pair
    return {
        "reference_n": None if before is None else before.events,
        "current_n": now.events,
        "missing": {"reference": None, "current": None},
    }


def _numbers(pair: Pair, place: int) -> dict[str, Any]:
    grid = pair[1].grid
    edges = grid.edges[place]
    counts = [
        None if item is None or item.numbers is None else _counts(item, place, len(edges)) for item in pair
    ]
    missing = [None if item is None else _missing_numbers(item, place) for item in pair]
    sides = _bars(grid, place, [item for item in pair if item is not None and item.numbers is not None])
    shares = [
        None if item is None or item.numbers is None else _shares(item.numbers, place, edges, sides)
        for item in pair
    ]
    return {
        "bins": [
            {
                "label": _span(sides, bar),
                "low": None if bar == 0 else float(sides[bar - 1]),
                "high": None if bar == len(sides) else float(sides[bar]),
                "reference": None if shares[0] is None else float(shares[0][bar]),
                "current": None if shares[1] is None else float(shares[1][bar]),
            }
            for bar in range(len(sides) + 1)
        ],
        **_totals(counts, missing),
        "unseen": [],
    }


def _counts(profile: Profile, place: int, edges: int) -> NDArray[np.int64]:
    if profile.numbers is None:
        return np.zeros(edges + 1, np.int64)
    return profile.numbers.counts[place, : edges + 1]


def _missing_numbers(profile: Profile, place: int) -> int:
    return 0 if profile.numbers is None else int(profile.numbers.missing[place])


def _bars(grid: Grid, place: int, profiles: list[Profile]) -> NDArray[np.float64]:
    """Edges of the bars shown: the values themselves when they are few, else equal widths over the bulk."""
    first, last = grid.ranges[place].tolist()
    edges = grid.edges[place][first : last + 1]
    atoms = edges[1:][np.diff(edges) <= np.abs(np.spacing(edges[1:])) * 2] if edges.size > 1 else edges
    if edges.size and atoms.size * 2 >= edges.size - 1 and atoms.size <= BARS:
        return np.unique(edges)
    lows = [item.numbers.low[place] for item in profiles if item.numbers is not None]
    highs = [item.numbers.high[place] for item in profiles if item.numbers is not None]
    low, high = min(lows, default=np.inf), max(highs, default=-np.inf)
    if not np.isfinite([low, high]).all() or low >= high:
        return edges[[0, -1]] if edges.size else np.zeros(1)
    if edges.size > 2:
        spread = edges[-2] - edges[1]
        low, high = max(low, edges[1] - 2 * spread), min(high, edges[-2] + 2 * spread)
    return np.linspace(low, high, BARS - 1)


def _shares(
    part: Numbers, place: int, edges: NDArray[np.float64], sides: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Mass per bar, spreading a fine bin's mass evenly over its width.

    What lies beyond the reference's range is spread up to the farthest value.
    """
    counts = part.counts[place, : len(edges) + 1]
    total = counts.sum()
    if not total:
        return np.zeros(len(sides) + 1)
    below = min(float(part.low[place]), float(np.nextafter(edges[0], -np.inf)))
    above = max(float(part.high[place]), float(np.nextafter(edges[-1], np.inf)))
    at = np.interp(
        sides,
        np.concatenate([[below], edges, [above]]),
        np.concatenate([[0.0], np.cumsum(counts)]),
        left=0.0,
        right=float(total),
    )
    shares: NDArray[np.float64] = np.diff(np.concatenate([[0.0], at, [float(total)]])) / total
    return shares


def _span(sides: NDArray[np.float64], bar: int) -> str:
    if bar == 0:
        return f"≤ {sides[0]:.4g}"
    if bar == len(sides):
        return f"> {sides[-1]:.4g}"
    low, high = sides[bar - 1], sides[bar]
    return f"{high:.6g}" if high - low <= abs(np.spacing(high)) * 2 else f"{low:.4g} – {high:.4g}"


def _categories(pair: Pair, place: int) -> dict[str, Any]:
    levels = pair[1].grid.levels[place]
    counts = [
        None if item is None or item.categories is None else item.categories.counts[place] for item in pair
    ]
    unseen = [
        0 if item is None or item.categories is None else int(item.categories.unseen[place]) for item in pair
    ]
    missing = [
        None if item is None else (0 if item.categories is None else int(item.categories.missing[place]))
        for item in pair
    ]
    totals = [
        None if item is None else int(item.sum()) + more for item, more in zip(counts, unseen, strict=True)
    ]
    weight = sum((item / max(item.sum(), 1) for item in counts if item is not None), np.zeros(len(levels)))
    shown = np.argsort(-weight, kind="stable")[:LEVELS]
    rest = np.setdiff1d(np.arange(len(levels)), shown)
    bins = [_bar(levels[level], counts, totals, [level]) for level in shown]
    if rest.size:
        bins.append(_bar(f"{rest.size} others", counts, totals, rest.tolist()))
    if any(unseen):
        parts = [
            None if total is None else more / max(total, 1)
            for more, total in zip(unseen, totals, strict=True)
        ]
        bins.append(
            {"label": "unseen", "low": None, "high": None, "reference": parts[0], "current": parts[1]}
        )
    names = pair[1].categories.names[place] if pair[1].categories else {}
    return {
        "bins": bins,
        "reference_n": totals[0],
        "current_n": totals[1] or 0,
        "missing": {"reference": _ratio(missing[0], totals[0]), "current": _ratio(missing[1], totals[1])},
        "unseen": [
            {"value": value, "count": count}
            for value, count in sorted(names.items(), key=lambda item: -item[1])[:20]
        ],
    }


def _bar(label: str, counts: list[Any], totals: list[int | None], levels: list[int]) -> dict[str, Any]:
    shares = [
        None if item is None else float(item[levels].sum() / max(total or 0, 1))
        for item, total in zip(counts, totals, strict=True)
    ]
    return {"label": label, "low": None, "high": None, "reference": shares[0], "current": shares[1]}


def _totals(counts: list[Any], missing: list[int | None]) -> dict[str, Any]:
    sizes = [None if item is None else int(item.sum()) for item in counts]
    return {
        "reference_n": sizes[0],
        "current_n": sizes[1] or 0,
        "missing": {"reference": _ratio(missing[0], sizes[0]), "current": _ratio(missing[1], sizes[1])},
    }


def _ratio(missing: int | None, known: int | None) -> float | None:
    if missing is None:
        return None
    total = missing + (known or 0)
    return missing / total if total else None
