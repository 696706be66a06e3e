"""`anchorwatch compare`: answers, files and exit codes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import polars as pl
import pytest
from tests.cli.conftest import run_in
from tests.report.tables import people

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The command line beside files: what was, the same anew, moved, with a column lost, with a worse model."""
    folder = tmp_path_factory.mktemp("compare")
    people(2_000, 1).write_parquet(folder / "was.parquet")
    people(2_000, 2).write_csv(folder / "same.csv")
    people(2_000, 2, moved=1.0).write_parquet(folder / "moved.parquet")
    people(2_000, 2).drop("income").write_parquet(folder / "lost.parquet")
    mixed = [pl.col(name).shuffle(seed=1) for name in ("guess", "score")]
    people(2_000, 2).with_columns(mixed).write_parquet(folder / "worse.parquet")
    return run_in(folder)


MODEL = ("--target", "bought", "--prediction", "guess", "--score", "score")


@pytest.mark.parametrize(
    ("now", "fail_on", "code"),
    [
        ("same.csv", "any", 0),
        ("moved.parquet", "never", 0),
        ("moved.parquet", "drift", 1),
        ("moved.parquet", "quality", 0),
        ("moved.parquet", "any", 1),
        ("lost.parquet", "quality", 1),
        ("lost.parquet", "drift", 0),
        ("worse.parquet", "performance", 1),
        ("worse.parquet", "quality", 0),
    ],
)
def test_exit_codes_are_for_pipelines(run: Run, now: str, fail_on: str, code: int) -> None:
    """1 when there is a finding of the family that was asked for."""
    result = run("compare", "{}/was.parquet", f"{{}}/{now}", *MODEL, "--fail-on", fail_on)
    assert result.exit_code == code, result.output


def test_a_person_reads_the_summary_first(run: Run) -> None:
    """State, what drifted, how far."""
    result = run("compare", "{}/was.parquet", "{}/moved.parquet", "--columns", "age, city")
    assert result.stdout.startswith("■ failed  2 of 2 columns drifted, age most: ")


def test_a_program_reads_json(run: Run) -> None:
    """The same as `to_dict`."""
    found = json.loads(run("compare", "{}/was.parquet", "{}/moved.parquet", "--json").stdout)
    assert found["drifted"] == ["age", "city"]


def test_reports_are_written(run: Run, tmp_path: Path) -> None:
    """A page and JUnit in one run."""
    page, xml = tmp_path / "a.html", tmp_path / "a.xml"
    run("compare", "{}/was.parquet", "{}/moved.parquet", "--html", str(page), "--junit", str(xml))
    assert "<!doctype html>" in page.read_text()
    assert '<testsuite name="columns"' in xml.read_text()


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("{}/none.parquet", "{}/same.csv"), 4, "no such file"),
        (("{}/was.parquet", "{}/same.csv", "--target", "bougth"), 4, "did you mean 'bought'"),
        (("{}/was.parquet", "{}/same.csv", "--task", "binry"), 2, "did you mean 'binary'"),
        (("{}/was.parquet", "{}/same.csv", "--html", "{}/no/where.html"), 2, "cannot be written"),
    ],
)
def test_errors_name_what_would_do(run: Run, arguments: tuple[str, ...], code: int, told: str) -> None:
    """One line on stderr."""
    result = run("compare", *arguments)
    assert result.exit_code == code
    assert told in result.stderr
