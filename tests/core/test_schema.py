"""Declarations of models."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anchorwatch.core.calendar import Grain
from anchorwatch.core.errors import ConfigError
from anchorwatch.core.schema import Column, Fields, Kind, ModelSpec, Task, label_text

NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True)
SPANS = st.integers(0, 10**7).map(lambda seconds: timedelta(seconds=seconds))


@st.composite
def specs(draw: st.DrawFn) -> ModelSpec:
    """Any declaration."""
    columns = draw(
        st.lists(st.tuples(NAMES, st.sampled_from(Kind)), unique_by=lambda item: item[0], max_size=5)
    )
    categories = [name for name, kind in columns if kind is Kind.CATEGORY]
    labels = tuple(draw(st.lists(st.text(min_size=1), unique=True, max_size=4)))
    return ModelSpec(
        name=draw(NAMES),
        task=draw(st.sampled_from(Task)),
        columns=tuple(Column(name, kind) for name, kind in columns),
        fields=Fields(id=draw(NAMES), scores=tuple((label, f"p_{label}") for label in labels)),
        labels=labels,
        positive=labels[0] if labels else "1",
        threshold=draw(st.floats(0, 1)),
        window=Grain.parse(draw(st.sampled_from(["15m", "1h", "6h", "1d", "1w", "1mo"]))),
        timezone=draw(st.sampled_from(["UTC", "Europe/Paris", "Australia/Lord_Howe"])),
        grace=draw(SPANS),
        outcome_delay=draw(SPANS),
        outcome_horizon=draw(SPANS),
        dedup_horizon=draw(SPANS),
        segments=tuple(categories[:1]),
        retention=draw(st.none() | SPANS),
        private=draw(st.booleans()),
    )


@given(spec=specs())
def test_a_declaration_survives_json(spec: ModelSpec) -> None:
    """What is written is read back the same."""
    assert ModelSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec


WHOLE = {"name": "rides", "task": "regression"}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"window": "7h"}, "window: a window of '7h' does not divide a day"),
        ({"windw": "1d"}, "windw: no setting is named 'windw'; did you mean 'window'?"),
        ({"name": "a b"}, "name: 'a b' cannot be used"),
        ({"name": "x" * 101}, "cannot be used"),
        ({"task": "ranking"}, "task: no task is named 'ranking'"),
        ({"columns": ["age"]}, "columns: write a mapping of column to kind"),
        ({"columns": {"age": "numbr"}}, "columns.age: no kind is named 'numbr'; did you mean 'number'?"),
        ({"columns": {"_at": "number"}}, "column name '_at' cannot be used"),
        ({"columns": {"": "number"}}, "column name '' cannot be used"),
        ({"columns": {"x" * 201: "number"}}, "cannot be used"),
        ({"fields": ["id"]}, "fields: write a mapping such as"),
        ({"fields": {"tme": "at"}}, "fields.tme: no field is named 'tme'; did you mean 'time'?"),
        ({"labels": "ab"}, "labels: write a list, such as [a, b]; 'ab' was given"),
        ({"labels": 3}, "labels: write a list"),
        ({"threshold": "half"}, "threshold: a number is needed, 'half' was given"),
        ({"threshold": True}, "threshold: a number is needed"),
        ({"private": "yes"}, "private: true or false is needed, 'yes' was given"),
        ({"grace": "soon"}, "grace: 'soon' is no duration"),
        ({"retention": []}, "retention: "),
        ({"segments": ["sky"]}, "segments: 'sky' must be among the columns of kind category"),
        ({"segments": ["t"], "columns": {"t": "number"}}, "segments: 't' must be among"),
        ({"task": "binary", "labels": ["no", "yes"]}, "positive: '1' is not among labels ['no', 'yes']"),
        ({"timezone": "Mars/Base"}, "timezone: 'Mars/Base' is no IANA time zone"),
        ({"timezone": "../etc"}, "is no IANA time zone"),
    ],
)
def test_a_wrong_declaration_names_key_and_remedy(change: dict[str, Any], told: str) -> None:
    """Each mistake is refused in words that name the key and what would do."""
    with pytest.raises(ConfigError) as caught:
        ModelSpec.from_dict(WHOLE | change)
    assert told in str(caught.value)


@pytest.mark.parametrize("key", ["name", "task"])
def test_what_is_needed(key: str) -> None:
    """A declaration without name or task is refused."""
    with pytest.raises(ConfigError, match=f"{key}: is needed"):
        ModelSpec.from_dict({item: value for item, value in WHOLE.items() if item != key})


def test_a_column_twice_is_refused() -> None:
    """Names of columns are unique."""
    with pytest.raises(ConfigError, match=r"columns\.x: is declared twice"):
        ModelSpec(
            name="m", task=Task.REGRESSION, columns=(Column("x", Kind.NUMBER), Column("x", Kind.CATEGORY))
        )


def test_whose_probability_is_logged() -> None:
    """The positive class, each of many, or none."""
    assert ModelSpec(name="m", task=Task.BINARY).score_labels == ("1",)
    assert ModelSpec(name="m", task=Task.MULTICLASS, labels=("a", "b")).score_labels == ("a", "b")
    assert ModelSpec(name="m", task=Task.REGRESSION).score_labels == ()


@given(number=st.integers(-(2**53), 2**53))
def test_whole_numbers_have_one_spelling(number: int) -> None:
    """A label is the same text as a whole number and as a float."""
    assert label_text(number) == label_text(float(number)) == str(number)
