"""What windows are compared with: the reference, a season of it, a version's, or the windows before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from anchorwatch.core.calendar import brief, duration
from anchorwatch.core.errors import ConfigError


class Base(StrEnum):
    """The kinds of comparison."""

    REFERENCE = "reference"
    HOUR = "same hour"
    WEEKDAY = "same weekday"
    HOUR_OF_WEEK = "same hour of week"
    VERSION = "version"
    PREVIOUS = "previous window"
    LAST = "last"


SEASONS = (Base.HOUR, Base.WEEKDAY, Base.HOUR_OF_WEEK)
"""Those that compare a window with the reference's windows of the same season; times of day are the model's own."""

_REMEDY = "write " + ", ".join(
    f"'{text}'"
    for text in (
        "reference",
        "same hour",
        "same weekday",
        "same hour of week",
        "previous window",
        "last 28d",
    )
)


@dataclass(frozen=True, slots=True)
class Against:
    """A comparison as it is written.

    - `reference`: each version with its own reference, as one whole
    - `same hour`, `same weekday`, `same hour of week`: with the reference's windows of that season alone
    - `version 3`: with that version's reference, whatever version predicted
    - `previous window`: with the window before
    - `last 28d`: with all windows of so long before

    >>> Against.parse("last 28d").span.days, Against.parse("version 3").version
    (28, '3')
    """

    base: Base = Base.REFERENCE
    version: str = ""
    span: timedelta = timedelta(0)

    @classmethod
    def parse(cls, text: str) -> Against:
        """Read it; raises `ConfigError` that says what could be written."""
        given = " ".join(str(text).split())
        first, _, rest = given.partition(" ")
        if first == "version" and rest:
            return cls(Base.VERSION, version=rest)
        if first == "last" and rest:
            span = duration(rest)
            if span <= timedelta(0):
                raise ConfigError(f"{rest!r} is no time to look back; write 'last 28d'")
            return cls(Base.LAST, span=span)
        try:
            base = Base(given)
        except ValueError:
            base = Base.LAST
        if base in (Base.VERSION, Base.LAST):
            raise ConfigError(f"{given!r} is nothing to compare with; {_REMEDY} or 'version 3'")
        return cls(base)

    @property
    def text(self) -> str:
        """As `parse` reads it."""
        if self.base is Base.VERSION:
            return f"version {self.version}"
        return f"last {brief(self.span)}" if self.base is Base.LAST else self.base.value
