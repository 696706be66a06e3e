"""Measure what the default rules promise, and write docs/reference/calibration.md: `scripts/calibrate [--short]`."""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from scripts.tools import calibrate_power
from scripts.tools.calibrate_outcomes import Course, classifier, regressor, service
from scripts.tools.calibrate_rules import Tally, World, judged
from scripts.tools.calibrate_worlds import (
    HOUR,
    Calendar,
    Size,
    atoms,
    autoregressive,
    categories,
    coded,
    continuous,
    correlated,
    heavy,
    independent,
    rows,
    seasonal,
    shared,
)
from scripts.tools.house import ROOT

from anchorwatch.profile.sample import WINDOW_ROWS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

PAGE = ROOT / "docs" / "reference" / "calibration.md"
NUMBERS = ("drift", "missing_shift", "out_of_range_share")
LEVELS = ("drift", "missing_shift", "unseen_share")
SEED = 20130701


@dataclass(frozen=True, slots=True)
class Case:
    """Data in which nothing changes, the rules that look at it, and how often it is drawn."""

    section: str
    data: str
    measures: tuple[str, ...]
    make: Callable[[np.random.Generator], World]
    times: int = 1


@dataclass(frozen=True, slots=True)
class Row:
    """A case by one rule."""

    case: Case
    measure: str
    tally: Tally


def cases(*, short: bool = False) -> Iterator[Case]:
    """All that is measured; in short, a tenth of it."""
    yield from _counted(short)
    yield from _wide(short)
    yield from _timed(short)
    yield from _hourly(short)
    yield from _outcomes(short)
    yield from _beyond(short)


def run(case: Case) -> list[Row]:
    """Every rule of a case; the seed is its own, so that cases can be run alone."""
    rng = np.random.default_rng([SEED, *case.data.encode()])
    tallies: dict[str, Tally] = {}
    for _ in range(case.times):
        world = case.make(rng)
        for measure in case.measures:
            tally = judged(world, measure)
            if measure in tallies:
                tallies[measure].add(tally)
            else:
                tallies[measure] = tally
    return [Row(case, measure, tally) for measure, tally in tallies.items()]


INDEPENDENT = "Independent rows"
WIDE = "Many columns"
TIMED = "Days that are alike, references with times"
HOURLY = "Hours"
OUTCOMES = "Performance and service"
BEYOND = "What a reference cannot know"

TEXTS = {
    INDEPENDENT: "Daily windows of `n` rows, references of `m` rows without times. Numbers are of any continuous "
    "law, heavy-tailed ones too: all depends on ranks alone, and is drawn exactly. One value in a hundred is missing.",
    WIDE: "Models of many columns, 1,000 rows a day; a breach is one of any column.",
    TIMED: "200 rows a day. `day effect s`: the days' means vary by `s` standard deviations of a day's rows; "
    "`memory`: correlation of a day's effect with that of the day before. `AR`: of each row with the one before.",
    HOURLY: "30 rows an hour, references of one and of four weeks, waves of one standard deviation over day and week.",
    OUTCOMES: "`spread`: how much windows differ among themselves beyond chance, in the unit of the model's own figure "
    "(distance of classes, logarithm of the error, of the latency).",
    BEYOND: "Here nothing keeps its budget, and no rule could: a reference without times cannot tell how days differ, "
    "and one of two weeks cannot tell a wander that takes ten days to come back. Measured so that nobody need guess. "
    "Hand in references with times, and longer than what they should know.",
}


def _counted(short: bool) -> Iterator[Case]:
    models = 40 if short else 150
    sizes = [(30, 481), (100, 481), (1000, 481), (1000, 9601), (10_000, 481), (10_000, 9601)]
    sizes += [(100, 1_000_081), (100_000, 100_081), (1_000_000, 481), (1_000_000, 1_000_081)]
    for n, m in sizes[1:4] if short else sizes:
        size = Size(models, 30, n, m)
        yield Case(
            INDEPENDENT, f"numbers, n {n:,}, m {m:,}", NUMBERS, partial(continuous, size=size, missing=0.01)
        )
    for n, m in [(30, 300), (100, 300), (1000, 300), (1000, 3000), (100_000, 3000), (1_000_000, 1_000_000)]:
        for name, shares in _shares():
            if short and ((n, m) != (1000, 300) or shares.size not in (2, 1000)):
                continue
            few = max(models * 30 // max(shares.size // 20, 30), 8)
            make = partial(categories, size=Size(few, 30, n, m), shares=shares, missing=0.01)
            yield Case(INDEPENDENT, f"{name}, n {n:,}, m {m:,}", LEVELS, make)


def _shares() -> list[tuple[str, np.ndarray]]:
    return [
        ("2 categories", np.array([0.7, 0.3])),
        ("20 categories", np.ones(20)),
        ("100 categories", np.ones(100)),
        ("1,000 categories (Zipf)", 1 / np.arange(1, 1001)),
        ("10,000 categories", np.ones(10_000)),
        ("10,000 categories (Zipf)", 1 / np.arange(1, 10_001)),
    ]


def _wide(short: bool) -> Iterator[Case]:
    for width, models in ((20, 20), (200, 8)) if not short else ((20, 8),):
        size = Size(models, 30, 1000, 9601, width)
        yield Case(WIDE, f"{width} numbers", NUMBERS, partial(continuous, size=size))
        make = partial(categories, size=size, shares=1 / np.arange(1, 51))
        yield Case(WIDE, f"{width} categories of 50 levels", LEVELS, make)
    if not short:
        for name, draw in (("rows independent", correlated(20)), ("day effect 0.5", shared(0.5))):
            calendar = Calendar(35, 30, 200)
            make = partial(rows, calendar=calendar, models=1, draw=draw, width=20, sample=WINDOW_ROWS)
            yield Case(WIDE, f"between 20 numbers, {name}, n 200, 35 days", ("pca_error",), make, 8)
        make = partial(
            rows, calendar=Calendar(15, 30, 200), models=20, draw=correlated(20), timed=False, width=20
        )
        yield Case(WIDE, "20 numbers, correlation 0.8, n 200", NUMBERS, make)


def _timed(short: bool) -> Iterator[Case]:
    draws = [
        ("independent", independent),
        ("Cauchy", heavy),
        ("atoms, heavy tails, rare missing", atoms),
        ("AR 0.5", autoregressive(0.5)),
        ("AR 0.9", autoregressive(0.9)),
        ("AR 0.99", autoregressive(0.99)),
        ("day effect 0.3", shared(0.3)),
        ("day effect 1", shared(1.0)),
        ("day effect 1, memory 0.5", shared(1.0, 0.5)),
        ("day and week waves", seasonal(1, 1)),
        ("day and week waves, day effect 0.5", seasonal(1, 1, 0.5)),
        ("8 categories, AR 0.99", coded(autoregressive(0.99), 8)),
        ("8 categories, day effect 1", coded(shared(1.0), 8)),
    ]
    for days in (35,) if short else (14, 35, 60):
        for name, draw in draws[7:8] if short else draws:
            measures = LEVELS if name.startswith("8") else NUMBERS
            make = partial(rows, calendar=Calendar(days, 30, 200), models=60, draw=draw)
            yield Case(TIMED, f"{name}, {days} days", measures, make, 1 if short else 2)


def _hourly(short: bool) -> Iterator[Case]:
    draws = [
        ("independent", independent),
        ("AR 0.9", autoregressive(0.9)),
        ("day wave", seasonal(1, 0)),
        ("day and week waves, day effect 0.3", seasonal(1, 1, 0.3)),
    ]
    for weeks in () if short else (1, 4):
        for name, draw in draws:
            make = partial(rows, calendar=Calendar(weeks * 168, 240, 30, HOUR), models=30, draw=draw)
            yield Case(HOURLY, f"{name}, {weeks} weeks", NUMBERS, make, 2)


def _outcomes(short: bool) -> Iterator[Case]:
    sizes = [(1, 300, 0.0), (1, 3000, 0.0), (3, 100, 0.0), (5, 30, 0.0), (5, 300, 0.2), (8, 100, 0.0)]
    sizes += [(30, 30, 0.0), (30, 100, 0.2), (30, 300, 0.2)]
    kinds = [
        (classifier, ("roc_auc", "accuracy")),
        (regressor, ("mae",)),
        (service, ("error_rate", "latency_p95")),
    ]
    for before, n, spread in [(5, 300, 0.2)] if short else sizes:
        for make, measures in kinds:
            data = f"{make.__name__}, n {n}, {before} reference windows, spread {spread}"
            course = Course(before, 30, n, spread)
            yield Case(OUTCOMES, data, measures, partial(make, course=course), 15 if short else 60)


def _beyond(short: bool) -> Iterator[Case]:
    if short:
        return
    for name, draw, days, timed in (
        ("day effect 0.3, no times", shared(0.3), 35, False),
        ("day effect 1, memory 0.9, 14 days", shared(1.0, 0.9), 14, True),
        ("day effect 1, memory 0.9, 35 days", shared(1.0, 0.9), 35, True),
        ("day effect 1, memory 0.9, 60 days", shared(1.0, 0.9), 60, True),
    ):
        make = partial(rows, calendar=Calendar(days, 30, 200), models=60, draw=draw, timed=timed)
        yield Case(BEYOND, name, ("drift",), make)
    for model, measures in ((classifier, ("roc_auc",)), (regressor, ("mae",))):
        for before in (1, 3):
            data = f"{model.__name__}, n 300, {before} reference windows, spread 0.2"
            yield Case(BEYOND, data, measures, partial(model, course=Course(before, 30, 300, 0.2)), 60)


def text(found: Sequence[Row], power: str, *, short: bool) -> str:
    """The page."""
    promised = [row for row in found if row.case.section != BEYOND]
    over = [row for row in promised if row.tally.over]
    windows = sum(row.tally.windows for row in promised)
    loose = sum(row.tally.loose for row in promised if not row.tally.over)
    lines = [
        "<!-- Written by scripts/calibrate; it takes minutes, so scripts/docs leaves it alone. -->",
        "",
        "# What default rules do when nothing has changed, and when something has",
        "",
        (
            f"Simulated by `scripts/calibrate{' --short' if short else ''}` (seed {SEED}) through the decision "
            "as the server makes it: default rules, measures of profiles, "
            "calibration on the reference's own windows, findings, persistence, incidents. "
            "[What the rules promise](../explanation/default-rules.md)."
        ),
        "",
        (
            "**Level**: what share of windows a rule may call by chance, from its part of the budget of one alarm a "
            "month. "
            "**Called**: the share it did call, with 95 % bounds, windows of one model counted as less when they err "
            "together. "
            "**Alarms**: incidents that fired, per model in 30 days, next to what the budget allows. "
            "OVER: alarms are over their budget, for sure. `loose`: alarms keep it, but single windows are called more "
            "often than their level, for sure."
        ),
        "",
        f"{len(promised)} cells, {windows:,} windows: **{len(over)} over**, {loose} loose.",
        "",
    ]
    for section in dict.fromkeys(row.case.section for row in found):
        lines += ["", f"## {section}", "", TEXTS[section], ""]
        lines += ["| data | rule | windows | level | called | 95 % | alarms | budget | |"]
        lines += ["|---|---|--:|--:|--:|---|--:|--:|---|"]
        lines += [_line(row) for row in found if row.case.section == section]
    return "\n".join([*lines, "", power.rstrip(), ""])


def _line(row: Row) -> str:
    tally = row.tally
    low, high = tally.rate_bounds
    verdict = "OVER" if tally.over else "loose" if tally.loose else "ok"
    cells = [
        row.case.data,
        f"`{row.measure}`",
        f"{tally.windows:,}",
        f"{tally.level:.4f}",
        f"{tally.rate:.4f}",
    ]
    cells += [f"{low:.4f}–{high:.4f}", f"{tally.monthly:.3f}", f"{tally.budget:.3f}", verdict]
    return f"| {' | '.join(cells)} |"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print, and without `--short` write the page; 1 when a rule is over its budget."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--short", action="store_true", help="a tenth of it, in under a minute; nothing is written"
    )
    parser.add_argument("--only", default="", help="cells whose text has this in it; nothing is written")
    given = parser.parse_args(arguments)
    began, found = time.monotonic(), []
    for case in cases(short=given.short):
        if given.only in f"{case.section} {case.data}":
            found += run(case)
            print(f"{time.monotonic() - began:6.0f} s  {case.section}: {case.data}", file=sys.stderr)
    power = "" if given.only else calibrate_power.text(short=given.short)
    page = text(found, power, short=given.short)
    print(page)
    if not (given.short or given.only):
        PAGE.write_text(page, encoding="utf-8")
    return int(any(row.tally.over and row.case.section != BEYOND for row in found))


if __name__ == "__main__":
    sys.exit(main())
