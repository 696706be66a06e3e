"""Scenario 6: outcomes that take two years, those of one class first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

import anchorwatch as aw

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.slow

SPEC = aw.ModelSpec(
    name="compas",
    task=aw.Task.BINARY,
    columns=(aw.Column("race", aw.Kind.CATEGORY), aw.Column("age", aw.Kind.NUMBER)),
    fields=aw.Fields(outcome="two_year_recid", prediction="high"),
    labels=("0", "1"),
    outcome_delay=timedelta(days=730),
    outcome_horizon=timedelta(days=3 * 365),
    segments=("race",),
)


@pytest.fixture(scope="module")
def screenings(table: Callable[[str], pl.DataFrame]) -> pl.DataFrame:
    """Cohorts before the break in the file."""
    return (
        table("compas_two_year")
        .with_columns(
            pl.col("screening_date").cast(pl.Datetime("us")).dt.replace_time_zone("UTC").alias("at"),
            pl.col("label_time").cast(pl.Datetime("us")).dt.replace_time_zone("UTC"),
            pl.col("id").cast(pl.String),
            (pl.col("decile_score") >= 5).cast(pl.Int64).alias("high"),
            pl.col("two_year_recid").cast(pl.Int64),
        )
        .filter(pl.col("at") < datetime(2014, 4, 1, tzinfo=UTC))
    )


def told(watch: Any, rows: pl.DataFrame, day: datetime) -> dict[str, Any]:
    """What the watch says on `day`, when all labels known by then have come."""
    come = rows.filter(pl.col("label_time") <= day).sort("label_time")
    watch.model("compas").outcomes_table(
        come.select("id", pl.col("label_time").alias("at"), "two_year_recid")
    )
    watch.settle()
    span = {"start": "2013-01-01", "end": "2014-04-01"}
    found = watch.query("span", model="compas", **span)["results"]
    return {item["measure"]: item for item in found if item["subject"] == ""}


def test_labels_that_came_early_are_not_taken_for_all(screenings: pl.DataFrame, tmp_path: Path) -> None:
    """Coverage is shown beside every figure, nothing is judged before its cohort is mature, and the end is exact."""
    rule = aw.Rule(name="base rate", measure="base_rate", above=0.9, min_rows=10, cause="base")
    with aw.open(tmp_path / "store") as watch:
        watch.register(SPEC, rules=(rule,))
        seen = screenings.filter(pl.col("at") < datetime(2014, 1, 1, tzinfo=UTC))
        watch.model("compas").log_table(seen.select("id", "at", "high", "race", "age"))
        early = told(watch, seen, datetime(2014, 1, 1, tzinfo=UTC))
        assert early["maturity"]["value"] == pytest.approx(823 / 5111)
        assert early["base_rate"]["n"] == 823
        assert watch.incidents(model="compas") == []
        judged = watch.query("model", name="compas")["judged"]
        assert judged["outcomes"] is None
        later = screenings.filter(pl.col("at") >= datetime(2014, 1, 1, tzinfo=UTC))
        watch.model("compas").log_table(later.select("id", "at", "high", "race", "age"))
        half = told(watch, screenings, datetime(2015, 4, 1, tzinfo=UTC))
        assert half["maturity"]["n"] == 6207
        assert half["maturity"]["value"] == pytest.approx(3085 / 6207)
        mature = {
            item["measure"]: item for item in watch.query("span", model="compas", mature=True)["results"]
        }
        cohort = screenings.filter(pl.col("at") < datetime(2013, 4, 1, tzinfo=UTC))
        assert mature["maturity"]["n"] == cohort.height
        assert mature["maturity"]["value"] > 0.97
        assert mature["base_rate"]["value"] == pytest.approx(0.384, abs=0.015)
        end = told(watch, screenings, datetime(2017, 1, 1, tzinfo=UTC))
        assert end["maturity"]["value"] == 1.0
        assert end["base_rate"]["value"] == pytest.approx(0.3620, abs=5e-5)
        assert end["base_rate"]["n"] == 6207
        assert watch.incidents(model="compas") == []
