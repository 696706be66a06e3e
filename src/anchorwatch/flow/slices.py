"""Which slices (versions, segments) a row belongs to, and the grid it is folded on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from anchorwatch.flow.against import pinned
from anchorwatch.flow.ports import WHOLE, Slice
from anchorwatch.profile.build import build_grid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from anchorwatch.flow.books import Watched
    from anchorwatch.flow.ports import Model

OTHER = "(other)"
NONE = "(missing)"
SEGMENT_VALUES = 200
"""Values of a segment that are watched by themselves; further ones share the segment `(other)`."""
VERSIONS = 200
"""Versions of a model that are watched by themselves."""


def bounded(books: Watched, model: Model, frame: pl.DataFrame) -> pl.DataFrame:
    """Keep the number of versions and segment values bounded, whatever clients send."""
    known = books.models.slices(model.id)
    columns = {"_version": {item.version for item in known}}
    for name in model.spec.segments:
        columns[name] = {
            item.segment.partition("=")[2] for item in known if item.segment.startswith(f"{name}=")
        }
    for name, seen in columns.items():
        bound = VERSIONS if name == "_version" else SEGMENT_VALUES
        if name != "_version":
            frame = frame.with_columns(pl.col(name).fill_null(NONE))
        new = [value for value in frame[name].unique(maintain_order=True) if value not in seen]
        room = max(bound - len(seen), 0)
        if len(new) > room:
            frame = frame.with_columns(
                pl.when(pl.col(name).is_in(new[room:]))
                .then(pl.lit(OTHER))
                .otherwise(pl.col(name))
                .alias(name)
            )
    return frame


def slices_of(books: Watched, model: Model, frame: pl.DataFrame) -> NDArray[np.int32]:
    """Slice ids of each row: its version's whole, then each of its segments; shape (n, 1 + segments)."""
    texts = [pl.lit(WHOLE), *(pl.lit(f"{name}=") + pl.col(name) for name in model.spec.segments)]
    columns = []
    for text in texts:
        pairs = frame.select("_version", text.alias("segment"))
        distinct = pairs.unique(maintain_order=True).rows()
        ids = books.models.slice_ids(model.id, [Slice(version, segment) for version, segment in distinct])
        coded = pl.DataFrame(
            {
                "_version": [version for version, _ in distinct],
                "segment": [segment for _, segment in distinct],
                "id": [ids[Slice(version, segment)] for version, segment in distinct],
            },
            schema={"_version": pl.String, "segment": pl.String, "id": pl.Int32},
        )
        joined = pairs.join(coded, on=["_version", "segment"], how="left", maintain_order="left")
        columns.append(joined["id"].to_numpy())
    return np.column_stack(columns).astype(np.int32)


def grid_for(books: Watched, model: Model, version: str) -> int:
    """The version's grid (or that of the version all are held to); else the newest reference's; else a general one."""
    versions = books.models.versions(model.id)
    wanted = pinned(model.spec.against) or version
    own = next((item.grid_id for item in versions if item.version == wanted and item.grid_id), None)
    if own is not None:
        return own
    for item in reversed(versions):
        if item.grid_id is not None and books.grids.get(item.grid_id).fitted:
            return item.grid_id
    return books.grids.put(model.id, build_grid(model.spec, None))
