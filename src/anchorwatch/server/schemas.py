"""Shapes of what the API answers and takes, for its OpenAPI document.

Answers are rendered as the queries give them, not validated again on the way out; the tests hold them to this.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Time = str
Number = float | None


class Said(BaseModel):
    """A shape that says everything there is to say."""

    model_config = ConfigDict(extra="forbid")


class RowProblem(Said):
    """A row that cannot be taken."""

    row: int | None = Field(description="From 0 within the batch.")
    column: str | None
    reason: str


class Problem(Said):
    """RFC 9457."""

    type: str = Field(description="Address of an explanation, relative to the server.")
    title: str
    status: int
    detail: str
    errors: list[RowProblem] = []


class ReceiptBody(Said):
    """What became of a batch; it is on disk."""

    batch: str
    accepted: int
    rejected: list[RowProblem] = Field(description="The first 100.")
    rejected_count: int
    duplicate: bool = Field(description="This batch id was taken before; the figures are of that time.")


class PredictionEvent(Said):
    """One prediction. One of `prediction`, `score`, `scores` and `error` is needed."""

    id: str | int
    at: str | float = Field(description="ISO 8601 with a zone, or seconds since 1970.")
    version: str | int | None = None
    prediction: str | float | bool | None = None
    score: float | str | None = Field(None, description="Of the positive class (binary).")
    scores: dict[str, float | str | None] | None = Field(None, description="By label (multiclass).")
    latency: float | str | None = Field(None, description="Seconds.")
    error: str | None = None
    features: dict[str, float | str | bool | None] | None = None


class OutcomeEvent(Said):
    """What really happened to a prediction."""

    id: str | int
    at: str | float
    outcome: str | float | bool


class PredictionEvents(Said):
    """Several predictions."""

    events: list[PredictionEvent]


class OutcomeEvents(Said):
    """Several outcomes."""

    events: list[OutcomeEvent]


class SpecBody(BaseModel):
    """A model's declaration: the settings of `ModelSpec`, and its rules."""

    model_config = ConfigDict(extra="forbid")
    name: str | None = None
    task: Literal["binary", "multiclass", "regression"]
    columns: dict[str, Literal["number", "category"]] = {}
    fields: dict[str, Any] = {}
    labels: list[str | float | bool] = []
    positive: str | float | bool = "1"
    threshold: float = 0.5
    window: str = "1d"
    timezone: str = "UTC"
    grace: str | float = "0s"
    outcome_delay: str | float = "0s"
    outcome_horizon: str | float = "90d"
    dedup_horizon: str | float = "1d"
    segments: list[str] = []
    retention: str | float | None = None
    private: bool = False
    rules: list[dict[str, Any]] | None = None


class Applied(Said):
    """The declaration as it is kept."""

    spec: dict[str, Any]


class Referenced(Said):
    """A reference that was profiled."""

    model: str
    version: str
    rows: int


class MeasureBody(Said):
    """A registered measure."""

    name: str
    title: str
    family: str
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


class WindowBody(Said):
    """A span of event time."""

    start: Time
    end: Time | None
    grain: str | None = None


class WindowResults(Said):
    """Every measure of a span."""

    window: WindowBody
    results: list[NamedResult]


class Confusion(Said):
    """Outcomes (rows) against predicted labels (columns)."""

    labels: list[str]
    matrix: list[list[float]]
    reason: str | None


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


class Rows(Said):
    """A page of predictions, newest first, each with its latest outcome."""

    columns: list[str]
    rows: list[list[Any]]
    next: str | None


class IncidentLine(Said):
    """An incident at a glance."""

    id: int
    model: str
    cause: str
    state: Literal["pending", "firing", "resolved"]
    severity: Literal["info", "warn", "page"]
    summary: str
    opened_at: Time | None
    fired_at: Time | None
    resolved_at: Time | None
    updated_at: Time | None
    acknowledged_by: str
    silenced_until: Time | None
    findings: int


class FindingBody(Said):
    """What a rule says of one subject in one window."""

    rule: str
    measure: str
    subject: str
    version: str
    segment: str
    window: WindowBody
    value: Number
    limit: Number
    verdict: Literal["ok", "breach", "unknown"]
    reason: str
    severity: str
    breach: bool


class StepBody(Said):
    """An entry of a timeline."""

    at: Time
    what: str
    text: str
    who: str


class IncidentBody(Said):
    """An incident in full."""

    id: int
    model: str
    cause: str
    state: Literal["pending", "firing", "resolved"]
    severity: Literal["info", "warn", "page"]
    summary: str
    opened_at: Time | None
    fired_at: Time | None
    resolved_at: Time | None
    updated_at: Time | None
    acknowledged_by: str
    silenced_until: Time | None
    findings: list[FindingBody]
    timeline: list[StepBody]
    affected: list[str]
    likely: str


class Silence(Said):
    """Until when nobody is told."""

    until: str = Field(description="ISO 8601; UTC where no zone is given.")


class Status(BaseModel):
    """How the store does."""

    version: str
    uptime_s: float
    models: int
    inbox: dict[str, Any]
    consumers: list[dict[str, Any]]


class Health(Said):
    """Alive, or ready."""

    status: Literal["live", "ready"]


class TokenBody(Said):
    """A token, without its secret."""

    id: str
    name: str
    scopes: list[str]
    created_at: Time
    used_at: Time | None
    revoked_at: Time | None


class NewToken(Said):
    """What a token is to be."""

    name: str = Field(min_length=1, max_length=200)
    scopes: list[Literal["ingest", "read", "operate", "admin"]] = Field(min_length=1)


class MadeToken(Said):
    """A token with its text, shown this once."""

    id: str
    token: str
    name: str
    scopes: list[str]
