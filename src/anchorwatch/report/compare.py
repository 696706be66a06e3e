"""`compare`: two tables, one answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anchorwatch.core.errors import InputError
from anchorwatch.core.registry import unknown
from anchorwatch.report.declare import Declared, declare
from anchorwatch.report.fit import Break, misfits, roles
from anchorwatch.report.judge import by_rows, judge, readings, told
from anchorwatch.report.report import Report
from anchorwatch.report.source import Source
from anchorwatch.report.usual import usual
from anchorwatch.report.whole import profiles
from anchorwatch.rules.defaults import default_rules

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anchorwatch.core.schema import ModelSpec
    from anchorwatch.core.types import Rule

SETTINGS = (
    "time", "id", "version", "latency", "error", "columns", "name", "labels", "positive", "threshold", "fields",
)  # fmt: skip
"""What else `compare` takes, by keyword."""


def compare(
    reference: Any,
    current: Any,
    *,
    task: str | None = None,
    target: str | None = None,
    prediction: str | None = None,
    score: str | None = None,
    spec: ModelSpec | None = None,
    rules: Sequence[Rule] | None = None,
    **settings: Any,
) -> Report:
    """Compare two tables: what drifted, what broke, and how well the model does.

    Without `task`, `target`, `prediction` and `score`, only inputs are compared. Columns that are gone, new or of
    another type are findings, not errors. What one rule says by chance on unchanged data is bounded as if such a
    comparison were made every day. With `time`, the reference is cut into pieces about as long as the current table,
    and what differs between those counts as usual; without it rows are taken for independent.

    Args:
        reference: a table of any kind with an Arrow interface (pandas, Polars, PyArrow, DuckDB), a Polars lazy frame,
            or a path: Parquet, CSV, NDJSON, Arrow, a folder or pattern of Parquet files. Files larger than memory
            are read in pieces.
        current: likewise.
        task: binary, multiclass or regression; read off the score, target or prediction when it is not given.
        target: column of what really happened.
        prediction: column of what was predicted.
        score: column of the positive class's probability.
        spec: a declaration, instead of all the others.
        rules: what counts as a finding; `default_rules` of the spec unless given.
        settings: `time`, `id`, `version`, `latency`, `error` (columns), `columns` (inputs to compare: names, or
            names with their kinds), `name`, and `labels`, `positive`, `threshold`, `fields` as in `ModelSpec`.

    Returns:
        A report: `passed`, `summary`, `drifted`, `findings`; prints, shows and saves itself.

    Raises:
        InputError: a table cannot be read, the reference is empty, or a column named is not there.

    >>> import polars as pl
    >>> import anchorwatch as aw
    >>> before = pl.DataFrame({"age": [20.0, 30.0, 40.0, 50.0] * 100, "city": ["Rome", "Oslo"] * 200})
    >>> after = before.with_columns(age=pl.col("age") + 15)
    >>> report = aw.compare(before, after)
    >>> report.drifted, report.passed
    (['age'], False)
    """
    _known(settings)
    before, after = Source.of(reference), Source.of(current)
    given = {"task": task, "target": target, "prediction": prediction, "score": score, **settings}
    first = next(before.pieces())
    if not first.height:
        raise InputError("the reference has no rows; hand in rows from a time when all was well")
    declared = Declared(spec) if spec is not None else declare(first, given)
    chosen = declared.spec
    wanted = default_rules(chosen) if rules is None else tuple(rules)
    apart = [
        item for item in misfits(chosen, before.schema, after.schema) if item.column not in declared.left_out
    ]
    # Rows that lack a column are told apart by that alone: of what lies between columns nothing can be said.
    joint = frozenset() if any(item.kind is Break.GONE for item in apart) else by_rows(chosen, wanted)
    pair = profiles(chosen, before, after, sampled=bool(joint))
    present = {column.name for column in chosen.columns}
    present |= {place for place, name in roles(chosen).items() if name in before.schema}
    places = {name: place for place, name in roles(chosen).items()}
    present -= {places.get(item.column, item.column) for item in apart if item.kind is Break.GONE}
    found = readings(chosen, present, pair, joint)
    return Report(
        spec=chosen,
        profiles=pair,
        readings=found,
        judged=(
            *told(chosen, apart, pair[1].events),
            *judge(chosen, wanted, found, usual(chosen, before, after, wanted)),
        ),
        left_out=declared.left_out,
    )


def _known(settings: dict[str, Any]) -> None:
    for name in settings:
        if name not in SETTINGS:
            raise InputError(unknown("setting", name, ("task", "target", "prediction", "score", *SETTINGS)))
