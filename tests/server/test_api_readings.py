from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from anchorwatch.server import readings_schemas, schemas
from anchorwatch.server.document import openapi

if TYPE_CHECKING:
    from tests.server.conftest import Api

READINGS: list[tuple[str, type[Any]]] = [
    ("/models", readings_schemas.Card),
    ("/models/late", readings_schemas.ModelBody),
    ("/models/late/series?measure=accuracy", readings_schemas.Series),
    (
        "/models/late/series?measure=missing_share&subject=x&start=2026-01-02&end=2026-01-04T00:00:00Z",
        readings_schemas.Series,
    ),
    ("/models/late/series?measure=accuracy&segment=carrier%3DUA&version=1&grain=1w", readings_schemas.Series),
    ("/models/late/heatmap", readings_schemas.Heatmap),
    ("/models/late/heatmap?measure=missing_share&buckets=2", readings_schemas.Heatmap),
    ("/models/late/distribution?column=x", readings_schemas.Distribution),
    ("/models/late/distribution?column=carrier&start=2026-01-02", readings_schemas.Distribution),
    ("/models/late/results?start=2026-01-02", readings_schemas.WindowResults),
    ("/models/late/span?mature=true", readings_schemas.WindowResults),
    ("/models/late/confusion", readings_schemas.Confusion),
    ("/models/delay/confusion", readings_schemas.Confusion),
    ("/models/late/predictions?limit=3", readings_schemas.Rows),
    ("/incidents", schemas.IncidentLine),
    ("/measures", readings_schemas.MeasureBody),
    ("/status", schemas.Status),
]


def test_readings_are_what_the_document_says(api: Api) -> None:
    """Every GET route answers in its documented shape, with and without data."""
    filled = False
    for path, shape in [*READINGS, *READINGS]:
        answer = api.ask("GET", path)
        if path != "/status" and answer.status_code in {404, 422} and not filled:
            continue  # no window and no segment yet
        assert answer.status_code == 200, f"{path}: {answer.text}"
        body = answer.json()
        for item in body if isinstance(body, list) else [body]:
            shape.model_validate(item)
        if path == "/status" and not filled:
            api.filled()
            filled = True


def test_predictions_are_paged_and_filtered(api: Api) -> None:
    """Newest first, page by page, each row with its outcome."""
    api.filled()
    seen: list[str] = []
    after = ""
    while True:
        page = api.ask("GET", "/models/late/predictions", params={"limit": 15, "after": after}).json()
        seen += [row[page["columns"].index("_id")] for row in page["rows"]]
        after = page["next"]
        if after is None:
            break
    assert sorted(seen) == sorted(f"e{index}" for index in range(40))
    filters = '[{"column": "_outcome", "op": "=", "value": "1"}, {"column": "x", "op": ">", "value": 1}]'
    found = api.ask("GET", "/models/late/predictions", params={"filters": filters}).json()
    assert len(found["rows"]) == 10
    assert len(api.ask("GET", "/models/late/predictions", params={"id": "e7"}).json()["rows"]) == 1
    unknown = '[{"column": "carier", "op": "=", "value": "UA"}]'
    answer = api.ask("GET", "/models/late/predictions", params={"filters": unknown})
    assert (answer.status_code, "carier" in answer.json()["detail"]) == (404, True)


REFUSED = [
    ("GET", "/models/lat", None, 404, "did you mean 'late'?"),
    ("GET", "/models/late/series", None, 422, "measure: Field required"),
    ("GET", "/models/late/series?measure=acuracy", None, 422, "did you mean 'accuracy'?"),
    ("GET", "/models/late/series?measure=accuracy&start=today", None, 422, "'today' is no time"),
    (
        "GET",
        "/models/late/series?measure=accuracy&start=2026-01-02&end=2026-01-01",
        None,
        422,
        "is not after",
    ),
    ("GET", "/models/late/series?measure=accuracy&grain=7m", None, 422, "7m"),
    ("GET", "/models/late/results?start=0001-01-01T00:00:00%2B14:00", None, 422, "beyond the calendar"),
    ("GET", "/models/late/heatmap?buckets=0", None, 422, "buckets: "),
    ("GET", "/models/late/predictions?filters=x", None, 422, "filters: no JSON"),
    ("GET", "/models/late/predictions?filters=[1]", None, 422, "'column', 'op' and 'value'"),
    (
        "GET",
        '/models/late/predictions?filters=[{"column":"x","op":"~","value":1}]',
        None,
        422,
        "no op is named '~'",
    ),
    ("GET", "/models/late/predictions?limit=100000", None, 422, "limit: "),
    ("GET", "/models/late/predictions?after=nonsense", None, 422, ""),
    ("GET", "/incidents/7", None, 404, "7"),
    ("GET", "/incidents/seven", None, 422, "number: "),
    ("GET", "/incidents?state=broken", None, 422, "state: "),
    ("GET", "/incidents?model=lat", None, 404, "did you mean 'late'?"),
    ("POST", "/incidents/7/acknowledge", None, 404, "7"),
    ("POST", "/incidents/7/silence", {"until": "later"}, 422, "'later' is no time"),
    ("POST", "/incidents/7/silence", {}, 422, "until: Field required"),
    ("POST", "/tokens", {"name": "", "scopes": ["read"]}, 422, "name: "),
    ("POST", "/tokens", {"name": "n", "scopes": ["root"]}, 422, "scopes.0: "),
    ("DELETE", "/tokens/none", None, 404, "no live token"),
    ("PUT", "/models/late", {"task": "regression"}, 409, "task: model 'late' is kept with 'binary'"),
    ("PUT", "/models/new", {"task": "binry"}, 422, "did you mean 'binary'?"),
    ("PUT", "/models/new", {"task": "binary", "colums": {}}, 422, "did you mean 'columns'?"),
    ("PUT", "/models/new", {"name": "old", "task": "binary"}, 422, "not the model of the address"),
    ("PUT", "/models/new", {"task": "binary", "rules": [{"metric": "acuracy", "below": 1}]}, 422, "accuracy"),
    ("PUT", "/models/new", [], 422, "an object of settings"),
    ("GET", "/nothing", None, 404, "/api/v1/nothing"),
    ("DELETE", "/models/late", None, 405, "DELETE"),
]


@pytest.mark.parametrize(("method", "path", "body", "status", "words"), REFUSED)
def test_what_is_refused(api: Api, method: str, path: str, body: Any, status: int, words: str) -> None:
    """Every refusal is a problem that says what was wrong."""
    options = {} if body is None else {"json": body}
    answer = api.ask(method, path, **options)
    problem = answer.json()
    assert (answer.status_code, problem["status"]) == (status, status), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert words in problem["detail"]
    schemas.Problem.model_validate(problem)


def test_a_model_is_declared_and_given_a_reference(api: Api) -> None:
    """By JSON, then by any table; the answer tells what is kept."""
    body = {"task": "regression", "columns": {"x": "number"}, "rules": [{"metric": "mae", "above": 60}]}
    made = api.ask("PUT", "/models/fares", json=body)
    assert made.json()["spec"]["name"] == "fares"
    table = pl.DataFrame({"x": [float(i) for i in range(200)], "prediction": [1.0] * 200})
    stream, parquet = io.BytesIO(), io.BytesIO()
    table.write_ipc_stream(stream)
    table.write_parquet(parquet)
    forms = [
        (stream.getvalue(), "application/vnd.apache.arrow.stream"),
        (parquet.getvalue(), "application/vnd.apache.parquet"),
        (table.write_ndjson().encode(), "application/x-ndjson"),
    ]
    for number, (content, media) in enumerate(forms):
        answer = api.ask(
            "PUT",
            f"/models/fares/reference?version=v{number}",
            content=content,
            headers={"Content-Type": media},
        )
        assert answer.json() == {"model": "fares", "version": f"v{number}", "rows": 200}
    shown = api.ask("GET", "/models/fares").json()
    assert [(item["version"], item["has_reference"]) for item in shown["versions"]] == [
        ("v0", True),
        ("v1", True),
        ("v2", True),
    ]
    assert [rule["measure"] for rule in shown["rules"]] == ["mae"]


@pytest.mark.parametrize(
    ("content", "media", "status", "words"),
    [
        (b"x", "text/csv", 415, "send one of"),
        (b"x", "application/vnd.apache.parquet", 422, "no application/vnd.apache.parquet"),
        (b"x", "application/vnd.apache.arrow.stream", 422, "Arrow IPC stream"),
        (
            b'{"x": "high", "carrier": "UA"}\n',
            "application/x-ndjson",
            422,
            "row 0, x: a number is needed, 'high'",
        ),
    ],
)
def test_a_reference_that_cannot_be_read(
    api: Api, content: bytes, media: str, status: int, words: str
) -> None:
    """Is refused whole."""
    answer = api.ask("PUT", "/models/late/reference", content=content, headers={"Content-Type": media})
    assert answer.status_code == status
    assert words in answer.json()["detail"]


def test_forms_and_declarations_are_small(api: Api) -> None:
    """A mebibyte is a lot of declaration."""
    big = b" " * (2**20 + 1)
    for method, path in (("PUT", "/models/new"), ("POST", "/tokens"), ("POST", "/incidents/1/silence")):
        answer = api.ask(method, path, content=big, headers={"Content-Type": "application/json"})
        assert (answer.status_code, answer.json()["type"]) == (413, "/problems/too-large")


def test_trouble_of_a_consumer_is_not_ready(api: Api) -> None:
    """So that nobody is sent to a server that does not get on."""
    api.watch.pump.health.errors["archiver"] = "disk full"
    answer = api.ask("GET", "/health/ready")
    assert (answer.status_code, "archiver" in answer.json()["detail"]) == (503, True)
    assert api.ask("GET", "/health/live").status_code == 200


def test_the_document_is_served_and_whole(api: Api) -> None:
    """Every route of the application is in it, every reference in it leads somewhere, nothing leads off the host."""
    served = api.ask("GET", "/openapi.json").json()
    assert served == openapi()
    routes = {route.path for route in api.app.routes if getattr(route, "path", "").startswith("/api/v1/")}
    assert routes - {"/api/v1/openapi.json"} <= set(served["paths"])
    text = api.ask("GET", "/openapi.json").text
    names = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert names <= set(served["components"]["schemas"])
    assert "http://" not in text
    for operations in served["paths"].values():
        for operation in operations.values():
            assert operation.get("description") or operation.get("summary")


def test_problems_are_explained(api: Api) -> None:
    """At the address that their type gives."""
    import asyncio

    import httpx

    async def ask(slug: str) -> httpx.Response:
        transport = httpx.ASGITransport(app=api.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.get(f"/problems/{slug}")

    assert asyncio.run(ask("busy")).json()["status"] == 503
    assert asyncio.run(ask("nonsense")).status_code == 404
