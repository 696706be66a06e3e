"""Schemathesis asks whatever the OpenAPI document allows, and what it does not, of a real watch."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.server.conftest import DELAY, LATE, Api, HandClock

from anchorwatch.app.watch import Watch
from anchorwatch.server.app import create_app
from anchorwatch.server.document import openapi

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemathesis.schemas import BaseSchema

EXAMPLES = int(os.environ.get("ANCHORWATCH_SCHEMA_EXAMPLES", "60"))
CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
)


@schemathesis.serializer("application/x-ndjson", "application/jsonl", "application/vnd.apache.arrow.stream")
def as_bytes(_context: object, value: object) -> bytes:
    """Binary bodies as they are, whatever else as text."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


RUN = settings(
    max_examples=EXAMPLES,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
    derandomize=True,
    database=None,
)


@dataclass(frozen=True)
class Asked:
    """The document as Schemathesis reads it, and a token that may do everything."""

    schema: BaseSchema
    token: dict[str, str]


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    """A watch with a day of events and its document."""
    clock = HandClock()
    with Watch.open(tmp_path_factory.mktemp("schema") / "store", clock=clock, start=False) as watch:
        watch.apply(LATE)
        watch.apply(DELAY)
        app = create_app(watch, clock=clock)
        api = Api(watch, app, clock).filled()
        yield Asked(schemathesis.openapi.from_asgi("/api/v1/openapi.json", app), api.token("admin"))
        app.state.door.intake.close()


OPERATIONS = [(path, method) for path, methods in openapi()["paths"].items() for method in methods]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "method"), OPERATIONS, ids=[f"{method} {path}" for path, method in OPERATIONS]
)
def test_the_document_tells_the_truth(asked: Asked, path: str, method: str) -> None:
    """No request makes the server fail, and every answer is one that the document announces."""
    operation = asked.schema[path][method]
    modes = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
    cases = st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in modes))

    @RUN
    @given(cases, st.booleans())
    def check(case: schemathesis.Case, known: bool) -> None:
        if known and "model" in (case.path_parameters or {}):
            case.path_parameters["model"] = "late"
        case.call_and_validate(checks=CHECKS, headers=asked.token)

    check()
