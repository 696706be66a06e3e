"""Scenario 10, first part: five weeks in which nothing happens, and nobody is called."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import cross_val_predict

import anchorwatch as aw

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.slow

TRAINING_ENDS = datetime(2018, 8, 1, tzinfo=UTC)
FIRST_MONDAY, LAST_MONDAY = datetime(2018, 8, 6, tzinfo=UTC), datetime(2018, 9, 3, tzinfo=UTC)
DELAY = timedelta(days=7)
LABEL = {"TX_FRAUD", "TX_FRAUD_SCENARIO"}
NAMES = {"TRANSACTION_ID", "TX_DATETIME", "CUSTOMER_ID", "TERMINAL_ID", "TX_TIME_DAYS"}


@pytest.fixture(scope="module")
def payments(table: Callable[[str], pl.DataFrame]) -> pl.DataFrame:
    """Payments scored by a forest of the first week; that week itself by forests that had not seen the payment."""
    frame = table("fraud_simulated").with_columns(
        pl.col("TX_DATETIME").dt.cast_time_unit("us").dt.replace_time_zone("UTC").alias("at"),
        pl.col("TRANSACTION_ID").cast(pl.String).alias("id"),
        pl.col("TX_FRAUD").cast(pl.Int64),
    )
    columns = features(frame)
    early = frame.filter(pl.col("at") < TRAINING_ENDS)
    forest = RandomForestClassifier(100, random_state=0, n_jobs=2)
    inputs, labels = early[columns].to_numpy(), early["TX_FRAUD"].to_numpy()
    own = cross_val_predict(forest, inputs, labels, cv=3, method="predict_proba")[:, 1]
    forest.fit(inputs, labels)
    later = forest.predict_proba(frame[early.height :][columns].to_numpy())[:, 1]
    return frame.with_columns(pl.Series("score", [*own.tolist(), *later.tolist()]))


def features(frame: pl.DataFrame) -> list[str]:
    """What the model sees."""
    return [name for name in frame.columns if name not in LABEL | NAMES | {"at", "id", "score"}]


def spec(columns: list[str], window: str) -> aw.ModelSpec:
    """The model, labels seven days late."""
    return aw.ModelSpec.from_dict(
        {
            "name": "fraud",
            "task": "binary",
            "labels": ["0", "1"],
            "window": window,
            "outcome_delay": "7d",
            "columns": dict.fromkeys(columns, "number"),
            "fields": {"outcome": "TX_FRAUD"},
        }
    )


def watch_all(payments: pl.DataFrame, watch: Any, window: str, *rules: aw.Rule) -> Any:
    """The first week as the reference, the five others as they came."""
    columns = features(payments)
    declared = spec(columns, window)
    reference = payments.filter(pl.col("at") < TRAINING_ENDS)
    chosen = (*aw.rules.defaults.default_rules(declared), *rules) if rules else None
    watch.register(declared, reference.select("at", "score", "TX_FRAUD", *columns), rules=chosen)
    model = watch.model("fraud")
    for _, week in payments.filter(pl.col("at") >= TRAINING_ENDS).group_by_dynamic("at", every="1w"):
        model.log_table(week.select("id", "at", "score", *columns))
        model.outcomes_table(week.select("id", pl.col("at") + DELAY, "TX_FRAUD"))
        watch.settle()
    return watch


def whole_weeks(series: dict[str, Any]) -> list[float]:
    """Values of the weeks that lie in the data from Monday to Sunday: four of the five."""
    found = [
        value
        for value, start in zip(series["value"], series["start"], strict=True)
        if FIRST_MONDAY <= datetime.fromisoformat(start) < LAST_MONDAY
    ]
    assert len(found) == 4
    assert None not in found
    return found


@pytest.mark.parametrize("window", ["1d", "1w"])
def test_nobody_is_called(payments: pl.DataFrame, tmp_path: Any, window: str) -> None:
    """By default rules, day by day or week by week: no alarm of drift, of performance or of anything else."""
    with aw.open(tmp_path / "store") as watch:
        watch_all(payments, watch, window)
        fired = [one for one in watch.incidents(model="fraud", limit=1000) if one["fired_at"]]
        assert fired == []


def test_a_week_s_drift_is_as_small_as_measured(payments: pl.DataFrame, tmp_path: Any) -> None:
    """PSI of no feature over 0.004, a classifier that cannot tell weeks apart, and precision where it was."""
    rules = (aw.Rule(name="told apart", measure="domain_auc", above=0.53),)
    with aw.open(tmp_path / "store") as watch:
        watch_all(payments, watch, "1w", *rules)
        columns = features(payments)
        model = watch.model("fraud")
        for column in columns:
            known = whole_weeks(model.series("psi", subject=column))
            assert max(known) <= 0.004, column
        apart = whole_weeks(model.series("domain_auc"))
        assert sum(apart) / len(apart) <= 0.53, (
            apart
        )  # of 512 sampled rows; a single week's has an error of 0.014
        assert max(apart) <= 0.53 + 0.014, apart
        precision = whole_weeks(model.series("average_precision"))
        assert max(precision) - min(precision) < 0.05, precision
        assert min(precision) > 0.65, precision
