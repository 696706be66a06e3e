"""What windows are compared with, as it is written."""

from __future__ import annotations

from datetime import timedelta

import pytest

from anchorwatch.core.against import Against, Base
from anchorwatch.core.errors import ConfigError
from anchorwatch.core.schema import ModelSpec

TEXTS = (
    "reference",
    "same hour",
    "same weekday",
    "same hour of week",
    "previous window",
    "last 28d",
    "last 6h",
    "version 3",
    "version a b",
)


@pytest.mark.parametrize("text", TEXTS)
def test_it_is_read_as_it_is_written(text: str) -> None:
    """And survives a model's declaration."""
    assert Against.parse(text).text == text
    spec = ModelSpec.from_dict({"name": "m", "task": "regression", "against": text})
    assert ModelSpec.from_dict(spec.to_dict()) == spec
    assert spec.against.text == text


def test_its_parts_are_known() -> None:
    """The version by name, the span as a length of time."""
    assert Against.parse("version 3") == Against(Base.VERSION, version="3")
    assert Against.parse("last  28d") == Against(Base.LAST, span=timedelta(days=28))
    assert Against() == Against.parse("reference")


@pytest.mark.parametrize("text", ["", "version", "last", "last 0d", "last week", "same month", "previous"])
def test_anything_else_is_refused_with_the_remedy(text: str) -> None:
    """Naming what could be written."""
    with pytest.raises(ConfigError, match="write"):
        Against.parse(text)
