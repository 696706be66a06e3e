"""What a measure declares beside itself; tests, docs, API listing and menus are derived from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from anchorwatch.core.registry import Registry
from anchorwatch.core.results import Results
from anchorwatch.core.types import Stage
from anchorwatch.profile.profile import Profile

if TYPE_CHECKING:
    from anchorwatch.core.schema import Kind, Task


class Family(StrEnum):
    """What a measure is about; the default cause of an incident."""

    PERFORMANCE = "performance"
    SERVICE = "service"
    QUALITY = "quality"
    DRIFT = "drift"


MeasureFunction = Callable[[Profile | None, Profile], Results]
"""`(reference, current)`; the reference is None when there is none, and only drift measures look at it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A measure and its properties.

    Attributes:
        name: as in rules, API and UI.
        title: as people say it, such as `Mean absolute error`.
        family: what it is about.
        tasks: model tasks it applies to; empty for all.
        kinds: kinds of column it applies to; empty when its subjects are not columns.
        per_class: its subjects are the classes of the model.
        needs: parts of the current profile that it reads; Missing when one is None.
        stage: whether it needs outcomes.
        unit: such as `share`, `seconds`, `outcome's unit`.
        low, high: bounds of its values (may be infinite).
        better: `higher`, `lower` or `none`.
        symmetric: swapping reference and current changes nothing (drift).
        costly: windows have it only when a rule asks for it.
        kept: windows have it always; else only when a rule asks for it, and looking at it measures their profiles.
        source: where the definition is from.
    """

    name: str
    title: str
    family: Family
    function: MeasureFunction
    tasks: frozenset[Task] = frozenset()
    kinds: frozenset[Kind] = frozenset()
    per_class: bool = False
    needs: frozenset[str] = frozenset()
    stage: Stage = Stage.INPUTS
    unit: str = "1"
    low: float = 0.0
    high: float = float("inf")
    better: str = "none"
    symmetric: bool = False
    costly: bool = False
    kept: bool = True
    source: str = ""

    @property
    def subjects(self) -> str:
        """What its values are of: `columns`, `classes`, or the `model` as a whole."""
        if self.kinds:
            return "columns"
        return "classes" if self.per_class else "model"

    def __call__(self, reference: Profile | None, current: Profile) -> Results:
        """Measure."""
        return self.function(reference, current)


MEASURES: Registry[Measure] = Registry("measure")


def measure(
    title: str,
    family: Family,
    *,
    name: str | None = None,
    **properties: object,
) -> Callable[[MeasureFunction], MeasureFunction]:
    """Register a function as a measure under its own name (or `name`); the function is returned unchanged."""

    def register(function: MeasureFunction) -> MeasureFunction:
        key = name or function.__name__
        MEASURES.add(key, Measure(name=key, title=title, family=family, function=function, **properties))  # type: ignore[arg-type]
        return function

    return register
