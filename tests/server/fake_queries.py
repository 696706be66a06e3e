"""A watch without a store: two models of a year of flights, invented but shaped and spread like the real ones.

Its answers have the shapes of `anchorwatch.app.queries`; `test_pages_contract.py` holds the two against each other.
"""

# ruff: noqa: D102, PLR0917, A002 - its methods are those of `Queries`, and are described there
from __future__ import annotations

from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np

from anchorwatch.app.readings import described, measures_of
from anchorwatch.core.calendar import Grain
from anchorwatch.core.errors import ConflictError, InputError, UnknownError
from anchorwatch.core.schema import Column, Kind, ModelSpec, Task
from anchorwatch.core.secret import Secret
from anchorwatch.core.times import from_micros, iso, micros
from anchorwatch.profile.measure import MEASURES
from anchorwatch.rules.defaults import default_rules

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anchorwatch.core.types import Rule

Json = dict[str, Any]
ZONE = "America/New_York"
START = datetime(2013, 1, 1, tzinfo=ZoneInfo(ZONE))
DAYS = 365
NOW = datetime(2013, 12, 31, 20, 15, tzinfo=UTC)
NUMBERS = (
    "dep_delay",
    "distance",
    "sched_hour",
    "sched_minute",
    "month",
    "temp",
    "dewp",
    "humid",
    "wind_dir",
    "wind_speed",
    "wind_gust",
    "precip",
    "pressure",
    "visib",
    "plane_year",
    "seats",
    "taxi_out_estimate",
    "mean_inbound_delay_of_the_same_tail_number_over_the_previous_24_hours",
)
CATEGORIES = ("carrier", "origin", "dest", "weekday", "plane_type", "tailnum")
COLUMNS = (*NUMBERS, *CATEGORIES)
CARRIERS = ("9E", "AA", "AS", "B6", "DL", "EV", "F9", "FL", "HA", "MQ", "OO", "UA", "US", "VX", "WN", "YV")


LEVEL = {
    "roc_auc": 0.91,
    "accuracy": 0.86,
    "precision": 0.79,
    "recall": 0.71,
    "f1": 0.745,
    "log_loss": 0.31,
    "mae": 13.2,
    "rmse": 18.9,
    "mse": 357.0,
    "r2": 0.83,
    "bias": 0.4,
    "average_precision": 0.84,
    "ece": 0.021,
    "latency_p50": 0.0021,
    "latency_p95": 0.0058,
    "latency_p99": 0.0142,
    "throughput": 925.0,
    "error_rate": 0.002,
    "freshness": 41.0,
    "pca_error": 1.02,
}


@dataclass(frozen=True, slots=True)
class Fake:
    """How a made-up model differs from the others."""

    name: str
    task: str
    window: str = "1d"
    health: str = "ok"
    reason: str = "no open incident"
    reference: bool = True
    days: int = DAYS


@dataclass
class FakeQueries:
    """Answers like `Queries`, from a fixed seed."""

    fakes: tuple[Fake, ...]
    found: list[Json] = field(default_factory=list)
    cards: dict[str, Json] = field(default_factory=dict)

    def fake(self, name: str) -> Fake:
        for item in self.fakes:
            if item.name == name:
                return item
        raise UnknownError(f"no model is named {name!r}")

    def models(self) -> list[Json]:
        return [self.card(item.name) for item in self.fakes]

    def zones(self) -> dict[str, str]:
        return {item.name: ZONE for item in self.fakes}

    def card(self, name: str) -> Json:
        item = self.fake(name)
        if name not in self.cards:
            self.cards[name] = self._card(item)
        return self.cards[name]

    def _card(self, item: Fake) -> Json:
        main = "mae" if item.task == "regression" else "roc_auc"
        drawn = self.series(item.name, main) if item.days else None
        volume = self.series(item.name, "throughput")["value"][-48:] if item.days else []
        last = -4
        return {
            "name": item.name,
            "task": item.task,
            "health": item.health,
            "health_reason": item.reason,
            "events": int(volume[-1]) if volume else 0,
            "volume": [int(one or 0) for one in volume],
            "metric": {
                **{key: by_name(item.task, main)[key] for key in ("title", "unit", "better")},
                "measure": main,
                "value": drawn["value"][last] if drawn else None,
                "low": drawn["low"][last] if drawn else None,
                "high": drawn["high"][last] if drawn else None,
                "reference": LEVEL[main] if item.reference and drawn else None,
                "maturity": drawn["maturity"][last] if drawn else None,
                "window_start": drawn["start"][last] if drawn else None,
                "reason": None if drawn else "no window yet",
            },
            "spark": drawn["value"][-48:] if drawn else [],
            "incidents": sum(one["model"] == item.name and one["state"] != "resolved" for one in self.found),
            "versions": ["1", "2"] if item.days else [],
            "last_event": "2013-12-31T19:48:00Z" if item.days else None,
            "pending_outcomes": 412 if item.days else 0,
        }

    def model(self, name: str) -> Json:
        item = self.fake(name)
        starts = spans(item, None, None, None)
        return {
            "spec": {
                "name": name,
                "task": item.task,
                "columns": {one: "number" if one in NUMBERS else "category" for one in COLUMNS},
                "labels": [] if item.task == "regression" else ["0", "1"],
                "positive": "1",
                "threshold": 0.5,
                "window": item.window,
                "timezone": ZONE,
                "segments": ["carrier", "origin"],
                "outcome_delay": "2d",
                "against": "reference",
                "detectors": ["risk", "adwin"],
            },
            "rules": [asdict(rule) for rule in rules_of(item)],
            "versions": [
                {
                    "version": "1",
                    "first_seen": "2013-01-01T10:15:00Z",
                    "last_seen": "2013-08-01T03:00:00Z",
                    "events": 201_345,
                    "has_reference": True,
                },
                {
                    "version": "2",
                    "first_seen": "2013-08-01T09:15:00Z",
                    "last_seen": "2013-12-31T19:48:00Z",
                    "events": 135_431,
                    "has_reference": False,
                },
            ]
            if item.days
            else [],
            "segments": {"carrier": list(CARRIERS), "origin": ["EWR", "JFK", "LGA"]} if item.days else {},
            "first": iso(micros(starts[0][0])) if starts else None,
            "last": iso(micros(starts[-1][1])) if starts else None,
            "window": item.window,
            "grains": [item.window, "1w", "1mo"],
            "measures": measures_of(Task(item.task)),
            "columns": [{"name": one, "kind": "number" if one in NUMBERS else "category"} for one in COLUMNS],
            "main_metric": "mae" if item.task == "regression" else "roc_auc",
            "budget": 1.0,
        }

    def series(
        self,
        model: str,
        measure: str,
        subject: str = "",
        grain: str | None = None,
        start: Any = None,
        end: Any = None,
        version: str = "",
        segment: str = "",
    ) -> Json:
        item = self.fake(model)
        facts = by_name(item.task, measure)
        windows = spans(item, grain, start, end)
        count = len(windows)
        rng = np.random.default_rng(
            abs(hash((measure, subject, segment, model))) % 2**32
            if segment
            else sum(map(ord, measure + subject + model))
        )
        level = LEVEL.get(measure, 0.05) * (1 + 0.05 * rng.normal() if segment else 1)
        doy = np.array([begin.timetuple().tm_yday for begin, _ in windows], dtype=float)
        bad = 0.55 * np.exp(-(((doy - 185) / 26) ** 2)) + 0.75 * np.exp(-(((doy - 345) / 10) ** 2))
        sign = {"higher": -0.28, "lower": 0.9}.get(facts["better"], 0.02)
        value = level * (1 + sign * bad + rng.normal(0, 0.025 if item.window == "1d" else 0.05, count))
        if subject:
            value = drift_of(subject, doy, rng, measure)
        if facts["unit"] == "share" or measure in {"roc_auc", "f1"}:
            value = np.clip(value, 0, 0.999)
        half = level * 0.035
        ripe = np.ones(count)
        if facts["stage"] == "outcomes":
            ripe = np.clip(0.972 - np.maximum(0, np.arange(count) - (count - 4)) * 0.31, 0, 1)
        known = [
            value_at if index % 97 != 61 and ripe[index] > 0.1 else None
            for index, value_at in enumerate(value.tolist())
        ]
        if segment == "carrier=HA":
            known = [None] * count
        return {
            "measure": measure,
            "title": facts["title"],
            "unit": facts["unit"],
            "better": facts["better"],
            "subject": subject,
            "grain": grain or item.window,
            "stage": facts["stage"],
            "reference": {
                "value": level,
                "mean": level,
                "sd": level * 0.04,
                "low": level * 0.97,
                "high": level * 1.03,
            }
            if item.reference and not subject and facts["family"] == "performance"
            else None,
            "start": [iso(micros(begin.astimezone(UTC))) for begin, _ in windows],
            "end": [iso(micros(over.astimezone(UTC))) for _, over in windows],
            "value": known,
            "low": [None if one is None or facts["family"] != "performance" else one - half for one in known],
            "high": [
                None if one is None or facts["family"] != "performance" else one + half for one in known
            ],
            "p": [None] * count,
            "n": [int(900 + 80 * np.sin(index)) for index in range(count)],
            "maturity": ripe.round(3).tolist() if facts["stage"] == "outcomes" else [None] * count,
            "reason": [None if one is not None else "fewer than 30 outcomes" for one in known],
        }

    def heatmap(
        self,
        model: str,
        measure: str = "drift",
        start: Any = None,
        end: Any = None,
        version: str = "",
        segment: str = "",
        buckets: int = 120,
    ) -> Json:
        item = self.fake(model)
        facts = by_name(item.task, measure)
        windows = spans(item, None, start, end)
        every = max(-(-len(windows) // buckets), 1)
        windows = [
            (windows[at][0], windows[min(at + every, len(windows)) - 1][1])
            for at in range(0, len(windows), every)
        ]
        doy = np.array([begin.timetuple().tm_yday for begin, _ in windows], dtype=float)
        quiet = facts["family"] != "drift"
        rows = []
        for name in COLUMNS:
            rng = np.random.default_rng(sum(map(ord, name)))
            line = drift_of(name, doy, rng, measure)
            if quiet:
                line = np.where(doy > 200, 0.02, 0.0) * (name in {"wind_gust", "precip"}) + 0.3 * (
                    (doy > 300) & (doy < 312)
                ) * (name == "wind_gust")
            rows.append([None if at % 59 == 40 else float(one) for at, one in enumerate(line)])
        limit = {"drift": 0.1, "unseen_share": 0.05, "out_of_range_share": 0.05}.get(measure)
        order = (
            sorted(range(len(COLUMNS)), key=lambda at: -max((one or 0 for one in rows[at]), default=0))
            if item.reference
            else []
        )
        return {
            "measure": measure,
            "title": facts["title"],
            "unit": facts["unit"],
            "limit": limit,
            "grain": item.window,
            "columns": [COLUMNS[at] for at in order],
            "start": [iso(micros(begin.astimezone(UTC))) for begin, _ in windows],
            "end": [iso(micros(over.astimezone(UTC))) for _, over in windows],
            "value": [rows[at] for at in order],
            "p": [[None] * len(windows) for _ in order],
            "breach": [[bool(limit and one and one > limit) for one in rows[at]] for at in order],
        }

    def distribution(
        self,
        model: str,
        column: str,
        start: Any = None,
        end: Any = None,
        version: str = "",
        segment: str = "",
    ) -> Json:
        self.fake(model)
        if column not in COLUMNS:
            raise UnknownError(f"no column is named {column!r}; did you mean {COLUMNS[0]!r}?")
        rng = np.random.default_rng(len(column))
        if column in NUMBERS:
            at = np.linspace(-2, 2, 31)
            shapes = [np.exp(-((np.r_[-2.1, at] - shift) ** 2) / 0.7) for shift in (-0.2, 0.5)]
            bins = [
                {
                    "label": f"{10 * (low or -2):.3g} – {10 * (high or 2):.3g}",
                    "low": None if low is None else 10 * low,
                    "high": None if high is None else 10 * high,
                }
                for low, high in zip([None, *at], [*at, None], strict=True)
            ]
        else:
            bins = [{"label": name, "low": None, "high": None} for name in CARRIERS]
            shapes = [rng.dirichlet(np.ones(16)) for _ in range(2)]
        for bin_, ref, cur in zip(
            bins, shapes[0] / shapes[0].sum(), shapes[1] / shapes[1].sum(), strict=True
        ):
            bin_["reference"], bin_["current"] = float(ref), float(cur)
        body = {"low": None, "high": None, "p": 0.0003, "n": 912, "reason": None}
        return {
            "column": column,
            "kind": "number" if column in NUMBERS else "category",
            "bins": bins,
            "reference_n": 51_204,
            "current_n": 912,
            "missing": {"reference": 0.0012, "current": 0.081},
            "unseen": [{"value": "N918UW", "count": 12}, {"value": "<script>alert(1)</script>", "count": 3}]
            if column in CATEGORIES
            else [],
            "start": str(start),
            "end": str(end),
            "measures": {
                "drift": {"value": 0.36, **body},
                "psi": {"value": 0.83, **body},
                "ks": {"value": 0.31, **body},
                "anderson_darling": {"value": 171.2, **body},
                "missing_share": {"value": 0.081, **body, "p": None},
            },
            "change": {"kind": "shift", "text": "values are 0.7 standard deviations larger"},
            "cause": {**CAUSES[0], "column": column},
        }

    def confusion(
        self, model: str, start: Any = None, end: Any = None, version: str = "", segment: str = ""
    ) -> Json:
        return {"labels": ["0", "1"], "matrix": [[61_230, 4_812], [5_944, 14_551]], "reason": None}

    def calibration(
        self,
        model: str,
        start: Any = None,
        end: Any = None,
        label: str = "",
        mass: bool = False,
        version: str = "",
        segment: str = "",
    ) -> Json:
        if not self.fake(model).days:
            reason = "no outcomes with scores in this span"
            return {"label": "1", "labels": ["1"], "curve": None, "reference": None, "reason": reason}
        said = np.linspace(0.05, 0.95, 10)
        rows = np.array([21_003, 14_201, 9_310, 6_021, 4_402, 3_890, 3_120, 4_480, 7_901, 12_209])
        curves = [np.clip(said**power, 0, 1) for power in (1.25, 1.02)]
        half = 1.96 * np.sqrt(curves[0] * (1 - curves[0]) / rows) + 0.01
        both = [
            {
                "n": rows.tolist(),
                "predicted": said.tolist(),
                "observed": one.tolist(),
                "low": np.maximum(one - half, 0).tolist(),
                "high": np.minimum(one + half, 1).tolist(),
            }
            for one in curves
        ]
        return {"label": "1", "labels": ["1"], "curve": both[0], "reference": both[1], "reason": None}

    def alarms(
        self, model: str, start: Any = None, end: Any = None, version: str = "", segment: str = ""
    ) -> Json:
        starts = ["2013-06-26T04:00:00Z", "2013-12-09T05:00:00Z"] if self.fake(model).days else []
        found = [
            {
                "detector": name,
                "start": begin,
                "end": begin,
                "losses": 4_120,
                "mean": 0.21,
            }
            for begin in starts
            for name in ("risk", "adwin")
        ]
        return {"detectors": ["risk", "adwin"], "alarms": [] if segment else found}

    def over_reference(self, model: str) -> Json:
        rules = rules_of(self.fake(model))
        return {"model": model, "rules": [told(rule, 30, at == 2) for at, rule in enumerate(rules)]}

    def replayed(self, model: str, rules: Any = None, start: Any = None, end: Any = None) -> Json:
        chosen = list(rules_of(self.fake(model)) if rules is None else rules)
        return {
            "model": model,
            "start": start or "2013-01-01T05:00:00Z",
            "end": "2014-01-01T05:00:00Z",
            "windows": 365,
            "incidents": [
                {
                    "cause": "drift",
                    "severity": "warn",
                    "summary": "Drift of wind_speed 0.874 is over its limit 0.100 (p < 1e-12, < 1e-12 among 24)",
                    "began_at": "2013-11-07T05:00:00Z",
                    "fired_at": "2013-11-09T05:00:00Z",
                    "resolved_at": "2013-11-20T05:00:00Z",
                    "delay_seconds": 172_800.0,
                }
            ],
            "expected_false_alarms": 12.0,
            "rules": [_tried(rule) for rule in chosen],
        }

    def incidents(
        self,
        model: str | None = None,
        state: str | None = None,
        limit: int = 100,
        before: int | None = None,
        severity: str | None = None,
    ) -> list[Json]:
        if model:
            self.fake(model)
        kept = [
            one
            for one in self.found
            if (not model or one["model"] == model)
            and (not state or one["state"] == state)
            and (not severity or one["severity"] == severity)
            and (before is None or one["id"] < before)
        ]
        return [
            {key: one[key] for key in one if key not in DETAIL} | {"findings": len(one["findings"])}
            for one in kept[:limit]
        ]

    def incident(self, number: int) -> Json:
        for one in self.found:
            if one["id"] == number:
                return one
        raise UnknownError(f"no incident has the number {number}")

    def predictions(
        self,
        model: str,
        start: Any = None,
        end: Any = None,
        version: str | None = None,
        id: str | None = None,
        filters: Any = (),
        limit: int = 100,
        after: str | None = None,
    ) -> Json:
        item = self.fake(model)
        columns = [
            "_id",
            "_at",
            "_version",
            "_prediction",
            *(["_score"] if item.task == "binary" else []),
            "_latency",
            "_error",
            *COLUMNS,
            "_outliers",
            "_outcome",
        ]
        if not item.days or any(one["value"] == "nowhere" for one in filters):
            return {"columns": columns, "rows": [], "next": None}
        for one in filters:
            if one["column"] not in columns:
                raise InputError(f"column {one['column']!r} is not there; did you mean 'carrier'?")
        first = int(after or 0)
        rows = [self._row(item, columns, at) for at in range(first, first + (1 if id else limit))]
        if id:
            rows[0][0] = id
            rows = rows if not id.startswith("missing") else []
        return {"columns": columns, "rows": rows, "next": None if id else str(first + limit)}

    def _row(self, item: Fake, columns: list[str], at: int) -> list[Any]:
        rng = np.random.default_rng(at)
        moment = NOW - timedelta(minutes=7 * at + 27)
        values: Json = {
            "_id": f"2013-12-31-{CARRIERS[at % 16]}-{1000 + at}-JFK",
            "_at": iso(micros(moment)),
            "_version": "2",
            "_prediction": round(rng.normal(6, 20), 2)
            if item.task == "regression"
            else str(int(rng.random() > 0.7)),
            "_score": round(rng.random(), 4),
            "_latency": float(rng.exponential(0.003)),
            "_error": "ValueError: no weather" if at % 41 == 40 else None,
            "_outliers": 2 if at % 17 == 9 else int(at % 11 == 3),
            "_outcome": None
            if at < 20 or at % 37 == 5
            else (round(rng.normal(6, 25), 0) if item.task == "regression" else str(int(rng.random() > 0.7))),
        }
        for name in NUMBERS:
            values[name] = None if name == "wind_gust" and at % 3 else round(rng.normal(4, 9), 1)
        for name in CATEGORIES:
            values[name] = CARRIERS[int(rng.integers(16))]
        return [values[name] for name in columns]

    def status(self) -> Json:
        return {
            "version": "0.1.0",
            "uptime_s": 93_784.2,
            "models": len(self.fakes),
            "inbox": {"batches": 3, "rows": 2_871, "bytes": 412_113, "oldest_s": 1.2},
            "consumers": [
                {"name": "roller", "offset": 120_331, "lag_batches": 0, "error": None},
                {"name": "joiner", "offset": 120_331, "lag_batches": 0, "error": None},
                {
                    "name": "archiver",
                    "offset": 120_328,
                    "lag_batches": 3,
                    "error": "StoreError: lake/predictions cannot be written: No space left on device",
                },
            ],
            "errors": {},
            "set_aside": [
                {
                    "seq": 120_017,
                    "model": "late-arrival",
                    "kind": "predictions",
                    "consumer": "roller",
                    "rows": 512,
                    "reason": "ComputeError: the batch cannot be read",
                    "at": "2013-12-30T10:00:00Z",
                    "since": "2013-12-30T10:00:01Z",
                    "tries": 1,
                }
            ],
            "disk": {
                "ledger": 81_264_640,
                "inbox": 4_231_168,
                "index": 61_123_584,
                "lake": 912_680_550,
                "free": 48_318_382_080,
                "total": 107_374_182_400,
            },
        }


CAUSES: list[Json] = [
    {
        "column": "precip",
        "kind": "unit",
        "moved": 0.61,
        "importance": 0.12,
        "effect": 4.1,
        "answer": "prediction",
        "figures": {},
        "what": "values look 25.4 times larger: a change of unit?",
        "text": "precip: values look 25.4 times larger: a change of unit? 61 % of its rows moved; it explains "
        "12 % of the answers and by itself moves the mean prediction by +4.1",
    },
    {
        "column": "carrier",
        "kind": "new category",
        "moved": 0.2,
        "importance": 0.001,
        "effect": 0.0,
        "answer": "prediction",
        "figures": {},
        "what": "'XX' is new, 20 %",
        "text": "carrier: 'XX' is new, 20 %; 20 % of its rows moved; the model's answers hardly depend on it",
    },
    {
        "column": "mean_inbound_delay_of_the_same_tail_number_over_the_previous_24_hours",
        "kind": "missing",
        "moved": 0.08,
        "importance": None,
        "effect": None,
        "answer": "",
        "figures": {},
        "what": "8.1 % missing or infinite, 0.12 % in the reference",
        "text": "mean_inbound_delay…: 8.1 % missing or infinite; 8 % of its rows moved",
    },
]
DETAIL = {"timeline", "affected", "likely", "causes", "concept"}


def by_name(task: str, name: str) -> Json:
    """A measure's facts; unknown names are refused as the real queries do."""
    if name not in MEASURES:
        raise InputError(f"no measure is named {name!r}; did you mean 'psi'?")
    return described(MEASURES[name], Task(task))


def rules_of(item: Fake) -> tuple[Rule, ...]:
    """The default ones."""
    columns = tuple(Column(name, Kind.NUMBER if name in NUMBERS else Kind.CATEGORY) for name in COLUMNS)
    return default_rules(ModelSpec(name="m", task=Task(item.task), columns=columns))


def _tried(rule: Rule) -> Json:
    over = told(rule, 30, 0)
    kept = {key: over[key] for key in ("budget", "reference")}
    return {"rule": {"name": rule.name}, "breaches": 13, **kept}


def told(rule: Rule, windows: int, breaches: int) -> Json:
    """What a rule did over the reference."""
    level = None if rule.budget is None else rule.budget / 30
    over = {"windows": windows if rule.budget else 0, "breaches": int(breaches), "fired": 0}
    return {"name": rule.name, "level": level, "budget": rule.budget, "reference": over}


def spans(item: Fake, grain: str | None, start: Any, end: Any) -> list[tuple[datetime, datetime]]:
    """Windows of a model between two ISO times."""
    step = Grain.parse(grain or item.window)
    low = datetime.fromisoformat(start) if start else START
    high = datetime.fromisoformat(end) if end else START + timedelta(days=item.days)
    high = min(high.astimezone(UTC), (START + timedelta(days=item.days)).astimezone(UTC))
    at, found = max(low.astimezone(UTC), START.astimezone(UTC)), []
    while at < high:
        window = step.window(at, ZONE)
        found.append((window.start.astimezone(ZoneInfo(ZONE)), window.end.astimezone(ZoneInfo(ZONE))))
        at = window.end
    return found


def drift_of(column: str, doy: Any, rng: Any, measure: str) -> Any:
    """Seasons move the weather, a fault moves the wind for eleven days, the rest is still."""
    season = np.clip(np.sin((doy - 60) / 365 * np.pi), 0, None)
    strength = {"temp": 3.2, "dewp": 2.1, "month": 4.0, "humid": 0.35, "plane_type": 0.12}.get(column, 0.02)
    line = strength * season + np.abs(rng.normal(0, 0.012, len(doy)))
    if column == "wind_speed":
        line = line + 5.0 * ((doy > 310) & (doy < 321))
    if column == "dest":
        line = line + 0.25 * ((doy > 180) & (doy < 240))
    shares = {"drift", "ks", "total_variation", "jensen_shannon"}
    return np.tanh(line / 3) if measure in shares else line


def incident(number: int, model: str, cause: str, state: str, **facts: Any) -> Json:
    """An incident as `Queries.incident` tells it."""
    opened = facts.get("opened_at", "2013-12-08T05:00:00Z")
    plain = {
        "id": number,
        "model": model,
        "cause": cause,
        "state": state,
        "severity": "page",
        "summary": "Mean absolute error 29.8 is over its limit 16.9 (reference 15.4; p < 1e-12); also rmse",
        "opened_at": opened,
        "fired_at": None if state == "pending" else "2013-12-09T05:00:00Z",
        "resolved_at": None,
        "updated_at": "2013-12-31T05:00:00Z",
        "acknowledged_by": "",
        "silenced_until": None,
        "findings": [],
        "timeline": [],
        "affected": [],
        "likely": "",
        "causes": [],
        "concept": False,
    }
    return plain | facts


def finding(measure: str, subject: str, value: float, limit: float, **facts: Any) -> Json:
    """A finding as `Queries.incident` tells it."""
    return {
        "rule": f"{measure} off its reference",
        "measure": measure,
        "subject": subject,
        "version": "",
        "segment": "",
        "window": {"start": "2013-12-30T05:00:00Z", "end": "2013-12-31T05:00:00Z"},
        "value": value,
        "limit": limit,
        "verdict": "breach",
        "reason": f"{measure} {value} over {limit} in 2 of 3 windows",
        "severity": "page",
        "breach": True,
    } | facts


def story() -> list[Json]:
    """Incidents of a year, newest first."""
    steps = [
        {
            "at": "2013-12-08T05:00:00Z",
            "what": "opened",
            "text": "Mean absolute error 19.2 is over its limit 16.9",
            "who": "",
        },
        {"at": "2013-12-09T05:00:00Z", "what": "fired", "text": "in 2 of 3 windows; told ml-team", "who": ""},
        {"at": "2013-12-09T13:12:00Z", "what": "acknowledged", "text": "acknowledged by mira", "who": "mira"},
    ]
    loss = [
        finding("mae", "", 29.8, 16.9),
        finding("rmse", "", 33.1, 24.0),
        finding("drift", "precip", 0.61, 0.1, severity="warn"),
        finding("mae", "", 27.0, 16.9, segment="carrier=EV"),
        finding(
            "psi",
            "mean_inbound_delay_of_the_same_tail_number_over_the_previous_24_hours",
            0.44,
            0.1,
            severity="warn",
        ),
    ]
    return [
        incident(
            7,
            "flights-arrival-delay",
            "performance",
            "firing",
            findings=loss,
            timeline=steps,
            acknowledged_by="mira",
            affected=["mae", "rmse", "precip", "mae carrier=EV"],
            likely="precip: values look 25.4 times larger: a change of unit? 61 % of its rows moved",
            causes=CAUSES,
        ),
        incident(
            6,
            "flights-late-arrival",
            "drift",
            "firing",
            severity="warn",
            summary="Drift of temp 0.310 is over its limit 0.100; also month, dewp and 2 more columns",
            findings=[
                finding("drift", "temp", 0.31, 0.1, severity="warn"),
                finding("drift", "month", 0.22, 0.1, severity="warn"),
            ],
            affected=["temp", "month", "dewp"],
            opened_at="2013-12-18T05:00:00Z",
            fired_at="2013-12-19T05:00:00Z",
            timeline=steps[:2],
        ),
        incident(
            5,
            "flights-late-arrival",
            "quality",
            "pending",
            severity="info",
            summary="Shift of the missing share of wind_gust 0.061 is over its limit 0.050",
            opened_at="2013-12-30T05:00:00Z",
        ),
        incident(
            4,
            "flights-late-arrival",
            "drift",
            "resolved",
            severity="warn",
            summary="Drift of wind_speed 0.874 is over its limit 0.100",
            opened_at="2013-11-07T05:00:00Z",
            fired_at="2013-11-08T05:00:00Z",
            resolved_at="2013-11-19T05:00:00Z",
            updated_at="2013-11-19T05:00:00Z",
            findings=[
                finding(
                    "drift",
                    "wind_speed",
                    0.874,
                    0.1,
                    severity="warn",
                    window={"start": "2013-11-16T05:00:00Z", "end": "2013-11-17T05:00:00Z"},
                )
            ],
            affected=["wind_speed"],
            timeline=steps[:2],
        ),
        incident(
            3,
            "flights-arrival-delay",
            "performance",
            "resolved",
            opened_at="2013-06-24T04:00:00Z",
            fired_at="2013-06-25T04:00:00Z",
            resolved_at="2013-07-30T04:00:00Z",
            updated_at="2013-07-30T04:00:00Z",
            findings=loss[:2],
            affected=["mae"],
            timeline=steps[:2],
            likely="no input moved beyond chance",
            concept=True,
        ),
    ]


@dataclass
class FakeTokens:
    """Tokens in memory."""

    kept: list[Any] = field(default_factory=list)

    def list(self) -> list[Any]:
        return self.kept

    def issue(self, name: str, scopes: Any) -> tuple[str, Secret]:
        number = f"{len(self.kept):012x}"
        self.kept.append(FakeToken(number, name, tuple(scopes)))
        return number, Secret(f"aw_{number}_{'x' * 43}")

    def revoke(self, number: str) -> None:
        for token in self.kept:
            if token.id == number:
                token.revoked_at = micros(NOW)


@dataclass
class FakeToken:
    """One token."""

    id: str
    name: str
    scopes: tuple[str, ...]
    created_at: int = micros(datetime(2013, 3, 1, 9, 30, tzinfo=UTC))
    used_at: int | None = micros(datetime(2013, 12, 31, 20, 11, tzinfo=UTC))
    revoked_at: int | None = None


class FakeNothing:
    """A part of the ledger in which nothing is kept."""

    def list(self, *_: Any, **__: Any) -> list[Any]:
        return []

    def counts(self) -> Json:
        return {}


@dataclass
class FakeBooks:
    """A transaction that finds nobody was told anything."""

    deliveries: FakeNothing = field(default_factory=FakeNothing)
    decisions: FakeNothing = field(default_factory=FakeNothing)
    silences: FakeNothing = field(default_factory=FakeNothing)


@dataclass
class FakeLedger:
    """The part of the ledger that pages use."""

    tokens: FakeTokens = field(default_factory=FakeTokens)

    @contextmanager
    def read(self) -> Iterator[FakeBooks]:
        yield FakeBooks()


@dataclass
class FakeWatch:
    """The facade over made-up answers."""

    queries: FakeQueries
    ledger: FakeLedger = field(default_factory=FakeLedger)
    notifier: Any = field(
        default_factory=lambda: SimpleNamespace(setup=SimpleNamespace(channels={}), couriers={})
    )

    def now(self) -> datetime:
        return NOW

    def acknowledge(self, number: int, who: str) -> None:
        self._open(number, "acknowledged", f"acknowledged by {who}", who)["acknowledged_by"] = who

    def silence(self, number: int, until: int, who: str) -> None:
        self._open(number, "silenced", "silenced", who)["silenced_until"] = iso(until)

    def resolve(self, number: int, who: str) -> None:
        self._open(number, "resolved", f"resolved by {who}", who).update(
            state="resolved", resolved_at=iso(micros(NOW))
        )

    def _open(self, number: int, what: str, text: str, who: str) -> Json:
        one = self.queries.incident(number)
        if one["state"] == "resolved":
            raise ConflictError(f"incident {number} is resolved already")
        one["timeline"] = [*one["timeline"], {"at": iso(micros(NOW)), "what": what, "text": text, "who": who}]
        return one


FLIGHTS = (
    Fake(
        "flights-late-arrival",
        "binary",
        health="warn",
        reason="Drift of temp 0.310 is over its limit 0.100; also month, dewp and 2 more columns",
    ),
    Fake(
        "flights-arrival-delay",
        "regression",
        health="page",
        reason="Mean absolute error 29.8 is over its limit 16.9 (reference 15.4; p < 1e-12)",
    ),
)
LONG = Fake(
    "a-model-whose-name-is-as-long-as-names-may-be.and-then-some.v2024_07_final_final-2-really-the-last-1",
    "binary",
)


def watch_of(kind: str = "two") -> FakeWatch:
    """`empty`, `one`, `two`, `hundred`, or `hourly` (8,760 windows)."""
    tokens = FakeTokens(
        [
            FakeToken("3f9a2b11c0de", "batch scorer", ("ingest",)),
            FakeToken("77aa00ff1234", "mira", ("admin",), revoked_at=micros(NOW)),
        ]
    )
    many = tuple(
        Fake(
            f"model-{at:03d}",
            "regression" if at % 3 else "binary",
            health=("ok", "ok", "ok", "ok", "warn", "unknown")[at % 6],
            reference=at % 7 != 0,
        )
        for at in range(96)
    )
    new = Fake("just-registered", "binary", health="unknown", reason="no predictions yet", days=0)
    fakes = {
        "empty": (),
        "one": FLIGHTS[:1],
        "two": FLIGHTS,
        "hundred": (*FLIGHTS, LONG, new, *many),
        "hourly": (Fake("hourly", "regression", window="1h"),),
    }[kind]
    known = {item.name for item in fakes}
    return FakeWatch(
        FakeQueries(fakes, [one for one in story() if one["model"] in known]), FakeLedger(tokens)
    )


def wall_clock(micro: int = micros(NOW)) -> datetime:
    """The time it is in the story."""
    return from_micros(micro)
