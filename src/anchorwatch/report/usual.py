"""How the reference itself varies over time, when it has times: what ordinary ups and downs look like."""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING

from anchorwatch.core.calendar import Grain
from anchorwatch.flow.bands import grounds_of
from anchorwatch.flow.ports import Reference
from anchorwatch.flow.reference import profiled
from anchorwatch.report.fit import canonical
from anchorwatch.rules.band import FEWEST

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import polars as pl

    from anchorwatch.core.schema import ModelSpec
    from anchorwatch.core.types import Rule
    from anchorwatch.report.source import Source
    from anchorwatch.rules.ground import Ground

GRAINS = ("1mo", "1w", "1d", "1h")
"""Lengths the reference may be cut into; the one most like the current table's is taken."""


def usual(
    spec: ModelSpec, before: Source, after: Source, rules: Iterable[Rule]
) -> dict[str, Mapping[str, Ground]]:
    """Grounds by measure and subject, from the reference cut into windows about as long as the current table.

    Empty when either table has no times, when it is too large to be in memory, and when no cut gives five windows.
    """
    grain = _grain(spec, before.table, after.table)
    if grain is None or before.table is None:
        return {}
    found = profiled(spec.evolve(window=Grain(grain)), canonical(spec, before.table))
    reference = Reference(0, found.whole, tuple(found.windows.items()))
    return {rule.measure: grounds_of(spec, reference, rule.measure) for rule in rules}


def _grain(spec: ModelSpec, before: pl.DataFrame | None, after: pl.DataFrame | None) -> str | None:
    name = spec.fields.time
    if before is None or after is None or any(not _timed(table, name) for table in (before, after)):
        return None
    spans = [
        (table[name].max() - table[name].min()).total_seconds()  # type: ignore[operator, union-attr]
        for table in (before, after)
    ]
    lengths = {text: Grain(text).length.total_seconds() for text in GRAINS}
    enough = [text for text in GRAINS if spans[0] >= FEWEST * lengths[text]]
    return min(enough, key=lambda text: abs(log(lengths[text] / max(spans[1], 1.0))), default=None)


def _timed(table: pl.DataFrame, name: str) -> bool:
    return (
        name in table.columns and table.schema[name].is_temporal() and table[name].null_count() < table.height
    )
