"""`watch.yaml`: good files are read, bad ones refused with file, line, key and remedy."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anchorwatch.app.config import dump, load, loads
from anchorwatch.core.calendar import Grain
from anchorwatch.core.errors import ConfigError
from anchorwatch.core.schema import Column, Fields, Kind, ModelSpec, Task
from anchorwatch.core.types import Rule, Severity
from anchorwatch.rules.defaults import default_rules

CONFIGS = Path(__file__).parent / "configs"


@pytest.mark.parametrize("path", sorted((CONFIGS / "bad").glob("*.yaml")), ids=lambda path: path.stem)
def test_a_bad_file_is_refused_with_the_message_in_its_first_line(path: Path) -> None:
    """Each file's first line is a comment that says what it should be told."""
    text = path.read_text()
    with pytest.raises(ConfigError) as problem:
        loads(text, folder=path.parent)
    assert str(problem.value) == text.splitlines()[0].removeprefix("# ")


def test_every_setting_is_read() -> None:
    """A file with everything in it gives just that."""
    flights, fares = load(CONFIGS / "good" / "everything.yaml").models
    assert flights.spec == ModelSpec(
        name="flights",
        task=Task.BINARY,
        columns=(
            Column("distance", Kind.NUMBER),
            Column("hour", Kind.NUMBER),
            Column("carrier", Kind.CATEGORY),
        ),
        fields=Fields(time="scheduled", id="flight", score="probability", outcome="late"),
        labels=("no", "yes"),
        positive="yes",
        threshold=0.4,
        window=Grain("1d"),
        timezone="America/New_York",
        grace=timedelta(hours=1),
        outcome_delay=timedelta(days=1),
        outcome_horizon=timedelta(days=30),
        dedup_horizon=timedelta(days=2),
        segments=("carrier",),
        retention=timedelta(days=365),
    )
    assert flights.reference is not None
    assert (flights.reference.file, flights.reference.version) == (CONFIGS / "good" / "reference.csv", "3")
    assert flights.rules is not None
    by_name = {rule.name: rule for rule in flights.rules}
    assert by_name["accuracy below 0.8"] == Rule(
        name="accuracy below 0.8", measure="accuracy", below=0.8, count=2, within=2, severity=Severity.PAGE
    )
    assert by_name["drift"] == Rule(name="drift", measure="psi", above=0.5)
    assert by_name["holes"].unknown_after == 4
    assert {rule.name for rule in default_rules(flights.spec)} < set(by_name)
    assert (fares.spec, fares.rules, fares.reference) == (
        ModelSpec(name="fares", task=Task.REGRESSION),
        None,
        None,
    )


def test_defaults_and_no_rules_differ_from_saying_nothing() -> None:
    """`defaults: true` is the default rules, `rules: []` none, and silence leaves them as they are."""
    (usual,) = load(CONFIGS / "good" / "defaults.yaml").models
    assert usual.rules == default_rules(usual.spec)
    (silent,) = load(CONFIGS / "good" / "silent.yaml").models
    assert silent.rules == ()


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("yes", "yes"),
        ("on", "on"),
        ("010", "10"),
        ("2013-01-01", "2013-01-01"),
        ("12:30", "12:30"),
        ("true", "1"),
    ],
)
def test_values_mean_what_they_say(written: str, read: str) -> None:
    """No surprise of YAML 1.1: yes is a text, 010 is ten, 12:30 no number of seconds."""
    (model,) = loads(
        f"models: {{m: {{task: binary, labels: [other, {written}], positive: {written}}}}}"
    ).models
    assert model.spec.positive == read


def test_a_file_that_is_not_there_or_not_text_is_told_by_name(tmp_path: Path) -> None:
    """One clear line each."""
    with pytest.raises(ConfigError, match=r"gone\.yaml: cannot be read: No such file or directory"):
        load(tmp_path / "gone.yaml")
    (tmp_path / "latin.yaml").write_bytes("models:\n  caf\xe9: {}".encode("latin-1"))
    with pytest.raises(ConfigError, match=r"latin\.yaml:2: is not UTF-8 text"):
        load(tmp_path / "latin.yaml")
    (tmp_path / "huge.yaml").write_bytes(b"#" * (4 * 2**20 + 1))
    with pytest.raises(ConfigError, match="no more than 4,194,304 are read"):
        load(tmp_path / "huge.yaml")


@pytest.mark.parametrize(
    "text", ["[" * 5000, "{a: " * 2000, "- " * 3000, "\x00", "a: &a [*a]", "9" * 6000, "? []"]
)
def test_hostile_text_is_refused_and_nothing_else(text: str) -> None:
    """Deep nesting, control characters, endless aliases and huge numbers end in a ConfigError."""
    with pytest.raises(ConfigError):
        loads(text)


def test_an_alias_bomb_is_refused() -> None:
    """Nine lines that mean a billion values are not expanded."""
    lines = ["a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"{b}: &{b} [{', '.join([f'*{a}'] * 10)}]" for a, b in zip("abcdefgh", "bcdefghi", strict=True)]
    with pytest.raises(ConfigError, match="too many values"):
        loads("\n".join(lines))


RULES = st.builds(
    Rule,
    name=st.sampled_from(["", "a rule", "yes", "1e5", "näme: x"]),
    measure=st.just("mae"),
    above=st.one_of(st.none(), st.floats(1, 1e9), st.just(1e-9)),
    band=st.floats(0.5, 9),
    side=st.sampled_from(["both", "above", "below"]),
    count=st.just(2),
    within=st.integers(2, 5),
    keep=st.integers(1, 4),
    min_rows=st.integers(1, 100),
    severity=st.sampled_from(list(Severity)),
    cause=st.sampled_from(["", "on", "null", "12:30"]),
)


@given(RULES, st.sampled_from(["1d", "1h", "1w"]), st.sampled_from([("yes", "no"), ("1", "0"), ("~", "x")]))
def test_what_is_dumped_is_read_back(rule: Rule, window: str, columns: tuple[str, str]) -> None:
    """A spec and its rules survive being written as a file."""
    named = rule if rule.name else Rule(**{**_fields(rule), "name": "r"})
    spec = ModelSpec(
        name="fares",
        task=Task.REGRESSION,
        columns=tuple(Column(name, Kind.CATEGORY) for name in columns),
        window=Grain(window),
        outcome_delay=timedelta(hours=30),
        fields=Fields(time="when"),
        segments=columns[:1],
    )
    (read,) = loads(dump(spec, [named])).models
    assert (read.spec, read.rules) == (spec, (named,))


def _fields(rule: Rule) -> dict[str, object]:
    return {name: getattr(rule, name) for name in Rule.__dataclass_fields__}
