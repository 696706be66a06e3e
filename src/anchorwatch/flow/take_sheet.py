"""What was handed in, laid out by the place each cell has in an event, whatever form it came in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import polars as pl

from anchorwatch.core.errors import InputError, TooLargeError
from anchorwatch.core.registry import unknown
from anchorwatch.core.schema import Fields, Kind, Task
from anchorwatch.core.types import EventKind
from anchorwatch.flow.take_cells import FEW, Cells, Fault, flag, show

if TYPE_CHECKING:
    from anchorwatch.core.schema import ModelSpec
    from anchorwatch.flow.take_batch import Limits

FIELDS = {
    EventKind.PREDICTIONS: (
        "id",
        "at",
        "version",
        "prediction",
        "score",
        "scores",
        "latency",
        "error",
        "features",
    ),
    EventKind.OUTCOMES: ("id", "at", "outcome"),
}
"""Keys of an event in JSON."""

DTYPES: dict[Kind, pl.DataType] = {
    Kind.NUMBER: pl.Float64(),
    Kind.CATEGORY: pl.String(),
    Kind.VECTOR: pl.List(pl.Float32),
}
"""Of each kind of input, the type of its canonical column."""


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """Cells by their place; what is not there was not given.

    `inputs` is a frame when its columns are canonical already. No text is longer than `longest` bytes.
    """

    count: int
    fields: dict[str, Cells]
    scores: dict[str, Cells] = field(default_factory=dict)
    inputs: pl.DataFrame | dict[str, Cells] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()
    longest: int = 2**62


# events in JSON --------------------------------------------------------------------------------------------


def sheet_of_events(spec: ModelSpec, kind: EventKind, events: list[Any], longest: int) -> Sheet:
    """Lay out events as JSON gives them; anything that is no event is a fault."""
    faults: list[Fault] = []
    rows = _objects("", events, 'an event is an object such as {"id": …}', faults)
    known = FIELDS[kind]
    present = set().union(*rows)
    if not present.issubset(known):
        faults.append(_strangers("field", "", rows, known))
    cells = {name: [row.get(name) for row in rows] for name in known if name in present}
    features = _objects("features", cells.pop("features", []), "features are an object", faults)
    scores = _objects("scores", cells.pop("scores", []), "scores are an object of label to number", faults)
    faults.extend(_misplaced(spec, cells, scores))
    labels = spec.score_labels if spec.task is Task.MULTICLASS else ()
    if scores and labels and not set().union(*scores).issubset(labels):
        faults.append(_strangers("label", "scores.", scores, labels))
    return Sheet(
        count=len(rows),
        fields=dict(cells),
        scores={label: [row.get(label) for row in scores] for label in labels if scores},
        inputs=_inputs(spec, features, faults) if features else {},
        faults=tuple(faults),
        longest=longest,
    )


def _objects(name: str, values: list[Any], need: str, faults: list[Fault]) -> list[dict[str, Any]]:
    """The values with `{}` for what is none, which is a fault unless it is just missing."""
    if all(type(value) is dict for value in values):
        return values
    odd = pl.Series([type(value) is not dict and (value is not None or not name) for value in values])
    faults.extend(flag(name, odd, lambda row: f"{need}, {show(values[row])} was given"))
    return [value if type(value) is dict else {} for value in values]


def _strangers(kind: str, prefix: str, rows: list[dict[str, Any]], known: tuple[str, ...]) -> Fault:
    """Rows with names that nobody declared."""
    names = frozenset(known)
    bad = pl.Series([not row.keys() <= names for row in rows], dtype=pl.Boolean)

    def tell(row: int) -> tuple[str, str]:
        name = next(name for name in rows[row] if name not in names)[:80]
        return prefix + name, unknown(kind, name, known[:500])

    return Fault(bad, tell)


def _misplaced(spec: ModelSpec, cells: dict[str, list[Any]], scores: list[dict[str, Any]]) -> list[Fault]:
    """Scores of a kind that the task does not have."""
    faults: list[Fault] = []
    if spec.task is not Task.BINARY and "score" in cells:
        given = pl.Series([value is not None for value in cells.pop("score")], dtype=pl.Boolean)
        remedy = "; write scores, by label" if spec.task is Task.MULTICLASS else ""
        faults.extend(flag("score", given, f"a {spec.task} model has no single score{remedy}"))
    if spec.task is not Task.MULTICLASS and any(scores):
        given = pl.Series([bool(row) for row in scores], dtype=pl.Boolean)
        remedy = "; write score, that of the positive class" if spec.task is Task.BINARY else ""
        faults.extend(flag("scores", given, f"a {spec.task} model has no scores by label{remedy}"))
    return faults


def _inputs(
    spec: ModelSpec, features: list[dict[str, Any]], faults: list[Fault]
) -> pl.DataFrame | dict[str, Cells]:
    schema = {column.name: DTYPES[column.kind] for column in spec.columns}
    if not schema.keys() >= set().union(*features):
        faults.append(_strangers("input", "", features, tuple(schema)))
    if not schema:
        return {}
    if len(features) <= FEW and not spec.vectors and all(_plain(spec, row) for row in features):
        return pl.DataFrame(features, schema=schema)
    return {name: [row.get(name) for row in features] for name in schema}


_NUMBERS = frozenset({float, int, type(None)})
_TEXTS = frozenset({str, type(None)})


def _plain(spec: ModelSpec, row: dict[str, Any]) -> bool:
    """Whether Polars, which would turn `"1"` into 1.0, has nothing to turn."""
    for column in spec.columns:
        if type(row.get(column.name)) not in (_NUMBERS if column.kind is Kind.NUMBER else _TEXTS):
            return False
    return True


# tables ----------------------------------------------------------------------------------------------------


def table_of(table: Any) -> pl.DataFrame:
    """A Polars frame of anything with the Arrow C stream interface, without a copy where possible."""
    if isinstance(table, pl.DataFrame):
        return table
    if not hasattr(table, "__arrow_c_stream__"):
        raise InputError(
            f"a table is needed (pandas, Polars, PyArrow, DuckDB …: anything with __arrow_c_stream__), "
            f"{type(table).__name__} was given"
        )
    try:
        frame = pl.DataFrame(table)
    except (ValueError, TypeError, ImportError, pl.exceptions.PolarsError) as problem:
        raise InputError(f"the table cannot be read as Arrow: {problem}") from problem
    return frame.select(name for name in frame.columns if not name.startswith("__index_level_"))


def sheet_of_table(spec: ModelSpec, kind: EventKind, frame: pl.DataFrame) -> Sheet:
    """Lay out a flat table by the names of `spec.fields`; refuses the table when its columns do not fit."""
    places = field_columns(spec, frame)
    scores = score_columns(spec, frame)
    inputs = [column.name for column in spec.columns if column.name in frame.columns]
    if kind is EventKind.OUTCOMES:
        _need(spec, frame, places, ("id", "at", "outcome"))
        return Sheet(frame.height, {place: frame[places[place]] for place in ("id", "at", "outcome")})
    _need(spec, frame, places, ("id", "at"))
    if not scores and not places.keys() & {"prediction", "score", "error"}:
        _need(spec, frame, places, ("prediction",))
    known = {*places.values(), *scores.values(), *inputs}
    for name in frame.columns:
        if name not in known:
            names = [column.name for column in spec.columns] + [column_of(spec, place) for place in _PLACES]
            raise InputError(
                f"{unknown('column', name[:80], names[:500])} (leave out what the model does not know)",
                column=name,
            )
    return Sheet(
        frame.height,
        {place: frame[name] for place, name in places.items()},
        {label: frame[name] for label, name in scores.items()},
        {name: frame[name] for name in inputs},
    )


_PLACES = ("id", "at", "version", "prediction", "score", "latency", "error", "outcome")
_DEFAULTS = Fields()


def column_of(spec: ModelSpec, place: str) -> str:
    """The column of a user's table that holds `place`."""
    return str(getattr(spec.fields, "time" if place == "at" else place))


def field_columns(spec: ModelSpec, frame: pl.DataFrame) -> dict[str, str]:
    """Place to column, for those in the table; an input that has a field's default name is an input."""
    found: dict[str, str] = {}
    inputs = {column.name for column in spec.columns}
    for place in _PLACES:
        name = column_of(spec, place)
        shadowed = name in inputs and name == column_of_default(place)
        for candidate in (f"_{place}", *(() if shadowed else (name,))):
            if candidate in frame.columns:
                found[place] = candidate
    return found


def column_of_default(place: str) -> str:
    """The name a place has when the spec does not say otherwise."""
    return str(getattr(_DEFAULTS, "time" if place == "at" else place))


def score_columns(spec: ModelSpec, frame: pl.DataFrame) -> dict[str, str]:
    """Label to column of its probability (multiclass): declared, or named `score:<label>`."""
    if spec.task is not Task.MULTICLASS:
        return {}
    declared = dict(spec.fields.scores)
    found = {}
    for label in spec.labels:
        for name in (f"_score:{label}", declared.get(label, f"{spec.fields.score}:{label}")):
            if name in frame.columns:
                found[label] = name
    return found


def _need(spec: ModelSpec, frame: pl.DataFrame, places: dict[str, str], needed: tuple[str, ...]) -> None:
    for place in needed:
        if place not in places:
            name = column_of(spec, place)
            shown = ", ".join(frame.columns[:12]) + (" …" if frame.width > 12 else "")
            raise InputError(f"column {name!r} ({place}) is needed; the table has {shown}", column=name)


def check_size(spec: ModelSpec, rows: int, limits: Limits) -> None:
    """Raise `TooLargeError` for too many rows, or cells once missing inputs are filled up."""
    if rows > limits.rows:
        raise TooLargeError(f"{rows:,} rows in one batch; at most {limits.rows:,} are taken")
    if rows * len(spec.columns) > limits.cells:
        most = limits.cells // len(spec.columns)
        raise TooLargeError(f"{rows:,} rows of {len(spec.columns):,} inputs; send at most {most:,} at once")
