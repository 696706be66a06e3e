from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anchorwatch.client.encode import line
from anchorwatch.core.errors import InputError
from anchorwatch.core.types import EventKind


def prediction(features: Any, **parts: Any) -> bytes:
    """A line for a prediction event with these parts."""
    given = {"at": 1.5, "version": None, "prediction": 1, "score": None, "scores": None} | parts
    tail = (given.get("latency"), given.get("error"), features)
    head = (given["at"], given["version"], given["prediction"], given["score"], given["scores"])
    return line((None, EventKind.PREDICTIONS, "a", *head, *tail))


class Colour(Enum):
    """A category as an enum."""

    RED = "red"


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        (1, 1),
        (2.5, 2.5),
        ("é", "é"),
        (None, None),
        (True, True),
        (math.nan, None),
        (math.inf, "Infinity"),
        (-math.inf, "-Infinity"),
        (Decimal("1.5"), 1.5),
        (Decimal("NaN"), None),
        (Fraction(1, 4), 0.25),
        (np.float32(0.5), 0.5),
        (np.float64("nan"), None),
        (np.float32("inf"), "Infinity"),
        (np.int64(7), 7),
        (np.bool_(True), True),
        (np.str_("UA"), "UA"),
        (np.array([3.0]), 3.0),
        (np.datetime64("2013-01-01"), "2013-01-01"),
        (pd.NA, None),
        (pd.NaT, None),
        (pd.Timestamp("2013-01-01", tz="UTC"), "2013-01-01T00:00:00+00:00"),
        (date(2013, 1, 1), "2013-01-01"),
        (timedelta(minutes=1), 60.0),
        (Colour.RED, "red"),
        (b"UA", "UA"),
        (b"\xff", "�"),
        ("\ud800", "?"),
        (10**400, 10**400),
    ],
)
def test_features_of_every_kind_are_said_in_json(value: Any, sent: Any) -> None:
    """Whatever a service holds as a number or a name arrives as one."""
    assert json.loads(prediction({"x": value}))["features"] == {"x": sent}


class Grumpy:
    """Raises when asked for its value."""

    def item(self) -> None:
        """Raise."""
        raise RuntimeError("no")


@pytest.mark.parametrize(
    "value", [object(), Grumpy(), np.arange(3), 10**5000], ids=["object", "raises", "array", "huge"]
)
def test_what_cannot_be_said_is_an_input_error(value: Any) -> None:
    """An object that is neither number nor name costs its event and nothing else."""
    with pytest.raises(InputError):
        prediction({"x": value})


def test_deep_and_circular_features_are_refused() -> None:
    """Nesting has an end."""
    circle: list[Any] = []
    circle.append(circle)
    with pytest.raises(InputError, match="nested"):
        prediction({"x": circle})


def test_a_prediction_must_say_something() -> None:
    """An event without prediction, score and error is refused here, not by the server."""
    with pytest.raises(InputError, match="prediction"):
        prediction({}, prediction=None)


def test_an_exception_is_its_type_and_text() -> None:
    """Errors arrive as text that names their type, of bounded length."""
    sent = json.loads(prediction({}, prediction=None, error=ValueError("x" * 5000)))
    assert sent["error"].startswith("ValueError: xxx")
    assert len(sent["error"]) == 1000


def test_times_need_a_zone() -> None:
    """A naive time is refused rather than guessed."""
    assert (
        json.loads(prediction({}, at=datetime(2013, 1, 1, tzinfo=UTC)))["at"] == "2013-01-01T00:00:00+00:00"
    )
    zone = timezone(timedelta(hours=-5))
    assert json.loads(prediction({}, at=datetime(2013, 1, 1, tzinfo=zone)))["at"].endswith("-05:00")
    for wrong in (datetime(2013, 1, 1), True, object()):  # noqa: DTZ001
        with pytest.raises(InputError, match="at:"):
            prediction({}, at=wrong)


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters())
    | st.binary()
    | st.decimals(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(deadline=None)
@given(st.dictionaries(st.text(st.characters(), max_size=5), anything, max_size=5))
def test_a_line_is_one_line_of_strict_json_or_an_input_error(features: dict[str, Any]) -> None:
    """Nothing a service hands in can break the batch it travels in."""
    try:
        text = prediction(features)
    except InputError:
        return

    def refuse(name: str) -> Any:
        raise AssertionError(name)

    assert text.endswith(b"\n")
    assert text.count(b"\n") == 1
    json.loads(text.decode(), parse_constant=refuse)
