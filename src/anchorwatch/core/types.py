"""The nouns of the road from a finding to an incident."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from anchorwatch.core.calendar import Window


class EventKind(StrEnum):
    """What a batch holds."""

    PREDICTIONS = "predictions"
    OUTCOMES = "outcomes"


class OnError(StrEnum):
    """What happens to a batch that has bad rows."""

    KEEP = "keep"
    REFUSE = "refuse"


class Stage(StrEnum):
    """What must have come before a measure can be judged: the predictions, or their outcomes too."""

    INPUTS = "inputs"
    OUTCOMES = "outcomes"


class Severity(StrEnum):
    """How much somebody should care, mildest first."""

    INFO = "info"
    WARN = "warn"
    PAGE = "page"

    @property
    def rank(self) -> int:
        """0 for the mildest."""
        return list(type(self)).index(self)


class Verdict(StrEnum):
    """What a rule says of one window."""

    OK = "ok"
    BREACH = "breach"
    UNKNOWN = "unknown"


class IncidentState(StrEnum):
    """The life of an incident."""

    PENDING = "pending"
    FIRING = "firing"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Rejection:
    """A row that was not taken; `row` counts from 0 within its batch."""

    row: int
    column: str
    reason: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a batch: it is on disk when this is returned.

    `duplicate` says that this batch id had been taken before, with the figures of that time.
    """

    batch: str
    accepted: int
    rejected: tuple[Rejection, ...] = ()
    rejected_count: int = 0
    duplicate: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """When a measure is a breach: when every condition that is given holds.

    Args:
        name: unique within the model.
        measure: a registered measure, such as `mae` or `psi`.
        columns: subjects it looks at; empty for all that the measure has.
        above: a breach over this value.
        below: a breach under this value (with `above`: either of the two).
        band: a breach outside reference mean ± `band` standard deviations of the reference's windows.
        side: which side of the band counts: `both`, `above` or `below`.
        worse: a breach when so much worse than the reference: in the measure's unit where it is bounded (shares,
            scores), else as a share of the reference's value (0.1: a tenth).
        alpha: also demand that the measure's p-value, times the number of columns, is under this.
        budget: false alarms in 30 days that the rule may raise; sets the level by the window's length, corrects for
            the columns judged, and takes p-values from how the reference itself varies where they are not given.
        count: windows that must breach …
        within: … of so many latest windows, before an incident fires.
        mean_of: judge the mean of so many latest windows instead of the last one.
        keep: windows without a breach before an incident resolves.
        min_rows: fewer observations make the window unknown.
        unknown_after: so many unknown windows in a row count as a breach; `None`: never.
        segments: `""` judges the whole model, a column name each of its segments.
        severity: info, warn or page.
        cause: breaches of one cause share an incident; default: the measure's family.
        notify: channels that are told of its incidents, instead of those that routes name.
    """

    name: str
    measure: str
    columns: tuple[str, ...] = ()
    above: float | None = None
    below: float | None = None
    band: float | None = None
    side: str = "both"
    worse: float | None = None
    alpha: float | None = None
    budget: float | None = None
    count: int = 1
    within: int = 1
    mean_of: int = 1
    keep: int = 1
    min_rows: int = 1
    unknown_after: int | None = None
    segments: str = ""
    severity: Severity = Severity.WARN
    cause: str = ""
    notify: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a rule says of one subject in one window, and why."""

    model: str
    rule: str
    measure: str
    subject: str
    window: Window
    verdict: Verdict
    reason: str
    version: str = ""
    segment: str = ""
    value: float | None = None
    limit: float | None = None
    severity: Severity = Severity.WARN
    cause: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One entry of an incident's timeline."""

    at: datetime
    what: str
    text: str
    who: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """Something is wrong with a model, for one cause, over time.

    `at` times are event time (the end of the window that decided); `id` is 0 before it is stored.
    `findings` are the breaches of the latest window that had any; `ok_windows` counts windows without one since,
    and `ok_before` is that count before the window that ended at `updated_at`, so that judging it again replaces it.
    """

    model: str
    cause: str
    state: IncidentState
    opened_at: datetime
    updated_at: datetime
    id: int = 0
    severity: Severity = Severity.WARN
    summary: str = ""
    fired_at: datetime | None = None
    resolved_at: datetime | None = None
    findings: tuple[Finding, ...] = ()
    ok_windows: int = 0
    ok_before: int = 0
    acknowledged_by: str = ""
    silenced_until: datetime | None = None
    timeline: tuple[Step, ...] = ()

    def evolve(self, **changes: Any) -> Incident:
        """A copy with `changes`."""
        return replace(self, **changes)
