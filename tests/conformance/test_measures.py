"""What every registered measure must hold to; it runs for each by itself as soon as its file is listed."""

from __future__ import annotations

import importlib
import math
import pickle
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from anchorwatch.core.schema import Kind, Task
from anchorwatch.core.types import Stage
from anchorwatch.profile.build import build_grid
from anchorwatch.profile.grid import OUTCOME
from anchorwatch.profile.measure import MEASURES, Family, Measure
from anchorwatch.profile.profile import PARTS, Profile
from anchorwatch.profile.worlds import cases, grid, reference, spec, world
from anchorwatch.testing import check_measure

PACKAGES = ("metrics", "drift", "quality")
for package in PACKAGES:
    importlib.import_module(f"anchorwatch.{package}")
NEVER_MISSING = {"throughput"}
"""A window without events has a throughput: 0."""


EACH = pytest.mark.parametrize("measure", MEASURES.values(), ids=list(MEASURES))
PAIRS = [(item, task) for item in MEASURES.values() for task in Task if not item.tasks or task in item.tasks]
APPLYING = pytest.mark.parametrize(
    ("measure", "task"), PAIRS, ids=[f"{item.name}-{task}" for item, task in PAIRS]
)


@APPLYING
def test_awkward_windows_give_values_in_range_or_reasons(measure: Measure, task: Task) -> None:
    """Whatever the window holds: a value within the declared range and its own interval, or words."""
    for case, current in cases(task).items():
        found = measure(reference(task), current)
        assert found.measure == measure.name
        assert len(found.value) == len(found.n) == len(found.reasons) == len(found.subjects)
        assert (found.n >= 0).all()
        for subject, result in found:
            where = f"{case}, {subject!r}: {result}"
            if hasattr(result, "reason"):
                assert 4 < len(result.reason) < 80, where
                assert "nan" not in result.reason.lower().split(), where
                continue
            assert math.isfinite(result.value), where
            assert measure.low <= result.value <= measure.high, where
            assert result.low is None or measure.low <= result.low <= result.value + 1e-9, where
            assert result.high is None or result.value - 1e-9 <= result.high <= measure.high, where
            assert result.p is None or 0 <= result.p <= 1, where


@APPLYING
def test_an_ordinary_window_has_values(measure: Measure, task: Task) -> None:
    """With a reference, 200 rows and their outcomes nothing is missing."""
    found = measure(reference(task), cases(task)["ordinary"])
    assert found.subjects
    assert found.reasons == (None,) * len(found)


@APPLYING
@pytest.mark.parametrize("case", ["no rows", "nothing"])
def test_of_nothing_nothing_is_known(measure: Measure, task: Task, case: str) -> None:
    """An empty window has reasons, not zeros."""
    found = measure(reference(task), cases(task)[case])
    assert measure.name in NEVER_MISSING or None not in found.reasons


@APPLYING
def test_parts_it_needs_are_needed(measure: Measure, task: Task) -> None:
    """Without a part it declares to need, all is missing."""
    for part in measure.needs:
        found = measure(reference(task), replace(cases(task)["ordinary"], **{part: None}))
        assert None not in found.reasons, part


@APPLYING
def test_subjects_are_what_it_declares(measure: Measure, task: Task) -> None:
    """Columns of its kinds, the classes, or the model as a whole; the same ones whatever the window holds."""
    bins = grid(task)
    kinds = {Kind.NUMBER: bins.numbers, Kind.CATEGORY: bins.categories, Kind.VECTOR: bins.vectors}
    columns = {name for kind in measure.kinds for name in kinds[kind]}
    expected = {"columns": columns, "classes": set(bins.labels), "model": {""}}[measure.subjects]
    for case, current in cases(task).items():
        found = measure(reference(task), current).subjects
        assert set(found) <= expected, case
        assert len(set(found)) == len(found)
        assert found == measure(reference(task), cases(task)["ordinary"]).subjects
        if measure.subjects == "columns":
            wanted = {OUTCOME} & columns if measure.stage is Stage.OUTCOMES else columns - {OUTCOME}
            assert set(found) == wanted


@APPLYING
def test_inputs_do_not_wait_for_outcomes(measure: Measure, task: Task) -> None:
    """A measure of the stage of inputs says the same before outcomes come and after."""
    before, after = (measure(reference(task), cases(task)[case]) for case in ("no outcomes", "ordinary"))
    if measure.stage is Stage.INPUTS:
        assert list(before) == list(after)
    elif measure.name in {"maturity", "expired_share"}:
        assert before[""].value == 0
    else:
        assert None not in before.reasons


@APPLYING
def test_without_a_reference_drift_says_so(measure: Measure, task: Task) -> None:
    """Drift is missing for want of a reference; what is no drift has its value, if no p-value."""
    found = measure(None, cases(task)["ordinary"])
    if measure.family is Family.DRIFT:
        assert found.reasons == ("no reference",) * len(found)
    else:
        beside = measure(reference(task), cases(task)["ordinary"])
        assert found.reasons == beside.reasons
        for one, other in ((found.value, beside.value), (found.low, beside.low), (found.high, beside.high)):
            np.testing.assert_array_equal(one, other)


@APPLYING
def test_a_reference_on_other_bins_is_refused(measure: Measure, task: Task) -> None:
    """Counts in different bins are not compared."""
    other = world(task, 300, seed=7)
    foreign = other.profile(build_grid(spec(task), other.frame))
    if measure.family is Family.DRIFT:
        assert set(measure(foreign, cases(task)["ordinary"]).reasons) == {"the reference lies on other bins"}


@APPLYING
def test_bins_made_without_a_reference_do_not_pretend(measure: Measure, task: Task) -> None:
    """On the general ladder, what needs the reference's range, deciles or levels is missing, and nothing breaks."""
    bare = build_grid(spec(task), None)
    before, after = (world(task, 200, seed=seed).profile(bare) for seed in (3, 4))
    found = measure(before, after)
    for _, result in found:
        assert hasattr(result, "reason") or measure.low <= result.value <= measure.high
    if {"out_of_range_share", "unseen_share", "psi", "chi_square", "jensen_shannon"} & {measure.name}:
        assert None not in found.reasons


@APPLYING
def test_what_did_not_change_has_not_drifted(measure: Measure, task: Task) -> None:
    """Identical reference and current give 0 and no significance, in every awkward window.

    Tests of sampled rows learn on some and look at others, which are never quite alike: they may not be significant.
    """
    if measure.family is not Family.DRIFT:
        return
    for case, current in cases(task).items():
        for subject, result in measure(current, current):
            if hasattr(result, "reason"):
                continue
            if "sample" in measure.needs:
                assert result.p > 0.001, (case, subject)
            else:
                assert result.value == pytest.approx(0, abs=1e-7), (case, subject)
                assert result.p is None or result.p > 0.99, (case, subject)


@APPLYING
def test_order_and_split_change_nothing(measure: Measure, task: Task) -> None:
    """Any order of rows, folded in any three parts and added, gives the same results."""
    rows = world(task, 150, seed=5)
    shuffled = np.random.default_rng(0).permutation(150)
    parts = [rows.rows(part).profile(grid(task)) for part in np.split(shuffled, [40, 41])]
    whole = measure(reference(task), rows.profile(grid(task)))
    merged = measure(reference(task), Profile.sum(grid(task), parts))
    assert (whole.subjects, whole.reasons, whole.n.tolist()) == (
        merged.subjects,
        merged.reasons,
        merged.n.tolist(),
    )
    for name in ("value", "low", "high", "p"):
        np.testing.assert_allclose(getattr(merged, name), getattr(whole, name), rtol=1e-9, atol=1e-12)


@APPLYING
def test_swapping_the_sides_is_as_declared(measure: Measure, task: Task) -> None:
    """A symmetric measure is; one that is not says so, and shows it on some pair."""
    if measure.family is not Family.DRIFT:
        assert not measure.symmetric
        return
    one = reference(task)
    pairs = [(measure(one, other), measure(other, one)) for other in cases(task).values()]
    same = all(
        np.allclose(getattr(forth, name), getattr(back, name), rtol=1e-9, equal_nan=True)
        for forth, back in pairs
        for name in ("value", "p")
    )
    assert same is measure.symmetric


@APPLYING
def test_profiles_are_left_alone(measure: Measure, task: Task) -> None:
    """Measuring changes neither side."""
    before = pickle.dumps((reference(task), cases(task)))
    for current in cases(task).values():
        measure(reference(task), current)
    assert pickle.dumps((reference(task), cases(task))) == before


@EACH
def test_it_says_what_it_is(measure: Measure) -> None:
    """Title, unit, range, direction, source, and a docstring with formula, range, when missing, and an example."""
    assert measure.name == measure.function.__name__
    assert measure.title[0].isupper()
    assert measure.unit
    assert measure.source
    assert measure.low < measure.high
    assert measure.better in {"higher", "lower", "none"}
    assert measure.needs <= set(PARTS)
    assert not (measure.kinds and measure.per_class)
    text = measure.function.__doc__ or ""
    for needed in ("Source:", ">>> ", "issing"):
        assert needed in text
    assert "`" in text.split("\n\n")[1]
    assert "best" in text


@pytest.mark.parametrize("package", PACKAGES)
def test_every_file_is_listed(package: str) -> None:
    """A file that registers measures is in its package's list, and the list names no other."""
    module = importlib.import_module(f"anchorwatch.{package}")
    folder = Path(str(module.__file__)).parent
    registering = {
        path.stem
        for path in folder.glob("*.py")
        if re.search(r"^(@|    return )measure\($", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert set(module.__all__) == registering
    assert module.__all__ == sorted(module.__all__)
    named = {item.function.__module__ for item in MEASURES.values()}
    assert {f"anchorwatch.{package}.{name}" for name in registering} <= named


@pytest.mark.parametrize("name", ["accuracy", "class_f1", "ece", "mae", "psi", "throughput"])
def test_ours_pass_the_check_that_users_have(name: str) -> None:
    """The check for measures of users, which asks the same in fewer words, finds no fault with one of each kind."""
    check_measure(name)
