from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from anchorwatch.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    import anchorwatch.client as aw

    Connect = Callable[..., aw.Watching]


def test_ids_are_32_hex_digits_and_given_ones_are_kept(connect: Connect) -> None:
    """Made ids look like `uuid4().hex`; others come back as text."""
    model = connect().model("m")
    made = model.log({}, prediction=1)
    assert len(made) == 32
    assert int(made, 16) >= 0
    assert model.log({}, prediction=1, id="mine") == "mine"
    assert model.log({}, prediction=1, id=7) == "7"  # type: ignore[arg-type]


def test_features_may_change_after_log(server: Any, connect: Connect) -> None:
    """The mapping is copied when it is logged."""
    model = connect(linger=30.0).model("m")
    features = {"n": 1}
    model.log(features, prediction=1)
    features["n"] = 2
    assert model.flush()
    assert server.events[0]["features"] == {"n": 1}


def test_every_part_of_a_prediction_arrives(server: Any, connect: Connect) -> None:
    """Version, scores, latency and time are on the wire as the contract has them."""
    model = connect().model("m")
    model.log({"n": 1}, prediction="a", scores={"a": 0.9, "b": 0.1}, id="x", version=3, at=5.0, latency=0.25)
    assert model.flush()
    assert server.events == [
        {"id": "x", "at": 5.0, "version": "3", "prediction": "a", "scores": {"a": 0.9, "b": 0.1}, "latency": 0.25,
         "features": {"n": 1}},
    ]  # fmt: skip


def test_predicting_times_and_logs(server: Any, connect: Connect) -> None:
    """The block's time is its latency; its id is known afterwards."""
    model = connect().model("m")
    with model.predicting({"n": 1}, version="2") as p:
        p.prediction, p.score = 1, 0.75
    assert model.flush()
    (event,) = server.events
    assert (event["id"], event["prediction"], event["score"], event["version"]) == (p.id, 1, 0.75, "2")
    assert 0 < event["latency"] < 5


def test_predicting_records_an_exception_and_lets_it_go_on(server: Any, connect: Connect) -> None:
    """An exception is an error event without a prediction; an interrupt is no event."""
    model = connect().model("m")
    with pytest.raises(ZeroDivisionError), model.predicting({"n": 1}) as p:  # noqa: PT012 - what is tested
        p.prediction = 1
        1 / 0  # noqa: B018
    with pytest.raises(KeyboardInterrupt), model.predicting({"n": 2}):
        raise KeyboardInterrupt
    assert model.flush()
    (event,) = server.events
    assert event["error"] == "ZeroDivisionError: division by zero"
    assert "prediction" not in event


def test_watched_functions_are_logged(server: Any, connect: Connect) -> None:
    """Arguments become features, the result the prediction; name and result are the function's own."""
    model = connect().model("m")

    @model.watched(version="1")
    def predict(n: int, carrier: str = "UA") -> float:
        """Predict."""
        return n * 2.0

    @model.watched(
        features="row", prediction=lambda result: result["label"], score=lambda result: result["p"]
    )
    def classify(row: dict[str, Any]) -> dict[str, Any]:
        return {"label": 1, "p": 0.75}

    assert predict(2) == 4.0
    assert predict.__name__ == "predict"
    assert classify({"n": 3}) == {"label": 1, "p": 0.75}
    assert model.flush()
    first, second = server.events
    assert (first["features"], first["prediction"]) == ({"n": 2, "carrier": "UA"}, 4.0)
    assert (second["features"], second["prediction"], second["score"]) == ({"n": 3}, 1, 0.75)


def test_watched_coroutines_are_logged_with_their_whole_time(server: Any, connect: Connect) -> None:
    """An async function is awaited within the measured time, and its exception is an event."""
    model = connect().model("m")

    @model.watched(features=lambda n: {"n": n})
    async def predict(n: int) -> int:
        await asyncio.to_thread(int)
        return 10 // n

    assert asyncio.run(predict(5)) == 2
    with pytest.raises(ZeroDivisionError):
        asyncio.run(predict(0))
    assert model.flush()
    assert [event.get("prediction") for event in server.events] == [2, None]
    assert server.events[1]["error"].startswith("ZeroDivisionError")


def test_a_broken_reader_costs_the_event_and_not_the_call(connect: Connect) -> None:
    """What a user's own lambda does wrong never reaches the user's caller."""
    model = connect().model("m")
    bad = model.watched(features=lambda row: row["missing"])(lambda row: 1)
    worse = model.watched(prediction=lambda result: result["missing"])(lambda row: 1)
    assert (bad({}), worse({})) == (1, 1)
    assert model.flush()
    assert model.stats.dropped == {"invalid": 2}
    with pytest.raises(ValueError, match="no parameter"):
        model.watched(features="rwo")(lambda row: 1)


def test_raise_errors_shows_mistakes_where_they_are_made(connect: Connect) -> None:
    """The debugging switch makes `log` raise."""
    model = connect(raise_errors=True).model("m")
    with pytest.raises(InputError, match="neither a number nor a text"):
        model.log({"n": object()}, prediction=1)
    with pytest.raises(TypeError):
        model.log(None, prediction=1)  # type: ignore[arg-type]
    model.log({"n": 1}, prediction=1)
    assert model.flush()
