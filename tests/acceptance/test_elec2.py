"""Scenario 4: a reference in which three columns never move."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

import anchorwatch as aw

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.slow

FEATURES = ["period", "nswprice", "nswdemand", "vicprice", "vicdemand", "transfer", "day"]
STILL = ("vicprice", "vicdemand", "transfer")
TRAINING = 2688
MARKET = datetime(1997, 5, 5, tzinfo=UTC)
SPEC = aw.ModelSpec(
    name="elec2",
    task=aw.Task.BINARY,
    columns=tuple(aw.Column(name, aw.Kind.NUMBER) for name in FEATURES),
    fields=aw.Fields(outcome="target"),
    labels=("0", "1"),
)


@pytest.fixture(scope="module")
def halves(table: Callable[[str], pl.DataFrame]) -> pl.DataFrame:
    """Half hours with the frozen model's score; the first eight weeks are the training rows."""
    frame = (
        table("elec2")
        .with_row_index("number")
        .with_columns(
            pl.col("timestamp").dt.replace_time_zone("UTC").dt.cast_time_unit("us").alias("at"),
            pl.col("number").cast(pl.String).alias("id"),
            pl.col("target").cast(pl.Int64),
        )
    )
    early = frame[:TRAINING]
    fitted = HistGradientBoostingClassifier(random_state=0).fit(
        early[FEATURES].to_numpy(), early["target"].to_numpy()
    )
    scores = fitted.predict_proba(frame[FEATURES].to_numpy())[:, 1]
    return frame.with_columns(pl.Series("score", scores))


@pytest.fixture(scope="module")
def watched(halves: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """All half hours after training, outcomes half an hour late."""
    rules = tuple(
        aw.Rule(name=measure, measure=measure, columns=STILL, above=above, cause=measure)
        for measure, above in {"psi": 0.2, "ks": 0.2, "jensen_shannon": 0.2, "wasserstein": 0.5}.items()
    )
    with aw.open(tmp_path_factory.mktemp("elec2") / "store") as watch:
        reference = halves[:TRAINING].select("score", "target", *FEATURES)
        watch.register(SPEC, reference, rules=rules)
        model = watch.model("elec2")
        for _, month in halves[TRAINING:].group_by_dynamic("at", every="4w"):
            model.log_table(month.select("id", "at", "score", *FEATURES))
            model.outcomes_table(month.select("id", pl.col("at") + timedelta(minutes=30), "target"))
            watch.settle()
        yield watch


@pytest.mark.parametrize("measure", ["psi", "ks", "jensen_shannon", "wasserstein"])
def test_constant_columns_are_silent_until_the_market_changed(watched: Any, measure: str) -> None:
    """No window before 1997-05-05 is flagged, the first one after is, whatever the statistic."""
    for column in STILL:
        found = watched.model("elec2").series(measure, subject=column)
        for start, value, reason in zip(found["start"], found["value"], found["reason"], strict=True):
            if datetime.fromisoformat(start) < MARKET:
                assert value == 0, (column, start, value, reason)
    opened = [one for one in watched.incidents(model="elec2", limit=1000) if one["cause"] == measure]
    first = min(datetime.fromisoformat(one["opened_at"]) for one in opened)
    assert first == MARKET + timedelta(days=1)
    detail = watched.query("incident", id=min(opened, key=lambda one: one["opened_at"])["id"])
    assert detail["timeline"]


@pytest.mark.parametrize(
    ("first", "accuracy", "auc"), [("1996-07-02", 0.827, 0.925), ("1996-10-22", 0.641, 0.723)]
)
def test_accuracy_falls_as_measured(
    watched: Any, halves: pl.DataFrame, first: str, accuracy: float, auc: float
) -> None:
    """Four-week accuracy and AUC agree with the independent figures, and with scikit-learn to 1e-6."""
    from sklearn.metrics import accuracy_score, log_loss, roc_auc_score

    start = datetime.fromisoformat(first).replace(tzinfo=UTC)
    end = start + timedelta(weeks=4)
    rows = halves.filter(pl.col("at") >= start, pl.col("at") < end)
    span = {"start": start.isoformat(), "end": end.isoformat()}
    found = {
        item["measure"]: item["value"]
        for item in watched.query("span", model="elec2", **span)["results"]
        if item["subject"] == ""
    }
    target, score = rows["target"].to_numpy(), rows["score"].to_numpy()
    assert found["accuracy"] == pytest.approx(accuracy, abs=0.01)
    assert found["roc_auc"] == pytest.approx(auc, abs=0.01)
    assert found["accuracy"] == pytest.approx(accuracy_score(target, score >= 0.5), abs=1e-9)
    assert found["roc_auc"] == pytest.approx(roc_auc_score(target, score), abs=1e-6)
    assert found["log_loss"] == pytest.approx(log_loss(target, score), rel=1e-6)


def test_drift_of_the_price_is_as_measured(watched: Any) -> None:
    """PSI of nswprice in the window of 1996-07-02 is 0.85, in that of 1996-12-17 it is 2.39."""
    for first, wanted in {"1996-07-02": 0.85, "1996-12-17": 2.39}.items():
        start = datetime.fromisoformat(first).replace(tzinfo=UTC)
        found = watched.query(
            "distribution",
            model="elec2",
            column="nswprice",
            start=start.isoformat(),
            end=(start + timedelta(weeks=4)).isoformat(),
        )
        assert found["measures"]["psi"]["value"] == pytest.approx(wanted, abs=0.01)


def test_retraining_shows_as_a_version_that_does_better(
    halves: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Over all half hours the frozen model is right in 0.682, the one retrained every four weeks in 0.767."""
    month, back = 4 * 7 * 48, 8 * 7 * 48
    with aw.open(tmp_path_factory.mktemp("retrained") / "store") as watch:
        watch.register(SPEC, rules=())
        model = watch.model("elec2")
        for begin in range(TRAINING, halves.height, month):
            rows, early = halves[begin : begin + month], halves[begin - back : begin]
            fitted = HistGradientBoostingClassifier(random_state=0).fit(
                early[FEATURES].to_numpy(), early["target"].to_numpy()
            )
            fresh = rows.with_columns(
                pl.Series("score", fitted.predict_proba(rows[FEATURES].to_numpy())[:, 1]),
                pl.lit("retrained").alias("version"),
                pl.format("{}r", "id").alias("id"),
            )
            both = pl.concat([rows.with_columns(pl.lit("frozen").alias("version")), fresh])
            model.log_table(both.select("id", "at", "version", "score", *FEATURES))
            model.outcomes_table(both.select("id", pl.col("at") + timedelta(minutes=30), "target"))
        watch.settle()
        right = {
            version: next(
                item["value"]
                for item in watch.query("span", model="elec2", version=version)["results"]
                if item["measure"] == "accuracy"
            )
            for version in ("frozen", "retrained")
        }
    assert right["frozen"] == pytest.approx(0.6822, abs=0.005)
    assert right["retrained"] == pytest.approx(0.7673, abs=0.01)
