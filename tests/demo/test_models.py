"""The models are trained on the past alone and logged as a service would log them."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from anchorwatch.core.schema import Task
from anchorwatch.demo import models
from anchorwatch.demo.flights import INPUTS, NUMBERS
from anchorwatch.demo.models import BEGIN, HELD_OUT, Stream
from anchorwatch.profile.measure import MEASURES


def test_a_stream_is_in_order_and_lies_in_the_replay(streams: list[Stream], few: pl.DataFrame) -> None:
    """Predictions and outcomes come by time; every flight from March on is there, with or without outcome."""
    for stream in streams:
        assert stream.predictions["at"].is_sorted()
        assert stream.outcomes["at"].is_sorted()
        assert stream.predictions["at"].min() >= BEGIN
        assert stream.predictions.height == few.filter(pl.col("at") >= BEGIN).height
        assert set(stream.outcomes["id"]) < set(stream.predictions["id"])
        assert stream.outcomes.null_count().sum_horizontal().item() == 0


def test_the_reference_is_what_the_models_have_not_seen(streams: list[Stream]) -> None:
    """Two weeks between training and replay, with inputs, predictions and outcomes."""
    for stream in streams:
        assert HELD_OUT <= stream.reference["at"].min() <= stream.reference["at"].max() < BEGIN
        assert {*INPUTS, "prediction", "outcome"} <= set(stream.reference.columns)


def test_predictions_follow_from_scores(streams: list[Stream]) -> None:
    """A flight is called late from the spec's threshold on; a failed request has neither score nor prediction."""
    late = next(stream for stream in streams if stream.spec.task is Task.BINARY)
    answered = late.predictions.filter(pl.col("error").is_null())
    failed = late.predictions.filter(pl.col("error").is_not_null())
    assert ((answered["score"] >= late.spec.threshold) == (answered["prediction"] == 1)).all()
    assert failed["score"].is_null().all()
    assert failed["prediction"].is_null().all()


def test_names_the_training_did_not_have_are_unknown() -> None:
    """A new airport is NaN for the model, as HistGradientBoosting takes it."""
    table = pl.DataFrame(
        {name: [1.0, None] for name in NUMBERS}
        | {"carrier": ["AA", "ZZ"], "origin": ["JFK", None], "dest": ["BOS", "LAX"]}
    )
    found = models.matrix(table, [pl.Series(["AA"]), pl.Series(["EWR", "JFK"]), pl.Series(["BOS"])])
    assert found.shape == (2, len(INPUTS))
    assert found[0, len(NUMBERS) :].tolist() == [0.0, 1.0, 0.0]
    assert np.isnan(found[1]).all()


def test_the_service_is_simulated_repeatably(year: pl.DataFrame) -> None:
    """Errors come at their rate, latency is a few milliseconds, and both are the same each time."""
    table = models.served(year)
    assert table["error"].is_not_null().mean() == pytest.approx(models.ERRORS, rel=0.35)
    assert 0.003 < table["latency"].median() < 0.005
    assert table.equals(models.served(year))


@pytest.mark.parametrize("rules", [models.LATE_RULES, models.DELAY_RULES], ids=["late", "delay"])
def test_rules_speak_of_what_exists(rules: tuple[models.Rule, ...]) -> None:
    """Every rule names a registered measure and columns of the models; names are unique."""
    from anchorwatch import drift, metrics, quality  # noqa: F401 - importing them registers the measures

    assert len({rule.name for rule in rules}) == len(rules)
    for rule in rules:
        assert rule.measure in MEASURES
        assert set(rule.columns) <= set(INPUTS)
