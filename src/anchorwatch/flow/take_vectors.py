"""A column of vectors as lists of Float32, and which of its rows cannot be taken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from anchorwatch.core.errors import InputError
from anchorwatch.core.schema import WIDEST
from anchorwatch.flow.take_cells import Taken, flag, nothing, show

if TYPE_CHECKING:
    from anchorwatch.flow.take_cells import Cells

TYPE = pl.List(pl.Float32)


def vector(name: str, cells: Cells, width: int = 0) -> Taken:
    """Lists of Float32, each of `width` finite numbers; where `width` is 0, of as many as the first one has."""
    if isinstance(cells, list):
        odd = pl.Series([not _is_vector(value) for value in cells], dtype=pl.Boolean)
        lists = pl.Series(
            name, [value if _is_vector(value) else None for value in cells], dtype=pl.List(pl.Float64)
        )
        faults = flag(name, odd, lambda row: f"a list of numbers is needed, {show(cells[row])} was given")
    else:
        lists, faults = _of_table(name, cells), ()
    lengths = lists.list.len()
    known = lengths.drop_nulls()
    wanted = width or (int(known[0]) if known.len() else 0)
    odd_length = ((lengths != wanted) | (lengths > WIDEST)).fill_null(value=False)
    faults += flag(
        name,
        odd_length,
        lambda row: f"a vector of {wanted} numbers is needed, one of {lengths[row]} was given",
    )
    series = lists.cast(TYPE, strict=False).rename(name)
    return Taken(series, (*faults, *flag(name, _infinite(series), "a vector's numbers must be finite")))


def _is_vector(value: Any) -> bool:
    if value is None:
        return True
    return isinstance(value, list) and all(type(item) in (int, float) for item in value)


def _of_table(name: str, cells: pl.Series) -> pl.Series:
    dtype = cells.dtype
    if dtype == pl.Null:
        return nothing(len(cells), TYPE)
    if isinstance(dtype, pl.Array):
        cells = cells.arr.to_list()
        dtype = cells.dtype
    if not (isinstance(dtype, pl.List) and dtype.inner.is_numeric()):
        raise InputError(f"{name}: lists of numbers are needed, the column is of type {dtype}", column=name)
    return cells


def _infinite(series: pl.Series) -> pl.Series:
    """Which rows hold anything but finite numbers; what is too large for Float32 is infinite by now."""
    numbers = series.explode()
    if not numbers.null_count() and numbers.is_finite().all():
        return pl.repeat(value=False, n=len(series), dtype=pl.Boolean, eager=True)
    amiss = series.list.eval(~pl.element().is_finite() | pl.element().is_null()).list.any()
    return amiss.fill_null(value=False)
