"""Users' tests of their rules."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anchorwatch.app.rule_tests import run, run_file
from anchorwatch.app.yaml_source import parse
from anchorwatch.core.errors import ConfigError
from anchorwatch.rules.series import series

SCRIPTS = Path(__file__).parent.parent / "scripts"


@pytest.mark.parametrize("path", sorted(SCRIPTS.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_rules_pass_their_scripts(path: Path) -> None:
    """Our own rules are tested as users test theirs."""
    if path.stem == "watch":
        return
    for outcome in run_file(path):
        assert not outcome.mismatches, outcome.name


HEAD = (
    "model: {task: regression, columns: {hour: number}}\nrules: [{metric: mae, above: 60, for: 2 windows}]\n"
)


def test_a_mismatch_says_what_was_expected_and_why_it_was_not_so() -> None:
    """Window, subject, both verdicts and the reason of the one that came."""
    text = HEAD + (
        "tests:\n  - series: {mae: 20 61 62}\n    expect:\n"
        "      - {window: 1, findings: {mae above 60: breach}}\n"
        "      - {window: 3, incidents: {}}\n"
        "      - {window: 3, incidents: {performance: resolved}}\n"
    )
    (outcome,) = run(parse(text, "test.yaml"), Path())
    assert (outcome.name, outcome.line) == ("test 1", 4)
    assert [
        (item.window, item.what, item.expected, item.got, item.reason) for item in outcome.mismatches
    ] == [
        (1, "mae above 60", "breach", "ok", "Mean absolute error 20.0 is within its limit 60.0"),
        (
            3,
            "incident performance",
            "not firing",
            "firing",
            "Mean absolute error 62.0 is over its limit 60.0",
        ),
        (3, "incident performance", "resolved", "firing", "Mean absolute error 62.0 is over its limit 60.0"),
    ]


@pytest.mark.parametrize(
    ("tests", "message"),
    [
        (
            "[{series: {maee: 1}, expect: []}]",
            "3: tests[0].series.maee: no measure is named 'maee'; did you mean 'mae'?",
        ),
        (
            "[{series: {mae: 1 2}, expects: []}]",
            "3: tests[0].expects: no setting is named 'expects'; did you mean 'expect'?",
        ),
        (
            "[{series: {mae: 1 two}, expect: []}]",
            "3: tests[0].series.mae: 'two' is no value of a series; write '5', '_', '5x3', '1+2x3' or '9-2x3'",
        ),
        (
            "[{series: {mae: 1 2, rmse: 1}, expect: []}]",
            "3: tests[0].series.rmse: 1 windows are given where another series has 2",
        ),
        (
            "[{series: {mae: 1 2}, expect: [{window: 3}]}]",
            "3: tests[0].expect[0].window: a whole number from 1 to 2 is needed; 3 was given",
        ),
        (
            "[{series: {mae: 1 2}, expect: [{window: 1, findings: {mae over 60: ok}}]}]",
            "3: tests[0].expect[0].findings.mae over 60: no rule is named 'mae over 60'; did you mean 'mae above 60'?",
        ),
        (
            "[{series: {mae: 1}, expect: [{window: 1, findings: {mae above 60: good}}]}]",
            "3: tests[0].expect[0].findings.mae above 60: no verdict is named 'good'; known: breach, none, ok, unknown",
        ),
        (
            "[{series: {mae: 1}, expect: [{window: 1, incidents: {performence: firing}}]}]",
            "3: tests[0].expect[0].incidents.performence: no cause is named 'performence'; did you mean 'performance'?",
        ),
        (
            "[{series: {mae: 1}, reference: {mae: {mean: 1}}, expect: []}]",
            "3: tests[0].reference.mae.sd: a number is needed",
        ),
        (
            "[{expect: []}]",
            (
                "3: tests[0].series: settings are needed, nothing was given; "
                "write series by measure, such as {mae: 20 20 61}"
            ),
        ),
        ("mae", "3: tests: write a list of tests, each with 'series:' and 'expect:'"),
    ],
)
def test_a_test_that_cannot_be_read_is_refused_with_file_and_line(tests: str, message: str) -> None:
    """The same kind of message as for `watch.yaml`."""
    with pytest.raises(ConfigError) as problem:
        run(parse(f"{HEAD}tests: {tests}", "test.yaml"), Path())
    assert str(problem.value) == f"test.yaml:{message}"


def test_a_model_that_the_watch_file_lacks_is_refused() -> None:
    """Which model's rules are meant must be clear."""
    for model, said in (
        ("", "no model is named 'None'; known: bikes, flights"),
        ("model: bike", "did you mean 'bikes'"),
    ):
        with pytest.raises(ConfigError, match=said):
            run(parse(f"watch: watch.yaml\n{model}\ntests: []", "test.yaml"), SCRIPTS)
    with pytest.raises(ConfigError, match="rules: the rules are those of the 'watch:' file"):
        run(parse("watch: watch.yaml\nmodel: bikes\nrules: []\ntests: []", "test.yaml"), SCRIPTS)


@pytest.mark.parametrize("text", ["", "x3", "1x", "1+2", "_+1x3", "1 two", "1x999999", "nan", "--1"])
def test_what_is_no_series_is_refused(text: str) -> None:
    """With a message that shows the notation."""
    with pytest.raises(ConfigError, match="write"):
        series(text)


@given(
    st.lists(st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False)), min_size=1, max_size=9)
)
def test_any_numbers_can_be_written_as_a_series(values: list[float | None]) -> None:
    """Written one by one they are read back to the last digit."""
    assert series(" ".join("_" if value is None else repr(value) for value in values)) == tuple(values)


@given(st.integers(-50, 50), st.integers(0, 50), st.integers(0, 30))
def test_steps_are_the_sums_they_stand_for(first: int, step: int, times: int) -> None:
    """`a+bxn` is a, a+b … a+nb: n + 1 windows, as in promtool."""
    assert series(f"{first}+{step}x{times}") == tuple(first + step * count for count in range(times + 1))
    assert series(f"{first}-{step}x{times}") == tuple(first - step * count for count in range(times + 1))
    assert series(f"{first}x{times}") == (first,) * (times + 1)
