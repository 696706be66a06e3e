"""docs/reference/measures.md: every registered measure, from what it declares beside itself."""

from __future__ import annotations

import inspect
import math

from anchorwatch import drift, metrics, quality  # noqa: F401 - importing them registers the measures
from anchorwatch.profile.measure import MEASURES, Family, Measure


def text() -> str:
    """The page."""
    intro = [
        "# Measures",
        "",
        "A measure turns the profile of a window, and of the reference where it compares, into one value or one",
        "reason per subject: the whole model, a column or a class. It never decides; rules do. What cannot be known",
        "is missing with its reason, never 0 or NaN. Names are those of rules, API and command line.",
    ]
    return "\n".join([*intro, *(line for family in Family for line in _family(family))])


def ours() -> list[Measure]:
    """The measures of this package, not those that somebody registered beside them."""
    return [item for item in MEASURES.values() if item.function.__module__.startswith("anchorwatch.")]


def _family(family: Family) -> list[str]:
    members = sorted((item for item in ours() if item.family is family), key=lambda item: item.name)
    if not members:
        return []
    return ["", f"## {family.value.capitalize()}", *(line for item in members for line in _measure(item))]


def _measure(item: Measure) -> list[str]:
    about = inspect.getdoc(item.function) or ""
    prose, _, _ = about.partition("\n>>>")
    facts = {
        "for": ", ".join(sorted(item.tasks)) or "every task",
        "of": " and ".join(f"{kind} columns" for kind in sorted(item.kinds)) or "the model",
        "after": item.stage.value,
        "unit": item.unit,
        "range": f"{_number(item.low)} to {_number(item.high)}",
        "better": item.better,
        "symmetric": "yes" if item.symmetric else "no",
    }
    line = " · ".join(f"{name}: {value}" for name, value in facts.items())
    return [
        "",
        f"### {item.name}",
        "",
        f"**{item.title}** — {line}",
        "",
        prose.rstrip(),
        "",
        f"Source: {item.source or '–'}.",
    ]


def _number(bound: float) -> str:
    return ("-∞" if bound < 0 else "∞") if math.isinf(bound) else f"{bound:g}"
