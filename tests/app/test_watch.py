"""What a model may be declared as, and changed to."""

from __future__ import annotations

from typing import Any

import pytest

from anchorwatch.app.watch import agree, labelled
from anchorwatch.core.calendar import Grain
from anchorwatch.core.errors import ConfigError, ConflictError
from anchorwatch.core.schema import Column, Kind, ModelSpec, Task

COLUMNS = (Column("x", Kind.NUMBER), Column("c", Kind.CATEGORY))
BINARY = ModelSpec(name="late", task=Task.BINARY, columns=COLUMNS)
MANY = ModelSpec(name="pets", task=Task.MULTICLASS, columns=COLUMNS, labels=("cat", "dog"))
NUMBER = ModelSpec(name="load", task=Task.REGRESSION, columns=COLUMNS)


def test_a_classifier_has_its_labels_before_its_first_event() -> None:
    """0 and 1 where nothing else is said; what is declared stays; a regression has none."""
    assert labelled(BINARY).labels == ("0", "1")
    assert labelled(MANY) is MANY
    assert labelled(NUMBER) is NUMBER
    named = BINARY.evolve(labels=("no", "yes"), positive="yes")
    assert labelled(named) is named


@pytest.mark.parametrize("spec", [BINARY.evolve(positive="yes"), MANY.evolve(labels=())])
def test_labels_that_nobody_can_know_are_asked_for(spec: ModelSpec) -> None:
    """With what would do."""
    with pytest.raises(ConfigError, match="needs its classes declared"):
        labelled(spec)


@pytest.mark.parametrize(
    ("old", "changes", "told"),
    [
        (NUMBER, {"window": Grain("1h")}, "window"),
        (NUMBER, {"timezone": "Europe/Paris"}, "timezone"),
        (NUMBER, {"columns": (Column("x", Kind.CATEGORY),)}, r"columns\.x"),
        (MANY, {"labels": ("dog", "cat")}, "labels"),
        (MANY, {"labels": ("cat",)}, "labels"),
    ],
)
def test_a_change_that_would_make_figures_wrong_is_refused(
    old: ModelSpec, changes: dict[str, Any], told: str
) -> None:
    """Naming the setting."""
    with pytest.raises(ConflictError, match=told):
        agree(old, old.evolve(**changes))


def test_changes_that_leave_figures_right_are_fine() -> None:
    """A label or a column more, a column less, a delay."""
    agree(MANY, MANY.evolve(labels=("cat", "dog", "hen")))
    agree(NUMBER, NUMBER.evolve(columns=(*COLUMNS, Column("new", Kind.NUMBER))))
    agree(NUMBER, NUMBER.evolve(columns=COLUMNS[:1]))
