"""View models: what templates and charts are given."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.server.fake_queries import finding, watch_of

from anchorwatch.core.errors import InputError, UnknownError
from anchorwatch.server.pages.scope import Scope
from anchorwatch.server.pages.views import format as form
from anchorwatch.server.pages.views import incident as incidents
from anchorwatch.server.pages.views import model as models
from anchorwatch.server.pages.views import overview, rows
from anchorwatch.server.pages.views.chart import chart, wall
from anchorwatch.server.pages.views.heat import heat
from anchorwatch.server.pages.views.spark import HEIGHT, WIDTH, bars, spark

NEW_YORK = "America/New_York"
numbers = st.floats(allow_nan=False, allow_infinity=False, width=32)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0, "1", "0"),
        (1.23456, "minutes", "1.23"),
        (123.456, "1", "123.5"),
        (776.0, "events", "776"),
        (-0.0412, "1", "-0.041"),
        (0.00012, "1", "0.00012"),
        (0.5, "share", "50.00 %"),
        (0.0, "share", "0 %"),
        (2.5e-7, "seconds", "0.25 µs"),
        (1.5, "seconds", "1.5 s"),
        (7200, "seconds", "2h"),
        (float("nan"), "1", "–"),
        (float("inf"), "share", "–"),
    ],
)
def test_numbers_are_short(value: float, unit: str, text: str) -> None:
    """Three or four digits and a unit; what is no number is a dash, never a zero."""
    assert form.number(value, unit) == text


@given(numbers, st.sampled_from(["1", "share", "seconds", "minutes"]))
def test_every_number_can_be_said(value: float, unit: str) -> None:
    """No number breaks the formatting, and only zero is said as zero."""
    text = form.number(value, unit)
    assert text
    assert (text.split()[0] in {"0", "0s"}) <= (abs(value) < 1e-6)


def test_recent_times_are_told_as_ages() -> None:
    """Older than two months, or yet to come: nothing."""
    now = datetime(2013, 7, 1, tzinfo=UTC)
    at = {3: "3s ago", 3 * 60: "3m ago", 86_400 * 59: "59d ago", 86_400 * 61: "", -60: ""}
    told = {seconds: form.ago(form.iso(now - timedelta(seconds=seconds)), now) for seconds in at}
    assert told == {**at, 3: "just now"}


@given(st.lists(st.none() | numbers, max_size=60), st.none() | numbers)
def test_a_sparkline_stays_within_its_frame(values: list[float | None], reference: float | None) -> None:
    """Every point of any series lies in the picture, and the last known one is marked."""
    drawn = spark(values, reference)
    places = [float(word) for word in drawn.path.replace("M", " ").replace("L", " ").split()]
    assert all(0 <= x <= WIDTH for x in places[::2])
    assert all(0 <= y <= HEIGHT for y in places[1::2])
    assert (drawn.last is None) == all(value is None for value in values)


@given(st.lists(st.integers(0, 10**9), max_size=60))
def test_bars_stand_on_the_base(values: list[int]) -> None:
    """The highest reaches the top; a window without events has none."""
    drawn = bars(values)
    assert len(drawn) == sum(value > 0 for value in values)
    assert all(bar.y + bar.height == pytest.approx(HEIGHT, abs=0.11) for bar in drawn)


def test_ranges_count_back_from_the_last_event() -> None:
    """Not from today: a model that stopped in 2013 still shows its last week; midnights are its own."""
    last = "2013-12-31T19:48:00Z"
    assert Scope(range="7d").bounds("2013-01-01T05:00:00Z", last, NEW_YORK) == ("2013-12-24T05:00:00Z", None)
    assert Scope(range="all").bounds("2013-01-01T05:00:00Z", last, NEW_YORK) == (None, None)
    assert Scope(range="1y").bounds("2013-06-01T05:00:00Z", last, NEW_YORK) == (None, None)
    assert Scope().bounds(None, None, NEW_YORK) == (None, None)


def test_custom_days_are_days_of_the_model() -> None:
    """From the first midnight to the one after the last day, on its own clock, over a change of clocks."""
    scope = Scope.read({"start": "2013-03-10", "end": "2013-03-10", "range": "7d"})
    assert scope.bounds(None, None, NEW_YORK) == ("2013-03-10T05:00:00Z", "2013-03-11T04:00:00Z")
    exact = Scope.read({"start": "2013-03-10T12:00:00Z"})
    assert exact.bounds(None, None, NEW_YORK) == ("2013-03-10T12:00:00Z", None)


@given(
    st.builds(
        Scope,
        range=st.sampled_from(["7d", "90d", "all"]),
        version=st.text(max_size=9),
        segment=st.text(max_size=9),
    )
)
def test_a_scope_survives_its_address(scope: Scope) -> None:
    """What a link says is what the page behind it reads."""
    assert Scope.read(scope.parameters()) == scope.evolve(
        version=scope.version.strip(), segment=scope.segment.strip()
    )


def test_a_range_forgets_custom_days() -> None:
    """And custom days win over a range."""
    custom = Scope.read({"start": "2013-03-10", "range": "7d"})
    assert custom.link("/m") == "/m?start=2013-03-10"
    assert custom.link("/m", range="30d") == "/m?range=30d"
    with pytest.raises(InputError, match="take one of"):
        Scope.read({"range": "fortnight"})


def test_a_chart_is_on_the_models_clock() -> None:
    """Its days begin at midnight there; a mark spans its incident; reasons come with their windows."""
    queries = watch_of().queries
    series = queries.series("flights-late-arrival", "roc_auc")
    drawn = chart([series], NEW_YORK, queries.incidents("flights-late-arrival"))
    line = drawn["lines"][0]
    assert all(t % 86_400_000 == 0 for t in line["t"])
    assert len(line["t"]) == 365
    assert line["reason"] == {at: why for at, why in enumerate(series["reason"]) if why}
    over = next(mark for mark in drawn["marks"] if mark["end"])
    assert over["t"] == wall("2013-11-08T05:00:00Z", NEW_YORK)
    assert over["href"] == "/incidents/4"


def test_counts_are_held_against_a_window_of_the_reference() -> None:
    """A day's events are not measured against all events of the reference."""
    series = watch_of().queries.series("flights-late-arrival", "throughput")
    series |= {"unit": "events", "reference": {"value": 12_697, "mean": 907.0, "low": None, "high": None}}
    assert chart([series], NEW_YORK)["reference"]["value"] == 907


def test_a_chart_spares_what_is_not_there() -> None:
    """No intervals, no maturity: no columns of nothing."""
    line = chart([watch_of().queries.series("flights-late-arrival", "error_rate")], NEW_YORK)["lines"][0]
    assert line["low"] is None
    assert line["maturity"] is None


def test_a_heat_map_steps_at_its_limit() -> None:
    """Under the limit at most level 4, at it level 5; unknown is none of them."""
    given = {
        "measure": "psi", "title": "PSI", "limit": 0.2, "columns": ["a", "b"], "start": ["2013-01-01T05:00:00Z"] * 4,
        "end": ["2013-01-02T05:00:00Z"] * 4, "value": [[0.199, 0.2, 9.0, None], [0.0, 0.0, 0.0, 0.0]],
        "breach": [[False, False, True, False], [False] * 4],
    }  # fmt: skip
    drawn = heat(given, NEW_YORK, hide_quiet=True)
    assert [cell.level for cell in drawn.rows[0].cells] == [4, 5, 8, -1]
    assert [cell.breach for cell in drawn.rows[0].cells] == [False, False, True, False]
    assert (drawn.quiet, len(drawn.rows), drawn.limit) == (("b",), 1, "0.2")
    assert drawn.ticks == ((4, "01 Jan"),)


def test_an_empty_heat_map_is_empty() -> None:
    """No window, no column: nothing to draw and nothing to break."""
    given: dict[str, Any] = {
        "measure": "psi",
        "title": "PSI",
        "limit": None,
        "columns": [],
        "start": [],
        "end": [],
        "value": [],
        "breach": [],
    }
    assert heat(given, "UTC").rows == ()


def test_a_metric_is_worse_only_beyond_its_interval() -> None:
    """The nearer end of the interval decides; without a reference nothing is worse."""
    metric = {"value": 0.80, "low": 0.78, "high": 0.82, "reference": 0.83, "better": "higher"}
    assert overview.worse(metric)
    assert not overview.worse({**metric, "high": 0.84})
    assert not overview.worse({**metric, "better": "lower"})
    assert not overview.worse({**metric, "reference": None})


def test_a_measure_is_chosen_by_name_or_default() -> None:
    """An unknown name is refused with a near one; no measure at all is None."""
    measures = [{"name": "rmse"}, {"name": "mae"}]
    assert models.chosen(measures, "", "mae") == {"name": "mae"}
    assert models.chosen(measures, "", "gone") == {"name": "rmse"}
    assert models.chosen([], "") is None
    with pytest.raises(UnknownError, match="did you mean 'mae'"):
        models.chosen(measures, "mea")


def test_segments_are_held_against_the_whole_at_the_same_window() -> None:
    """The latest known value, beside the whole's of that window; the unknown come last, with their reason."""
    whole = {"start": ["a", "b"], "value": [0.9, 0.8]}
    shared = {"start": ["a", "b"], "n": [50, 3], "reason": [None, "fewer than 30 outcomes"]}
    worse = models.segment_row(
        "EV", {**shared, "value": [0.7, None], "low": [0.65, None], "high": [0.75, None]}, whole
    )
    same = models.segment_row(
        "UA", {**shared, "value": [0.9, None], "low": [0.85, None], "high": [0.95, None]}, whole
    )
    none = models.segment_row(
        "HA", {**shared, "value": [None, None], "low": [None] * 2, "high": [None] * 2}, whole
    )
    assert (worse.last, worse.whole, worse.differs, same.differs) == (0.7, 0.9, True, False)
    assert none.reason == "fewer than 30 outcomes"
    assert [row.value for row in models.by_distance([none, same, worse], "higher")] == ["EV", "UA", "HA"]


def test_findings_are_ranked() -> None:
    """Breaches before the rest, severe before mild, far beyond the limit before near it."""
    found = [
        finding("psi", "a", 0.3, 0.2, severity="warn"),
        finding("psi", "b", 0.9, 0.2, severity="warn"),
        finding("mae", "", 20.0, 16.0),
        finding("mae", "", 99.0, 16.0, verdict="unknown"),
    ]
    assert [item["subject"] for item in incidents.ranked(found)] == ["", "b", "a", ""]
    assert incidents.ranked(found)[-1]["verdict"] == "unknown"


def test_an_incident_links_to_what_it_is_about() -> None:
    """The tab of the measure's family around its time, and the rows of the window in its segment."""
    item = finding("psi", "temp", 0.9, 0.2, segment="carrier=EV", version="2")
    seen = incidents.around(
        {"opened_at": "2013-12-01T05:00:00Z", "updated_at": "2013-12-05T05:00:00Z"}, timedelta(days=1)
    )
    assert (seen.start, seen.end) == ("2013-11-01T05:00:00Z", "2013-12-15T05:00:00Z")
    link = incidents.model_link(item, "m", seen, "drift")
    assert link.startswith("/models/m/drift?start=2013-11-01T05")
    assert link.endswith("version=2&segment=carrier%3DEV&metric=psi")
    assert "column=carrier&op=%3D&value=EV" in incidents.rows_link(item, "m")


def test_a_row_stands_where_its_value_is_in_the_reference() -> None:
    """By shares under it for numbers, by how common it is for names; the rare, the new and the extreme are marked."""
    bins = [
        {"label": "", "low": None, "high": 0.0, "reference": 0.005, "current": 0.0},
        {"label": "", "low": 0.0, "high": 10.0, "reference": 0.99, "current": 0.0},
        {"label": "", "low": 10.0, "high": None, "reference": 0.005, "current": 0.0},
    ]
    numbers_ = {"kind": "number", "bins": bins, "missing": {"reference": 0.0}}
    middle = rows.standing(5.0, numbers_)
    assert (middle.share, middle.odd) == (pytest.approx(0.5), False)
    assert rows.standing(11.0, numbers_).odd
    assert rows.standing(None, numbers_).odd
    names = {"kind": "category", "bins": [{"label": "UA", "reference": 0.2}], "missing": {"reference": 0.1}}
    assert not rows.standing("UA", names).odd
    assert rows.standing("ZZ", names).odd
    assert not rows.standing(None, names).odd


def test_filters_are_read_in_threes() -> None:
    """A row without a column is none; too many are refused."""
    assert rows.filters(["a", ""], ["=", "<"], ["1", "2"]) == (rows.Filter("a", "=", "1"),)
    with pytest.raises(InputError, match="at most 20"):
        rows.filters(["a"] * 21, ["="] * 21, ["1"] * 21)
