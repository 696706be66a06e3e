"""Shapes of what models, windows and rows look like when they are read; see `schemas`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel

from anchorwatch.server.schemas import Number, Said, Time, WindowBody


class MeasureBody(Said):
    """A registered measure."""

    name: str
    title: str
    family: str
    group: str
    main: bool
    costly: bool
    stage: str
    unit: str
    better: str
    low: Number
    high: Number
    subjects: Literal["model", "classes", "columns"]
    source: str


class MetricBody(Said):
    """The main metric at a glance."""

    measure: str
    title: str
    unit: str
    better: str
    value: Number
    low: Number
    high: Number
    reference: Number
    maturity: Number
    window_start: Time | None
    reason: str | None


class Card(Said):
    """A model on one line."""

    name: str
    task: str
    health: Literal["ok", "warn", "page", "unknown"]
    health_reason: str
    events: int
    volume: list[int]
    metric: MetricBody
    spark: list[Number]
    incidents: int
    versions: list[str]
    last_event: Time | None
    pending_outcomes: int


class VersionBody(Said):
    """A version of a model."""

    version: str
    first_seen: Time | None
    last_seen: Time | None
    events: int
    has_reference: bool


class ColumnBody(Said):
    """An input."""

    name: str
    kind: str


class ModelBody(Said):
    """A model in full."""

    spec: dict[str, Any]
    rules: list[dict[str, Any]]
    versions: list[VersionBody]
    segments: dict[str, list[str]]
    first: Time | None
    last: Time | None
    window: str
    grains: list[str]
    measures: list[MeasureBody]
    columns: list[ColumnBody]
    main_metric: str
    budget: float
    judged: dict[str, Time | None]


class ReferenceValue(Said):
    """A measure on the reference."""

    value: Number
    low: Number
    high: Number
    mean: Number
    sd: Number


class Series(Said):
    """A measure over time, by column."""

    measure: str
    title: str
    unit: str
    better: str
    subject: str
    grain: str
    stage: str
    reference: ReferenceValue | None
    start: list[Time]
    end: list[Time]
    maturity: list[Number]
    value: list[Number]
    low: list[Number]
    high: list[Number]
    p: list[Number]
    n: list[int]
    reason: list[str | None]


class Heatmap(Said):
    """A measure of every column over time; worst column first."""

    measure: str
    title: str
    unit: str
    limit: Number
    grain: str
    columns: list[str]
    start: list[Time]
    end: list[Time]
    value: list[list[Number]]
    p: list[list[Number]]
    breach: list[list[bool]]


class ResultBody(Said):
    """A value, or the reason why there is none."""

    value: Number
    low: Number
    high: Number
    p: Number
    n: int
    reason: str | None


class NamedResult(ResultBody):
    """A result and what it is of."""

    measure: str
    subject: str


class WindowResults(Said):
    """Every measure of a span."""

    window: WindowBody
    results: list[NamedResult]


class Confusion(Said):
    """Outcomes (rows) against predicted labels (columns)."""

    labels: list[str]
    matrix: list[list[float]]
    reason: str | None


class Curve(Said):
    """Bins by rising score: rows, their mean score, the share that came and its 95 % interval."""

    n: list[int]
    predicted: list[float]
    observed: list[float]
    low: list[float]
    high: list[float]


class Calibration(Said):
    """How often a class came where it was given such and such a probability."""

    label: str
    labels: list[str]
    curve: Curve | None
    reference: Curve | None
    reason: str | None


class Alarm(Said):
    """A sequential detector's alarm, with the losses since its start and their mean."""

    detector: str
    start: Time
    end: Time
    losses: int
    mean: float


class Alarms(Said):
    """The detectors of a model, and what they raised."""

    detectors: list[str]
    alarms: list[Alarm]


class Change(Said):
    """What kind of change a column went through, in words."""

    kind: str
    text: str


class Distribution(BaseModel):
    """A column beside its reference."""

    column: str
    kind: str
    start: Time
    end: Time | None
    bins: list[dict[str, Any]]
    reference_n: float | None
    current_n: float
    missing: dict[str, Number]
    unseen: list[dict[str, Any]]
    measures: dict[str, ResultBody]
    change: Change | None
    cause: dict[str, Any] | None


class Rows(Said):
    """A page of predictions, newest first, each with its latest outcome."""

    columns: list[str]
    rows: list[list[Any]]
    next: str | None
