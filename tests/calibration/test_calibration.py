"""False alarms of the default rules on unchanged data keep their level; a rule that cries twice as often fails here."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy import stats
from scripts.tools import calibrate_power
from scripts.tools.calibrate import BEYOND, PAGE, cases, run
from scripts.tools.calibrate_outcomes import Course, classifier, regressor
from scripts.tools.calibrate_rules import judged
from scripts.tools.calibrate_worlds import Calendar, Size, categories, continuous, rows, shared

from anchorwatch.drift.cells import Cells
from anchorwatch.drift.chi_square import contingency

if TYPE_CHECKING:
    from collections.abc import Callable

    from scripts.tools.calibrate_rules import World

LOOSE = 1e6
"""A budget so large that the level is the loosest there is, one window in twenty: rates show after few windows."""

WORLDS: dict[str, tuple[str, Callable[[np.random.Generator], World], float]] = {
    "numbers": ("drift", partial(continuous, size=Size(300, 10, 100, 481)), 0.7),
    "categories": ("drift", partial(categories, size=Size(300, 10, 100, 300), shares=np.ones(20)), 0.7),
    "rare categories": (
        "drift",
        partial(categories, size=Size(200, 10, 100, 300), shares=1 / np.arange(1, 1001)),
        0.4,
    ),
    "days": ("drift", partial(rows, calendar=Calendar(35, 30, 100), models=100, draw=shared(0.5)), 0.4),
    "scores": ("roc_auc", partial(classifier, course=Course(30, 300, 100, 0.1)), 0.1),
    "errors": ("mae", partial(regressor, course=Course(30, 300, 100, 0.1)), 0.1),
}


@pytest.mark.parametrize("name", WORLDS)
def test_windows_are_called_no_more_often_than_the_level(name: str) -> None:
    """At one in twenty: the lower bound is under it, and the rate so near it that doubling would show."""
    measure, make, share = WORLDS[name]
    tally = judged(make(np.random.default_rng(7)), measure, LOOSE)
    assert tally.level == 0.05
    assert tally.rate_bounds[0] <= tally.level, tally.rate
    assert tally.rate >= share * tally.level, tally.rate
    assert tally.rate <= 1.6 * tally.level, tally.rate


def test_the_short_form_is_within_every_budget() -> None:
    """A tenth of the published table, run anew."""
    found = [row for case in cases(short=True) for row in run(case)]
    over = [
        (row.case.data, row.measure, row.tally.rate, row.tally.monthly) for row in found if row.tally.over
    ]
    assert not over
    assert len(found) > 20


def test_a_rule_at_twice_its_level_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """p-values cut to half make the first of these tests fail: the check can."""
    from anchorwatch.rules import evaluate

    plain = evaluate.chance

    def hasty(*given: object) -> object:
        found = plain(*given)  # type: ignore[arg-type]
        return found / 2 if isinstance(found, float) else found

    monkeypatch.setattr(evaluate, "chance", hasty)
    measure, make, _ = WORLDS["categories"]
    tally = judged(make(np.random.default_rng(7)), measure, LOOSE)
    assert tally.rate > 1.6 * tally.level


@pytest.mark.parametrize(("levels", "expected"), [(3, 0.224), (6, 0.354), (10, 0.489)])
def test_the_one_sample_test_of_others_cries_wolf(levels: int, expected: float) -> None:
    """Negative control: taken for the truth, a reference as large as the window calls so many; ours one in twenty."""
    rng = np.random.default_rng(levels)
    before, after = rng.multinomial(2000, np.full(levels, 1 / levels), (2, 6000))
    wolf = stats.chi2.sf(((after - before) ** 2 / before).sum(axis=1), levels - 1) < 0.05
    assert wolf.mean() == pytest.approx(expected, abs=0.025)
    cells = Cells.of(before.tolist(), after.tolist())
    assert (contingency(cells)[1] < 0.05).mean() == pytest.approx(0.05, abs=0.015)


def test_the_default_test_is_as_strong_as_the_best_other() -> None:
    """Over all changes of numbers and categories, at the same rate of false alarms, within noise."""
    found = calibrate_power.power(np.random.default_rng(5), 100, runs=150, null=3000)
    methods = {method for row in found.values() for method in row}
    mean = {method: np.mean([row.get(method, 0.0) for row in found.values()]) for method in methods}
    assert mean["default rule"] >= max(mean.values()) - 0.03, mean


def test_the_page_says_what_is_over() -> None:
    """What is published has no rule over its budget where one is promised."""
    text = PAGE.read_text(encoding="utf-8")
    promised = text.split(f"## {BEYOND}")[0]
    assert "**0 over**" in promised
    assert "| OVER |" not in promised
