"""A year of flights, read once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from anchorwatch.demo import flights, models

if TYPE_CHECKING:
    import polars as pl

    from anchorwatch.demo.models import Stream


@pytest.fixture(scope="session")
def year() -> pl.DataFrame:
    """All flights."""
    return flights.load()


@pytest.fixture(scope="session")
def few(year: pl.DataFrame) -> pl.DataFrame:
    """Every fortieth flight."""
    return year.gather_every(40)


@pytest.fixture(scope="session")
def streams(few: pl.DataFrame) -> list[Stream]:
    """Both models, trained on few flights, and their traffic."""
    return models.train(few, few)
