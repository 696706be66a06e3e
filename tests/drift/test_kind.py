"""Faults put into columns on purpose are called by their names."""

from collections.abc import Callable

import numpy as np
import pytest

from anchorwatch.drift.change import ChangeKind
from anchorwatch.drift.kind import kinds
from anchorwatch.drift.subjects import Side
from anchorwatch.profile.example import labels, pair, values

Numbers = np.ndarray
Rng = np.random.Generator

BASES: dict[str, Callable[[Rng, int], Numbers]] = {
    "bell": lambda rng, n: rng.normal(50, 10, n),
    "waiting": lambda rng, n: rng.gamma(2, 5, n),
    "money": lambda rng, n: rng.lognormal(3, 0.6, n),
    "even": lambda rng, n: rng.uniform(0, 1, n),
    "count": lambda rng, n: rng.poisson(12, n).astype(float),
}


def without(x: Numbers, rng: Rng) -> Numbers:
    """Some of the values missing."""
    return np.where(rng.random(x.size) < rng.uniform(0.1, 0.7), np.nan, x)


def spread(x: Numbers, rng: Rng) -> Numbers:
    """Wider or narrower around the mean."""
    return x.mean() + (x - x.mean()) * rng.choice([0.4, 0.5, 1.6, 2.0, 3.0])


def two_humps(x: Numbers, rng: Rng) -> Numbers:
    """Of the same mean and spread, but with a gap in the middle."""
    return x.mean() + x.std() * (rng.choice([-0.95, 0.95], x.size) + rng.normal(0, 0.3, x.size))


FAULTS: dict[ChangeKind, Callable[[Numbers, Rng], Numbers]] = {
    ChangeKind.NONE: lambda x, _: x,
    ChangeKind.MISSING: without,
    ChangeKind.UNIT: lambda x, rng: (
        x * rng.choice([67, 1000, 0.001, 0.44704, 1.609344, 2.54, 100, 0.3048, 3.6])
    ),
    ChangeKind.STUCK: lambda x, rng: np.full(x.size, rng.choice(x)),
    ChangeKind.SHIFT: lambda x, rng: x + rng.choice([-1, 1]) * rng.uniform(0.4, 2) * x.std(),
    ChangeKind.SCALE: spread,
    ChangeKind.SHAPE: two_humps,
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("n", [300, 3000])
def test_numeric_faults_are_told(fault: ChangeKind, n: int) -> None:
    """Of 200 columns of five shapes with the fault, at least 95 % are called by its name."""
    rng = np.random.default_rng([len(fault), n])
    before = {f"{name} {i}": draw(rng, 3000) for i in range(40) for name, draw in BASES.items()}
    after = {name: FAULTS[fault](BASES[name.split()[0]](rng, n), rng) for name in before}
    found = kinds(*pair(before, after))
    right = [found[name].kind is fault for name in before]
    assert np.mean(right) >= 0.95, {
        name: found[name].text for name in before if found[name].kind is not fault
    }


WORDS = ["red", "green", "blue", "teal", "plum", "grey"]


def drawn(rng: Rng, n: int) -> list[str | None]:
    """Colours in shares of their own."""
    return rng.choice(WORDS, n, p=[0.35, 0.25, 0.15, 0.12, 0.08, 0.05]).tolist()


def renamed(x: list[str | None], rng: Rng) -> list[str | None]:
    """One colour under another name."""
    old = rng.choice(WORDS)
    return [str(rng.choice(["new name"])) if one == old else one for one in x]


def added(x: list[str | None], rng: Rng) -> list[str | None]:
    """A colour nobody has seen."""
    share = rng.uniform(0.05, 0.3)
    return ["pink" if part < share else one for one, part in zip(x, rng.random(len(x)), strict=True)]


def mixed(x: list[str | None], rng: Rng) -> list[str | None]:
    """Part of one colour turned into another."""
    old, new = rng.choice(WORDS[:4], 2, replace=False).tolist()
    return [
        new if one == old and part < 0.6 else one for one, part in zip(x, rng.random(len(x)), strict=True)
    ]


TEXTS: dict[ChangeKind, Callable[[list[str | None], Rng], list[str | None]]] = {
    ChangeKind.NONE: lambda x, _: x,
    ChangeKind.MISSING: lambda x, rng: [
        one if part > 0.2 else None for one, part in zip(x, rng.random(len(x)), strict=True)
    ],
    ChangeKind.RENAME: renamed,
    ChangeKind.NEW: added,
    ChangeKind.MIX: mixed,
    ChangeKind.STUCK: lambda x, _: ["red"] * len(x),
}


@pytest.mark.parametrize("fault", TEXTS)
def test_categorical_faults_are_told(fault: ChangeKind) -> None:
    """Of 100 columns with the fault, at least 95 % are called by its name."""
    rng = np.random.default_rng(len(fault))
    before = {f"c{i}": drawn(rng, 3000) for i in range(100)}
    after = {name: TEXTS[fault](drawn(rng, 1000), rng) for name in before}
    found = kinds(*pair(before, after))
    right = [found[name].kind is fault for name in before]
    assert np.mean(right) >= 0.95, {
        name: found[name].text for name in before if found[name].kind is not fault
    }


@pytest.mark.parametrize(
    ("factor", "offset", "words"),
    [
        (1.8, 32.0, "Fahrenheit in place of Celsius"),
        (1.0, 273.15, "kelvins"),
        (-1.0, 0.0, "sign"),
        (67.0, 0.0, "larger"),
        (0.447, 0.0, "times smaller"),
    ],
)
def test_units_are_named_with_their_figures(factor: float, offset: float, words: str) -> None:
    """Known formulas by name, others by their factor."""
    rng = np.random.default_rng(3)
    change = kinds(*pair({"t": rng.normal(17, 8, 4000)}, {"t": rng.normal(17, 8, 2000) * factor + offset}))[
        "t"
    ]
    assert change.kind is ChangeKind.UNIT
    assert words in change.text
    assert change.figures["factor"] == pytest.approx(factor, rel=0.05)
    assert change.figures["offset"] == pytest.approx(offset, abs=0.5)


def test_renamed_and_new_categories_are_named() -> None:
    """Both names, old and new, and what is new with its share; a change of case is matched by its letters."""
    rng = np.random.default_rng(4)
    before = {"c": drawn(rng, 4000)}
    upper = {"c": [str(one).upper() for one in drawn(rng, 2000)]}
    found = kinds(*pair(before, upper))["c"]
    assert found.kind is ChangeKind.RENAME
    assert dict(zip(found.names[::2], found.names[1::2], strict=True)) == {
        name: name.upper() for name in WORDS
    }
    found = kinds(*pair(before, {"c": drawn(rng, 900) + ["pink"] * 100}))["c"]
    assert found.names == ("pink",)
    assert found.figures["after"] == pytest.approx(0.1)
    assert "'pink' (10 %)" in found.text


def test_what_is_lost_comes_before_what_moved_less() -> None:
    """From none to 60 % missing reads so, though the rest moved a little; infinite values count as lost."""
    rng = np.random.default_rng(5)
    for nothing in (np.nan, np.inf):
        after = np.where(rng.random(2000) < 0.6, nothing, rng.normal(0.2, 1, 2000))
        change = kinds(*pair({"x": rng.normal(size=2000)}, {"x": after}))["x"]
        assert change.kind is ChangeKind.MISSING
        assert change.figures["after"] == pytest.approx(0.6, abs=0.05)


def test_awkward_sides() -> None:
    """All missing, constant, infinite, huge, empty: a kind or nothing, never an error."""
    rng = np.random.default_rng(6)
    bell = rng.normal(size=400)
    cases = [
        np.full(400, np.nan),
        np.full(400, 3.0),
        np.full(400, np.inf),
        bell * 1e300,
        bell * 1e-300,
        bell[:1],
        bell[:0],
    ]
    for before in cases[:-1]:
        for after in cases:
            found = kinds(*pair({"x": before}, {"x": after}))
            assert all(change.text for change in found.values())
    assert kinds(*pair({"x": bell}, {"x": bell[:0]})) == {}
    assert kinds(*pair({"x": np.full(400, np.nan)}, {"x": bell}))["x"].kind is ChangeKind.MISSING
    assert kinds(pair({"x": bell}, {"x": bell})[0], pair({"x": bell + 1}, {"x": bell})[1]) == {}


def test_predictions_and_outcomes_have_kinds_too() -> None:
    """Predictions with the inputs, outcomes on their own side."""
    rng = np.random.default_rng(7)
    bell = rng.normal(50, 5, 1000)
    numeric = values(bell, bell, bell + 20, bell)
    assert kinds(*numeric)["_prediction"].kind is ChangeKind.SHIFT
    assert "_outcome" not in kinds(*numeric)
    named = labels("0101" * 100, "0101" * 100, "0101" * 100, "1111" * 100)
    assert kinds(*named, Side.TARGET)["_outcome"].kind is ChangeKind.STUCK
