"""What a measure found: one value or one reason per subject."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, slots=True)
class Value:
    """A number that is known.

    `n` is the count of observations behind it; `low` and `high` bound its 95 % confidence interval and
    `p` is a p-value, each `None` where the measure has none.
    """

    value: float
    n: int
    low: float | None = None
    high: float | None = None
    p: float | None = None


@dataclass(frozen=True, slots=True)
class Missing:
    """A number that is not known, and why, in a few words a person reads."""

    reason: str
    n: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Results:
    """One measure over many subjects (columns, classes, or the single subject `""`: the whole model).

    Arrays have one entry per subject. `value` is NaN exactly where `reasons` holds a text; a NaN never leaves
    this class as a number. `low`, `high` and `p` are NaN where the measure has none.

    >>> found = Results.of("mae", [""], [2.5], n=[4])
    >>> found[""]
    Value(value=2.5, n=4, low=None, high=None, p=None)
    """

    measure: str
    subjects: tuple[str, ...]
    value: NDArray[np.float64]
    n: NDArray[np.int64]
    reasons: tuple[str | None, ...]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    p: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        measure: str,
        subjects: Sequence[str],
        value: ArrayLike,
        *,
        n: ArrayLike,
        reasons: Sequence[str | None] | str | None = None,
        low: ArrayLike | None = None,
        high: ArrayLike | None = None,
        p: ArrayLike | None = None,
    ) -> Results:
        """Build from plain arrays; a value that is not finite without a reason gets `"undefined"`."""
        count = len(subjects)
        values = _spread(value, count)
        counts = np.asarray(n, dtype=np.int64)
        texts = list(reasons) if reasons is not None and not isinstance(reasons, str) else [reasons] * count
        for index in np.flatnonzero(~np.isfinite(values)).tolist():
            texts[index] = texts[index] or "undefined"
        lost = [index for index, text in enumerate(texts) if text is not None]
        numbers = [_spread(one, count) for one in (low, high, p)]
        if lost:
            for array in (values, *numbers):
                array[lost] = np.nan
        return cls(
            measure,
            tuple(subjects),
            values,
            counts.copy() if counts.shape == (count,) else np.full(count, counts),
            tuple(texts),
            *numbers,
        )

    @classmethod
    def missing(cls, measure: str, subjects: Sequence[str], reason: str, n: ArrayLike = 0) -> Results:
        """All subjects without a value, for the same reason."""
        return cls.of(measure, subjects, np.full(len(subjects), np.nan), n=n, reasons=reason)

    def __len__(self) -> int:
        return len(self.subjects)

    def __getitem__(self, subject: str) -> Value | Missing:
        return self.at(self.subjects.index(subject))

    def __iter__(self) -> Iterator[tuple[str, Value | Missing]]:
        return ((subject, self.at(index)) for index, subject in enumerate(self.subjects))

    def at(self, index: int) -> Value | Missing:
        """The result of the subject at `index`."""
        reason = self.reasons[index]
        n = int(self.n[index])
        if reason is not None:
            return Missing(reason, n)
        return Value(
            float(self.value[index]),
            n,
            _optional(self.low[index]),
            _optional(self.high[index]),
            _optional(self.p[index]),
        )


def _spread(numbers: ArrayLike | None, count: int) -> NDArray[np.float64]:
    """An array of its own, of `count` numbers."""
    if numbers is None:
        return np.full(count, np.nan)
    array = np.array(numbers, dtype=np.float64)
    return array if array.shape == (count,) else np.full(count, array)


def _optional(number: float) -> float | None:
    return None if np.isnan(number) else float(number)
