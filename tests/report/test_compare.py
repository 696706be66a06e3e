"""What a comparison says of tables that changed, and of those that did not."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from tests.report.tables import ROLES, people

import anchorwatch as aw
from anchorwatch.core.errors import InputError
from anchorwatch.core.schema import Task
from anchorwatch.core.types import Rule

BEFORE = people(3_000, 1)


def told(report: Any) -> list[str]:
    """Reasons of what was found."""
    return [item.reason for item in report.findings]


def test_what_moved_is_named_and_ranked() -> None:
    """Columns that moved, the farthest first; those that did not are not among them."""
    report = aw.compare(BEFORE, people(3_000, 2, moved=1.0))
    assert report.drifted == ["age", "city"]
    assert not report.passed
    assert report.summary.startswith("2 of 7 columns drifted, age most: ")


def test_what_did_not_move_passes() -> None:
    """Another sample of the same is no finding, by rates rather than one draw."""
    failed = sum(
        not aw.compare(people(400, 2 * seed), people(400, 2 * seed + 1)).passed for seed in range(25)
    )
    assert failed <= 1


def test_a_model_that_got_worse_is_found_and_how_much_is_said() -> None:
    """A prediction that no longer follows the target breaks the performance rules."""
    worse = people(3_000, 3).with_columns(pl.col("guess").shuffle(seed=1), pl.col("score").shuffle(seed=1))
    report = aw.compare(BEFORE, worse, **ROLES)
    assert report.spec.task is Task.BINARY
    assert "accuracy went from" in report.summary
    assert {item.measure for item in report.findings} >= {"accuracy", "roc_auc"}
    assert aw.compare(BEFORE, people(3_000, 4), **ROLES).passed


@pytest.mark.parametrize(
    ("roles", "task"),
    [
        ({"score": "score", "target": "bought"}, Task.BINARY),
        ({"target": "bought", "prediction": "guess"}, Task.BINARY),
        ({"target": "city"}, Task.MULTICLASS),
        ({"target": "income"}, Task.REGRESSION),
        ({"target": "bought", "task": "regression"}, Task.REGRESSION),
        ({}, Task.REGRESSION),
    ],
)
def test_the_task_is_read_off_what_is_given(roles: dict[str, str], task: Task) -> None:
    """Two classes, several, or numbers; a task that is given counts."""
    assert aw.compare(BEFORE, people(100, 2), **roles).spec.task is task


def test_metrics_are_those_of_the_rows() -> None:
    """Accuracy on either side is the share of rows that were right."""
    after = people(700, 5)
    metrics = {item["measure"]: item for item in aw.compare(BEFORE, after, **ROLES).to_dict()["metrics"]}
    for side, frame in (("reference", BEFORE), ("current", after)):
        right = (frame["guess"] == frame["bought"]).mean()
        assert metrics["accuracy"][side]["value"] == pytest.approx(right)


def test_columns_that_are_gone_new_or_of_another_sort_are_told() -> None:
    """A finding each; a new one is only a note, and a gone one has not drifted."""
    after = (
        people(3_000, 2)
        .drop("income")
        .with_columns(extra=pl.lit(1), age=pl.col("age").cast(pl.String), bought=pl.col("bought"))
    )
    report = aw.compare(BEFORE, after)
    assert "income is missing from the current table" in told(report)
    assert "extra is not in the reference" in told(report)
    assert any(text.startswith("age was number (Float64) and is text (String)") for text in told(report))
    assert report.drifted == []
    assert not report.passed


def test_a_new_column_alone_passes() -> None:
    """It is told and breaks nothing."""
    report = aw.compare(BEFORE, people(3_000, 2).with_columns(extra=1))
    assert told(report) == ["extra is not in the reference"]
    assert report.passed


def test_text_that_is_no_number_is_missing() -> None:
    """A number column full of words is not an error, and does not read "no drift"."""
    report = aw.compare(BEFORE, people(3_000, 2).with_columns(age=pl.lit("unknown")))
    assert report.results["missing_share"]["age"].value == 1.0
    assert "age" in report.drifted


def test_values_that_go_missing_are_drift() -> None:
    """From none to 60 % missing."""
    random = np.random.default_rng(1)
    lost = people(3_000, 2).with_columns(
        income=pl.when(pl.Series(random.random(3_000) < 0.6)).then(None).otherwise("income")
    )
    assert aw.compare(BEFORE, lost).drifted == ["income"]


def test_identifiers_and_times_are_left_out_with_a_reason() -> None:
    """What can only differ is not compared."""
    frame = people(300, 1).with_columns(
        key=pl.int_range(300).cast(pl.String), when=pl.date(2024, 1, 1), _hidden=1
    )
    report = aw.compare(frame, frame)
    assert set(report.left_out) == {"key", "when", "_hidden"}
    assert "identifiers" in report.left_out["key"]
    assert report.passed


def test_columns_may_be_chosen_with_their_kinds() -> None:
    """Names, or names with kinds."""
    assert aw.compare(BEFORE, BEFORE, columns=["age", "city"]).columns == ("age", "city")
    chosen = aw.compare(BEFORE, BEFORE, columns={"children": "number"})
    assert chosen.spec.numbers == ("children",)


def test_a_spec_and_rules_of_ones_own() -> None:
    """They replace what is read off the tables and the default rules."""
    spec = aw.ModelSpec.infer("shop", BEFORE.select("age", "city"), task="regression")
    strict = [Rule(name="any psi", measure="psi", above=0.0)]
    report = aw.compare(BEFORE, people(3_000, 2), spec=spec, rules=strict)
    assert report.spec.name == "shop"
    assert sorted(report.drifted) == ["age", "city"]


def test_few_rows_are_unknown_and_none_are_a_finding() -> None:
    """Neither is "no drift"."""
    few = aw.compare(people(20, 1), people(10, 2))
    assert few.summary == "Nothing can be said: there are too few rows."
    assert few.to_dict()["state"] == "unknown"
    none = aw.compare(BEFORE, BEFORE.head(0))
    assert not none.passed
    assert told(none) == ["the current table has no rows"]


@pytest.mark.parametrize(
    "change",
    [
        {"age": pl.lit(None, dtype=pl.Float64)},
        {"age": pl.lit(float("nan"))},
        {"age": pl.lit(float("inf"))},
        {"age": pl.lit(3.0)},
        {"city": pl.lit(None, dtype=pl.String)},
        {"score": pl.lit(float("inf"))},
        {"bought": pl.lit(None, dtype=pl.Int64)},
        {"age": pl.lit([1, 2], dtype=pl.List(pl.Int64))},
        {"city": pl.lit("x" * 100_000)},
    ],
)
def test_degenerate_columns_break_nothing(change: dict[str, pl.Expr]) -> None:
    """All missing, infinite, constant, of another type, over-long: on either side and both."""
    odd = people(200, 2).with_columns(**change)
    for reference, current in ((BEFORE, odd), (odd, BEFORE), (odd, odd)):
        roles = ROLES if "bought" not in change else {}
        report = aw.compare(reference, current, **roles)
        assert report.to_html()
        assert report.to_json()
        assert str(report)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"target": "bougth"}, "did you mean 'bought'"),
        ({"columns": ["agee"]}, "did you mean 'age'"),
        ({"taget": "bought"}, "did you mean"),
    ],
)
def test_a_wrong_name_is_told_with_the_near_one(given: dict[str, Any], message: str) -> None:
    """Instead of comparing something else."""
    with pytest.raises(InputError, match=message):
        aw.compare(BEFORE, BEFORE, **given)


def test_an_empty_reference_is_refused() -> None:
    """There is nothing to compare with."""
    with pytest.raises(InputError, match="the reference has no rows"):
        aw.compare(BEFORE.head(0), BEFORE)


def test_the_order_of_rows_leaves_no_trace() -> None:
    """Shuffled tables give the same report."""
    after = people(1_000, 2, moved=0.3)
    mixed = aw.compare(BEFORE.sample(fraction=1, shuffle=True, seed=1), after.reverse())
    assert mixed.drifted == aw.compare(BEFORE, after).drifted
    assert mixed.results["ks"].value == pytest.approx(aw.compare(BEFORE, after).results["ks"].value)


def test_columns_that_drift_only_together_are_seen() -> None:
    """Two columns whose sign of correlation turns: each by itself is as before."""

    def pairs(seed: int, sign: float) -> pl.DataFrame:
        random = np.random.default_rng(seed)
        x = random.normal(size=3_000)
        return pl.DataFrame({"x": x, "y": sign * x + 0.3 * random.normal(size=3_000)})

    rules = [Rule(name="together", measure="mmd", alpha=0.01)]
    report = aw.compare(pairs(1, 1.0), pairs(2, -1.0), rules=rules)
    assert not report.passed
    assert report.drifted == []
    assert report.summary == "The columns taken together drifted."
    assert not aw.compare(pairs(1, 1.0), pairs(2, -1.0)).passed
    assert aw.compare(pairs(1, 1.0), pairs(2, 1.0)).passed


def test_vectors_are_compared() -> None:
    """Columns of lists have measures of their own."""

    def vectors(seed: int, by: float) -> pl.DataFrame:
        rows = np.random.default_rng(seed).normal(by, 1, (400, 6)).tolist()
        return pl.DataFrame({"vector": rows, "x": range(400)})

    report = aw.compare(vectors(1, 0.0), vectors(2, 2.0))
    assert report.spec.vectors == ("vector",)
    assert report.results["vector_domain_auc"]["vector"].value > 0.95
    assert report.to_html()
