"""The rules a model has when nobody wrote any, and the form rules are written in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anchorwatch.core.schema import Column, Fields, Kind, ModelSpec, Task
from anchorwatch.core.types import Rule, Severity
from anchorwatch.profile.measure import MEASURES
from anchorwatch.rules.check import check_rules
from anchorwatch.rules.defaults import default_rules, main_metric
from anchorwatch.rules.form import from_dict, to_dict
from anchorwatch.rules.place import cause_of, stage_of

SPECS = {
    task: ModelSpec(
        name="m",
        task=task,
        columns=(Column("x", Kind.NUMBER), Column("c", Kind.CATEGORY)),
        labels=() if task is Task.REGRESSION else ("0", "1"),
    )
    for task in Task
}


@pytest.mark.parametrize("task", Task)
def test_default_rules_make_sense_for_every_task(task: Task) -> None:
    """Each is on a measure that the task has, and passes the checks that users' rules must."""
    spec = SPECS[task]
    rules = default_rules(spec)
    check_rules(rules, spec)
    assert main_metric(spec) in {rule.measure for rule in rules}
    assert {"drift", "quality", "performance", "service", "target drift"} == {
        cause_of(rule) for rule in rules
    }


@pytest.mark.parametrize("task", Task)
def test_one_cause_waits_for_one_stage(task: Task) -> None:
    """An incident's windows come in one order."""
    stages: dict[str, set[str]] = {}
    for rule in default_rules(SPECS[task]):
        stages.setdefault(cause_of(rule), set()).add(stage_of(rule).value)
    assert all(len(found) == 1 for found in stages.values()), stages


@pytest.mark.parametrize(
    ("spec", "metric"),
    [
        (SPECS[Task.REGRESSION], "mae"),
        (SPECS[Task.BINARY], "roc_auc"),
        (SPECS[Task.BINARY].evolve(fields=Fields(score="")), "accuracy"),
        (SPECS[Task.MULTICLASS], "accuracy"),
    ],
)
def test_the_main_metric_is_one_the_model_can_have(spec: ModelSpec, metric: str) -> None:
    """A classifier without scores has no ROC AUC."""
    assert main_metric(spec) == metric


@pytest.mark.parametrize("task", Task)
def test_default_rules_survive_being_written(task: Task) -> None:
    """In the form people write."""
    for rule in default_rules(SPECS[task]):
        assert from_dict(to_dict(rule)) == rule


@given(
    st.builds(
        Rule,
        name=st.text(min_size=1, max_size=20).filter(str.strip),
        measure=st.sampled_from(list(MEASURES)),
        columns=st.lists(st.text(min_size=1, max_size=5), max_size=3).map(tuple),
        above=st.none() | st.floats(allow_nan=False),
        below=st.none() | st.floats(allow_nan=False),
        band=st.none() | st.floats(allow_nan=False),
        side=st.sampled_from(["both", "above", "below"]),
        alpha=st.none() | st.floats(0, 1),
        worse=st.none() | st.floats(0, 9),
        budget=st.none() | st.floats(0, 9),
        count=st.integers(1, 9),
        within=st.integers(1, 9),
        mean_of=st.integers(1, 9),
        keep=st.integers(1, 9),
        min_rows=st.integers(0, 999),
        unknown_after=st.none() | st.integers(1, 9),
        segments=st.sampled_from(["", "c"]),
        severity=st.sampled_from(list(Severity)),
        cause=st.sampled_from(["", "drift", "other"]),
    )
)
def test_any_rule_survives_being_written(rule: Rule) -> None:
    """Whatever is in it."""
    assert from_dict(to_dict(rule)) == rule
