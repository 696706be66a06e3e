"""Heads and tails of windows in the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from anchorwatch.core.results import Results
from anchorwatch.core.schema import Column, Kind, ModelSpec, Task
from anchorwatch.flow.ports import Measured, Slice
from anchorwatch.stores.ledger.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anchorwatch.stores.ledger.ledger import Transaction

SPEC = ModelSpec(name="late", task=Task.REGRESSION, columns=(Column("x", Kind.NUMBER),))


@pytest.fixture
def books() -> Iterator[Transaction]:
    """A transaction of a ledger in memory with one model."""
    ledger = Ledger(None)
    with ledger.write() as made:
        made.models.save(SPEC, (), 5)
        yield made
    ledger.close()


def windows(slice_id: int) -> list[Measured]:
    """Ten windows whose layouts alternate: every third has an interval, every fourth no column measured."""
    made = []
    for place in range(10):
        low = 0.5 if place % 3 == 0 else None
        panel = [Results.of("psi", ["x", "y"], [place, place / 2], n=place)] if place % 4 else []
        whole = Results.of("mae", [""], [place], n=place, low=low)
        made.append(Measured(slice_id, "1h", place * 10, place * 10 + 10, place, place // 2, (*panel, whole)))
    return made


def test_heads_and_tails_are_those_of_their_windows(books: Transaction) -> None:
    """Whatever the layouts, each number stands at the place of its window."""
    number = books.models.slice_ids(1, [Slice("1")])[Slice("1")]
    books.results.save(windows(number))
    spans, heads = books.results.heads(number, "1h", 10, 90)
    tails = books.results.tails(number, "1h", 10, 90)
    assert spans.start == tuple(range(10, 90, 10))
    assert spans.joined == (0, 1, 1, 2, 2, 3, 3, 4)
    mae = {
        int(at): value
        for places, _, block in heads.blocks("mae")
        for at, value in zip(places, block.value[:, 0], strict=True)
    }
    assert mae == {place: place + 1 for place in range(8)}
    psi = {
        int(at): pair
        for places, _, block in tails.blocks("psi")
        for at, pair in zip(places, block.value.tolist(), strict=True)
    }
    assert psi == {place: [place + 1, (place + 1) / 2] for place in range(8) if (place + 1) % 4}


@pytest.mark.parametrize("wanted", [None, {"mae"}, {"psi"}, {"psi", "mae"}, {"nothing"}, set()])
def test_panels_hold_what_is_wanted(books: Transaction, wanted: set[str] | None) -> None:
    """From heads, tails or both; a measure that is nowhere is left out."""
    number = books.models.slice_ids(1, [Slice("1")])[Slice("1")]
    saved = windows(number)
    books.results.save(saved)
    found = books.results.panels(number, "1h", 0, 100, wanted)
    for item, was in zip(found, saved, strict=True):
        told = {results.measure: dict(results) for results in item.panel}
        assert told == {
            results.measure: dict(results)
            for results in was.panel
            if wanted is None or results.measure in wanted
        }


def test_nothing_is_there(books: Transaction) -> None:
    """No window, no sheet."""
    spans, heads = books.results.heads(1, "1h", 0, 10)
    assert (len(spans), heads.blocks("mae"), books.results.tails(1, "1h", 0, 10).parts) == (0, [], ())
