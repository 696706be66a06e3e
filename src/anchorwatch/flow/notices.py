"""Deliveries: what was said to whom, or is to be; and what the ledger keeps of it."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from anchorwatch.core.messages import Message, MessageKind
from anchorwatch.core.types import IncidentState, Severity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anchorwatch.core.errors import ChannelError
    from anchorwatch.core.types import Incident
    from anchorwatch.flow.books import Models
    from anchorwatch.incidents.mute import Silence
    from anchorwatch.incidents.notice import Thread


class DeliveryState(StrEnum):
    """The life of a delivery.

    ```
    held ──▶ waiting ──▶ delivered
      │         └──────▶ dead (retry makes it wait again)
      └──▶ dropped
    ```
    """

    HELD = "held"
    WAITING = "waiting"
    DELIVERED = "delivered"
    DEAD = "dead"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A message to one channel; times are microseconds.

    Args:
        id: 0 before it is stored.
        channel: who is told.
        kind: as what.
        state: held until `due_at`, then composed and waiting, at last delivered, dead or dropped.
        at: when it was decided.
        due_at: when it is looked at, or tried, next.
        thread: of which thread; 0 for digests and tests.
        model: whose incident.
        incident: the first one.
        tries: attempts that failed.
        reason: why it is told, held or dropped, or what the last attempt tripped over.
        delivered_at: when the channel took it.
        said: the message, once composed; the same at every attempt.
    """

    id: int = 0
    channel: str
    kind: MessageKind
    state: DeliveryState
    at: int
    due_at: int
    thread: int = 0
    model: str = ""
    incident: int = 0
    tries: int = 0
    reason: str = ""
    delivered_at: int | None = None
    said: Message | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """A decision as log, API and pages show it."""

    at: int
    model: str
    incident: int
    channel: str
    told: bool
    kind: str
    reason: str
    delivery: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a channel is tried.

    Args:
        first: seconds before the second attempt; each further one waits twice as long …
        longest: … but no longer than this.
        asked: seconds that a receiver may ask to wait by `Retry-After`.
        keep: seconds after which a message that cannot be delivered is a dead letter …
        tries: … if it was tried so often at least.
    """

    first: float = 1.0
    longest: float = 300.0
    asked: float = 3600.0
    keep: float = 3 * 86_400.0
    tries: int = 5

    def wait(self, tries: int, draw: float) -> float:
        """Seconds before the next attempt after `tries` that failed; `draw` in [0, 1) spreads them by a half.

        >>> [Patience().wait(tries, 0.5) for tries in (1, 2, 3, 20)]
        [1.0, 2.0, 4.0, 300.0]
        """
        return min(self.first * 2.0 ** min(tries - 1, 30), self.longest) * (0.5 + draw)


def taken(delivery: Delivery, now: int) -> Delivery:
    """After the channel took it."""
    return replace(delivery, state=DeliveryState.DELIVERED, delivered_at=now, reason="")


def failed(delivery: Delivery, problem: ChannelError, now: int, draw: float, patience: Patience) -> Delivery:
    """After an attempt that failed: to be tried again, or a dead letter."""
    again = replace(delivery, tries=delivery.tries + 1, reason=str(problem))
    old = now - delivery.at > patience.keep * 1e6 and again.tries >= patience.tries
    if problem.permanent or old:
        return replace(again, state=DeliveryState.DEAD)
    wait = patience.wait(again.tries, draw)
    if problem.retry_after is not None:
        wait = max(wait, min(problem.retry_after, patience.asked))
    return replace(again, due_at=now + int(wait * 1e6))


class Threads(Protocol):
    """What channels are told about incidents that began together."""

    def get(self, number: int) -> Thread:
        """One of them."""
        ...

    def live(self, model: str | None = None) -> list[Thread]:
        """Those that are not closed, oldest first."""
        ...

    def save(self, thread: Thread) -> Thread:
        """Store it; a new one gets its id."""
        ...


class Deliveries(Protocol):
    """What was said to whom, or is to be."""

    def get(self, number: int) -> Delivery:
        """One of them; raises `UnknownError`."""
        ...

    def save(self, delivery: Delivery) -> Delivery:
        """Store it; a new one gets its id."""
        ...

    def held(self, thread: int | None = None, until: int | None = None) -> Sequence[Delivery]:
        """Those that are held: of one thread, or due by `until`."""
        ...

    def due(self, channel: str, now: int, beyond: int, most: int = 20) -> Sequence[Delivery]:
        """Waiting ones of a channel whose time has come, each the first of its thread that waits.

        Due times after `beyond` count as past: the clock was set back.
        """
        ...

    def list(
        self,
        *,
        states: Sequence[DeliveryState] = (),
        channel: str = "",
        incident: int = 0,
        before: int | None = None,
        limit: int = 100,
    ) -> Sequence[Delivery]:
        """Newest first."""
        ...

    def counts(self) -> dict[tuple[str, DeliveryState], int]:
        """How many, by channel and state."""
        ...

    def latest(self, channel: str, kind: MessageKind) -> Delivery | None:
        """The newest of a kind."""
        ...

    def forget(self, before: int) -> int:
        """Drop what was done with before then: deliveries, decisions, closed threads, silences; how many."""
        ...


class Silences(Protocol):
    """Silences by what they match."""

    def save(self, silence: Silence) -> Silence:
        """Store it; a new one gets its id."""
        ...

    def get(self, number: int) -> Silence:
        """One of them; raises `UnknownError`."""
        ...

    def list(self, after: int | None = None) -> Sequence[Silence]:
        """All, or those that end after a moment; by their end."""
        ...


class Decisions(Protocol):
    """Why somebody was told, or not."""

    def note(self, decided: Decided) -> None:
        """Keep it."""
        ...

    def list(self, *, incident: int = 0, limit: int = 100) -> Sequence[Decided]:
        """Newest first."""
        ...

    def held(self, start: int, end: int) -> Sequence[tuple[str, int]]:
        """Reasons for not telling in a time, and how often, the most frequent first."""
        ...


class IncidentBook(Protocol):
    """Incidents by their numbers."""

    def get(self, number: int) -> Incident:
        """One incident; raises `UnknownError`."""
        ...


class Telling(Protocol):
    """What turns incidents into deliveries."""

    @property
    def models(self) -> Models:
        """Models, versions, slices."""
        ...

    @property
    def incidents(self) -> IncidentBook:
        """Incidents by their numbers."""
        ...

    @property
    def threads(self) -> Threads:
        """What channels are told about incidents that began together."""
        ...

    @property
    def deliveries(self) -> Deliveries:
        """What was said to whom, or is to be."""
        ...

    @property
    def silences(self) -> Silences:
        """Silences by what they match."""
        ...

    @property
    def decisions(self) -> Decisions:
        """Why somebody was told, or not."""
        ...


def message_to_dict(message: Message) -> dict[str, Any]:
    """As JSON can hold it, without the chart."""
    plain = {item.name: getattr(message, item.name) for item in fields(Message) if item.name != "chart"}
    return plain | {"at": message.at.isoformat()}


def message_from_dict(stored: Mapping[str, Any], chart: bytes | None = None) -> Message:
    """What `message_to_dict` wrote."""
    given = {name: value for name, value in stored.items() if name != "chart"}
    return Message(
        **given
        | {
            "kind": MessageKind(given["kind"]),
            "severity": Severity(given["severity"]),
            "state": None if given["state"] is None else IncidentState(given["state"]),
            "at": datetime.fromisoformat(given["at"]),
            "facts": _pairs(given["facts"]),
            "links": _pairs(given["links"]),
            "chart": chart,
        }
    )


def _pairs(given: Sequence[Sequence[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((label, value) for label, value in given)
