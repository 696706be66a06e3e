"""docs/reference/metrics.md: what `/metrics` says, from the families themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anchorwatch.flow.measure  # noqa: F401 - registers the measures
from anchorwatch.exporters import prometheus_names as names
from anchorwatch.profile.measure import MEASURES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from anchorwatch.exporters.prometheus_text import Family

INTRODUCTION = f"""# Metrics for Prometheus

What a server answers at `/metrics`, in OpenMetrics form or, by `Accept`, in the classic text form. Names are stable.
[How to scrape it](../how-to/prometheus.md).

Figures are those of a model's newest complete window: of its inputs, or of the newest whose outcomes are due; when
that window ended is a gauge of its own, `anchorwatch_window_end_timestamp_seconds`. A figure that is not known has no
sample: absent is never 0 and never NaN.

Cardinality is bounded: {names.MODELS} models, {names.COLUMNS} columns and the {names.VERSIONS} newest versions of each,
limits of {names.RULES} rules; what is left out is counted in `…_omitted`. Event ids, segments and texts of errors are
never labels.

In a classic exposition the latency histogram's `_gcount` and `_gsum` are gauges of their own."""

MEASURE_NOTE = """A family per measure: `anchorwatch_<family>_<measure>[_<part>][_<unit>]`. Parts, each where there is
one: nothing (the value), `lower` and `upper` (95 % interval, for figures of the whole model), `p_value`, `limit` (with
the labels `rule` and `side`) and `reference`. Those marked * are there only where a rule of the model asks for them."""


def text() -> str:
    """The page."""
    lines = [INTRODUCTION, "", "## Models", "", *_table(names.OF_MODELS)]
    lines += ["", "## Measures", "", MEASURE_NOTE, "", "| metric | labels | measure |", "|---|---|---|"]
    for about in MEASURES.values():
        name = about.name
        if name == "throughput":
            continue
        whole = about.subjects == "model" and about.family.value in {"performance", "service"}
        always = name in names.STANDARD or (whole and not about.costly)
        family = names.of_measure(name)
        lines.append(
            f"| `{family.sample}`{'' if always else ' *'} | {_labels(family)} | `{name}`: {family.help} |"
        )
    return "\n".join([*lines, "", "## Anchorwatch itself", "", *_table(names.OF_ITSELF)])


def _table(families: Iterable[Family]) -> list[str]:
    rows = [
        f"| `{family.sample}` | {family.kind.value} | {_labels(family)} | {family.help} |"
        for family in families
    ]
    return ["| metric | type | labels | meaning |", "|---|---|---|---|", *rows]


def _labels(family: Family) -> str:
    return ", ".join(f"`{label}`" for label in family.labels) or "–"
