"""Threads, deliveries, silences and decisions in the ledger."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from anchorwatch.core.errors import UnknownError
from anchorwatch.core.messages import MessageKind
from anchorwatch.core.times import micros
from anchorwatch.flow.notices import (
    Decided,
    Delivery,
    DeliveryState,
    message_from_dict,
    message_to_dict,
)
from anchorwatch.incidents.notice import Thread, ThreadState
from anchorwatch.incidents.notice_form import (
    silence_from_dict,
    silence_to_dict,
    thread_from_dict,
    thread_to_dict,
)
from anchorwatch.stores.ledger import tables

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anchorwatch.incidents.mute import Silence

_DONE = (DeliveryState.DELIVERED.value, DeliveryState.DROPPED.value)


class SqlThreads:
    """`flow.notices.Threads` on SQL."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def get(self, number: int) -> Thread:
        """One of them; raises `UnknownError`."""
        found = self._read(sa.select(tables.threads).where(tables.threads.c.id == number))
        if not found:
            raise UnknownError(f"no thread has the number {number}")
        return found[0]

    def live(self, model: str | None = None) -> list[Thread]:
        """Those that are not closed, oldest first."""
        column = tables.threads.c
        live = [state.value for state in ThreadState if state is not ThreadState.CLOSED]
        wanted = sa.select(tables.threads).where(column.state.in_(live)).order_by(column.id)
        return self._read(wanted if model is None else wanted.where(column.model == model))

    def save(self, thread: Thread) -> Thread:
        """Store it; a new one gets its id."""
        values = {
            "channel": thread.channel,
            "model": thread.model,
            "state": thread.state.value,
            "said_at": micros(thread.said_at),
            "body": json.dumps(thread_to_dict(thread)),
        }
        return replace(thread, id=_save(self._connection, tables.threads, thread.id, values))

    def _read(self, wanted: sa.Select[Any]) -> list[Thread]:
        rows = self._connection.execute(wanted)
        return [replace(thread_from_dict(json.loads(row.body)), id=row.id) for row in rows]


class SqlDeliveries:
    """`flow.notices.Deliveries` on SQL."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def get(self, number: int) -> Delivery:
        """One of them; raises `UnknownError`."""
        found = self._read(sa.select(tables.deliveries).where(tables.deliveries.c.id == number))
        if not found:
            raise UnknownError(
                f"no notification has the number {number}; `anchorwatch notify list` shows them"
            )
        return found[0]

    def save(self, delivery: Delivery) -> Delivery:
        """Store it; a new one gets its id."""
        said = delivery.said
        values = {
            "channel": delivery.channel,
            "kind": delivery.kind.value,
            "state": delivery.state.value,
            "at": delivery.at,
            "due_at": delivery.due_at,
            "thread": delivery.thread,
            "model": delivery.model,
            "incident": delivery.incident,
            "tries": delivery.tries,
            "reason": delivery.reason,
            "delivered_at": delivery.delivered_at,
            "body": None if said is None else json.dumps(message_to_dict(said)),
            "chart": None if said is None else said.chart,
        }
        return replace(delivery, id=_save(self._connection, tables.deliveries, delivery.id, values))

    def held(self, thread: int | None = None, until: int | None = None) -> Sequence[Delivery]:
        """Those that are held: of one thread, or due by `until`; oldest first."""
        column = tables.deliveries.c
        wanted = sa.select(tables.deliveries).where(column.state == DeliveryState.HELD.value)
        if thread is not None:
            wanted = wanted.where(column.thread == thread)
        if until is not None:
            wanted = wanted.where(column.due_at <= until)
        return self._read(wanted.order_by(column.id))

    def due(self, channel: str, now: int, beyond: int, most: int = 20) -> Sequence[Delivery]:
        """Waiting ones of a channel whose time has come, each the first of its thread that waits; oldest first."""
        column, earlier = tables.deliveries.c, tables.deliveries.alias("earlier")
        waiting = DeliveryState.WAITING.value
        before = sa.exists().where(
            earlier.c.thread == column.thread,
            earlier.c.thread != 0,
            earlier.c.state == waiting,
            earlier.c.id < column.id,
        )
        wanted = sa.select(tables.deliveries).where(
            column.channel == channel,
            column.state == waiting,
            sa.or_(column.due_at <= now, column.due_at > beyond),
            ~before,
        )
        return self._read(wanted.order_by(column.id).limit(most))

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
        column = tables.deliveries.c
        wanted = sa.select(tables.deliveries).order_by(column.id.desc()).limit(limit)
        if states:
            wanted = wanted.where(column.state.in_([state.value for state in states]))
        if channel:
            wanted = wanted.where(column.channel == channel)
        if incident:
            wanted = wanted.where(column.incident == incident)
        if before is not None:
            wanted = wanted.where(column.id < before)
        return self._read(wanted)

    def counts(self) -> dict[tuple[str, DeliveryState], int]:
        """How many, by channel and state."""
        column = tables.deliveries.c
        wanted = sa.select(column.channel, column.state, sa.func.count()).group_by(
            column.state, column.channel
        )
        return {
            (channel, DeliveryState(state)): count
            for channel, state, count in self._connection.execute(wanted)
        }

    def latest(self, channel: str, kind: MessageKind) -> Delivery | None:
        """The newest of a kind."""
        column = tables.deliveries.c
        wanted = sa.select(tables.deliveries).where(column.channel == channel, column.kind == kind.value)
        found = self._read(wanted.order_by(column.id.desc()).limit(1))
        return found[0] if found else None

    def forget(self, before: int) -> int:
        """Drop what was done with before then: deliveries, decisions, closed threads, silences; how many."""
        asked_for = sa.exists().where(
            tables.deliveries.c.thread == tables.threads.c.id, tables.deliveries.c.state.not_in(_DONE)
        )
        old = (
            sa.delete(tables.deliveries).where(
                tables.deliveries.c.state.in_(_DONE), tables.deliveries.c.at < before
            ),
            sa.delete(tables.decisions).where(tables.decisions.c.at < before),
            sa.delete(tables.threads).where(
                tables.threads.c.state == ThreadState.CLOSED.value,
                tables.threads.c.said_at < before,
                ~asked_for,
            ),
            sa.delete(tables.silences).where(tables.silences.c.until < before),
        )
        return sum(self._connection.execute(statement).rowcount for statement in old)

    def _read(self, wanted: sa.Select[Any]) -> Sequence[Delivery]:
        return [_delivery(row) for row in self._connection.execute(wanted)]


class SqlSilences:
    """`flow.notices.Silences` on SQL."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def save(self, silence: Silence) -> Silence:
        """Store it; a new one gets its id."""
        values = {"until": micros(silence.until), "body": json.dumps(silence_to_dict(silence))}
        return replace(silence, id=_save(self._connection, tables.silences, silence.id, values))

    def get(self, number: int) -> Silence:
        """One of them; raises `UnknownError`."""
        row = self._connection.execute(
            sa.select(tables.silences).where(tables.silences.c.id == number)
        ).first()
        if row is None:
            raise UnknownError(f"no silence has the number {number}; `anchorwatch silence list` shows them")
        return _silence(row)

    def list(self, after: int | None = None) -> Sequence[Silence]:
        """All, or those that end after a moment; by their end."""
        wanted = sa.select(tables.silences).order_by(tables.silences.c.until)
        if after is not None:
            wanted = wanted.where(tables.silences.c.until > after)
        return [_silence(row) for row in self._connection.execute(wanted)]


class SqlDecisions:
    """`flow.notices.Decisions` on SQL."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def note(self, decided: Decided) -> None:
        """Keep it."""
        values = {
            column.name: getattr(decided, column.name) for column in tables.decisions.c if column.name != "id"
        }
        self._connection.execute(sa.insert(tables.decisions).values(**values | {"told": int(decided.told)}))

    def list(self, *, incident: int = 0, limit: int = 100) -> Sequence[Decided]:
        """Newest first."""
        column = tables.decisions.c
        wanted = sa.select(tables.decisions).order_by(column.id.desc()).limit(limit)
        if incident:
            wanted = wanted.where(column.incident == incident)
        names = [item.name for item in tables.decisions.c if item.name != "id"]
        return [
            Decided(**{name: getattr(row, name) for name in names} | {"told": bool(row.told)})
            for row in self._connection.execute(wanted)
        ]

    def held(self, start: int, end: int) -> Sequence[tuple[str, int]]:
        """Reasons for not telling in a time, and how often, the most frequent first."""
        column = tables.decisions.c
        count = sa.func.count()
        wanted = (
            sa.select(column.reason, count)
            .where(column.told == 0, column.at >= start, column.at < end)
            .group_by(column.reason)
            .order_by(count.desc(), column.reason)
        )
        return [(reason, number) for reason, number in self._connection.execute(wanted)]


def _save(connection: sa.Connection, table: sa.Table, number: int, values: dict[str, Any]) -> int:
    if number:
        connection.execute(sa.update(table).where(table.c.id == number).values(**values))
        return number
    return int(connection.execute(sa.insert(table).values(**values).returning(table.c.id)).scalar_one())


def _delivery(row: Any) -> Delivery:
    said = None if row.body is None else message_from_dict(json.loads(row.body), row.chart)
    plain = {
        column.name: getattr(row, column.name)
        for column in tables.deliveries.c
        if column.name not in {"body", "chart"}
    }
    return Delivery(
        **plain | {"kind": MessageKind(row.kind), "state": DeliveryState(row.state), "said": said}
    )


def _silence(row: Any) -> Silence:
    return replace(silence_from_dict(json.loads(row.body)), id=row.id)
