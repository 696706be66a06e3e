"""Which slices a row belongs to, and the grid it is folded on."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import polars as pl
import pytest

from anchorwatch.core.schema import Column, Kind, ModelSpec, Task
from anchorwatch.flow import slices
from anchorwatch.flow.ports import Slice, Version
from anchorwatch.flow.slices import NONE, OTHER, bounded, grid_for, slices_of
from anchorwatch.profile.build import build_grid
from anchorwatch.stores.ledger.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anchorwatch.stores.ledger.ledger import Transaction

SPEC = ModelSpec(
    name="late",
    task=Task.REGRESSION,
    columns=(Column("x", Kind.NUMBER), Column("carrier", Kind.CATEGORY)),
    segments=("carrier",),
)


@pytest.fixture
def books() -> Iterator[Transaction]:
    """A transaction of a ledger with one model."""
    ledger = Ledger(None)
    with ledger.write() as transaction:
        transaction.models.save(SPEC, (), 0)
        yield transaction
    ledger.close()


def frame(carriers: list[str | None], versions: list[str]) -> pl.DataFrame:
    """Rows of carriers and versions."""
    return pl.DataFrame({"_version": versions, "carrier": carriers}, schema_overrides={"carrier": pl.String})


def test_a_row_is_in_the_whole_and_in_its_segment(books: Transaction) -> None:
    """Ids of the slices of its version: the whole, then each segment; the same again for like rows."""
    model = books.models.get("late")
    rows = bounded(books, model, frame(["AA", "UA", None, "AA"], ["1", "1", "2", "2"]))
    ids = slices_of(books, model, rows)
    known = {number: item for item, number in books.models.slices(model.id).items()}
    assert [[known[number] for number in row] for row in ids.tolist()] == [
        [Slice("1"), Slice("1", "carrier=AA")],
        [Slice("1"), Slice("1", "carrier=UA")],
        [Slice("2"), Slice("2", f"carrier={NONE}")],
        [Slice("2"), Slice("2", "carrier=AA")],
    ]
    assert (slices_of(books, model, rows) == ids).all()


def test_values_are_bounded_whatever_comes(books: Transaction, monkeypatch: pytest.MonkeyPatch) -> None:
    """Values and versions beyond the bound share `(other)`; those known before keep their name."""
    monkeypatch.setattr(slices, "SEGMENT_VALUES", 2)
    monkeypatch.setattr(slices, "VERSIONS", 1)
    model = books.models.get("late")
    slices_of(books, model, bounded(books, model, frame(["AA", "UA"], ["1", "1"])))
    rows = bounded(books, model, frame(["DL", "UA", "AA"], ["1", "2", "3"]))
    assert rows["carrier"].to_list() == [OTHER, "UA", "AA"]
    assert rows["_version"].to_list() == ["1", OTHER, OTHER]


def test_a_version_without_a_reference_borrows_the_newest(books: Transaction) -> None:
    """Its own grid first, then that of the newest reference, else a general one."""
    model = books.models.get("late")
    general = grid_for(books, model, "1")
    assert not books.grids.get(general).fitted
    fitted = books.grids.put(
        model.id, build_grid(SPEC, pl.DataFrame({"x": [1.0, 2.0], "carrier": ["AA", "UA"]}))
    )
    books.models.touch(model.id, Version("2", fitted, None, None, 0))
    assert grid_for(books, model, "2") == fitted
    assert grid_for(books, model, "3") == fitted
    moment = int(datetime(2013, 1, 1, tzinfo=UTC).timestamp())
    books.models.touch(model.id, Version("1", general, moment, moment, 1))
    assert grid_for(books, model, "1") == general
