"""Logged rows: filters in the address, and where one row stands among the reference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from anchorwatch.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

OPERATORS = ("=", "!=", "<", "<=", ">", ">=", "contains")
FLAG = "_outliers"
_LEADING = ("_at", "_prediction", "_score", "_outcome", FLAG)
_TRAILING = ("_version", "_latency", "_error", "_id")
MAX_FILTERS = 20
_RARE = 0.01


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition on a column."""

    column: str
    op: str
    value: str

    def to_dict(self) -> dict[str, str]:
        """As queries take it."""
        return {"column": self.column, "op": self.op, "value": self.value}


def filters(columns: Sequence[str], ops: Sequence[str], values: Sequence[str]) -> tuple[Filter, ...]:
    """Read repeated `column`, `op` and `value` parameters; a row without a column is no filter.

    >>> filters(["carrier", ""], ["=", "="], ["UA", ""])
    (Filter(column='carrier', op='=', value='UA'),)
    """
    if not len(columns) == len(ops) == len(values):
        raise InputError("filters: give column, op and value as often as each other")
    if len(columns) > MAX_FILTERS:
        raise InputError(f"filters: at most {MAX_FILTERS} can be given, not {len(columns)}")
    for op in ops:
        if op not in OPERATORS:
            raise InputError(f"op {op!r}: take one of {' '.join(OPERATORS)}")
    found = (Filter(*parts) for parts in zip(columns, ops, values, strict=True))
    return tuple(item for item in found if item.column)


def order(columns: Sequence[str]) -> list[int]:
    """Positions of the columns as the table shows them: what was said, what came of it, the inputs, the rest.

    What else the store keeps beside a row, such as its place in a batch, is left out.

    >>> order(["_id", "_at", "dep_delay", "_prediction", "_outcome", "_seq"])
    [1, 3, 4, 2, 0]
    """
    place = {name: index for index, name in enumerate(columns)}
    lead = [place[name] for name in _LEADING if name in place]
    tail = [place[name] for name in _TRAILING if name in place]
    middle = [
        index for index, name in enumerate(columns) if not name.startswith("_") or name.startswith("_score:")
    ]
    return [*lead, *middle, *tail]


def numeric(rows: Sequence[Sequence[Any]]) -> set[int]:
    """Positions of the columns that hold numbers, if anything.

    >>> numeric([[1.5, "a", None], [None, "b", None]])
    {0}
    """
    known = [{type(value) for value in column if value is not None} for column in zip(*rows, strict=True)]
    return {place for place, kinds in enumerate(known) if kinds and kinds <= {int, float}}


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a value stands in the reference.

    `share` is the share of reference rows below it (numbers) or equal to it (categories); `odd` says that it
    is among the outermost or rarest hundredth, or was never seen.
    """

    text: str
    share: float | None
    odd: bool


def standing(value: Any, distribution: Mapping[str, Any]) -> Standing:
    """Read a value's place off a distribution's bins."""
    if value is None:
        missing = (distribution.get("missing") or {}).get("reference")
        return Standing("missing" if missing else "never missing there", None, odd=not missing)
    bins = distribution["bins"]
    if distribution["kind"] == "number":
        return _number_standing(float(value), bins)
    share = next((item["reference"] for item in bins if item["label"] == str(value)), None)
    if share is None:
        return Standing("not in the reference", None, odd=True)
    return Standing(f"{100 * share:.3g} % of rows", share, odd=share < _RARE)


def _number_standing(value: float, bins: Sequence[Mapping[str, Any]]) -> Standing:
    if any(item.get("reference") is None for item in bins) or not bins:
        return Standing("no reference", None, odd=False)
    below = sum(item["reference"] * _part_below(value, item) for item in bins)
    below = min(max(below, 0.0), 1.0)
    return Standing(f"above {100 * below:.3g} %", below, odd=not _RARE <= below <= 1 - _RARE)


def _part_below(value: float, item: Mapping[str, Any]) -> float:
    """The share of a bin under `value`, taking its rows as spread evenly."""
    low, high = item.get("low"), item.get("high")
    if low is None:
        return 1.0 if high is not None and value >= high else 0.0
    if value <= low:
        return 0.0
    if high is None or value >= high:
        return 1.0 if high is not None else 0.5
    return float((value - low) / (high - low))
