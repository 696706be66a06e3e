"""How much of a change is seen, and how soon: the default rule beside the peers' statistics at equal false alarms."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from scipy import special
from scripts.tools.calibrate_rules import SPEC

from anchorwatch.core.schema import Column, Kind
from anchorwatch.drift.drift import drift
from anchorwatch.flow.reference import profile_reference
from anchorwatch.profile.fold import fold_inputs

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Law = Callable[[np.random.Generator, tuple[int, int]], Floats]

LEVEL = 0.0042
"""Of a window a day, with a budget of one alarm a month over eight rules."""

REFERENCE = 2401

AT_ONCE = 1000
"""Columns drawn together: a few hundred megabytes at most."""


OF_NUMBERS = ("KS", "Cramér–von Mises", "Anderson–Darling", "Wasserstein")
OF_COUNTS = ("chi-square", "PSI", "Jensen–Shannon", "Hellinger")


@dataclass(frozen=True, slots=True)
class Shift:
    """A change: its name, and the law after it; sizes are chosen so that some methods see it and some do not."""

    name: str
    law: Law
    category: bool = False


def normal(rng: np.random.Generator, shape: tuple[int, int], mean: float = 0.0, scale: float = 1.0) -> Floats:
    """Normal draws; the law before any change of a number."""
    return mean + scale * rng.standard_normal(shape)


def bimodal(rng: np.random.Generator, shape: tuple[int, int], apart: float) -> Floats:
    """Two humps, of mean 0 and standard deviation 1 together."""
    side = np.where(rng.random(shape) < 0.5, -apart, apart)
    found: Floats = side + (1 - apart**2) ** 0.5 * rng.standard_normal(shape)
    return found


def lost(rng: np.random.Generator, shape: tuple[int, int], share: float) -> Floats:
    """Normal draws of which some are missing."""
    return np.where(rng.random(shape) < share, np.nan, rng.standard_normal(shape))


def tailed(rng: np.random.Generator, shape: tuple[int, int], share: float) -> Floats:
    """Normal draws of which some are five times as far out."""
    return normal(rng, shape) * np.where(rng.random(shape) < share, 5.0, 1.0)


def mix(
    rng: np.random.Generator, shape: tuple[int, int], shares: tuple[float, ...] = (0.4, 0.3, 0.2, 0.08, 0.02)
) -> Floats:
    """Categories as whole numbers; the law before any change of a category."""
    return np.searchsorted(np.cumsum(shares), rng.random(shape)).astype(np.float64)


def shifts(n: int) -> list[Shift]:
    """Changes that are as hard to see in `n` rows as in any other number: in units of √(100/n) of a large change."""
    unit = (100 / n) ** 0.5
    moved = tuple(np.array([0.4, 0.3, 0.2, 0.08, 0.02]) + np.array([-0.2, 0, 0.2, 0, 0]) * unit)
    rare = tuple(np.array([0.4, 0.3, 0.2, 0.08, 0.02]) + np.array([-0.1, 0, 0, 0, 0.1]) * unit)
    fresh = (*(np.array([0.4, 0.3, 0.2, 0.08, 0.02]) * (1 - 0.1 * unit)), 0.1 * unit)
    return [
        Shift(f"mean by {0.5 * unit:.2g} sd", partial(normal, mean=0.5 * unit)),
        Shift(f"spread by {1 + 0.5 * unit:.2f}", partial(normal, scale=1 + 0.5 * unit)),
        Shift(f"spread by {1 / (1 + 0.5 * unit):.2f}", partial(normal, scale=1 / (1 + 0.5 * unit))),
        Shift(
            f"two humps {min(0.92 * unit**0.25, 0.95):.2f} apart",
            partial(bimodal, apart=min(0.92 * unit**0.25, 0.95)),
        ),
        Shift(f"{0.12 * unit:.1%} far out", partial(tailed, share=0.12 * unit)),
        Shift(f"{0.08 * unit:.1%} missing", partial(lost, share=0.08 * unit)),
        Shift(f"mix of categories by {0.2 * unit:.1%}", partial(mix, shares=moved), category=True),
        Shift(f"a rare category by {0.1 * unit:.1%}", partial(mix, shares=rare), category=True),
        Shift(f"a new category {0.1 * unit:.1%}", partial(mix, shares=fresh), category=True),
    ]


def ours(before: Floats, after: Floats, *, category: bool) -> Floats:
    """The p-value of `drift` of each column, as a score: the larger, the surer."""
    names = [f"x{at}" for at in range(before.shape[1])]
    spec = SPEC.evolve(
        columns=tuple(Column(name, Kind.CATEGORY if category else Kind.NUMBER) for name in names)
    )
    frames = [pl.DataFrame(dict(zip(names, side.T, strict=True))) for side in (before, after)]
    if category:
        frames = [frame.select(pl.all().cast(pl.Int64).cast(pl.String)) for frame in frames]
    profiled = profile_reference(spec, frames[0])
    nothing = {"_version": pl.String, "_prediction": pl.Float64, "_latency": pl.Float64, "_error": pl.String}
    later = frames[1].with_columns(
        pl.lit(0).cast(pl.Datetime("us", "UTC")).alias("_at"),
        *(pl.lit(None, kind).alias(name) for name, kind in nothing.items()),
    )
    current = fold_inputs(later, np.zeros(later.height, np.int64), 1, profiled.grid)[0]
    result = drift(profiled.whole, current)
    places = {name: at for at, name in enumerate(result.subjects)}
    p = np.array([result.p[places[name]] for name in names])
    found: Floats = -np.log(np.maximum(np.nan_to_num(p, nan=1.0), 1e-300))
    return found


def peers(before: Floats, after: Floats, *, category: bool) -> dict[str, Floats]:
    """The statistics that other tools alarm on, per column; missing values are dropped, as they do."""
    names = (() if category else OF_NUMBERS) + OF_COUNTS
    found: dict[str, list[float]] = {name: [] for name in names}
    for old, new in zip(before.T, after.T, strict=True):
        one, two = old[~np.isnan(old)], new[~np.isnan(new)]
        if category:
            size = int(max(one.max(), two.max())) + 1
            counts = [np.bincount(side.astype(int), minlength=size).astype(float) for side in (one, two)]
        else:
            cuts = np.quantile(one, np.arange(1, 10) / 10)
            counts = [
                np.bincount(np.searchsorted(cuts, side), minlength=10).astype(float) for side in (one, two)
            ]
            _distances(found, one, two)
        _divergences(found, counts[0], counts[1])
    return {name: np.array(values) for name, values in found.items()}


def _distances(found: dict[str, list[float]], one: Floats, two: Floats) -> None:
    values = np.concatenate([one, two])
    order = np.argsort(values, kind="stable")
    now = np.cumsum((order >= one.size) / two.size)
    gap = (now - np.cumsum((order < one.size) / one.size))[:-1]
    share = np.arange(1, values.size) / values.size
    found["KS"].append(float(np.abs(gap).max()))
    found["Cramér–von Mises"].append(float((gap**2).mean()))
    found["Anderson–Darling"].append(float((gap**2 / (share * (1 - share))).mean()))
    found["Wasserstein"].append(float(np.abs(gap) @ np.diff(values[order])))


def _divergences(found: dict[str, list[float]], before: Floats, after: Floats) -> None:
    total = before + after
    keep = total > 0
    before, after, total = before[keep], after[keep], total[keep]
    n, m = after.sum(), before.sum()
    p, q = before / m, after / n
    found["chi-square"].append(float(((before * (n / m) ** 0.5 - after * (m / n) ** 0.5) ** 2 / total).sum()))
    held = np.maximum(p, 1e-4), np.maximum(q, 1e-4)
    found["PSI"].append(float(((held[1] - held[0]) * np.log(held[1] / held[0])).sum()))
    middle = (p + q) / 2
    found["Jensen–Shannon"].append(
        float((special.rel_entr(p, middle) + special.rel_entr(q, middle)).sum() / 2)
    )
    found["Hellinger"].append(float(((p**0.5 - q**0.5) ** 2).sum()))


def scores(
    rng: np.random.Generator, shift: Shift | None, n: int, columns: int, *, category: bool
) -> dict[str, Floats]:
    """Of many columns, each a reference and a window, by every method."""
    base, parts = mix if category else normal, []
    for some in range(0, columns, AT_ONCE):
        width = min(AT_ONCE, columns - some)
        before = base(rng, (REFERENCE, width))
        after = (shift.law if shift else base)(rng, (n, width))
        parts.append(
            {
                "default rule": ours(before, after, category=category),
                **peers(before, after, category=category),
            }
        )
    return {method: np.concatenate([part[method] for part in parts]) for method in parts[0]}


def power(
    rng: np.random.Generator, n: int, *, runs: int, null: int, width: int = 1
) -> dict[str, dict[str, float]]:
    """Share of windows in which each change is seen; thresholds are the null's own quantiles, for a model of `width`.

    With more than one column one of them changes; a model's score is the largest of its columns'.
    """
    found: dict[str, dict[str, float]] = {}
    quiet = {kind: scores(rng, None, n, null, category=kind) for kind in (False, True)}
    for shift in shifts(n):
        calm = quiet[shift.category]
        now = scores(rng, shift, n, runs, category=shift.category)
        found[shift.name] = {}
        for method, values in now.items():
            limit = _threshold(calm[method], width)
            others = rng.choice(calm[method], (runs, width - 1)).max(axis=1, initial=-np.inf)
            best = np.maximum(values, others)
            found[shift.name][method] = float(np.mean(best > limit))
    return found


def _threshold(calm: Floats, width: int) -> float:
    return float(np.quantile(calm, (1 - LEVEL) ** (1 / width)))


def text(*, short: bool = False) -> str:
    """The section of the page."""
    rng = np.random.default_rng(20130702)
    lines = ["## Power, beside other tools' statistics at the same rate of false alarms", "", EXPLAINED, ""]
    for n, width in ((1000, 1),) if short else ((100, 1), (1000, 1), (10_000, 1), (1000, 20)):
        many = (100, 1500) if short or n == 10_000 else (200, 6000 if width == 1 else 15_000)
        lines += _table(power(rng, n, runs=many[0], null=many[1], width=width), n, width)
    return "\n".join(lines)


EXPLAINED = (
    f"Share of windows called at a level of {LEVEL} a window, references of {REFERENCE:,} rows. Every method has "
    "the threshold that gives it exactly this rate on its own undrifted data, which users of the others would "
    "have to find out. Sizes of change shrink with √n, so that tests can be told apart: of the default rule this "
    "is the p-value alone, and changes that move less than a tenth of the rows it leaves alone whatever their "
    "p-value. `–`: the method is not for such columns, and counts as 0 in the mean. Delay: mean days until two of "
    "three windows are called. Where it is weaker: Wasserstein sees few values far out, on laws with light tails; "
    "chi-square without pooling sees new categories in a hundred rows, for which there is the rule on unseen "
    "ones."
)


def _table(found: dict[str, dict[str, float]], n: int, width: int) -> list[str]:
    methods = list(dict.fromkeys(method for row in found.values() for method in row))
    one = "one column" if width == 1 else f"one of {width} columns"
    lines = ["", f"### n = {n:,}, {one}", "", f"| change | {' | '.join(methods)} | delay, days |"]
    lines += [f"|---|{'--:|' * (len(methods) + 1)}"]
    for name, row in found.items():
        cells = [f"{row[method]:.2f}" if method in row else "–" for method in methods]
        lines.append(f"| {name} | {' | '.join(cells)} | {_delay(row['default rule'])} |")
    everywhere = [np.mean([row.get(method, 0.0) for row in found.values()]) for method in methods]
    lines.append(f"| **mean of all** | {' | '.join(f'**{mean:.2f}**' for mean in everywhere)} | |")
    return lines


def _delay(chance: float) -> str:
    """Mean number of windows until two of the latest three are breaches."""
    if chance < 0.005:
        return "over 100"
    q = 1 - chance
    # States: nothing lately, a breach in the window before, a breach two windows before.
    matrix = np.array([[1 - q, -chance, 0.0], [0.0, 1.0, -q], [-q, 0.0, 1.0]])
    return f"{float(np.linalg.solve(matrix, np.ones(3))[0]):.1f}"
