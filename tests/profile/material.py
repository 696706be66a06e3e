"""Frames as nasty as users' are, and what it means that two profiles are the same."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from hypothesis import strategies as st

from anchorwatch.core.schema import Column, Kind, ModelSpec, Task
from anchorwatch.profile.fold import JoinedRows
from anchorwatch.profile.parts import Numbers, Residuals
from anchorwatch.profile.profile import PARTS, Profile
from anchorwatch.profile.sample import Sample
from anchorwatch.profile.vectors import Vectors

if TYPE_CHECKING:
    from numpy.typing import NDArray

COLUMNS = (
    Column("x", Kind.NUMBER),
    Column("y", Kind.NUMBER),
    Column("c", Kind.CATEGORY),
    Column("d", Kind.CATEGORY),
    Column("v", Kind.VECTOR, 2),
)
SPECS = {
    Task.BINARY: ModelSpec(name="b", task=Task.BINARY, columns=COLUMNS, labels=("0", "1")),
    Task.MULTICLASS: ModelSpec(name="m", task=Task.MULTICLASS, columns=COLUMNS, labels=("a", "b", "c")),
    Task.REGRESSION: ModelSpec(name="r", task=Task.REGRESSION, columns=COLUMNS),
}
ODD = [0.0, -0.0, 1.0, -1.0, 1e308, -1e308, 1.7976931348623157e308, 5e-324, -5e-324, 2.2e-308, 1e-310]
ODD += [float("nan"), float("inf"), float("-inf"), 0.1, 1 / 3]

TINY = 1e-150
"""What is smaller has a square that is lost to underflow."""

numbers = st.one_of(st.none(), st.sampled_from(ODD), st.integers(-3, 3).map(float), st.floats())
texts = st.one_of(st.none(), st.sampled_from(["a", "b", "c", "", "æ"]), st.text(max_size=3))


vectors = st.one_of(
    st.none(),
    st.lists(st.floats(-1e30, 1e30), min_size=2, max_size=2),
    st.just([1.0]),
    st.just([0.0, float("inf")]),
)


@st.composite
def frames(draw: st.DrawFn, task: Task, most: int = 40) -> pl.DataFrame:
    """A canonical frame of predictions."""
    n = draw(st.integers(0, most))

    def column(values: st.SearchStrategy[Any], dtype: Any) -> pl.Series:
        return pl.Series(draw(st.lists(values, min_size=n, max_size=n)), dtype=dtype, strict=False)

    labels = st.sampled_from([None, "0", "1", "a", "b", "c", "other"])
    chances = st.one_of(st.none(), st.floats(0, 1))
    data = {
        "_id": pl.Series([str(row) for row in range(n)], dtype=pl.String),
        "_at": column(st.integers(-(10**15), 4 * 10**15), pl.Int64).cast(pl.Datetime("us", "UTC")),
        "_version": pl.Series([""] * n, dtype=pl.String),
        "_prediction": column(numbers, pl.Float64) if task is Task.REGRESSION else column(labels, pl.String),
        "_latency": column(numbers, pl.Float64),
        "_error": column(st.sampled_from([None, "boom"]), pl.String),
        "x": column(numbers, pl.Float64),
        "y": column(st.one_of(st.none(), st.integers(0, 3).map(float)), pl.Float64),
        "c": column(texts, pl.String),
        "d": column(st.sampled_from(["a", "b"]), pl.String),
        "v": column(vectors, pl.List(pl.Float32)),
        "_outcome": column(numbers, pl.Float64) if task is Task.REGRESSION else column(labels, pl.String),
    }
    if task is Task.BINARY:
        data["_score"] = column(chances, pl.Float64)
    return pl.DataFrame(data)


def groups_of(draw: st.DrawFn, n: int, count: int) -> NDArray[np.int64]:
    """A group for each row, or none (-1)."""
    return np.array(draw(st.lists(st.integers(-1, count - 1), min_size=n, max_size=n)), np.int64)


@st.composite
def joined(draw: st.DrawFn, task: Task, most: int = 40) -> JoinedRows:
    """Predictions with outcomes."""
    n = draw(st.integers(0, most))
    width = {Task.BINARY: 1, Task.MULTICLASS: 3, Task.REGRESSION: 0}[task]
    codes = st.sampled_from([float("nan"), 0.0, 1.0, 2.0, 3.0])
    answers = st.one_of(st.sampled_from(ODD), st.floats()) if task is Task.REGRESSION else codes
    chances = st.one_of(st.just(float("nan")), st.floats(0, 1), st.sampled_from([0.0, 0.5, 1.0, 1.5]))

    def array(values: st.SearchStrategy[float], *shape: int) -> NDArray[np.float64]:
        size = int(np.prod(shape))
        return np.array(draw(st.lists(values, min_size=size, max_size=size)), np.float64).reshape(shape)

    return JoinedRows(array(answers, n), array(chances, n, width), array(answers, n))


def take(rows: JoinedRows, places: Any) -> JoinedRows:
    """Some of the rows, in that order."""
    return JoinedRows(rows.prediction[places], rows.scores[places], rows.outcome[places])


def busy(rng: np.random.Generator, n: int) -> pl.DataFrame:
    """Many rows of a binary model, so that the paths for many are taken; every kind of distribution and of hole."""
    x = rng.standard_t(1, n) * 10.0 ** rng.integers(-3, 4, n)
    x[rng.random(n) < 0.1] = np.nan
    x[rng.random(n) < 0.05] = rng.choice([np.inf, -np.inf, 1e308, -1e308, 5e-324, 0.0])
    return pl.DataFrame(
        {
            "_at": pl.Series(rng.integers(0, 10**15, n)).cast(pl.Datetime("us", "UTC")),
            "_prediction": pl.Series(rng.choice(["0", "1", "2"], n)),
            "_score": rng.random(n),
            "_latency": rng.lognormal(-5, 1, n),
            "_error": pl.Series(rng.choice(["", "boom"], n)).replace("", None),
            "x": x,
            "y": rng.integers(0, 30, n).astype(float),
            "c": pl.Series([f"name{number}" for number in rng.zipf(1.3, n)]),
            "d": pl.Series(rng.choice(["a", "b", ""], n)).replace("", None),
        }
    )


def assert_same(one: Any, other: Any, where: str = "profile") -> None:
    """Counts must be equal, sums within 10⁻⁹ of what was summed."""
    if isinstance(one, Profile):
        for name in PARTS:
            assert_same(getattr(one, name), getattr(other, name), name)
    elif isinstance(one, tuple):
        assert len(one) == len(other), where
        for place, (first, second) in enumerate(zip(one, other, strict=True)):
            assert_same(first, second, f"{where}[{place}]")
    elif is_dataclass(one):
        assert type(one) is type(other), where
        for item in fields(one):
            name = item.name
            assert_same_field(one, other, name, f"{where}.{name}")
    elif isinstance(one, np.ndarray):
        assert one.dtype == other.dtype, where
        np.testing.assert_array_equal(one, other, where)
    else:
        assert one == other, where


def assert_same_field(one: Any, other: Any, name: str, where: str) -> None:
    """One attribute of a part."""
    first, second = getattr(one, name), getattr(other, name)
    if isinstance(one, Numbers) and name == "total":
        n = one.counts.sum(axis=1)
        np.testing.assert_array_less(np.abs(first - second), 1e-9 * np.sqrt(n * one.square) + TINY, where)
    elif isinstance(one, Vectors) and name == "total":
        bound = np.sqrt(one.count.sum() * one.square)
        np.testing.assert_array_less(np.abs(first - second), 1e-9 * bound + TINY, where)
    elif isinstance(one, Sample):
        np.testing.assert_array_equal(first, second, where)
    elif isinstance(one, Residuals) and name == "sums":
        loose = [0, 4, 13, 15]  # of either sign: held to sums at least as large as those of their sizes
        bounds = np.array([first[1], np.sqrt(one.n * first[5]), first[5] + first[14], first[2] + first[16]])
        assert (np.abs(first[loose] - second[loose]) <= 1e-9 * bounds + TINY).all(), where
        np.testing.assert_allclose(
            np.delete(first, loose), np.delete(second, loose), rtol=1e-9, atol=TINY, err_msg=where
        )
    elif (isinstance(first, np.ndarray) and first.dtype.kind == "f") or isinstance(first, float):
        np.testing.assert_allclose(first, second, rtol=1e-9, atol=TINY, err_msg=where)
    else:
        assert_same(first, second, where)
