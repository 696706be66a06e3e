from __future__ import annotations

import gzip
import io
import zlib
from typing import TYPE_CHECKING, Any

import orjson
import polars as pl
import pytest
import zstandard
from tests.server.conftest import NOW, Api, prediction

from anchorwatch.core.errors import BusyError, ConflictError, FullError
from anchorwatch.server.app import create_app
from anchorwatch.server.options import ServerOptions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

EVENTS = "/models/late/predictions"
NDJSON, ARROW = "application/x-ndjson", "application/vnd.apache.arrow.stream"


def lines(*events: dict[str, Any]) -> bytes:
    """Events as NDJSON."""
    return b"\n".join(orjson.dumps(event) for event in events)


def stream(rows: int = 3) -> bytes:
    """Events as an Arrow stream."""
    frame = pl.DataFrame(
        {"id": [f"a{row}" for row in range(rows)], "at": [NOW] * rows, "prediction": [1] * rows}
    )
    out = io.BytesIO()
    frame.write_ipc_stream(out)
    return out.getvalue()


def stored(api: Api) -> int:
    """Rows that are on disk and wait to be worked on."""
    return int(api.watch.inbox.depth().rows)


@pytest.mark.parametrize(
    ("body", "media", "rows"),
    [
        (orjson.dumps(prediction("a")), "application/json", 1),
        (orjson.dumps([prediction("a"), prediction("b")]), "application/json; charset=utf-8", 2),
        (orjson.dumps({"events": [prediction("a"), prediction("b")]}), "application/json", 2),
        (lines(prediction("a"), prediction("b")), NDJSON, 2),
        (lines(prediction("a")), "application/jsonl", 1),
        (stream(3), ARROW, 3),
    ],
)
def test_events_are_on_disk_when_acknowledged(api: Api, body: bytes, media: str, rows: int) -> None:
    """In any form."""
    answer = api.ask("POST", EVENTS, content=body, headers={"Content-Type": media})
    assert answer.status_code == 200
    receipt = answer.json()
    assert receipt.pop("batch")
    assert receipt == {"accepted": rows, "rejected": [], "rejected_count": 0, "duplicate": False}
    assert stored(api) == rows


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", gzip.compress),
        ("gzip", lambda body: gzip.compress(body[:40]) + gzip.compress(body[40:])),
        ("deflate", zlib.compress),
        ("deflate", lambda body: zlib.compress(body, wbits=-15)),
        ("zstd", zstandard.compress),
        ("GZIP", gzip.compress),
        ("identity", bytes),
    ],
)
def test_bodies_may_be_compressed(api: Api, encoding: str, pack: Any) -> None:
    """By what HTTP calls gzip, deflate and zstd."""
    headers = {"Content-Type": NDJSON, "Content-Encoding": encoding}
    answer = api.ask("POST", EVENTS, content=pack(lines(prediction("a"), prediction("b"))), headers=headers)
    assert (answer.status_code, answer.json()["accepted"]) == (200, 2)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd"])
def test_damaged_compression_is_told(api: Api, encoding: str) -> None:
    """Garbage, and bodies that were cut short."""
    pack: Any = {"gzip": gzip.compress, "deflate": zlib.compress, "zstd": zstandard.compress}[encoding]
    headers = {"Content-Type": NDJSON, "Content-Encoding": encoding}
    for body in (b"garbage", pack(lines(*[prediction(str(i)) for i in range(50)]))[:-20]):
        answer = api.ask("POST", EVENTS, content=body, headers=headers)
        assert answer.status_code == 422
        assert answer.json()["type"] == "/problems/invalid"
    assert stored(api) == 0


@pytest.mark.parametrize(
    ("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress), ("zstd", zstandard.compress)]
)
def test_bombs_are_refused(api: Api, encoding: str, pack: Any) -> None:
    """A hundred mebibytes of nothing, in a few kilobytes."""
    headers = {"Content-Type": NDJSON, "Content-Encoding": encoding}
    answer = api.ask("POST", EVENTS, content=pack(bytes(100 * 2**20)), headers=headers)
    assert answer.status_code == 413
    assert "decompresses to more than" in answer.json()["detail"]


def test_good_rows_are_kept_or_the_whole_is_refused(api: Api) -> None:
    """By the caller's choice; rows and columns are named both times."""
    body = lines(prediction("a"), prediction("b", features={"y": 1}), prediction("c", at="now"))
    kept = api.ask("POST", EVENTS, content=body, headers={"Content-Type": NDJSON})
    assert kept.json()["accepted"] == 1
    assert [(item["row"], item["column"]) for item in kept.json()["rejected"]] == [(1, "y"), (2, "at")]
    refused = api.ask("POST", f"{EVENTS}?on_error=refuse", content=body, headers={"Content-Type": NDJSON})
    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"
    problem = refused.json()
    assert (problem["type"], problem["status"]) == ("/problems/refused", 422)
    assert problem["errors"] == kept.json()["rejected"]
    assert stored(api) == 1


def test_a_single_event_can_be_refused(api: Api) -> None:
    """It is a batch of one."""
    bad = prediction("a", features={"x": "high"})
    assert api.ask("POST", EVENTS, json=bad).json()["rejected"] == [
        {"row": 0, "column": "x", "reason": "a number is needed, 'high' was given"}
    ]
    refused = api.ask("POST", f"{EVENTS}?on_error=refuse", json=bad)
    assert (refused.status_code, refused.json()["errors"][0]["column"]) == (422, "x")


def test_a_batch_that_is_sent_again_counts_once(api: Api) -> None:
    """Its key is its id; single events with a key, too."""
    for body in (lines(prediction("a"), prediction("b")), orjson.dumps(prediction("c"))):
        key = {"Content-Type": NDJSON, "Idempotency-Key": f"k{len(body)}"}
        first, second = (api.ask("POST", EVENTS, content=body, headers=key).json() for _ in range(2))
        assert (first["duplicate"], second["duplicate"]) == (False, True)
        assert first["batch"] == second["batch"] == key["Idempotency-Key"]
    assert stored(api) == 3


@pytest.mark.parametrize(
    ("path", "body", "headers", "wanted", "words"),
    [
        ("/models/lat/predictions", b"{}", {}, (404, "unknown"), "did you mean 'late'?"),
        ("/models/lat/outcomes", b"[{}]", {}, (404, "unknown"), "did you mean 'late'?"),
        (EVENTS, b"", {}, (422, "invalid"), "no JSON"),
        (EVENTS, b"{", {}, (422, "invalid"), "no JSON"),
        (EVENTS, b"[" * 100_000, {}, (422, "invalid"), "no JSON"),
        (EVENTS, b"[]", {}, (422, "invalid"), "no event"),
        (EVENTS, b"x", {"Content-Type": "text/csv"}, (415, "unsupported"), "send one of application/json"),
        (EVENTS, b"{}", {"Content-Type": ""}, (415, "unsupported"), "send one of"),
        (EVENTS, b"x", {"Content-Encoding": "br"}, (415, "unsupported"), "gzip, deflate or zstd"),
        (EVENTS, b"x", {"Content-Type": ARROW}, (422, "invalid"), "no Arrow IPC stream"),
        (f"{EVENTS}?on_error=maybe", b"{}", {}, (422, "invalid"), "no choice is named 'maybe'"),
        (EVENTS, b"{}", {"Idempotency-Key": "k" * 201}, (422, "invalid"), "at most 200"),
        (EVENTS, b" " * (17 * 2**20), {}, (413, "too-large"), "a JSON document of"),
        (EVENTS, b"\n" * 1_000_001, {"Content-Type": NDJSON}, (413, "too-large"), "1,000,001 rows"),
        (EVENTS, b"x" * (64 * 2**20 + 1), {}, (413, "too-large"), "larger than 67,108,864 bytes"),
    ],
)
def test_what_is_refused(
    api: Api, path: str, body: bytes, headers: dict[str, str], wanted: tuple[int, str], words: str
) -> None:
    """With a problem that programs and people can read."""
    answer = api.ask("POST", path, content=body, headers={"Content-Type": "application/json", **headers})
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (answer.status_code, problem["type"]) == (wanted[0], f"/problems/{wanted[1]}")
    assert problem["status"] == wanted[0]
    assert words in problem["detail"]


def test_an_endless_body_is_ended(api: Api) -> None:
    """A body without a length is counted as it comes."""
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 2**20
            yield b"x" * 2**20

    answer = api.ask("POST", EVENTS, content=endless())
    assert answer.status_code == 413
    assert sent <= 66 * 2**20


@pytest.mark.parametrize(
    ("problem", "status", "slug"),
    [
        (BusyError("over its bound"), 503, "busy"),
        (FullError("no room"), 507, "full"),
        (ConflictError("not so"), 409, "conflict"),
        (RuntimeError("a bug"), 500, "broken"),
    ],
)
@pytest.mark.parametrize("single", [True, False])
def test_what_the_store_cannot_do_is_told(
    api: Api, monkeypatch: pytest.MonkeyPatch, problem: Exception, status: int, slug: str, *, single: bool
) -> None:
    """Nobody waits for ever, the next sender is served, and who should wait is told how long."""

    def fails(_batch: Any) -> None:
        raise problem

    with monkeypatch.context() as patch:
        patch.setattr(api.watch, "submit", fails)
        answer = api.ask("POST", EVENTS, json=prediction("a") if single else [prediction("a")])
    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{slug}")
    assert ("Retry-After" in answer.headers) == (status == 503)
    assert api.ask("POST", EVENTS, json=prediction("a")).status_code == 200


def test_a_full_inbox_costs_nothing_more(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """While it is full no body is looked at, so that the worker has the time to empty it."""
    monkeypatch.setattr(api.watch.inbox, "bound", -1)
    for damaged in (b"[{", b'[{"id": 7}]'):
        answer = api.ask("POST", EVENTS, content=damaged, headers={"Content-Type": "application/x-ndjson"})
        assert (answer.status_code, answer.json()["type"]) == (503, "/problems/busy")
        assert int(answer.headers["Retry-After"]) > 0
    monkeypatch.undo()
    assert api.ask("POST", EVENTS, json=[prediction("a")]).json()["accepted"] == 1


def test_single_events_travel_together(api: Api) -> None:
    """Each with a receipt of its own: good ones, bad ones, refused ones and those of other models."""
    requests: list[tuple[str, Any]] = [(EVENTS, prediction(f"e{index}")) for index in range(250)]
    requests[7] = (EVENTS, prediction("bad", features={"x": "?"}))
    requests[9] = (f"{EVENTS}?on_error=refuse", prediction("worse", at="?"))
    requests[11] = ("/models/none/predictions", prediction("lost"))
    requests[13] = ("/models/late/outcomes", {"id": "e1", "at": "2026-01-08T00:00:00Z", "outcome": 1})
    answers = api.at_once([("POST", path, {"json": body}) for path, body in requests])
    statuses = {
        index: answer.status_code for index, answer in enumerate(answers) if answer.status_code != 200
    }
    assert statuses == {9: 422, 11: 404}
    assert answers[7].json()["rejected"] == [
        {"row": 0, "column": "x", "reason": "a number is needed, '?' was given"}
    ]
    assert answers[9].json()["errors"][0]["row"] == 0
    assert stored(api) == 247
    assert api.watch.inbox.depth().batches < 20


def test_bodies_beyond_what_is_worked_on_at_once_wait(api: Api) -> None:
    """Memory is bounded by asking senders to come again."""
    app = create_app(api.watch, clock=api.clock, options=ServerOptions(pending=100_000))
    body = [prediction(f"e{index}") for index in range(500)]
    answers = Api(api.watch, app, api.clock).at_once([("POST", EVENTS, {"json": body})] * 8)
    assert {answer.status_code for answer in answers} == {200, 503}
    app.state.door.intake.close()
    assert app.state.door.pending.bytes == 0
