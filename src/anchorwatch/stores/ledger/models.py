"""Models, versions, slices, grids and references in the ledger."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from anchorwatch.core.errors import UnknownError
from anchorwatch.core.registry import unknown
from anchorwatch.core.schema import ModelSpec
from anchorwatch.core.types import EventKind, Rule, Severity
from anchorwatch.flow.ports import Model, Reference, Slice, Version
from anchorwatch.profile.codec import decode, decode_grid, encode, encode_grid
from anchorwatch.stores.ledger import tables

if TYPE_CHECKING:
    from collections.abc import Iterable

    from anchorwatch.profile.grid import Grid
    from anchorwatch.profile.profile import Profile

_WHOLE_REFERENCE = -1
_VERSIONS = (
    sa.select(tables.versions)
    .where(tables.versions.c.model_id == sa.bindparam("model"))
    .order_by(tables.versions.c.id)
)
_SLICES = sa.select(tables.slices).where(tables.slices.c.model_id == sa.bindparam("model"))
_GRID = sa.select(tables.grids.c.id).where(
    tables.grids.c.model_id == sa.bindparam("model"), tables.grids.c.digest == sa.bindparam("digest")
)


class SqlModels:
    """`flow.books.Models` on SQL; what a transaction has read of versions and slices it reads once."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._versions: dict[int, list[Version]] = {}
        self._slices: dict[int, dict[Slice, int]] = {}

    def get(self, name: str) -> Model:
        """Raises `UnknownError` with near names."""
        row = self._connection.execute(sa.select(tables.models).where(tables.models.c.name == name)).first()
        if row is None:
            names = self._connection.execute(sa.select(tables.models.c.name)).scalars().all()
            raise UnknownError(unknown("model", name, names))
        return _model(row)

    def all(self) -> list[Model]:
        """Every model, by name."""
        rows = self._connection.execute(sa.select(tables.models).order_by(tables.models.c.name))
        return [_model(row) for row in rows]

    def save(self, spec: ModelSpec, rules: tuple[Rule, ...], at: int) -> Model:
        """Make the model, or replace its declaration."""
        body = {"spec": json.dumps(spec.to_dict()), "rules": rules_text(rules), "updated_at": at}
        changed = self._connection.execute(
            sa.update(tables.models).where(tables.models.c.name == spec.name).values(**body)
        )
        if not changed.rowcount:
            self._connection.execute(sa.insert(tables.models).values(name=spec.name, created_at=at, **body))
        return self.get(spec.name)

    def seen(self, model_id: int, kind: EventKind, until: int, arrived_at: int) -> None:
        """Events of a kind have come up to `until` at least."""
        model = tables.models.c
        column = model.watermark if kind is EventKind.PREDICTIONS else model.outcomes_until
        self._connection.execute(
            sa.update(tables.models)
            .where(model.id == model_id)
            .values(
                {column: sa.func.max(sa.func.coalesce(column, until), until), model.arrived_at: arrived_at}
            )
        )

    def versions(self, model_id: int) -> list[Version]:
        """In order of first appearance."""
        if model_id not in self._versions:
            rows = self._connection.execute(_VERSIONS, {"model": model_id})
            self._versions[model_id] = [
                Version(row.version, row.grid_id, row.first_at, row.last_at, row.events) for row in rows
            ]
        return self._versions[model_id]

    def touch(self, model_id: int, version: Version) -> None:
        """Widen a version's first and last, and add its events; make it when it is new."""
        old = next((item for item in self.versions(model_id) if item.version == version.version), None)
        self._versions.pop(model_id)
        if old is None:
            self._connection.execute(
                sa.insert(tables.versions).values(
                    model_id=model_id,
                    version=version.version,
                    grid_id=version.grid_id,
                    first_at=version.first_at,
                    last_at=version.last_at,
                    events=version.events,
                )
            )
            return
        self._connection.execute(
            sa.update(tables.versions)
            .where(tables.versions.c.model_id == model_id, tables.versions.c.version == version.version)
            .values(
                grid_id=version.grid_id or old.grid_id,
                first_at=_least(old.first_at, version.first_at),
                last_at=_most(old.last_at, version.last_at),
                events=old.events + version.events,
            )
        )

    def slices(self, model_id: int) -> dict[Slice, int]:
        """All slices of a model with their ids."""
        if model_id not in self._slices:
            rows = self._connection.execute(_SLICES, {"model": model_id})
            self._slices[model_id] = {
                Slice(row.version, row.segment, bool(row.every)): row.id for row in rows
            }
        return self._slices[model_id]

    def slice_ids(self, model_id: int, wanted: Iterable[Slice]) -> dict[Slice, int]:
        """Ids of `wanted`, made where they are new."""
        known = self.slices(model_id)
        asked = list(dict.fromkeys(wanted))
        new = [item for item in asked if item not in known]
        if new:
            self._connection.execute(
                sa.insert(tables.slices),
                [
                    {
                        "model_id": model_id,
                        "version": item.version,
                        "segment": item.segment,
                        "every": int(item.every),
                    }
                    for item in new
                ],
            )
            del self._slices[model_id]
            known = self.slices(model_id)
        return {item: known[item] for item in asked}


class SqlGrids:
    """`flow.books.Grids` on SQL, with a cache shared by all transactions (grids never change)."""

    def __init__(
        self, connection: sa.Connection, cache: dict[int, Grid], references: dict[int, Reference]
    ) -> None:
        self._connection = connection
        self._cache = cache
        self._references = references
        self._ids: dict[tuple[int, str], int] = {}

    def get(self, grid_id: int) -> Grid:
        """The grid of that id."""
        if grid_id not in self._cache:
            blob = self._connection.execute(
                sa.select(tables.grids.c.blob).where(tables.grids.c.id == grid_id)
            ).scalar_one()
            self._cache[grid_id] = decode_grid(blob)
        return self._cache[grid_id]

    def put(self, model_id: int, grid: Grid) -> int:
        """Its id; the same content has the same id."""
        key = (model_id, grid.digest)
        if key not in self._ids:
            self._ids[key] = self._put(model_id, grid)
        return self._ids[key]

    def _put(self, model_id: int, grid: Grid) -> int:
        wanted = {"model": model_id, "digest": grid.digest}
        found = self._connection.execute(_GRID, wanted).scalar()
        if found is None:
            self._connection.execute(
                sa.insert(tables.grids).values(model_id=model_id, digest=grid.digest, blob=encode_grid(grid))
            )
            found = self._connection.execute(_GRID, wanted).scalar_one()
        return int(found)

    def reference(self, grid_id: int) -> Reference | None:
        """The reference profiled on that grid, None where the grid came from no reference."""
        if grid_id not in self._references:
            grid = self.get(grid_id)
            rows = self._connection.execute(
                sa.select(tables.references)
                .where(tables.references.c.grid_id == grid_id)
                .order_by(tables.references.c.start)
            ).all()
            if not rows:
                return None
            profiles = {row.start: decode(row.blob, grid) for row in rows}
            whole = profiles.pop(_WHOLE_REFERENCE)
            self._references[grid_id] = Reference(grid_id, whole, tuple(profiles.items()))
        return self._references[grid_id]

    def put_reference(self, grid_id: int, whole: Profile, windows: dict[int, Profile]) -> None:
        """Keep a reference's profile and those of its windows."""
        self._connection.execute(sa.delete(tables.references).where(tables.references.c.grid_id == grid_id))
        rows = [{"grid_id": grid_id, "start": _WHOLE_REFERENCE, "blob": encode(whole)}]
        rows += [
            {"grid_id": grid_id, "start": start, "blob": encode(item)} for start, item in windows.items()
        ]
        self._connection.execute(sa.insert(tables.references), rows)
        self._references.pop(grid_id, None)


def rules_text(rules: tuple[Rule, ...]) -> str:
    """Rules as the ledger keeps them."""
    return json.dumps([asdict(rule) for rule in rules])


@lru_cache(maxsize=64)
def rules_of(text: str) -> tuple[Rule, ...]:
    """Rules as `rules_text` wrote them."""
    return tuple(_rule(body) for body in json.loads(text))


def _rule(body: dict[str, Any]) -> Rule:
    texts = {name: tuple(body.get(name, ())) for name in ("columns", "notify")}
    return Rule(**{**body, **texts, "severity": Severity(body["severity"])})


def _model(row: Any) -> Model:
    return Model(
        row.id,
        ModelSpec.from_dict(json.loads(row.spec)),
        rules_of(row.rules),
        row.watermark,
        row.outcomes_until,
        row.arrived_at,
    )


def _least(one: int | None, other: int | None) -> int | None:
    return min((item for item in (one, other) if item is not None), default=None)


def _most(one: int | None, other: int | None) -> int | None:
    return max((item for item in (one, other) if item is not None), default=None)
