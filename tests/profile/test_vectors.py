"""Vector columns: sums per dimension against NumPy, and what counts as missing."""

from __future__ import annotations

import numpy as np
import polars as pl
from tests.profile.material import SPECS

from anchorwatch.core.schema import Column, Kind, ModelSpec, Task
from anchorwatch.profile.build import build_grid
from anchorwatch.profile.fold import fold_inputs

SPEC = ModelSpec(
    name="m", task=Task.REGRESSION, columns=(Column("a", Kind.VECTOR), Column("b", Kind.VECTOR, 3))
)


def test_sums_are_those_of_numpy() -> None:
    """In every group, in double precision, both columns side by side; lists and arrays alike."""
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(9_000, 5)).astype(np.float32), rng.normal(100, 1, (9_000, 3)).astype(np.float32)
    frame = pl.DataFrame({"a": a, "b": b}).cast({"b": pl.List(pl.Float32)})
    grid = build_grid(SPEC, frame)
    assert grid.vectors == ("a", "b")
    assert grid.widths == (5, 3)
    groups = rng.integers(-1, 2, 9_000)
    for group, found in enumerate(fold_inputs(frame, groups, 2, grid)):
        both = np.concatenate([a, b], axis=1)[groups == group].astype(np.float64)
        assert found.vectors is not None
        np.testing.assert_allclose(found.vectors.total, both.sum(axis=0), rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(found.vectors.square, (both**2).sum(axis=0), rtol=1e-9)
        assert found.vectors.count.tolist() == [len(both)] * 2
        assert found.vectors.missing.tolist() == [0, 0]


def test_what_is_no_vector_of_the_width_is_missing() -> None:
    """Nulls, other widths, NaN and infinities, and a column that is absent."""
    rows = [[1.0, 2.0], None, [1.0], [float("nan"), 1.0], [1.0, float("inf")], [3.0, None]]
    frame = pl.DataFrame({"a": rows}, schema={"a": pl.List(pl.Float32)})
    spec = ModelSpec(
        name="m", task=Task.REGRESSION, columns=(Column("a", Kind.VECTOR, 2), Column("b", Kind.VECTOR, 3))
    )
    found = fold_inputs(frame, np.zeros(6, np.int64), 1, build_grid(spec), sample=10)[0]
    assert found.vectors is not None
    assert found.vectors.count.tolist() == [1, 0]
    assert found.vectors.missing.tolist() == [5, 6]
    assert found.vectors.total.tolist() == [1.0, 2.0, 0.0, 0.0, 0.0]
    assert found.sample is not None
    assert np.isnan(found.sample.vector(found.grid, "b")).all()
    assert np.isfinite(found.sample.vector(found.grid, "a")).sum() == 2


def test_models_without_vectors_have_no_such_part() -> None:
    """Nothing is stored for what is not there; and a width that nobody told sums nothing."""
    plain = ModelSpec(name="m", task=Task.REGRESSION, columns=(Column("x", Kind.NUMBER),))
    found = fold_inputs(pl.DataFrame({"x": [1.0]}), np.zeros(1, np.int64), 1, build_grid(plain))[0]
    assert found.vectors is None
    frame = pl.DataFrame({"a": [[1.0]]}, schema={"a": pl.List(pl.Float32)})
    untold = fold_inputs(frame, np.zeros(1, np.int64), 1, build_grid(SPEC))[0]
    assert untold.vectors is not None
    assert untold.vectors.total.shape == (3,)
    assert untold.vectors.missing.tolist() == [1, 1]
    assert SPECS[Task.BINARY].vectors == ("v",)
