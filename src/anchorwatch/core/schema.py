"""What a model is, declared: its task, its columns, its windows and its patience for outcomes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from anchorwatch.core.against import Against
from anchorwatch.core.calendar import Grain, brief, duration
from anchorwatch.core.errors import ConfigError
from anchorwatch.core.registry import unknown

if TYPE_CHECKING:
    from collections.abc import Mapping

E = TypeVar("E", bound=StrEnum)
_VECTOR = re.compile(r"vector\[([1-9][0-9]{0,5})\]")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class Task(StrEnum):
    """What a model predicts."""

    BINARY = "binary"
    MULTICLASS = "multiclass"
    REGRESSION = "regression"


class Kind(StrEnum):
    """What a column holds: numbers that are measured, names that are counted, or vectors of numbers."""

    NUMBER = "number"
    CATEGORY = "category"
    VECTOR = "vector"


WIDEST = 65_536
"""Numbers in a vector at most: an image of 256 × 256 points."""


@dataclass(frozen=True, slots=True)
class Column:
    """An input of the model; `width` is how many numbers each of its vectors has, 0 when that is not declared.

    >>> Column("emb", Kind.VECTOR, 384).text
    'vector[384]'
    """

    name: str
    kind: Kind
    width: int = 0

    @property
    def text(self) -> str:
        """The kind as a declaration writes it."""
        return f"{self.kind.value}[{self.width}]" if self.width else self.kind.value

    def __post_init__(self) -> None:
        if self.width and (self.kind is not Kind.VECTOR or not 0 < self.width <= WIDEST):
            raise ConfigError(
                f"columns.{self.name}: a vector has 1 to {WIDEST:,} numbers; {self.text} was given"
            )
        if not self.name or self.name.startswith("_") or len(self.name) > 200:
            raise ConfigError(
                f"column name {self.name!r} cannot be used: give it 1 to 200 characters, "
                "not beginning with '_' (reserved for what Anchorwatch adds)"
            )


@dataclass(frozen=True, slots=True)
class Fields:
    """Which column of a table holds what, beside the inputs; each is optional in a table.

    `scores` names, for multiclass models, the column of each class's probability.
    """

    id: str = "id"
    time: str = "at"
    version: str = "version"
    prediction: str = "prediction"
    score: str = "score"
    latency: str = "latency"
    error: str = "error"
    outcome: str = "outcome"
    scores: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """A model under watch.

    Args:
        name: 1 to 100 of `A-Z a-z 0-9 . _ -`.
        task: binary, multiclass or regression.
        columns: the inputs, with their kinds.
        fields: which table columns hold id, time, prediction and so on.
        labels: the classes, in a fixed order; may be appended to, never reordered.
        positive: the class that counts as positive (binary only).
        threshold: scores at or above it predict `positive` when no label is logged.
        window: length of a window (see `Grain`).
        timezone: IANA name; windows begin at this zone's midnight.
        grace: how late, in event time, predictions may come before their window is judged.
        outcome_delay: when outcomes are usually complete, after the window's end.
        outcome_horizon: how long an outcome is waited for; after it the prediction is expired.
        dedup_horizon: within which a repeated event id is dropped.
        segments: inputs whose values are watched separately.
        retention: how long raw rows are kept in the lake; `None`: for ever.
        private: keep aggregates only; no rows in samples.
        forest: find rows that are outlying over all numbers together, by an isolation forest grown from the
            reference; costs about 5 µs a row.
        detectors: sequential detectors that watch the losses, item by item; none: `[]`.
        against: what windows are compared with (see `Against`).
    """

    name: str
    task: Task
    columns: tuple[Column, ...] = ()
    fields: Fields = field(default_factory=Fields)
    labels: tuple[str, ...] = ()
    positive: str = "1"
    threshold: float = 0.5
    window: Grain = Grain("1d")  # noqa: RUF009 - a frozen value
    timezone: str = "UTC"
    grace: timedelta = timedelta(0)
    outcome_delay: timedelta = timedelta(0)
    outcome_horizon: timedelta = timedelta(days=90)
    dedup_horizon: timedelta = timedelta(days=1)
    segments: tuple[str, ...] = ()
    retention: timedelta | None = None
    private: bool = False
    forest: bool = False
    detectors: tuple[str, ...] = ("risk",)
    against: Against = Against()  # noqa: RUF009 - a frozen value

    def __post_init__(self) -> None:
        _check(self)

    @property
    def numbers(self) -> tuple[str, ...]:
        """Names of the numeric inputs, in order."""
        return tuple(column.name for column in self.columns if column.kind is Kind.NUMBER)

    @property
    def categories(self) -> tuple[str, ...]:
        """Names of the categorical inputs, in order."""
        return tuple(column.name for column in self.columns if column.kind is Kind.CATEGORY)

    @property
    def vectors(self) -> tuple[str, ...]:
        """Names of the vector inputs, in order."""
        return tuple(column.name for column in self.columns if column.kind is Kind.VECTOR)

    @property
    def score_labels(self) -> tuple[str, ...]:
        """Classes whose probability is logged: the positive one, or each of many, or none."""
        if self.task is Task.BINARY:
            return (self.positive,)
        return self.labels if self.task is Task.MULTICLASS else ()

    def to_dict(self) -> dict[str, Any]:
        """As `from_dict` reads it; every setting is written out."""
        return {
            "name": self.name,
            "task": self.task.value,
            "columns": {column.name: column.text for column in self.columns},
            "fields": {
                item.name: (
                    dict(self.fields.scores) if item.name == "scores" else getattr(self.fields, item.name)
                )
                for item in fields(Fields)
            },
            "labels": list(self.labels),
            "positive": self.positive,
            "threshold": self.threshold,
            "window": self.window.text,
            "timezone": self.timezone,
            **{name: brief(getattr(self, name)) for name in _DURATIONS},
            "segments": list(self.segments),
            "retention": None if self.retention is None else brief(self.retention),
            "private": self.private,
            "forest": self.forest,
            "detectors": list(self.detectors),
            "against": self.against.text,
        }

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> ModelSpec:
        """Read a declaration strictly; raises `ConfigError` that names the key and the remedy.

        >>> ModelSpec.from_dict({"name": "fares", "task": "regresion"})
        Traceback (most recent call last):
        anchorwatch.core.errors.ConfigError: task: no task is named 'regresion'; did you mean 'regression'?
        """
        known = {item.name for item in fields(cls)}
        for key in given:
            if key not in known:
                raise ConfigError(f"{key}: {unknown('setting', str(key), known)}")
        for key in ("name", "task"):
            if key not in given:
                raise ConfigError(f"{key}: is needed and was not given")
        settings = {
            key: _READERS.get(key, _same)(key, value) for key, value in given.items() if value is not None
        }
        return cls(**settings)

    @classmethod
    def infer(cls, name: str, table: Any, **settings: Any) -> ModelSpec:
        """Read columns, kinds and labels off a reference table (pandas, Polars, PyArrow, DuckDB …).

        `settings` are those of the class; `task` is needed, and the table's column names may be given directly:
        `target`, `prediction`, `score`, `time`, `id`, `version`, `latency`, `error`. Text, truth values and whole
        numbers with at most 12 different values become categories, other numbers numbers; the rest is left out.

        >>> import polars as pl
        >>> rides = pl.DataFrame({"temp": [0.2, 0.5], "sky": ["clear", "rain"], "cnt": [16, 40]})
        >>> ModelSpec.infer("rides", rides, task="regression", target="cnt").numbers
        ('temp',)
        """
        from anchorwatch.core.infer import infer_spec  # noqa: PLC0415 - needs Polars, which declaring does not

        return infer_spec(name, table, **settings)

    def evolve(self, **changes: Any) -> ModelSpec:
        """A copy with `changes`."""
        return replace(self, **changes)


_DURATIONS = ("grace", "outcome_delay", "outcome_horizon", "dedup_horizon")


def _same(_key: str, value: Any) -> Any:
    return value


def _task(key: str, value: Any) -> Task:
    return _choice(key, Task, value)


def _choice(key: str, kind: type[E], value: Any) -> E:
    try:
        return kind(value)
    except ValueError:
        raise ConfigError(f"{key}: {unknown(kind.__name__.lower(), str(value), list(kind))}") from None


def _columns(key: str, value: Any) -> tuple[Column, ...]:
    if not isinstance(value, dict):
        raise ConfigError(
            f"{key}: write a mapping of column to kind, such as {{age: number, country: category}}"
        )
    return tuple(_column(f"{key}.{name}", str(name), kind) for name, kind in value.items())


def _column(key: str, name: str, kind: Any) -> Column:
    """`vector` may say how many numbers it has: `vector[384]`."""
    if (found := _VECTOR.fullmatch(str(kind))) is not None:
        return Column(name, Kind.VECTOR, int(found[1]))
    return Column(name, _choice(key, Kind, kind))


def _fields(key: str, value: Any) -> Fields:
    known = {item.name for item in fields(Fields)}
    if not isinstance(value, dict):
        raise ConfigError(f"{key}: write a mapping such as {{time: at, id: flight}}")
    for name in value:
        if name not in known:
            raise ConfigError(f"{key}.{name}: {unknown('field', str(name), known)}")
    given = {name: str(column) for name, column in value.items() if name != "scores"}
    scores = tuple((str(label), str(column)) for label, column in (value.get("scores") or {}).items())
    return Fields(**given, scores=scores)


def _texts(key: str, value: Any) -> tuple[str, ...]:
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        raise ConfigError(f"{key}: write a list, such as [a, b]; {value!r} was given")
    return tuple(label_text(item) for item in value)


def _number(key: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigError(f"{key}: a number is needed, {value!r} was given")
    return float(value)


def _flag(key: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ConfigError(f"{key}: true or false is needed, {value!r} was given")
    return value


def _span(key: str, value: Any) -> timedelta:
    try:
        return duration(value)
    except (ConfigError, TypeError) as problem:
        raise ConfigError(f"{key}: {problem}") from None


def _grain(key: str, value: Any) -> Grain:
    try:
        return value if isinstance(value, Grain) else Grain.parse(str(value))
    except ConfigError as problem:
        raise ConfigError(f"{key}: {problem}") from None


def _against(key: str, value: Any) -> Against:
    try:
        return value if isinstance(value, Against) else Against.parse(str(value))
    except ConfigError as problem:
        raise ConfigError(f"{key}: {problem}") from None


def label_text(value: Any) -> str:
    """The one spelling of a class: whole numbers and truth values as digits.

    >>> [label_text(item) for item in (True, 1, 1.0, "yes", 2.5)]
    ['1', '1', '1', 'yes', '2.5']
    """
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


_READERS: dict[str, Any] = {
    "name": lambda _key, value: str(value),
    "task": _task,
    "columns": _columns,
    "fields": _fields,
    "labels": _texts,
    "positive": lambda _key, value: label_text(value),
    "threshold": _number,
    "window": _grain,
    "segments": _texts,
    "retention": _span,
    "private": _flag,
    "forest": _flag,
    "detectors": _texts,
    "against": _against,
    **dict.fromkeys(_DURATIONS, _span),
}


def _check(spec: ModelSpec) -> None:
    """Refuse what contradicts itself, with the remedy."""
    if not NAME.fullmatch(spec.name):
        raise ConfigError(f"name: {spec.name!r} cannot be used; take 1 to 100 of A-Z a-z 0-9 . _ -")
    names = [column.name for column in spec.columns]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"columns.{name}: is declared twice")
    if len(set(spec.labels)) < len(spec.labels):
        raise ConfigError(f"labels: {list(spec.labels)} names a class twice")
    for segment in spec.segments:
        if segment not in spec.categories:
            raise ConfigError(f"segments: {segment!r} must be among the columns of kind category")
    if spec.task is Task.BINARY and spec.labels and spec.positive not in spec.labels:
        raise ConfigError(f"positive: {spec.positive!r} is not among labels {list(spec.labels)}")
    try:
        ZoneInfo(spec.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigError(
            f"timezone: {spec.timezone!r} is no IANA time zone, such as 'Europe/Paris'"
        ) from None
