"""What every sequential detector is: settings that never change, and a state that is a value."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

from anchorwatch.core.errors import CorruptError, InputError
from anchorwatch.core.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

    from anchorwatch.core.schema import Task


@dataclass(frozen=True, slots=True)
class State:
    """Where a detector stands; a plain value, so it can be kept as JSON and taken up again.

    Attributes:
        n: items since the detector last started (at first, and after each alarm).
        alarmed: whether the newest item raised an alarm; then everything else is as at the start.
    """

    n: int = 0
    alarmed: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Of plain JSON types; floats keep all their digits."""
        return asdict(self)


S = TypeVar("S", bound=State)


class Detector(ABC, Generic[S]):
    """Watches a stream of numbers for a change.

    A detector is a frozen value: it holds settings and no memory. `run` is the whole of it; feeding a stream in one
    piece or in any number of pieces leads to the same alarms.
    """

    __slots__ = ()

    @abstractmethod
    def start(self) -> S:
        """The state before anything was seen."""

    @abstractmethod
    def follow(self, state: S, xs: NDArray[np.float64]) -> tuple[S, list[int]]:
        """`run` on items that are known to be good."""

    def run(self, state: S, xs: ArrayLike) -> tuple[S, NDArray[np.int64]]:
        """Take items in order; the new state, and the positions in `xs` of those that raised an alarm.

        After an alarm the detector starts anew with the next item. Raises `InputError` for items it cannot take.
        """
        items = np.ascontiguousarray(xs, dtype=np.float64).reshape(-1)
        low, high = self.bounds()
        with np.errstate(invalid="ignore"):
            wrong = ~((items >= low) & (items <= high) & np.isfinite(items))
        if wrong.any():
            at = int(wrong.argmax())
            raise InputError(
                f"item {at} is {items[at]:g}, which {type(self).__name__} cannot take; give numbers "
                f"from {low:g} to {high:g}, and leave out what is missing"
            )
        if not items.size:
            return state, np.empty(0, np.int64)
        after, alarms = self.follow(state, items)
        return after, np.array(alarms, dtype=np.int64)

    def step(self, state: S, x: float) -> S:
        """Take one item; `alarmed` of the new state says whether it raised an alarm."""
        return self.run(state, [x])[0]

    def bounds(self) -> tuple[float, float]:
        """The smallest and the largest item it takes."""
        return -np.inf, np.inf

    def load(self, given: Mapping[str, Any]) -> S:
        """The state that `to_dict` wrote; raises `CorruptError` when it is of another detector."""
        fresh = self.start()
        names = {item.name for item in fields(fresh)}
        if set(given) != names:
            raise CorruptError(
                f"a state of {type(self).__name__} has {', '.join(sorted(names))}, this one has "
                f"{', '.join(sorted(given)) or 'nothing'}; start the detector anew"
            )
        return type(fresh)(**{name: _frozen(value) for name, value in given.items()})


class OfErrors(Detector[S]):
    """A detector for a stream of errors: 0 is right, 1 is wrong."""

    __slots__ = ()

    def bounds(self) -> tuple[float, float]:
        """0 and 1."""
        return 0.0, 1.0


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list | tuple) else value


@dataclass(frozen=True, slots=True)
class Registered:
    """A detector by name, as a model's `detectors` lists it.

    `default` has the settings a model gets; `tasks` are those it makes sense for, empty for all.
    """

    name: str
    default: Detector[Any]
    tasks: frozenset[Task] = frozenset()


DETECTORS: Registry[Registered] = Registry("detector")


def register(name: str, default: Detector[Any], *tasks: Task) -> None:
    """Make a detector known under `name`."""
    DETECTORS.add(name, Registered(name, default, frozenset(tasks)))
