"""Readings of a small watch against a brute-force account of its rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from anchorwatch.core.calendar import Grain
from anchorwatch.core.errors import ConflictError, InputError, UnknownError
from anchorwatch.core.schema import Column, Kind, ModelSpec, Task
from anchorwatch.core.types import EventKind, Rule
from anchorwatch.flow.take import Batch
from anchorwatch.profile.measure import MEASURES
from anchorwatch.testing import memory_watch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anchorwatch.app.queries import Queries
    from anchorwatch.app.watch import Watch

BEGIN = datetime(2013, 7, 1, tzinfo=UTC)
HOURS, EACH = 60, 6
SPEC = ModelSpec(
    name="late",
    task=Task.BINARY,
    columns=(
        Column("x", Kind.NUMBER),
        Column("flat", Kind.NUMBER),
        Column("dice", Kind.NUMBER),
        Column("c", Kind.CATEGORY),
    ),
    labels=("0", "1"),
    window=Grain("1h"),
    segments=("c",),
    outcome_delay=timedelta(hours=6),
)
RULES = (
    Rule(name="moved", measure="psi", columns=("x",), above=0.5),
    Rule(name="busy", measure="throughput", above=99),
)


def rows() -> pl.DataFrame:
    """Sixty hours of six events each; from the fortieth hour on `x` has moved."""
    count = HOURS * EACH
    rng = np.random.default_rng(7)
    hour = np.repeat(np.arange(HOURS), EACH)
    score = rng.random(count)
    return pl.DataFrame(
        {
            "_id": [f"e{index}" for index in range(count)],
            "_at": [BEGIN + timedelta(minutes=10 * index) for index in range(count)],
            "_version": ["1" if item < 30 else "2" for item in hour],
            "_prediction": np.where(score > 0.5, "1", "0").tolist(),
            "_score": score,
            "_latency": rng.random(count),
            "_error": pl.Series([None] * count, dtype=pl.String),
            "x": rng.normal(size=count) + 8 * (hour >= 40),
            "flat": [3.0] * count,
            "dice": rng.integers(1, 7, count).astype(float),
            "c": rng.choice(["a", "b"], count).tolist(),
            "_outcome": np.where(rng.random(count) < score, "1", "0").tolist(),
        }
    )


FRAME = rows()


def fill(watch: Watch) -> None:
    """Declare the model with a reference of its first thirty hours, and log all."""
    names = {
        "_prediction": "prediction",
        "_score": "score",
        "_outcome": "outcome",
        "_latency": "latency",
        "_at": "at",
    }
    reference = FRAME.head(30 * EACH).rename(names).drop("_id", "_version", "_error")
    watch.register(SPEC, reference, version="1", rules=RULES)
    frames = {
        EventKind.PREDICTIONS: FRAME.drop("_outcome"),
        EventKind.OUTCOMES: FRAME["_id", "_at", "_outcome"],
    }
    for kind, frame in frames.items():
        watch.take(Batch(id=kind.value, model="late", kind=kind, frame=frame))
    watch.settle()


@pytest.fixture(scope="module")
def watch() -> Iterator[Watch]:
    """The watch, settled."""
    with memory_watch(BEGIN + timedelta(hours=HOURS)) as (embedded, _):
        fill(embedded.watch)
        yield embedded.watch


@pytest.fixture
def queries(watch: Watch) -> Queries:
    """Its readings."""
    return watch.queries


def accuracy(frame: pl.DataFrame) -> float:
    """By hand."""
    return float((frame["_prediction"] == frame["_outcome"]).mean())  # type: ignore[arg-type]


@pytest.mark.parametrize("every", ["1h", "1d", "1w", "1mo"])
@pytest.mark.parametrize(("version", "segment"), [("", ""), ("2", ""), ("", "c=a"), ("1", "c=b")])
def test_series_of_every_grain_are_what_the_rows_say(
    queries: Queries, every: str, version: str, segment: str
) -> None:
    """Kept windows and those added up when asked: events, accuracy and counts, window by window."""
    mine = FRAME.filter(
        (pl.col("_version") == version if version else pl.lit(True))
        & (pl.col("c") == segment[-1] if segment else pl.lit(True))
    )
    groups = [part for _, part in mine.group_by(pl.col("_at").dt.truncate(every), maintain_order=True)]
    for measure, wanted in {
        "throughput": [part.height for part in groups],
        "accuracy": list(map(accuracy, groups)),
    }.items():
        found = queries.series("late", measure, grain=every, version=version, segment=segment)
        assert found["value"] == pytest.approx(wanted)
        assert (
            len(
                {len(found[name]) for name in ("start", "end", "n", "low", "high", "p", "reason", "maturity")}
            )
            == 1
        )
        assert set(found["maturity"]) == {1.0}
    starts = mine["_at"].dt.truncate(every).unique(maintain_order=True)
    assert [datetime.fromisoformat(text) for text in found["start"]] == starts.to_list()


def test_a_span_of_a_series(queries: Queries) -> None:
    """From its start, and before its end; nothing of what no window has."""
    found = queries.series("late", "throughput", start="2013-07-01T05:00:00Z", end="2013-07-01T07:00:00Z")
    assert found["start"] == ["2013-07-01T05:00:00Z", "2013-07-01T06:00:00Z"]
    assert queries.series("late", "psi", subject="nothing")["start"] == []


def test_a_heatmap_shows_the_worst_of_each_bucket(queries: Queries) -> None:
    """Every column, worst first; a bucket holds the largest of its windows and whether any was a breach."""
    fine = queries.heatmap("late", "psi", buckets=HOURS)
    assert fine["columns"][0] == "x"
    assert [len(line) for line in fine["value"]] == [HOURS] * len(fine["columns"])
    for column, line in zip(fine["columns"], fine["value"], strict=True):
        series = queries.series("late", "psi", subject=column)["value"]
        assert line == [None if value is None else pytest.approx(value, abs=1e-6) for value in series]
    limit = fine["limit"]
    judged = fine["breach"][0][:-1]  # the last window is not over yet
    assert judged == [value is not None and value > limit for value in fine["value"][0][:-1]]
    coarse = queries.heatmap("late", "psi", buckets=7)
    every = 9
    for line, whole in zip(
        coarse["value"],
        (fine["value"][fine["columns"].index(name)] for name in coarse["columns"]),
        strict=True,
    ):
        parts = [[v for v in whole[at : at + every] if v is not None] for at in range(0, HOURS, every)]
        assert line == [max(part, default=None) for part in parts]
    assert coarse["end"][-1] == fine["end"][-1]


@pytest.mark.parametrize("column", ["x", "flat", "dice", "c", "_score", "_prediction", "_outcome"])
def test_bars_of_a_distribution_sum_to_one(queries: Queries, column: str) -> None:
    """For numbers, constants, atoms and categories, of the reference and of the window."""
    found = queries.distribution("late", column, "2013-07-02", "2013-07-03")
    for side in ("reference", "current"):
        shares = [bar[side] for bar in found["bins"]]
        assert sum(shares) == pytest.approx(1)
        assert min(shares) >= 0
        assert found["missing"][side] == 0
    assert (found["reference_n"], found["current_n"]) == (30 * EACH, 24 * EACH)


def test_atoms_have_a_bar_each(queries: Queries) -> None:
    """A die's faces are six bars, with the shares that the rows say."""
    found = queries.distribution("late", "dice", "2013-07-01", "2013-07-02")
    day = FRAME.head(24 * EACH)["dice"]
    shares = {bar["label"]: bar["current"] for bar in found["bins"] if bar["current"]}
    wanted = {f"{face}": (day == face).mean() for face in range(1, 7)}
    assert sorted(shares.values()) == pytest.approx(sorted(wanted.values()))  # type: ignore[type-var]


def test_a_calibration_curve_is_what_the_rows_say(queries: Queries) -> None:
    """Rows, mean score and share that came in ten equally wide bins, beside the reference's; Wilson's interval."""
    found = queries.calibration("late")
    wanted = (
        FRAME.with_columns(bin=(pl.col("_score") * 10).ceil().clip(1))
        .group_by("bin")
        .agg(
            n=pl.len(),
            predicted=pl.col("_score").mean(),
            observed=(pl.col("_outcome") == "1").mean(),
        )
        .sort("bin")
    )
    for name in ("n", "predicted", "observed"):
        assert found["curve"][name] == pytest.approx(wanted[name].to_list(), abs=1e-6)
    for low, observed, high in zip(
        *(found["curve"][name] for name in ("low", "observed", "high")), strict=True
    ):
        assert low <= observed <= high
    assert sum(found["reference"]["n"]) == 30 * EACH
    assert (found["label"], found["labels"], found["reason"]) == ("1", ["1"], None)
    mass = queries.calibration("late", mass=True)["curve"]["n"]
    assert max(mass) - min(mass) <= 2
    assert queries.calibration("late", "2020-01-01", "2020-01-02")["reason"] == "no windows in this span"
    with pytest.raises(InputError, match="one class"):
        queries.calibration("late", label="7")


def test_results_of_a_measure_that_is_gone_are_shown_under_its_name(
    queries: Queries, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its module is not imported any more: the numbers are there, title and unit are not; nothing else breaks."""
    before = queries.series("late", "f1")
    heat = queries.heatmap("late", "ks")
    monkeypatch.delitem(MEASURES._things, "f1")
    monkeypatch.delitem(MEASURES._things, "ks")
    after = queries.series("late", "f1")
    assert after["value"] == before["value"]
    assert (after["title"], after["unit"], after["reference"]) == ("f1", "", None)
    assert queries.heatmap("late", "ks")["value"] == heat["value"]
    assert queries.heatmap("late", "ks")["title"] == "ks"
    with pytest.raises(InputError, match="did you mean"):
        queries.series("late", "accuracies")
    with pytest.raises(InputError):
        queries.series("late", "f1", grain="1w")
    queries.card("late")
    queries.model("late")
    queries.distribution("late", "x", "2013-07-02", "2013-07-03")


def test_what_rules_did_over_the_reference(queries: Queries) -> None:
    """Thirty hours in which nothing was wrong; a rule without a budget has no level."""
    found = queries.over_reference("late")["rules"]
    assert [item["name"] for item in found] == ["moved", "busy"]
    assert found[0]["reference"]["windows"] == 30
    assert [item["level"] for item in found] == [None, None]


def test_confusion_counts_the_rows(queries: Queries) -> None:
    """Rows are outcomes, columns predictions; without outcomes there is a reason."""
    found = queries.confusion("late")
    wanted = [
        [FRAME.filter(pl.col("_outcome") == came, pl.col("_prediction") == said).height for said in "01"]
        for came in "01"
    ]
    assert (found["labels"], found["matrix"], found["reason"]) == (["0", "1"], wanted, None)
    assert "no outcomes" in queries.confusion("late", "2020-01-01", "2020-01-02")["reason"]


def test_a_span_is_all_its_windows_together(queries: Queries) -> None:
    """And with `mature` those whose outcomes are due."""

    def figure(found: dict[str, list[dict[str, float]]], measure: str) -> float:
        return next(item["value"] for item in found["results"] if item["measure"] == measure)

    assert figure(queries.span("late"), "accuracy") == pytest.approx(accuracy(FRAME))
    ripe = queries.span("late", mature=True)
    last = datetime.fromisoformat(ripe["window"]["end"])
    assert last == BEGIN + timedelta(hours=HOURS - 7)
    assert figure(ripe, "accuracy") == pytest.approx(accuracy(FRAME.filter(pl.col("_at") < last)))
    day = queries.results("late", "2013-07-02T13:00", grain="1d")
    assert figure(day, "throughput") == 24 * EACH
    assert day["window"]["start"] == "2013-07-02T00:00:00Z"


def test_predictions_are_paged(queries: Queries) -> None:
    """Newest first, each once, with its outcome; filters hold."""
    seen, after = [], None
    while True:
        page = queries.predictions("late", limit=100, after=after)
        place = {name: page["columns"].index(name) for name in ("_id", "_outcome")}
        seen += [(row[place["_id"]], row[place["_outcome"]]) for row in page["rows"]]
        after = page["next"]
        if after is None:
            break
    assert seen == FRAME.select("_id", "_outcome").reverse().rows()
    some = queries.predictions(
        "late", version="2", filters=[{"column": "c", "op": "=", "value": "a"}], limit=1000
    )
    assert len(some["rows"]) == FRAME.filter(pl.col("_version") == "2", pl.col("c") == "a").height


def test_the_model_and_the_fleet(queries: Queries) -> None:
    """Versions, segments, grains, and one card with health and volume."""
    model = queries.model("late")
    assert [(item["version"], item["events"], item["has_reference"]) for item in model["versions"]] == [
        ("1", 30 * EACH, True),
        ("2", 30 * EACH, True),
    ]
    assert model["segments"] == {"c": ["a", "b"]}
    assert model["grains"] == ["1h", "1d", "1w", "1mo"]
    (card,) = queries.models()
    assert card["volume"] == [EACH] * 48
    assert (card["health"], card["incidents"]) == ("warn", 1)
    status = queries.status()
    assert (status["models"], status["inbox"]["batches"], status["errors"]) == (1, 0, {})
    assert {item["lag_batches"] for item in status["consumers"]} == {0}


def test_incidents_and_what_people_do_about_them() -> None:
    """Found while open, acknowledged, silenced and resolved by name."""
    with memory_watch(BEGIN + timedelta(hours=HOURS)) as (embedded, clock):
        watch = embedded.watch
        fill(watch)
        (brief,) = watch.queries.incidents(state="open")
        assert brief["cause"] == "drift"
        assert watch.queries.incident(brief["id"])["affected"] == ["x"]
        watch.acknowledge(brief["id"], "ada")
        watch.silence(brief["id"], int(clock.now().timestamp() * 1e6) + 10**9, "bob")
        watch.resolve(brief["id"], "eve")
        full = watch.queries.incident(brief["id"])
        assert (full["state"], full["acknowledged_by"]) == ("resolved", "ada")
        assert {"ada", "bob", "eve"} <= {step["who"] for step in full["timeline"]}
        assert watch.queries.incidents(state="open") == []
        assert len(watch.queries.incidents(state="resolved", severity=brief["severity"])) == 1
        with pytest.raises(UnknownError):
            watch.acknowledge(99, "ada")


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (lambda q: q.series("late", "acuracy"), "did you mean 'accuracy'"),
        (lambda q: q.series("lat", "accuracy"), "did you mean 'late'"),
        (lambda q: q.series("late", "accuracy", grain="15m"), "add up to 1h, 1d, 1w, 1mo"),
        (lambda q: q.series("late", "accuracy", segment="c=z"), "no segment is named 'c=z'"),
        (lambda q: q.series("late", "accuracy", start="soon"), "start: 'soon' is no time"),
        (lambda q: q.series("late", "accuracy", start="2013-07-02", end="2013-07-01"), "is not after start"),
        (lambda q: q.distribution("late", "y", "2013-07-01", "2013-07-02"), "no column is named 'y'"),
        (
            lambda q: q.distribution("late", "x", "2020-07-01", "2020-07-02"),
            "no window of 'late' starts between",
        ),
        (lambda q: q.incidents(state="opn"), "did you mean 'open'"),
    ],
)
def test_wrong_questions_say_what_would_do(queries: Queries, ask: object, told: str) -> None:
    """Each names what was wrong and the remedy."""
    with pytest.raises((InputError, UnknownError), match=told):
        ask(queries)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"task": Task.MULTICLASS}, "task: model 'late' is kept with 'binary'"),
        ({"window": Grain("1d")}, "window: model 'late' is kept with '1h'; '1d' needs a new model"),
        ({"timezone": "Europe/Paris"}, "timezone: model 'late' is kept with 'UTC'"),
        ({"positive": "0"}, "positive: "),
        ({"labels": ("1", "0")}, "may be appended to, not reordered"),
        (
            {"columns": (Column("x", Kind.CATEGORY), Column("c", Kind.CATEGORY))},
            "columns.x: is kept as a number",
        ),
    ],
)
def test_changes_that_would_make_kept_figures_wrong_are_refused(
    watch: Watch, change: dict[str, object], told: str
) -> None:
    """Task, window, zone, positive class, order of labels and kinds stay; labels may be appended."""
    with pytest.raises(ConflictError, match=told):
        watch.apply(SPEC.evolve(**change))
    assert watch.spec("late") == SPEC


def test_a_crowded_heat_map_shows_days_with_the_breaches_of_their_hours() -> None:
    """Hundreds of hours in a few buckets are drawn from days; an hour's breach marks its day."""
    spec = ModelSpec(
        name="hours", task=Task.REGRESSION, columns=(Column("x", Kind.NUMBER),), window=Grain("1h")
    )
    rule = Rule(name="moved", measure="psi", columns=("x",), above=1.0)
    begin = datetime(2013, 7, 1, tzinfo=UTC)
    table = pl.DataFrame({"x": [number / 10 for number in range(100)]})
    with memory_watch(begin + timedelta(days=23)) as (embedded, _):
        model = embedded.register(spec, table, rules=(rule,))
        at = [begin + timedelta(minutes=12 * place) for place in range(22 * 120)]
        rows = pl.DataFrame(
            {
                "id": [str(place) for place in range(len(at))],
                "at": at,
                "prediction": [1.0] * len(at),
                "x": [(50.0 if 480 <= place < 490 else place % 100 / 10) for place in range(len(at))],
            }
        )
        model.log_table(rows)
        embedded.settle()
        few = embedded.query("heatmap", model="hours", measure="psi", buckets=4)
        many = embedded.query("heatmap", model="hours", measure="psi", buckets=120)
    assert (few["grain"], many["grain"]) == ("1d", "1h")
    assert len(few["start"]) <= 4
    assert any(few["breach"][few["columns"].index("x")])
