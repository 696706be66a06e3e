"""Two models of flights, trained as anybody would, with what a watch must know of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from anchorwatch.core.schema import Column, Kind, ModelSpec, Task
from anchorwatch.core.types import Rule, Severity
from anchorwatch.demo.flights import CATEGORIES, INPUTS, NUMBERS, ZONE

if TYPE_CHECKING:
    from numpy.typing import NDArray

VERSION = "1"
SEED = 2013
ERRORS = 0.0005
"""Share of requests that fail. Simulated, like latency: the data tell nothing of the service."""


def midnight(month: int, day: int) -> datetime:
    """The begin of a day of 2013 in New York, in UTC."""
    return datetime(2013, month, day, tzinfo=ZoneInfo(ZONE)).astimezone(UTC)


HELD_OUT = midnight(2, 15)
"""The models are trained on what was before, and compared with what was from here to `BEGIN`."""
BEGIN = midnight(3, 1)
"""The replay begins here."""
MIDDLE = midnight(8, 1)


@dataclass(frozen=True, slots=True, eq=False)
class Stream:
    """A model under watch, and its traffic in order of time.

    Attributes:
        spec: what the model is.
        rules: what makes an incident.
        reference: two weeks that it was not trained on, with predictions and outcomes.
        predictions: from `BEGIN` on, in order of `at`.
        outcomes: of the flights that landed, in order of `at`.
    """

    spec: ModelSpec
    rules: tuple[Rule, ...]
    reference: pl.DataFrame
    predictions: pl.DataFrame
    outcomes: pl.DataFrame


def train(flights: pl.DataFrame, seen: pl.DataFrame) -> list[Stream]:
    """Train both models on the flights before `HELD_OUT`, let them predict all later ones.

    `seen` holds the same flights as `flights`, as the models get to see them (see `faults`).
    """
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor  # noqa: PLC0415 - 1 s
    from threadpoolctl import threadpool_limits  # noqa: PLC0415 - as above

    past = flights.filter(pl.col("at") < HELD_OUT, pl.col("delay").is_not_null())
    names = [past[name].unique().sort() for name in CATEGORIES]
    later = seen.filter(pl.col("at") >= HELD_OUT)
    settings: dict[str, Any] = {
        "max_iter": 150,
        "learning_rate": 0.08,
        "min_samples_leaf": 50,
        "l2_regularization": 1.0,
        "categorical_features": [INPUTS.index(name) for name in CATEGORIES],
        "random_state": SEED,
    }
    x, future = matrix(past, names), matrix(later, names)
    late, delayed = HistGradientBoostingClassifier(**settings), HistGradientBoostingRegressor(**settings)
    # One thread: as quick on so few rows, and four times quicker where other programs want the cores, too.
    with threadpool_limits(1, user_api="openmp"):
        score = late.fit(x, past["late"].to_numpy()).predict_proba(future)[:, 1]
        delay = delayed.fit(x, past["delay"].to_numpy()).predict(future)
    table = served(later)
    return [
        _stream(
            LATE_ARRIVAL,
            LATE_RULES,
            table,
            score=score,
            prediction=(score >= LATE_ARRIVAL.threshold).astype(int),
        ),
        _stream(ARRIVAL_DELAY, DELAY_RULES, table, prediction=delay),
    ]


def matrix(flights: pl.DataFrame, names: list[pl.Series]) -> NDArray[np.float64]:
    """What the models eat: numbers as they are, names as positions in `names`; NaN for unknown."""
    codes = [
        flights[column].replace_strict(known, np.arange(len(known)), default=None, return_dtype=pl.Float64)
        for column, known in zip(CATEGORIES, names, strict=True)
    ]
    return flights.select(*NUMBERS, *codes).to_numpy()


def served(flights: pl.DataFrame) -> pl.DataFrame:
    """Add what a service logs beside its prediction: version, latency, now and then an error (simulated)."""
    chance = np.random.default_rng(SEED)
    size = flights.height
    failed = chance.random(size) < ERRORS
    latency = np.where(failed, 1.0, chance.lognormal(np.log(0.004), 0.35, size))
    return flights.with_columns(
        version=pl.lit(VERSION),
        latency=pl.Series(latency),
        error=pl.Series(failed).replace_strict({True: "TimeoutError: no answer within 1 s", False: None}),
    )


def _stream(
    spec: ModelSpec, rules: tuple[Rule, ...], table: pl.DataFrame, **predicted: NDArray[Any]
) -> Stream:
    answered = pl.col("error").is_null()
    table = table.with_columns(pl.Series(name, values) for name, values in predicted.items()).with_columns(
        pl.when(answered).then(pl.col(name)).alias(name) for name in predicted
    )
    truth = "late" if spec.task is Task.BINARY else "delay"
    logged = ["id", "at", "version", *predicted, "latency", "error", *INPUTS]
    replayed = table.filter(pl.col("at") >= BEGIN)
    return Stream(
        spec=spec,
        rules=rules,
        reference=table.filter(pl.col("at") < BEGIN, answered).select(*logged, outcome=truth).drop("error"),
        predictions=replayed.select(logged),
        outcomes=replayed.filter(pl.col("landed").is_not_null())
        .select("id", at="landed", outcome=truth)
        .sort("at"),
    )


def _spec(name: str, task: Task, **settings: Any) -> ModelSpec:
    return ModelSpec(
        name=name,
        task=task,
        columns=tuple(Column(item, Kind.NUMBER if item in NUMBERS else Kind.CATEGORY) for item in INPUTS),
        timezone=ZONE,
        segments=("carrier", "origin"),
        outcome_delay=timedelta(days=1),
        outcome_horizon=timedelta(days=7),
        **settings,
    )


LATE_ARRIVAL = _spec("late-arrival", Task.BINARY, labels=("0", "1"))
ARRIVAL_DELAY = _spec("arrival-delay", Task.REGRESSION)

SENSORS = ("temp", "humid", "wind_speed", "pressure")
_SHARED = (
    Rule(
        name="schedule unlike the reference",
        measure="psi",
        columns=("scheduled_hour", "distance", "seats", "plane_age", "carrier", "origin"),
        above=0.25,
        count=2,
        within=3,
        keep=2,
        cause="schedule",
    ),
    # One day's weather is always unlike a fortnight's; a week above 6 is another season.
    Rule(
        name="another season than the training's",
        measure="psi",
        columns=("temp",),
        above=6.0,
        mean_of=7,
        keep=7,
        severity=Severity.INFO,
        cause="season",
    ),
    # The calmest week of the year reaches 0.64; in metres per second the median week is at 0.81.
    Rule(
        name="wind on another scale",
        measure="ks",
        columns=("wind_speed",),
        above=0.68,
        mean_of=7,
        keep=3,
        severity=Severity.PAGE,
        cause="instruments",
    ),
    Rule(
        name="a sensor is stuck",
        measure="constant",
        columns=SENSORS,
        above=0.5,
        count=2,
        within=2,
        min_rows=100,
        severity=Severity.PAGE,
        cause="instruments",
    ),
    # True of these data: the weather has a gap on 22 August and ends on 30 December.
    Rule(name="no weather", measure="missing_share", columns=("temp", "humid", "wind_speed"), above=0.1),
    Rule(name="errors", measure="error_rate", above=0.02),
    Rule(name="no predictions", measure="throughput", unknown_after=1, count=2, within=2, cause="volume"),
)
LATE_RULES = (
    Rule(name="scores are off", measure="log_loss", above=0.6, mean_of=7, keep=5, severity=Severity.PAGE),
    *_SHARED,
)
DELAY_RULES = (
    Rule(name="delays are off", measure="mae", above=31.0, mean_of=7, keep=5, severity=Severity.PAGE),
    *_SHARED,
)
