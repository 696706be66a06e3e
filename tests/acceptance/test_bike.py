"""Scenarios 1 and 3: hires per hour, a model that sags with the seasons, and injected faults."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor

import anchorwatch as aw

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.slow

FEATURES = ["hr", "weekday", "holiday", "workingday", "weathersit", "temp", "atemp", "hum", "windspeed"]
SPEC = aw.ModelSpec(
    name="bikes",
    task=aw.Task.REGRESSION,
    columns=tuple(aw.Column(name, aw.Kind.NUMBER) for name in FEATURES),
    fields=aw.Fields(id="instant", time="at", outcome="cnt"),
)
ON = "error off its reference"


@pytest.fixture(scope="module")
def hires(table: Callable[[str], pl.DataFrame]) -> pl.DataFrame:
    """The data with the frozen model's predictions, times as UTC."""
    frame = table("bike_sharing_hourly").with_columns(
        pl.col("timestamp").dt.replace_time_zone("UTC").dt.cast_time_unit("us").alias("at"),
        pl.col("instant").cast(pl.String),
    )
    return predicted(frame, model(frame))


def model(frame: pl.DataFrame) -> HistGradientBoostingRegressor:
    """Trained on January and February 2011."""
    early = frame.filter(pl.col("at") < datetime(2011, 3, 1, tzinfo=UTC))
    return HistGradientBoostingRegressor(random_state=0).fit(
        early[FEATURES].to_numpy(), early["cnt"].to_numpy()
    )


def predicted(frame: pl.DataFrame, fitted: HistGradientBoostingRegressor) -> pl.DataFrame:
    """With the model's prediction of each hour."""
    return frame.with_columns(pl.Series("prediction", fitted.predict(frame[FEATURES].to_numpy())))


def between(frame: pl.DataFrame, start: datetime, end: datetime) -> pl.DataFrame:
    """Rows of a span."""
    return frame.filter(pl.col("at") >= start, pl.col("at") < end)


def replay(watch: Any, frame: pl.DataFrame) -> None:
    """Log predictions and, an hour late, what came, a week at a time."""
    bikes = watch.model("bikes")
    for _, week in frame.group_by_dynamic("at", every="1w"):
        bikes.log_table(week.select("instant", "at", "prediction", *FEATURES))
        bikes.outcomes_table(week.select("instant", pl.col("at") + timedelta(hours=1), "cnt"))
        watch.settle()


@pytest.fixture(scope="module")
def watched(hires: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """March is the reference; March 2011 to December 2012 is replayed."""
    march = between(hires, datetime(2011, 3, 1, tzinfo=UTC), datetime(2011, 4, 1, tzinfo=UTC))
    rules = (
        aw.Rule(name=f"{ON}, 3 sd", measure="mae", band=3.0, side="above", mean_of=7, cause="three"),
        aw.Rule(name=f"{ON}, 2 sd", measure="mae", band=2.0, side="above", mean_of=7, cause="two"),
    )
    with aw.open(tmp_path_factory.mktemp("bikes") / "store") as watch:
        watch.register(SPEC, march.select("at", "prediction", "cnt", *FEATURES), rules=rules)
        replay(watch, hires.filter(pl.col("at") >= datetime(2011, 3, 1, tzinfo=UTC)))
        yield watch


def monthly(watch: Any, measure: str) -> dict[str, float]:
    """A measure by month, such as {'2011-03': 22.98}."""
    found = watch.model("bikes").series(measure, grain="1mo")
    return {start[:7]: value for start, value in zip(found["start"], found["value"], strict=True)}


def test_monthly_error_is_as_measured_independently(watched: Any, hires: pl.DataFrame) -> None:
    """Monthly MAE agrees with the independent figures to 2 %, and with its definition to 1e-6."""
    found = monthly(watched, "mae")
    for month, wanted in {"2011-03": 22.98, "2011-04": 56.83, "2011-05": 90.03, "2011-06": 96.78}.items():
        assert found[month] == pytest.approx(wanted, rel=0.02)
    truth = hires.with_columns(pl.col("at").dt.strftime("%Y-%m").alias("month")).group_by("month")
    for month, mae in truth.agg((pl.col("prediction") - pl.col("cnt")).abs().mean()).iter_rows():
        if month >= "2011-03":
            assert found[month] == pytest.approx(mae, rel=1e-6)


def test_the_model_is_reported_to_predict_too_little(watched: Any) -> None:
    """Bias is negative in every month, -84 in May 2011."""
    found = monthly(watched, "bias")
    assert found["2011-05"] == pytest.approx(-84.4, rel=0.03)
    assert all(value < 0 for value in found.values())


@pytest.mark.parametrize(("cause", "day"), [("three", 23), ("two", 14)])
def test_the_alarm_falls_on_the_right_day(watched: Any, cause: str, day: int) -> None:
    """The 7-day mean of daily MAE passes 3 sd on 23 April and 2 sd on 14 April, within a day, not in March."""
    fired = [one for one in watched.incidents(model="bikes") if one["cause"] == cause]
    first = min(datetime.fromisoformat(one["fired_at"]) for one in fired)
    window = first - timedelta(days=1)
    assert abs(window - datetime(2011, 4, day, tzinfo=UTC)) <= timedelta(days=1)


def test_concept_drift_without_feature_drift_can_be_told(watched: Any) -> None:
    """January 2012: the error is 2.8 times the reference's while temperature and predictions hardly moved."""
    error = monthly(watched, "mae")["2012-01"]
    assert error == pytest.approx(63.45, rel=0.03)
    span = {"start": "2012-01-01", "end": "2012-02-01"}
    hour = watched.query("distribution", model="bikes", column="hr", **span)["measures"]["psi"]["value"]
    assert hour < 0.02
    open_for_performance = [one["cause"] for one in watched.incidents(model="bikes")]
    assert "three" in open_for_performance


def psi(hires: pl.DataFrame, column: str) -> float:
    """The textbook: deciles of the reference, (lo, hi], floor 1e-4."""
    import numpy as np

    reference = between(hires, datetime(2011, 1, 1, tzinfo=UTC), datetime(2011, 3, 1, tzinfo=UTC))[
        column
    ].to_numpy()
    current = between(hires, datetime(2012, 1, 1, tzinfo=UTC), datetime(2012, 2, 1, tzinfo=UTC))[
        column
    ].to_numpy()
    edges = np.unique(np.quantile(reference, np.arange(1, 10) / 10))
    shares = [
        np.maximum(np.bincount(np.searchsorted(edges, rows), minlength=len(edges) + 1) / len(rows), 1e-4)
        for rows in (reference, current)
    ]
    return float(((shares[1] - shares[0]) * np.log(shares[1] / shares[0])).sum())


def test_drift_against_the_training_months_is_as_measured(hires: pl.DataFrame, tmp_path: Path) -> None:
    """January 2012 against January-February 2011: PSI of temp about 0.20, of the predictions 0.04, of hr 0."""
    early = between(hires, datetime(2011, 1, 1, tzinfo=UTC), datetime(2011, 3, 1, tzinfo=UTC))
    january = between(hires, datetime(2012, 1, 1, tzinfo=UTC), datetime(2012, 2, 1, tzinfo=UTC))
    with aw.open(tmp_path / "store") as watch:
        watch.register(SPEC, early.select("at", "prediction", "cnt", *FEATURES))
        replay(watch, january)
        span = {"start": "2012-01-01", "end": "2012-02-01"}
        found = {
            column: watch.query("distribution", model="bikes", column=column, **span)["measures"]["psi"][
                "value"
            ]
            for column in ("temp", "_prediction", "hr")
        }
    assert found["temp"] == pytest.approx(0.20, abs=0.02)
    assert found["_prediction"] == pytest.approx(0.04, abs=0.02)
    assert found["hr"] < 0.01
    assert found["temp"] == pytest.approx(psi(hires, "temp"), abs=1e-6)


@pytest.mark.parametrize(
    ("column", "change", "mae", "moved"),
    [
        ("hr", (pl.col("hr") + 5) % 24, 77.7, {"hr": 0.0, "windspeed": 0.21}),
        ("windspeed", pl.col("windspeed") * 67, 27.6, {"hr": 0.0, "windspeed": 7.39}),
    ],
)
def test_each_fault_is_seen_by_what_can_see_it(
    hires: pl.DataFrame, tmp_path: Path, column: str, change: pl.Expr, mae: float, moved: dict[str, float]
) -> None:
    """A wrong time zone shows in the error alone, a wrong unit in the feature alone."""
    fitted = model(hires)
    reference = between(hires, datetime(2011, 3, 1, tzinfo=UTC), datetime(2011, 3, 15, tzinfo=UTC))
    rest = between(hires, datetime(2011, 3, 15, tzinfo=UTC), datetime(2011, 4, 1, tzinfo=UTC))
    faulty = predicted(rest.with_columns(change.cast(rest.schema[column]).alias(column)), fitted)
    span = {"start": "2011-03-14", "end": "2011-04-01"}
    rules = (
        aw.Rule(name="error", measure="mae", above=45.0),
        aw.Rule(name="drift", measure="psi", columns=("windspeed", "hr"), above=2.0, cause="drift"),
    )
    with aw.open(tmp_path / "store") as watch:
        weekly = SPEC.evolve(window=aw.Grain("1w"))
        watch.register(weekly, reference.select("at", "prediction", "cnt", *FEATURES), rules=rules)
        replay(watch, faulty)
        results = {item["measure"]: item["value"] for item in watch.query("span", model="bikes")["results"]}
        assert results["mae"] == pytest.approx(mae, rel=0.03)
        for name, wanted in moved.items():
            found = watch.query("distribution", model="bikes", column=name, **span)
            assert found["measures"]["psi"]["value"] == pytest.approx(wanted, abs=0.05, rel=0.05)
        causes = {one["cause"] for one in watch.incidents(model="bikes") if one["fired_at"]}
    assert causes == ({"performance"} if column == "hr" else {"drift"})
