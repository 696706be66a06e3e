"""Models declared by a document of plain JSON types."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest

from anchorwatch.app.declare import declared
from anchorwatch.core.errors import ConfigError
from anchorwatch.core.schema import Column, Kind, ModelSpec, Task
from anchorwatch.core.types import Rule, Severity

SPEC = ModelSpec(name="load", task=Task.REGRESSION, columns=(Column("x", Kind.NUMBER),))
BODY = SPEC.to_dict()
RULE = Rule(name="error", measure="mae", above=60.0, severity=Severity.PAGE)


def test_a_spec_comes_back_as_it_was() -> None:
    """And nothing is said of rules where the document says nothing, or null."""
    assert declared(BODY) == (SPEC, None)
    assert declared({**BODY, "rules": None}) == (SPEC, None)


def test_no_rules_are_not_the_same_as_none_said() -> None:
    """An empty list takes the rules away."""
    assert declared({**BODY, "rules": []}) == (SPEC, ())


def test_rules_are_written_short_or_whole() -> None:
    """As in `watch.yaml`, or with every field."""
    whole = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(RULE).items()}
    _, rules = declared({**BODY, "rules": [whole, {"metric": "rmse", "above": 80}]})
    assert rules is not None
    assert rules[0] == RULE
    assert (rules[1].measure, rules[1].above) == ("rmse", 80)


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ({"metric": "mae"}, "rules: write a list of rules"),
        (["mae > 3"], r"rules\[0\]: a rule is a mapping"),
        ([{"metric": "mae", "above": 1}, {"metric": "mae", "abve": 1}], r"rules\[1\]\."),
        ([{**asdict(RULE), "severity": "loud"}], r"rules\[0\]\."),
        ([{"metric": "accuracy", "above": 1}], "accuracy"),
        ([{"metric": "nothing", "above": 1}], "nothing"),
    ],
)
def test_a_wrong_rule_is_named(rules: Any, told: str) -> None:
    """By its place in the list, and what would do."""
    with pytest.raises(ConfigError, match=told):
        declared({**BODY, "rules": rules})


def test_a_wrong_spec_is_named() -> None:
    """By its key."""
    with pytest.raises(ConfigError, match="task"):
        declared({**BODY, "task": "regresion"})
