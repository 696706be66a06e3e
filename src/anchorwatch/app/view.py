"""What readings are about: a model, a slice of it, a span of time at a grain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from anchorwatch.core.calendar import Grain
from anchorwatch.core.errors import InputError, UnknownError
from anchorwatch.core.registry import unknown
from anchorwatch.core.times import span_micros
from anchorwatch.flow.against import Compared, reference_of
from anchorwatch.flow.measure import Span, combined, window_profiles
from anchorwatch.flow.ports import WHOLE, Slice
from anchorwatch.flow.times import window_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anchorwatch.flow.ports import Model
    from anchorwatch.profile.profile import Profile
    from anchorwatch.stores.ledger.ledger import Transaction

FOREVER = (0, 2**62)
GRAINS = ("1h", "1d", "1w", "1mo")


@dataclass(frozen=True, slots=True)
class View:
    """A slice of a model between two moments (microseconds), in windows of `grain`."""

    model: Model
    version: str
    segment: str
    grain: str
    start: int
    end: int

    @property
    def stored(self) -> bool:
        """Whether windows of this grain are kept measured; others are summed when asked for."""
        return self.grain in stored_grains(self.model)

    def slice_id(self, books: Transaction) -> int | None:
        """The slice whose results are kept; None when nothing was seen of it."""
        wanted = Slice(self.version, self.segment) if self.version else Slice("", self.segment, every=True)
        found = books.models.slices(self.model.id).get(wanted)
        if found is None and self.segment != WHOLE:
            _known_segment(books, self.model, self.segment)
        return found

    def parts(self, books: Transaction) -> list[int]:
        """The slices whose profiles add up to this view."""
        return [
            number
            for item, number in books.models.slices(self.model.id).items()
            if not item.every and item.segment == self.segment and self.version in {"", item.version}
        ]

    def profile(self, books: Transaction, start: int, end: int, *, rows: bool = True) -> Profile | None:
        """All windows that start in a span, together, on demand without sampled `rows`; None when there are none."""
        grain = "1d" if "1d" in stored_grains(self.model) and _whole_days(self.model, start, end) else None
        span = Span(grain or self.model.spec.window.text, start, end)
        found = list(window_profiles(books, self.model, self.parts(books), span, rows=rows).values())
        return combined(found) if found else None

    def reference(self, books: Transaction, profile: Profile, start: int) -> Profile | None:
        """What a profile of this view that begins at `start` is compared with."""
        grain = self.grain if self.stored else self.model.spec.window.text
        return reference_of(books, self.model, Compared(profile, start, self.parts(books), grain))

    def spans(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        """Windows of this grain from the one that holds `first` to the one that holds `last`."""
        zone = self.model.spec.timezone
        window = window_at(first, self.grain, zone)
        while window[0] <= last:
            yield window
            window = window_at(window[1], self.grain, zone)


def view_of(
    model: Model,
    *,
    version: str = "",
    segment: str = "",
    grain: str | None = None,
    start: int = 0,
    end: int = FOREVER[1],
) -> View:
    """Check a grain against the model's window and make the view."""
    if not grain:
        return View(model, version, segment, model.spec.window.text, start, end)
    asked = Grain.parse(grain)
    if asked.text not in grains_of(model):
        raise InputError(
            f"grain: windows of {model.spec.window.text} add up to {', '.join(grains_of(model))}, not to {asked.text}"
        )
    return View(model, version, segment, asked.text, start, end)


def ripe(model: Model) -> int:
    """Windows that start before this moment have had their outcomes' usual delay."""
    delay = span_micros(model.spec.grace + model.spec.outcome_delay)
    limit = (model.reached or 0) - delay
    return window_at(limit, model.spec.window.text, model.spec.timezone)[0]


def grains_of(model: Model) -> list[str]:
    """Grains that the model's windows add up to, its own first."""
    own = model.spec.window
    return [own.text, *(text for text in GRAINS if text != own.text and _adds_up(own, Grain(text)))]


def _adds_up(own: Grain, other: Grain) -> bool:
    fits = own.length >= Grain("1d").length or other.length.total_seconds() % own.length.total_seconds() == 0
    return own.length < other.length and fits and own.finer(other)


def stored_grains(model: Model) -> tuple[str, ...]:
    """Grains whose windows are kept measured."""
    own = model.spec.window
    return (own.text, "1d") if own.length < Grain("1d").length else (own.text,)


def _whole_days(model: Model, start: int, end: int) -> bool:
    zone = model.spec.timezone
    whole = [at in FOREVER or at == window_at(at, "1d", zone)[0] for at in (start, end)]
    return all(whole)


def _known_segment(books: Transaction, model: Model, segment: str) -> None:
    known = {item.segment for item in books.models.slices(model.id) if item.segment}
    if segment not in known:
        raise UnknownError(unknown("segment", segment, known))
