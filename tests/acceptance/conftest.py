"""Real data with measured figures, kept outside the repository because its licence allows testing only."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

DATA = Path(__file__).parents[3] / "shared" / "data"


@pytest.fixture(scope="session")
def table() -> Callable[[str], pl.DataFrame]:
    """Read one of the data sets; skip, with the reason, where they are absent."""
    if not DATA.is_dir():
        pytest.skip("the acceptance data (licensed for testing, not for shipping) is not on this machine")
    return lambda name: pl.read_parquet(DATA / f"{name}.parquet")
