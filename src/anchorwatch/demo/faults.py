"""Things that break in the plumbing between the world and a model, to be switched on."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    import polars as pl


class Fault(StrEnum):
    """What goes wrong, from a given moment on."""

    WIND_UNIT = "wind-unit"
    """Wind speed arrives in metres per second where the model was trained on miles per hour."""

    STUCK_SENSOR = "stuck-sensor"
    """The thermometers keep telling the same temperature."""

    TIMEZONE = "timezone"
    """The scheduled hour arrives in UTC where the model was trained on local time."""


STUCK_AT = 55.04
"""Degrees Fahrenheit; the year's median, so that no range check would see it."""
METRES_PER_SECOND = 0.44704
"""In a mile per hour, exactly."""

_COLUMN = {Fault.WIND_UNIT: "wind_speed", Fault.STUCK_SENSOR: "temp", Fault.TIMEZONE: "scheduled_hour"}


def broken(flights: pl.DataFrame, fault: Fault | None, since: datetime) -> pl.DataFrame:
    """The flights as the models get to see them when `fault` is there from `since` on."""
    import polars as pl  # noqa: PLC0415 - the command line names faults without it

    if fault is None:
        return flights
    column = _COLUMN[fault]
    seen = pl.when(pl.col("at") >= since).then(_seen(fault)).otherwise(pl.col(column))
    return flights.with_columns(seen.cast(pl.Float64).alias(column))


def _seen(fault: Fault) -> pl.Expr:
    """What arrives instead of the true values of the fault's column."""
    import polars as pl  # noqa: PLC0415 - as above

    from anchorwatch.demo.flights import ZONE  # noqa: PLC0415 - as above

    if fault is Fault.WIND_UNIT:
        return pl.col("wind_speed") * METRES_PER_SECOND
    if fault is Fault.STUCK_SENSOR:
        return pl.when(pl.col("temp").is_not_null()).then(STUCK_AT)
    local = pl.col("at").dt.convert_time_zone(ZONE).dt.hour().cast(pl.Float64)
    return (pl.col("scheduled_hour") + pl.col("at").dt.hour() - local) % 24
