"""A report as text, page, plain data, JUnit and plots."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import numpy as np
import polars as pl
import pytest
from tests.report.tables import ROLES, people

import anchorwatch as aw
from anchorwatch.core.errors import ConfigError, InputError, UnknownError

if TYPE_CHECKING:
    from pathlib import Path

    from anchorwatch.report.report import Report

EVIL = "<script>alert('x')</script>"
QUOTES = "\"'><img src=x onerror=alert(1)>&amp;"
CONTROL = "bell\x07 and \x00 and \ud7ff"


@pytest.fixture(scope="module")
def moved() -> Report:
    """Two columns moved, a model with a target."""
    return aw.compare(people(2_000, 1), people(2_000, 2, moved=1.0), **ROLES)


@pytest.fixture(scope="module")
def hostile() -> Report:
    """Names of columns and of categories that would be markup."""

    def frame(seed: int, by: float) -> pl.DataFrame:
        random = np.random.default_rng(seed)
        names = random.choice([EVIL, QUOTES, CONTROL], 500, p=[0.2 + by, 0.5 - by, 0.3])
        return pl.DataFrame(
            {EVIL: random.normal(3 * by, 1, 500), QUOTES: names, CONTROL: random.normal(size=500)}
        )

    return aw.compare(frame(1, 0.0), frame(2, 0.3).with_columns(pl.lit(1).alias(EVIL * 2)))


class Tags(HTMLParser):
    """Elements of a page, and addresses it would load."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.loaded: list[str] = []
        self.handlers: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take note."""
        self.names.add(tag)
        self.loaded += [
            value or "" for name, value in attrs if name in {"src", "href", "srcset", "data", "action"}
        ]
        self.handlers += [name for name, _ in attrs if name.startswith("on")]


@pytest.mark.parametrize("form", ["to_html", "_repr_html_"])
def test_hostile_names_stay_text(hostile: Report, form: str) -> None:
    """No element but ours, no handler, nothing loaded."""
    tags = Tags(getattr(hostile, form)())
    assert not tags.names & {"script", "img", "iframe", "object", "link", "embed", "form"}
    assert tags.handlers == []
    assert tags.loaded == []


def test_hostile_names_are_shown(hostile: Report) -> None:
    """Escaped, not dropped."""
    assert "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;" in hostile.to_html()
    assert hostile.drifted[0] in {EVIL, QUOTES}


def test_a_page_needs_no_network_and_no_script(moved: Report) -> None:
    """One file with its own style, that forbids anything else."""
    page = moved.to_html()
    assert Tags(page).loaded == []
    assert "default-src 'none'" in page
    assert "url(" not in page
    assert "--accent: light-dark(" in page


def test_a_page_of_fifty_columns_is_small() -> None:
    """Under 1 MB, every column drifted and drawn."""
    random = np.random.default_rng(1)
    before = pl.DataFrame({f"column {place}": random.normal(size=500) for place in range(40)})
    before = before.with_columns(
        [pl.Series(f"name {place}", random.choice([f"v{n}" for n in range(40)], 500)) for place in range(10)]
    )
    after = before.select(pl.selectors.numeric() + 5, pl.selectors.string() + "x")
    report = aw.compare(before, after)
    assert len(report.drifted) == 50
    assert len(report.to_html().encode()) < 400_000


def test_a_page_has_its_sections(moved: Report) -> None:
    """Summary first, then drifted columns, metrics, quality, all columns."""
    page = moved.to_html()
    places = [page.index(f'id="{name}"') for name in ("drifted", "metrics", "quality", "columns")]
    assert places == sorted(places)
    assert page.index(moved.summary) < places[0]


def test_plain_data_has_its_keys(moved: Report) -> None:
    """The keys that the docs name; JSON without NaN."""
    found = json.loads(moved.to_json(), parse_constant=pytest.fail)
    assert found == moved.to_dict()
    assert set(found) == {
        "format", "name", "task", "passed", "state", "summary", "rows", "drifted", "findings", "metrics", "columns",
        "left_out",
    }  # fmt: skip
    assert set(found["columns"][0]) == {
        "name", "role", "kind", "state", "effect", "p", "change", "reasons", "drift", "quality",
    }  # fmt: skip
    assert set(found["metrics"][0]) == {
        "measure", "title", "family", "class", "unit", "better", "reference", "current", "verdict", "reason", "main",
    }  # fmt: skip
    assert found["format"] == 1
    assert found["drifted"] == [item["name"] for item in found["columns"] if item["state"] == "drifted"]


def test_junit_counts_what_failed(moved: Report) -> None:
    """A case per column and metric, a failure per drifted column, in a document that parses."""
    suites = ET.fromstring(moved.to_junit())
    columns = next(suite for suite in suites if suite.get("name") == "columns")
    failed = {case.get("name") for case in columns if case.find("failure") is not None}
    assert failed == set(moved.drifted)
    assert int(columns.get("failures", "")) == len(failed)
    assert len(columns) == len(moved.columns)
    assert int(suites.get("tests", "")) == sum(len(suite) for suite in suites)


def test_junit_of_hostile_names_parses(hostile: Report) -> None:
    """Marks that XML forbids are replaced."""
    suites = ET.fromstring(hostile.to_junit())
    assert EVIL in {case.get("name") for suite in suites for case in suite}


def test_junit_skips_what_cannot_be_judged() -> None:
    """Too few rows are neither a pass nor a failure."""
    suites = ET.fromstring(aw.compare(people(10, 1), people(10, 2)).to_junit())
    assert int(suites.get("skipped", "")) >= 6
    assert suites.get("failures") == "0"


def test_a_table_without_rows_fails_in_junit() -> None:
    """The pipeline stops."""
    suites = ET.fromstring(aw.compare(people(100, 1), people(100, 2).head(0)).to_junit())
    assert suites.get("failures") == "1"


def test_text_moves_no_cursor(hostile: Report) -> None:
    """A terminal gets printable text only."""
    assert all(mark.isprintable() or mark == "\n" for mark in str(hostile))


def test_print_and_repr_say_the_summary(moved: Report) -> None:
    """One line, and a screen of text."""
    assert repr(moved) == f"<Report failed: {moved.summary}>"
    assert moved.summary in str(moved)
    assert "Accuracy" in str(moved)


@pytest.mark.parametrize(("name", "begins"), [("a.html", "<!doctype"), ("a.json", "{"), ("a.xml", "<?xml")])
def test_saving_goes_by_the_ending(moved: Report, tmp_path: Path, name: str, begins: str) -> None:
    """HTML, JSON, JUnit."""
    file = moved.save(tmp_path / name)
    assert file.read_text(encoding="utf-8").lstrip().startswith(begins)


def test_other_endings_are_refused(moved: Report, tmp_path: Path) -> None:
    """With those there are."""
    with pytest.raises(InputError, match=r"no kind of report is named '.pdf'"):
        moved.save(tmp_path / "a.pdf")


def test_a_column_that_was_not_compared_is_told(moved: Report) -> None:
    """With the near name."""
    with pytest.raises(UnknownError, match="did you mean 'age'"):
        moved.distribution("agee")


def test_plots_without_matplotlib_name_the_extra(moved: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one thing that would do."""
    from anchorwatch.report import plots

    def absent(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(plots, "import_module", absent)
    with pytest.raises(ConfigError, match=r"anchorwatch\[plots\]"):
        moved.plot("age")


def test_plots_are_figures(moved: Report, hostile: Report, tmp_path: Path) -> None:
    """Of numbers, of categories, of metrics, of all columns; they can be drawn."""
    pytest.importorskip("matplotlib")
    figures = [
        moved.plot("age"),
        moved.plot("city"),
        moved.plot("bought"),
        moved.plot_metrics(),
        moved.plot_drift(),
    ]
    figures += [hostile.plot(QUOTES), hostile.plot_drift()]
    for place, figure in enumerate(figures):
        figure.savefig(tmp_path / f"{place}.svg")
        assert (tmp_path / f"{place}.svg").stat().st_size > 1_000
