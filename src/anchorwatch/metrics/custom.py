"""Measures of your own, by one decorated function: of whole profiles, of rows one by one, or of costs.

They register through the call ours do and are Missing where their code fails, so that a mistake in one stops nothing
else. Defining one anew, as a notebook does, replaces it; a name of ours stays taken.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import expit

from anchorwatch.core.errors import ConfigError
from anchorwatch.core.registry import unknown
from anchorwatch.core.results import Missing, Results, Value
from anchorwatch.core.schema import Kind, Task, label_text
from anchorwatch.core.types import Stage
from anchorwatch.metrics.whole import NO_OUTCOMES
from anchorwatch.profile.grid import OUTCOME
from anchorwatch.profile.measure import MEASURES, Family, Measure
from anchorwatch.stats import intervals

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from anchorwatch.profile.measure import MeasureFunction
    from anchorwatch.profile.profile import Profile

    Array = NDArray[np.float64]

Answer = float | Value | Missing | Mapping[str, "float | Value | Missing"] | Results
"""What a function may say: of the model, of each subject by name, or finished results."""

CostCells = Mapping[tuple[str, str], float]
FAILED = "its code failed"


def metric(
    title: str, family: str = "performance", *, outcomes: bool = True, **properties: Any
) -> Callable[[Callable[[Profile | None, Profile], Answer]], MeasureFunction]:
    """Register your function of `(reference, current)` profiles as a measure under its own name.

    Args:
        title: as people say it.
        family: `performance`, `service`, `quality` or `drift`; the default cause of an incident.
        outcomes: whether it waits for outcomes; without, it is measured as soon as predictions come.
        properties: those of `Measure`: `name`, `tasks`, `needs`, `unit`, `low`, `high`, `better`, `source`, and
            `kinds` or `per_class` when its answer is a mapping by column or class.

    The function answers with a number, a `Value` (with interval or p-value), a `Missing`, or a mapping of them. It is
    not asked while a part it `needs` is lacking, and is Missing where it raises or its number is not finite.

    >>> @metric("Share of errors over 10", needs={"residuals"}, unit="share", low=0, high=1, better="lower")
    ... def far_off(_reference, current):
    ...     absolute = current.residuals.absolute
    ...     return absolute.counts[:, absolute.middles() > 10].sum() / current.residuals.n
    >>> from anchorwatch.profile.example import values
    >>> far_off(*values([], [], [12.0, 2.0], [1.0, 1.0]))[""].value
    0.50
    """

    def register(function: Callable[[Profile | None, Profile], Answer]) -> MeasureFunction:
        return _register(title, family, function, {"stage": _stage(outcomes), **properties})

    return register


def loss(title: str, *, of: str, **properties: Any) -> Callable[[Callable[..., Any]], MeasureFunction]:
    """Register a function of single rows; its mean over a window is the measure, with a normal 95 % interval.

    Args:
        title: as people say it.
        of: what the function is given of a row. `labels`: `(outcome, prediction)`, two labels, called once for each
            pair that came. `scores` (binary models): `(came, probability)`, two arrays. `errors` (regression):
            `(error,)`, prediction less outcome, an array.
        properties: those of `Measure`, such as `unit`, `low`, `high`, `better`.

    Profiles keep counts, not rows: labels are exact, scores and errors are those of a histogram's cell, exact to
    1e-8 with up to 4,096 different scores and 2·10⁻¹⁰ with up to 1,024 different errors. What needs outcome and
    prediction of a regression both, not only their difference, cannot be had so.

    >>> @loss("Errors beyond a quarter of an hour", of="errors", unit="minutes", low=0, better="lower")
    ... def over_15(error):
    ...     return np.maximum(np.abs(error) - 15, 0)
    >>> from anchorwatch.profile.example import values
    >>> over_15(*values([], [], [40.0, 2.0], [1.0, 1.0]))[""].value
    12.0
    """
    if of not in _ROWS:
        raise ConfigError(f"of: {unknown('kind of row', of, _ROWS)}")
    part, tasks, rows = _ROWS[of]

    def register(function: Callable[..., Any]) -> MeasureFunction:
        @wraps(function)
        def mean(_reference: Profile | None, current: Profile) -> Answer:
            loss, count = rows(current, function)
            return _mean(np.asarray(loss, dtype=np.float64), count)

        given = {"tasks": tasks, "needs": {part}, "stage": Stage.OUTCOMES, **properties}
        return _register(title, "performance", mean, given)

    return register


def cost_measure(name: str, costs: CostCells, *, title: str = "", **properties: Any) -> MeasureFunction:
    """Register what rows are worth on average, by a cost or a gain per pair of `(outcome, prediction)`.

    `Σ cost × count / n`; pairs that are not named are worth 0. In the unit of the costs, per row; normal 95 %
    interval, too narrow while a costly pair has come fewer than about ten times. Missing before outcomes come and
    when the model has no such label. Best is the highest unless `better` says otherwise. Source: Elkan 2001.

    >>> fraud = cost_measure("fraud_cost", {("1", "0"): -100, ("0", "1"): -5})
    >>> from anchorwatch.profile.example import labels
    >>> fraud(*labels("", "", "1100", "1000"))[""].value
    -1.25
    """
    table = {
        (label_text(actual), label_text(called)): float(cost) for (actual, called), cost in costs.items()
    }
    if not table or not np.isfinite(list(table.values())).all():
        raise ConfigError(f"{name}: give finite costs, such as {{('1', '0'): -100, ('0', '1'): -5}}")

    def function(_reference: Profile | None, current: Profile) -> Answer:
        strange = {label for pair in table for label in pair} - set(current.grid.labels)
        if strange:
            return Missing(f"the model has no label {min(strange)!r}")
        worth, count = _of_labels(current, lambda actual, called: table.get((actual, called), 0.0))
        return _mean(worth, count)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = "Mean worth of a row, by its pair of outcome and prediction."
    low, high = min(0.0, *table.values()), max(0.0, *table.values())
    both = {Task.BINARY, Task.MULTICLASS}
    given = {"tasks": both, "needs": {"confusion"}, "stage": Stage.OUTCOMES, "low": low, "high": high}
    given |= {"unit": "cost per row", "better": "higher", "source": "Elkan 2001; interval: normal"}
    return _register(
        title or name.replace("_", " ").capitalize(), "performance", function, {**given, **properties}
    )


def _stage(outcomes: bool) -> Stage:
    return Stage.OUTCOMES if outcomes else Stage.INPUTS


def _register(
    title: str, family: str, function: Callable[[Profile | None, Profile], Answer], given: Mapping[str, Any]
) -> MeasureFunction:
    properties = {"low": float("-inf"), "source": f"{function.__module__}.{function.__qualname__}", **given}
    name = str(properties.pop("name", function.__name__))
    properties["tasks"] = frozenset(Task(item) for item in properties.get("tasks", ()))
    properties["kinds"] = frozenset(Kind(item) for item in properties.get("kinds", ()))
    properties["needs"] = frozenset(properties.get("needs", ()))

    @wraps(function)
    def guarded(reference: Profile | None, current: Profile) -> Results:
        subjects = _subjects(item, current)
        if any(getattr(current, part) is None for part in item.needs):
            reason = NO_OUTCOMES if item.stage is Stage.OUTCOMES else "nothing of it in this window"
            return Results.missing(name, subjects, reason)
        try:
            return _results(item, subjects, current, function(reference, current))
        except Exception as problem:  # noqa: BLE001 - the code of others; what it raised is the reason shown
            return Results.missing(name, subjects, f"{FAILED}: {type(problem).__name__}: {problem}"[:79])

    item = Measure(name=name, title=title, family=Family(family), function=guarded, **properties)
    before = MEASURES[name].function if name in MEASURES else None
    if before is not None and _origin(before) == _origin(guarded):
        MEASURES.replace(name, item)
    else:
        MEASURES.add(name, item)
    return guarded


def _origin(function: MeasureFunction) -> tuple[str, str]:
    return function.__module__, getattr(function, "__qualname__", "")


def _subjects(item: Measure, current: Profile) -> tuple[str, ...]:
    grid = current.grid
    if item.per_class:
        return grid.labels
    if not item.kinds:
        return ("",)
    columns = {Kind.NUMBER: grid.numbers, Kind.CATEGORY: grid.categories, Kind.VECTOR: grid.vectors}
    late = item.stage is Stage.OUTCOMES
    return tuple(
        name for kind in Kind if kind in item.kinds for name in columns[kind] if (name == OUTCOME) is late
    )


def _results(item: Measure, subjects: tuple[str, ...], current: Profile, answer: Answer) -> Results:
    if isinstance(answer, Results):
        return answer
    each = answer if isinstance(answer, Mapping) else {subjects[0]: answer}
    strange = set(each) - set(subjects)
    if strange:
        raise KeyError(f"no subject {min(strange)!r}")
    count = current.joined.outcomes if item.stage is Stage.OUTCOMES and current.joined else current.events
    found = [_value(each.get(name, Missing("it said nothing of this")), count) for name in subjects]
    missing = [one if isinstance(one, Missing) else None for one in found]
    numbers = [one if isinstance(one, Value) else Value(float("nan"), 0) for one in found]
    limits = {
        name: [np.nan if (limit := getattr(one, name)) is None else limit for one in numbers]
        for name in ("low", "high", "p")
    }
    return Results.of(
        item.name,
        subjects,
        [one.value for one in numbers],
        n=[one.n for one in found],
        reasons=[one.reason if one else None for one in missing],
        **limits,
    )


def _value(answer: float | Value | Missing, n: int) -> Value | Missing:
    if isinstance(answer, Value | Missing):
        return answer
    return Value(float(answer), n) if np.isfinite(answer) else Missing("its number is not finite", n)


def _mean(loss: Array, count: Array) -> Value | Missing:
    n = float(count.sum())
    if not n:
        return Missing(NO_OUTCOMES)
    value = float(loss @ count / n)
    centred = loss - value
    low, high = intervals.of_mean(float(centred @ count), float(centred**2 @ count), n)
    # Within what the rows are worth at all: a mean cannot lie beyond its largest term.
    there = loss[count > 0]
    return Value(value, int(n), max(value + float(low), there.min()), min(value + float(high), there.max()))


def _of_labels(current: Profile, function: Callable[[str, str], float]) -> tuple[Array, Array]:
    """Loss and count of each pair of known labels that came."""
    labels = current.grid.labels
    matrix = current.confusion.matrix[:-1, :-1] if current.confusion else np.zeros((0, 0), np.int64)
    pairs = np.argwhere(matrix > 0)
    worth = [float(function(labels[actual], labels[called])) for actual, called in pairs.tolist()]
    return np.array(worth), matrix[matrix > 0].astype(np.float64)


def _of_scores(current: Profile, function: Callable[[Array, Array], Any]) -> tuple[Array, Array]:
    histogram = current.scores.histograms[0] if current.scores else None
    if histogram is None or not histogram.cells.size:
        return np.empty(0), np.empty(0)
    chance = expit(histogram.middles() - 192.0)
    came = np.repeat([False, True], chance.size)
    return function(came, np.tile(chance, 2)), histogram.counts.ravel().astype(np.float64)


def _of_errors(current: Profile, function: Callable[[Array], Any]) -> tuple[Array, Array]:
    absolute = current.residuals.absolute if current.residuals else None
    if absolute is None or not absolute.cells.size:
        return np.empty(0), np.empty(0)
    size = absolute.middles()
    return function(np.concatenate([-size, size])), absolute.counts.ravel().astype(np.float64)


_ROWS: dict[str, tuple[str, set[Task], Callable[[Profile, Callable[..., Any]], tuple[Any, Array]]]] = {
    "labels": ("confusion", {Task.BINARY, Task.MULTICLASS}, _of_labels),
    "scores": ("scores", {Task.BINARY}, _of_scores),
    "errors": ("residuals", {Task.REGRESSION}, _of_errors),
}
"""What a loss is given: the part it is from, the tasks that have it, and how it is asked."""
