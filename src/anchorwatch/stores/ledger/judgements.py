"""Findings, incidents and the states of rules in the ledger."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert as upsert

from anchorwatch.core.errors import UnknownError
from anchorwatch.core.times import micros
from anchorwatch.core.types import Verdict
from anchorwatch.incidents.form import finding_to_dict, from_dict, to_dict
from anchorwatch.stores.ledger import tables
from anchorwatch.stores.ledger.statements import chunks, put

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from anchorwatch.core.types import Finding, Incident, IncidentState, Stage


_MODEL: sa.BindParameter[int] = sa.bindparam("model")
_LAST = sa.select(sa.func.max(tables.judged.c.start)).where(
    tables.judged.c.model_id == _MODEL, tables.judged.c.stage == sa.bindparam("stage")
)
_JUDGED = upsert(tables.judged).on_conflict_do_nothing()
_STATE = sa.select(tables.states.c.body).where(
    tables.states.c.model_id == _MODEL, tables.states.c.key == sa.bindparam("key")
)
_FORGET = sa.delete(tables.findings).where(
    tables.findings.c.model_id == _MODEL,
    tables.findings.c.start == sa.bindparam("at"),
    tables.findings.c.measure.in_(sa.bindparam("measures", expanding=True)),
)
_INCIDENTS = sa.select(tables.incidents, tables.models.c.name).join(
    tables.models, tables.models.c.id == tables.incidents.c.model_id
)
_OPEN = _INCIDENTS.where(
    tables.incidents.c.id.in_(
        sa.select(sa.func.max(tables.incidents.c.id))
        .where(tables.incidents.c.model_id == _MODEL)
        .group_by(tables.incidents.c.cause)
    )
)


class SqlJudgements:
    """`flow.books.Judgements` on SQL."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def last(self, model_id: int, stage: Stage) -> int | None:
        """Start of the newest window judged at `stage`."""
        return self._connection.execute(_LAST, {"model": model_id, "stage": stage.value}).scalar()

    def judged(self, model_id: int, stage: Stage, start: int) -> None:
        """This window has been judged."""
        row = {"model_id": model_id, "stage": stage.value, "start": start}
        self._connection.execute(_JUDGED, row)

    def state(self, model_id: int, key: str) -> str | None:
        """What `keep_state` kept."""
        return self._connection.execute(_STATE, {"model": model_id, "key": key}).scalar()

    def keep_state(self, model_id: int, key: str, body: str) -> None:
        """Keep the state of sequential things as text."""
        put(self._connection, tables.states, [{"model_id": model_id, "key": key, "body": body}])

    def record(
        self, model_id: int, start: int, stage_measures: Collection[str], found: Sequence[Finding]
    ) -> None:
        """Replace the breaches kept for one window and these measures."""
        for some in chunks(stage_measures):
            wanted = {"model": model_id, "at": start, "measures": some}
            self._connection.execute(_FORGET, wanted)
        rows = [
            {
                "model_id": model_id,
                "start": start,
                "measure": item.measure,
                "subject": item.subject,
                "rule": item.rule,
                "version": item.version,
                "segment": item.segment,
                "body": json.dumps(finding_to_dict(item)),
            }
            for item in found
            if item.verdict is Verdict.BREACH
        ]
        if rows:
            statement = upsert(tables.findings)
            keys = ["model_id", "start", "rule", "subject", "version", "segment"]
            self._connection.execute(
                statement.on_conflict_do_update(index_elements=keys, set_={"body": statement.excluded.body}),
                rows,
            )

    def breaches(self, model_id: int, measure: str, start: int, end: int) -> set[tuple[int, str, str, str]]:
        """(window start, subject, version, segment) of every breach of a measure in a time range."""
        column = tables.findings.c
        rows = self._connection.execute(
            sa.select(column.start, column.subject, column.version, column.segment).where(
                column.model_id == model_id,
                column.measure == measure,
                column.start >= start,
                column.start < end,
            )
        )
        return {(row.start, row.subject, row.version, row.segment) for row in rows}

    def open_incidents(self, model_id: int) -> list[Incident]:
        """The latest incident of each cause, resolved ones included (they may fire again)."""
        return [_incident(row) for row in self._connection.execute(_OPEN, {"model": model_id})]

    def save_incident(self, incident: Incident) -> Incident:
        """Store it; a new one gets its id."""
        model_id = self._connection.execute(
            sa.select(tables.models.c.id).where(tables.models.c.name == incident.model)
        ).scalar_one()
        values = {
            "model_id": model_id,
            "cause": incident.cause,
            "state": incident.state.value,
            "severity": incident.severity.value,
            "opened_at": micros(incident.opened_at),
            "updated_at": micros(incident.updated_at),
            "body": json.dumps(to_dict(incident)),
        }
        if incident.id:
            self._connection.execute(
                sa.update(tables.incidents).where(tables.incidents.c.id == incident.id).values(**values)
            )
            return incident
        made = sa.insert(tables.incidents).values(**values).returning(tables.incidents.c.id)
        return incident.evolve(id=self._connection.execute(made).scalar_one())


class SqlIncidents:
    """Incidents as people ask for them."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def get(self, number: int) -> Incident:
        """One incident; raises `UnknownError`."""
        found = _read(self._connection, _INCIDENTS.where(tables.incidents.c.id == number))
        if not found:
            raise UnknownError(f"no incident has the number {number}; `anchorwatch incidents` lists them")
        return found[0]

    def list(
        self,
        *,
        model: str | None = None,
        states: Sequence[IncidentState] = (),
        before: int | None = None,
        limit: int = 100,
    ) -> list[Incident]:
        """Newest first."""
        wanted = _INCIDENTS.order_by(tables.incidents.c.id.desc()).limit(limit)
        if model is not None:
            wanted = wanted.where(tables.models.c.name == model)
        if states:
            wanted = wanted.where(tables.incidents.c.state.in_([state.value for state in states]))
        if before is not None:
            wanted = wanted.where(tables.incidents.c.id < before)
        return _read(self._connection, wanted)

    def save(self, incident: Incident) -> Incident:
        """Store a changed incident."""
        return SqlJudgements(self._connection).save_incident(incident)


def _read(connection: sa.Connection, wanted: sa.Select[Any]) -> list[Incident]:
    return [_incident(row) for row in connection.execute(wanted)]


def _incident(row: Any) -> Incident:
    return from_dict({**json.loads(row.body), "id": row.id})
