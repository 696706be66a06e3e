"""Numbers and names of a report as a person reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anchorwatch.core.schema import Task
from anchorwatch.report.fit import roles
from anchorwatch.rules.sentence import figure

if TYPE_CHECKING:
    from anchorwatch.core.schema import ModelSpec

ABSENT = "–"
_DIGITS = 1e-12


def name_of(spec: ModelSpec, subject: str) -> str:
    """A subject by the user's own name for it.

    >>> from anchorwatch.core.schema import Fields, ModelSpec, Task
    >>> name_of(ModelSpec(name="a", task=Task.REGRESSION, fields=Fields(outcome="fare")), "_outcome")
    'fare'
    """
    return roles(spec).get(subject, subject)


def role_of(subject: str) -> str:
    """What a column is to the model.

    >>> role_of("age"), role_of("_score"), role_of("_outcome")
    ('input', 'score', 'target')
    """
    if not subject.startswith("_"):
        return "input"
    return "target" if subject == "_outcome" else subject.partition(":")[0].removeprefix("_")


def number(value: float | None, unit: str = "1") -> str:
    """A value in three digits; shares in per cent.

    >>> number(0.8314, "share"), number(1234.5), number(None), number(0.0, "share"), number(0.25, "seconds")
    ('83.1 %', '1,234', '–', '0 %', '0.250 s')
    """
    if value is None:
        return ABSENT
    if unit == "share":
        return percent(value) if abs(value) < 0.0995 or value == 1 else f"{100 * value:.1f} %"
    if unit == "yes or no":
        return "yes" if value else "no"
    return f"{figure(value)} s" if unit == "seconds" else figure(value)


def percent(value: float) -> str:
    """A share in per cent, with a decimal below ten.

    >>> percent(0.4123), percent(0.0314), percent(0.00002), percent(1.0)
    ('41 %', '3.1 %', '<0.1 %', '100 %')
    """
    part = 100 * value
    if part == 0 or abs(part) >= 9.95:
        return f"{part:.0f} %"
    return f"{part:.1f} %" if abs(part) >= 0.1 else ("<0.1 %" if part > 0 else ">-0.1 %")


def share(effect: float | None) -> str:
    """How many of a column's rows lie elsewhere, in whole per cents.

    >>> share(0.4123), share(None)
    ('41 %', '–')
    """
    return ABSENT if effect is None else percent(effect)


def chance(p: float | None) -> str:
    """A p-value.

    >>> chance(0.0312), chance(1e-40), chance(None)
    ('0.031', '< 1e-12', '–')
    """
    if p is None:
        return ABSENT
    return f"{p:.2g}" if p >= _DIGITS else f"< {_DIGITS:g}"


def reading(found: dict[str, Any] | None, unit: str = "1") -> str:
    """A value with its interval.

    >>> reading({"value": 0.8, "low": 0.78, "high": 0.82})
    '0.800 (0.780 … 0.820)'
    """
    if found is None or found["value"] is None:
        return ABSENT
    text = number(found["value"], unit)
    if found["low"] is None or found["high"] is None:
        return text
    return f"{text} ({number(found['low'], unit)} … {number(found['high'], unit)})"


def counted(count: int, noun: str) -> str:
    """A number of things.

    >>> counted(1, "column"), counted(1200, "row")
    ('1 column', '1,200 rows')
    """
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def answers(spec: ModelSpec) -> str:
    """The model's task, in a word.

    >>> from anchorwatch.core.schema import ModelSpec, Task
    >>> answers(ModelSpec(name="a", task=Task.BINARY))
    'binary classifier'
    """
    return {
        Task.BINARY: "binary classifier",
        Task.MULTICLASS: "multiclass classifier",
        Task.REGRESSION: "regression",
    }[spec.task]
