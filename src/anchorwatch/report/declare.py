"""What two tables are about, as far as nobody said: which columns are inputs, and what the model predicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import polars as pl

from anchorwatch.core.errors import ConfigError, InputError
from anchorwatch.core.registry import unknown
from anchorwatch.core.schema import Fields, Kind, ModelSpec, Task, label_text

if TYPE_CHECKING:
    from collections.abc import Iterable

FEW = 12
"""Different whole numbers up to which a column holds classes."""

PEEK = 10_000
"""Rows looked at to tell names that repeat from names that do not."""

ROLES = {"target": "outcome", **{item: item for item in ("prediction", "score", "time", "id", "version")}}
ROLES |= {"latency": "latency", "error": "error"}
"""What a column may be beside an input: keyword of `compare` to field of the spec."""

_DEFAULTS = Fields()


@dataclass(frozen=True, slots=True)
class Declared:
    """A spec, and the columns of the reference that it leaves out, each with the reason."""

    spec: ModelSpec
    left_out: Mapping[str, str] = field(default_factory=dict)


def declare(frame: pl.DataFrame, given: Mapping[str, Any]) -> Declared:
    """Read a spec off (some rows of) the reference.

    `given` are the keywords of `compare`: `task`, the columns' roles, `columns` (names, or names with kinds), and
    settings of `ModelSpec`. Without a task it follows from what is given: a score means a binary model; else the
    target decides, or the prediction: two classes, several, or numbers.
    """
    settings = {key: value for key, value in given.items() if value is not None}
    roles = {key: str(settings.pop(key)) for key in ROLES if key in settings}
    for name in roles.values():
        if name not in frame.columns:
            raise InputError(unknown("column", name, frame.columns), column=name)
    named = bool(settings.keys() & {"task"} or roles.keys() & {"target", "prediction", "score"})
    task = _given_task(settings.pop("task")) if "task" in settings else _task(frame, roles)
    wanted = settings.pop("columns", None)
    if task is Task.BINARY and "positive" not in settings:
        settings["positive"] = _positive(frame, roles)
    conventional = {"id", "at"} | ({*_conventions()} if named else set())
    kinds, left_out = _kinds(frame, wanted, {*roles.values()}, conventional)
    spec = ModelSpec.infer(
        settings.pop("name", "compared"),
        frame.select(name for name in frame.columns if name not in left_out),
        task=task.value,
        columns=kinds,
        **roles,
        **settings,
    )
    return Declared(spec.evolve(columns=tuple(c for c in spec.columns if c.name in kinds)), left_out)


def _conventions() -> Iterable[str]:
    return (getattr(_DEFAULTS, place) for place in ROLES.values())


def _given_task(text: str) -> Task:
    if text not in list(Task):
        raise ConfigError(f"task: {unknown('task', str(text), list(Task))}")
    return Task(text)


def _task(frame: pl.DataFrame, roles: Mapping[str, str]) -> Task:
    if "score" in roles:
        return Task.BINARY
    name = roles.get("target") or roles.get("prediction")
    if name is None:
        return Task.REGRESSION
    classes = _classes(frame[name])
    if classes is None:
        return Task.REGRESSION
    return Task.BINARY if classes <= 2 else Task.MULTICLASS


def _classes(series: pl.Series) -> int | None:
    """How many classes a column of answers holds; None when they are numbers."""
    known = series.drop_nulls()
    if series.dtype.is_numeric():
        if series.dtype.is_float() and not bool((known == known.round()).all()):
            return None
        count = known.n_unique()
        return count if count <= FEW else None
    return known.n_unique()


def _positive(frame: pl.DataFrame, roles: Mapping[str, str]) -> str:
    """`1` where there is one, else the class that sorts last."""
    found: set[str] = set()
    for role in ("target", "prediction"):
        if role in roles:
            found |= {label_text(value) for value in frame[roles[role]].drop_nulls().unique().to_list()}
    return "1" if "1" in found or not found else max(found)


def _kinds(
    frame: pl.DataFrame, wanted: Any, roles: set[str], conventional: set[str]
) -> tuple[dict[str, str], dict[str, str]]:
    """The kind of each input, and why the other columns are none."""
    chosen = list(wanted) if wanted is not None else frame.columns
    for name in chosen:
        if name not in frame.columns:
            raise InputError(unknown("column", str(name), frame.columns), column=str(name))
    kinds: dict[str, str] = {}
    left_out: dict[str, str] = {}
    for name in frame.columns:
        if name in roles or (wanted is None and name in conventional):
            continue
        if name not in chosen:
            left_out[name] = "was not asked for"
        elif isinstance(wanted, Mapping):
            kinds[name] = Kind(wanted[name]).value
        elif (reason := _unfit(frame[name], asked=wanted is not None)) is not None:
            left_out[name] = reason
        else:
            kinds[name] = _kind(frame[name]).value
    return kinds, left_out


def _unfit(series: pl.Series, *, asked: bool) -> str | None:
    if not series.name or series.name.startswith("_") or len(series.name) > 200:
        return "its name cannot be used: 1 to 200 characters, not beginning with '_'"
    if isinstance(series.dtype, pl.List | pl.Array) and series.dtype.inner.is_numeric():
        return None
    if not (series.dtype.is_numeric() or series.dtype in _NAMES or isinstance(series.dtype, pl.Enum)):
        return f"columns of type {series.dtype} are not compared"
    some = series.head(PEEK)
    if not asked and series.dtype == pl.String and some.len() > 100 and some.n_unique() == some.len():
        return "every text is different, as identifiers are"
    return None


_NAMES = (pl.String, pl.Categorical, pl.Enum, pl.Boolean)


def _kind(series: pl.Series) -> Kind:
    if series.dtype.is_nested():
        return Kind.VECTOR
    few = series.dtype.is_integer() and series.n_unique() <= FEW
    return Kind.NUMBER if series.dtype.is_numeric() and not few else Kind.CATEGORY
