from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anchorwatch.core.errors import InputError, TooLargeError
from anchorwatch.core.schema import Column, Kind, ModelSpec, Task
from anchorwatch.core.types import EventKind, OnError
from anchorwatch.flow.take import (
    Batch,
    Limits,
    RefusedError,
    Terms,
    frame_of,
    payload,
    take_events,
    take_json,
    take_ndjson,
)

NOW = datetime(2013, 6, 1, tzinfo=UTC)
TERMS = Terms(id="b1", now=NOW)
P, O = EventKind.PREDICTIONS, EventKind.OUTCOMES  # noqa: E741 - as the wire says it
COLUMNS = (Column("x", Kind.NUMBER), Column("c", Kind.CATEGORY))
BINARY = ModelSpec(name="late", task=Task.BINARY, columns=COLUMNS, labels=("0", "1"))
REGRESSION = ModelSpec(name="delay", task=Task.REGRESSION, columns=COLUMNS)
MULTICLASS = ModelSpec(name="kind", task=Task.MULTICLASS, columns=COLUMNS, labels=("a", "b", "c"))
GOOD: dict[str, Any] = {
    "id": "e1",
    "at": "2013-01-01T05:15:00Z",
    "prediction": 1,
    "features": {"x": 1.5, "c": "UA"},
}


def one(changes: dict[str, Any], spec: ModelSpec = BINARY, kind: EventKind = P) -> Batch:
    """A batch of one event: the good one with changes."""
    return take_events(spec, kind, [{**GOOD, **changes}], TERMS)


def row(batch: Batch) -> dict[str, Any]:
    """The one row of a batch."""
    assert batch.rejections == ()
    (found,) = batch.frame.rows(named=True)
    return found


def told(batch: Batch) -> tuple[str, str]:
    """Column and reason of the one rejection of a batch without rows."""
    assert batch.frame.height == 0
    assert batch.rejected_count == 1
    (found,) = batch.rejections
    assert found.row == 0
    return found.column, found.reason


def test_an_event_becomes_a_canonical_row() -> None:
    """Every field has its column, in the contract's order and types."""
    full = {"version": 3, "score": 0.83, "latency": 0.004, "error": None}
    batch = one(full)
    assert batch.frame.schema == {
        "_id": pl.String,
        "_at": pl.Datetime("us", "UTC"),
        "_version": pl.String,
        "_prediction": pl.String,
        "_score": pl.Float64,
        "_latency": pl.Float64,
        "_error": pl.String,
        "x": pl.Float64,
        "c": pl.String,
    }
    at = datetime(2013, 1, 1, 5, 15, tzinfo=UTC)
    assert batch.frame.row(0) == ("e1", at, "3", "1", 0.83, 0.004, None, 1.5, "UA")


@pytest.mark.parametrize(
    ("spec", "columns"),
    [
        (REGRESSION, {"_prediction": pl.Float64}),
        (
            MULTICLASS,
            {
                "_prediction": pl.String,
                "_score:a": pl.Float64,
                "_score:b": pl.Float64,
                "_score:c": pl.Float64,
            },
        ),
    ],
)
def test_each_task_has_its_answers(spec: ModelSpec, columns: dict[str, Any]) -> None:
    """Regression has a number and no score, multiclass a label and a score for each."""
    schema = one({}, spec).frame.schema
    assert {name: schema[name] for name in columns} == columns
    assert "_score" not in schema


@pytest.mark.parametrize(
    ("changes", "column", "value"),
    [
        ({"features": None}, "x", None),
        ({"features": {}}, "c", None),
        ({"features": {"x": "NaN"}}, "x", None),
        ({"features": {"x": "Infinity"}}, "x", math.inf),
        ({"features": {"x": "-Infinity"}}, "x", -math.inf),
        ({"features": {"x": True}}, "x", 1.0),
        ({"features": {"x": 2**70}}, "x", float(2**70)),
        ({"features": {"c": 7}}, "c", "7"),
        ({"features": {"c": 7.0}}, "c", "7"),
        ({"features": {"c": False}}, "c", "0"),
        ({"features": {"c": 2.5}}, "c", "2.5"),
        ({"features": {"c": "7"}}, "c", "7"),
        ({"prediction": True}, "_prediction", "1"),
        ({"prediction": "unheard of"}, "_prediction", "unheard of"),
        ({"prediction": None, "score": 0.5}, "_prediction", "1"),
        ({"prediction": None, "score": 0.49}, "_prediction", "0"),
        ({"prediction": 0, "score": 0.9}, "_prediction", "0"),
        ({"prediction": None, "error": "ValueError: boom"}, "_prediction", None),
        ({"version": None}, "_version", ""),
        ({"id": 17}, "_id", "17"),
        ({"latency": "NaN"}, "_latency", None),
        ({"at": 0}, "_at", datetime(1970, 1, 1, tzinfo=UTC)),
        ({"at": 1.5}, "_at", datetime(1970, 1, 1, 0, 0, 1, 500_000, tzinfo=UTC)),
        ({"at": "2013-01-01T00:00:00-05:00"}, "_at", datetime(2013, 1, 1, 5, tzinfo=UTC)),
        ({"at": "2013-01-01 00:00Z"}, "_at", datetime(2013, 1, 1, tzinfo=UTC)),
        ({"at": "2013-01-01T00:00:00.1234567z"}, "_at", datetime(2013, 1, 1, 0, 0, 0, 123_456, tzinfo=UTC)),
        ({"at": "2013-06-01T23:59:59Z"}, "_at", datetime(2013, 6, 1, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_what_is_taken(changes: dict[str, Any], column: str, value: Any) -> None:
    """Values have one spelling, whatever JSON wrote."""
    assert row(one(changes))[column] == value


BAD = [
    ({"id": None}, "id", "is needed"),
    ({"id": ""}, "id", "is needed"),
    ({"id": {}}, "id", "a text is needed, an object was given"),
    ({"id": "x" * 257}, "id", "a text of 257 bytes; at most 256 are taken"),
    ({"version": "v" * 257}, "version", "a text of 257 bytes"),
    ({"at": None}, "at", "is needed"),
    ({"at": "2013-01-01"}, "at", "'2013-01-01' has no zone"),
    ({"at": "2013-01-01T00:00:00"}, "at", "has no zone"),
    ({"at": "yesterday"}, "at", "'yesterday' is no time"),
    ({"at": True}, "at", "true is no time"),
    ({"at": {}}, "at", "an object is no time"),
    ({"at": -1}, "at", "1969-12-31T23:59:59Z is before 1970-01-01T00:00:00Z"),
    ({"at": "0001-01-01T00:00:00Z"}, "at", "is before 1970"),
    ({"at": "2013-06-02T00:00:01Z"}, "at", "is in the future; it is 2013-06-01T00:00:00Z"),
    ({"at": 1_356_998_400_000}, "at", "milliseconds"),
    ({"prediction": None}, "prediction", "is needed, or a score or an error"),
    ({"prediction": [1]}, "prediction", "a list was given"),
    ({"score": "high"}, "score", "a number is needed, 'high' was given"),
    ({"score": "Infinity"}, "score", "a finite number is needed"),
    ({"scores": {"1": 0.5}}, "scores", "a binary model has no scores by label"),
    ({"latency": -0.1}, "latency", "seconds of 0 or more"),
    ({"latency": "Infinity"}, "latency", "seconds of 0 or more"),
    ({"error": {"why": 1}}, "error", "an object was given"),
    ({"features": {"x": "12"}}, "x", "a number is needed, '12' was given"),
    ({"features": {"x": {}}}, "x", "an object was given"),
    ({"features": {"x": [[[]]]}}, "x", "a list was given"),
    ({"features": {"c": []}}, "c", "a text is needed, a list was given"),
    ({"features": {"c": "x" * 65_537}}, "c", "a text of 65,537 bytes; at most 65,536 are taken"),
    ({"features": {"y": 1}}, "y", "no input is named 'y'"),
    ({"features": 3}, "features", "features are an object, 3 was given"),
    ({"feature": {}}, "feature", "did you mean 'features'?"),
]


@pytest.mark.parametrize(("changes", "column", "reason"), BAD)
@pytest.mark.parametrize("others", [0, 40])
def test_what_is_rejected(changes: dict[str, Any], column: str, reason: str, others: int) -> None:
    """A bad row is told by row, column and reason, alone or among good ones, which are kept."""
    events = [{**GOOD, "id": f"g{index}"} for index in range(others)]
    batch = take_events(BINARY, P, [*events, {**GOOD, **changes}], TERMS)
    assert batch.frame.height == others
    (rejection,) = batch.rejections
    assert (rejection.row, rejection.column) == (others, column)
    assert reason in rejection.reason


@pytest.mark.parametrize(
    ("spec", "changes", "column", "reason"),
    [
        (REGRESSION, {"prediction": "NaN"}, "prediction", "is needed"),
        (REGRESSION, {"prediction": "1"}, "prediction", "a number is needed"),
        (REGRESSION, {"score": 0.5}, "score", "a regression model has no single score"),
        (MULTICLASS, {"score": 0.5}, "score", "write scores, by label"),
        (MULTICLASS, {"scores": {"z": 0.5}}, "scores.z", "no label is named 'z'"),
        (MULTICLASS, {"scores": {"a": "x"}}, "scores.a", "a number is needed"),
        (MULTICLASS, {"scores": [0.5]}, "scores", "a list was given"),
    ],
)
def test_what_a_task_rejects(spec: ModelSpec, changes: dict[str, Any], column: str, reason: str) -> None:
    """A task refuses the scores of another."""
    found = told(one(changes, spec))
    assert found[0] == column
    assert reason in found[1]


def test_the_likeliest_label_is_the_prediction() -> None:
    """Of a multiclass model that logged scores alone."""
    found = row(one({"prediction": None, "scores": {"a": 0.1, "b": 0.7, "c": None}}, MULTICLASS))
    assert found["_prediction"] == "b"


def test_outcomes_are_taken() -> None:
    """Labels as text for classes, numbers for regression; of one id the last counts."""
    at = "2013-01-02T00:00:00Z"
    events = [
        {"id": "a", "at": at, "outcome": 0},
        {"id": "b", "at": at, "outcome": 1},
        {"id": "a", "at": at, "outcome": True},
    ]
    batch = take_events(BINARY, O, events, TERMS)
    assert batch.frame.select("_id", "_outcome").rows() == [("b", "1"), ("a", "1")]
    assert batch.duplicates == 1
    numbers = take_events(REGRESSION, O, [{"id": "a", "at": at, "outcome": 12}], TERMS)
    assert numbers.frame["_outcome"].to_list() == [12.0]
    assert told(take_events(BINARY, O, [{"id": "a", "at": at}], TERMS))[0] == "outcome"
    assert (
        told(take_events(BINARY, O, [{"id": "a", "at": at, "outcome": 1, "features": {}}], TERMS))[0]
        == "features"
    )


def test_a_repeated_prediction_is_dropped_and_counted() -> None:
    """Of predictions with one id the first is kept; it is no rejection."""
    batch = take_events(BINARY, P, [GOOD, {**GOOD, "prediction": 0}], TERMS)
    assert batch.frame["_prediction"].to_list() == ["1"]
    assert (batch.duplicates, batch.rejected_count) == (1, 0)


def test_a_batch_can_be_refused_whole() -> None:
    """With `refuse` one bad row keeps all others out, and says so."""
    terms = Terms(id="b", now=NOW, on_error=OnError.REFUSE)
    with pytest.raises(RefusedError, match="row 1, at") as caught:
        take_events(BINARY, P, [GOOD, {**GOOD, "at": "never"}], terms)
    assert caught.value.count == 1
    assert caught.value.rejections[0].column == "at"


def test_a_hundred_rejections_are_told_and_all_are_counted() -> None:
    """A hopeless batch does not answer with a book."""
    events = [{**GOOD, "id": str(index), "features": {"x": "?"}} for index in range(250)]
    batch = take_events(BINARY, P, events, TERMS)
    assert (len(batch.rejections), batch.rejected_count) == (100, 250)
    assert [item.row for item in batch.rejections] == list(range(100))


@pytest.mark.parametrize("body", [[GOOD], {"events": [GOOD]}, GOOD], ids=["list", "events", "one"])
def test_a_document_has_three_forms(body: Any) -> None:
    """One event, a list of them, or an object with the list."""
    assert take_json(BINARY, P, orjson.dumps(body), TERMS).frame.height == 1


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "no JSON"),
        (b"{", "no JSON"),
        (b"[]", "no event"),
        (b'{"events": 3}', "nothing beside the list"),
        (b'{"events": [], "more": 1}', "nothing beside the list"),
        (b"[" * 5000, "no JSON"),
        (b'{"id": "\xff"}', "no JSON"),
        (b'{"id": "\\ud800"}', "no JSON"),
        (b'{"id": NaN}', "no JSON"),
    ],
)
def test_what_is_no_document(body: bytes, reason: str) -> None:
    """A document that cannot be read is refused whole."""
    with pytest.raises(InputError, match=reason):
        take_json(BINARY, P, body, TERMS)


def test_lines_fail_one_by_one() -> None:
    """Broken JSON, broken UTF-8, deep nesting and other things than events cost their own line only."""
    good = orjson.dumps(GOOD)
    lines = [
        good,
        b'{"id": ',
        b"",
        b"3",
        b'{"id": "\xff\xfe"}',
        b"[" * 5000,
        orjson.dumps({**GOOD, "id": "e2"}) + b"\r",
        b"{}, {}",
    ]
    batch = take_ndjson(BINARY, P, b"\xef\xbb\xbf" + b"\n".join(lines) + b"\n\n", TERMS)
    assert batch.frame["_id"].to_list() == ["e1", "e2"]
    assert [(item.row, item.column) for item in batch.rejections] == [
        (1, ""),
        (2, ""),
        (3, ""),
        (4, ""),
        (6, ""),
    ]
    assert "3 was given" in batch.rejections[1].reason
    assert "UTF-8" in batch.rejections[2].reason
    assert "depth" in batch.rejections[3].reason


@pytest.mark.parametrize("body", [b"", b"\n\n", b"  \r\n"])
def test_no_lines_are_no_batch(body: bytes) -> None:
    """A sender that sends nothing has a mistake to find."""
    with pytest.raises(InputError, match="no event"):
        take_ndjson(BINARY, P, body, TERMS)


def test_rows_are_counted_over_pieces() -> None:
    """A long body is worked on in pieces; rows of rejections count through."""
    filler = "x" * 1000
    lines = [orjson.dumps({**GOOD, "id": str(index), "features": {"c": filler}}) for index in range(5000)]
    lines[4990] = b"oops"
    batch = take_ndjson(BINARY, P, b"\n".join(lines), TERMS)
    assert batch.frame.height == 4999
    assert [item.row for item in batch.rejections] == [4990]


def test_bounds_are_kept() -> None:
    """Rows, cells and documents beyond their bounds are refused before they cost memory."""
    few = Terms(id="b", now=NOW, limits=Limits(rows=10))
    with pytest.raises(TooLargeError, match="at most 10"):
        take_ndjson(BINARY, P, b"{}\n" * 11, few)
    with pytest.raises(TooLargeError, match="at most 10"):
        take_events(BINARY, P, [{}] * 11, few)
    with pytest.raises(TooLargeError, match="more objects"):
        take_json(BINARY, P, b"[" + b"{}," * 2000 + b"{}]", few)
    with pytest.raises(TooLargeError, match="at most 5 at once"):
        take_events(BINARY, P, [GOOD] * 6, Terms(id="b", now=NOW, limits=Limits(cells=10)))
    with pytest.raises(TooLargeError, match="JSON document"):
        take_json(BINARY, P, b" " * 100, Terms(id="b", now=NOW, limits=Limits(document=99)))


def test_ten_to_the_five_features_are_one_rejection() -> None:
    """A row with names that nobody declared names one of them and is quick about it."""
    features = {f"f{index}": 1.0 for index in range(100_000)}
    found = told(one({"features": features}))
    assert found[0].startswith("f")


def test_payloads_come_back() -> None:
    """What goes into the inbox comes out of it."""
    frame = one({}).frame
    assert frame_of(payload(frame)).equals(frame)


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**40), 2**40),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["NaN", "Infinity", "-Infinity", "1", "UA", "", "2013-01-01T00:00:00Z", "é"]),
    st.just({}),
    st.just([1]),
)
times = st.one_of(
    scalars,
    st.floats(0, 1.3e9),
    st.datetimes(datetime(1960, 1, 1), datetime(2014, 1, 1), timezones=st.sampled_from([UTC, None])).map(  # noqa: DTZ001 - naive on purpose
        lambda at: at.isoformat()
    ),
    st.sampled_from(["2013-01-01T05:15:00z", "2013-01-01T05:15+01", "2013-01-01 05:15:00+01:00"]),
)
events = st.fixed_dictionaries(
    {"prediction": scalars, "at": times},
    optional={
        "score": scalars,
        "latency": scalars,
        "version": scalars,
        "error": scalars,
        "features": st.one_of(scalars, st.dictionaries(st.sampled_from(["x", "c", "z"]), scalars)),
        "extra": scalars,
    },
)


@given(st.lists(events, min_size=1, max_size=8))
def test_company_changes_nothing(given: list[dict[str, Any]]) -> None:
    """An event is taken or rejected alike whether it comes alone, among few or among many."""
    named = [{**event, "id": f"n{index}"} for index, event in enumerate(given)]
    padding = [{**GOOD, "id": f"p{index}"} for index in range(40)]
    alone = [take_events(BINARY, P, [event], TERMS) for event in named]
    many = take_events(BINARY, P, [*named, *padding], TERMS)
    lines = take_ndjson(BINARY, P, b"\n".join(orjson.dumps(event) for event in named), TERMS)
    frames = pl.concat([batch.frame for batch in alone])
    assert frames.equals(many.frame.head(frames.height))
    assert frames.equals(lines.frame)
    reasons = [(item.column, item.reason) for batch in alone for item in batch.rejections]
    assert [(item.column, item.reason) for item in many.rejections] == reasons
    assert [(item.column, item.reason) for item in lines.rejections] == reasons


@given(st.text(max_size=30))
def test_any_text_is_kept_or_told(text: str) -> None:
    """A category is any text; JSON from the standard library arrives as it left."""
    body = json.dumps({**GOOD, "features": {"c": text}}).encode("utf-8", "surrogatepass")
    assert row(take_json(BINARY, P, body, TERMS))["c"] == text


@given(
    st.datetimes(datetime(1970, 1, 1), datetime(2013, 6, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - bounds of Hypothesis are naive
    st.integers(-14 * 60, 14 * 60),
)
def test_times_mean_what_they_say(at: datetime, offset: int) -> None:
    """In any zone, alone and among many."""
    from datetime import timezone

    text = at.astimezone(timezone(timedelta(minutes=offset))).isoformat()
    for company in (0, 40):
        others = [{**GOOD, "id": f"p{index}"} for index in range(company)]
        batch = take_events(BINARY, P, [{**GOOD, "at": text}, *others], TERMS)
        assert batch.frame["_at"][0] == at
