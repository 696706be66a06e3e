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
    detectors: list[str] = ["risk"]
    rules: list[dict[str, Any]] | None = None


class Applied(Said):
    """The declaration as it is kept."""

    spec: dict[str, Any]


class Referenced(Said):
    """A reference that was profiled."""

    model: str
    version: str
    rows: int


class WindowBody(Said):
    """A span of event time."""

    start: Time
    end: Time | None
    grain: str | None = None


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
    likely: str = Field(description="What probably caused it; empty when nothing can be said.")
    causes: list[dict[str, Any]] = Field(description="Inputs that changed, the ones that matter most first.")
    concept: bool = Field(description="Performance fell although no input moved beyond chance.")


class AlertIgnored(Said):
    """An alert that means nothing here."""

    alert: str = Field(description="Its `alertname`.")
    reason: str


class AlertsTaken(Said):
    """What became of alerts from elsewhere."""

    taken: int
    incidents: list[int] = Field(description="Numbers of those that opened, fired, got worse or resolved.")
    ignored: list[AlertIgnored]


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
    set_aside: list[dict[str, Any]]
    disk: dict[str, int | None]


class Retried(BaseModel):
    """A batch that was set aside, and why it failed again; `problem` is null when it is done."""

    seq: int
    model: str
    kind: str
    consumer: str
    rows: int
    reason: str
    at: Time
    since: Time
    tries: int
    problem: str | None


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
